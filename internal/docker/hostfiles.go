package docker

import (
	"crypto/x509"
	"fmt"
)

// file is one file of a host, owned by root.
type file struct {
	path    string
	mode    uint32
	content string
}

// Modes of the files of a host.
const (
	modeKey    = 0o400
	modeCert   = 0o444
	modeConfig = 0o644
)

// HostFile is one file of a host, owned by root.
type HostFile struct {
	Content     string
	Permissions string // four octal digits, as "0400"
}

func byPath(files []file) map[string]HostFile {
	all := make(map[string]HostFile, len(files))
	for _, f := range files {
		all[f.path] = HostFile{Content: f.content, Permissions: fmt.Sprintf("%04o", f.mode)}
	}
	return all
}

// HostFiles returns the files that [CloudConfig] writes, by path. Errors of the
// options are [*OptionError].
func HostFiles(server Identity, o Options) (map[string]HostFile, error) {
	files, err := hostFiles(server, o)
	if err != nil {
		return nil, err
	}
	return byPath(files), nil
}

// ServerFiles returns a daemon's certificates by file name, the key among them
// unless its holder keeps it. Errors of the options are [*OptionError].
func ServerFiles(server Identity, o FileOptions) (map[string]string, error) {
	server, err := server.asServer(o.trusted)
	if err != nil {
		return nil, err
	}
	return o.layout.files(server), nil
}

// asServer checks the identity of a daemon, and has it trust those clients.
func (id Identity) asServer(clients []authorityRoots) (Identity, error) {
	if err := id.check(x509.ExtKeyUsageServerAuth); err != nil {
		return id, err
	}
	return id.trusting("clients", clients)
}

// hostFiles are all files of a host: those of a daemon, and with [ListenSocket]
// the systemd units.
func hostFiles(server Identity, o Options) ([]file, error) {
	files, err := tlsFiles(server, o)
	if err != nil {
		return nil, err
	}
	return append(files, o.units(server.PrivateKeyPEM == "")...), nil
}

// units are the systemd units of [ListenSocket].
func (o Options) units(keyOnHost bool) []file {
	if o.Listen != ListenSocket {
		return nil
	}
	return []file{
		{"/etc/systemd/system/" + socketUnitName, modeConfig, socketUnit(o)},
		{"/etc/systemd/system/docker.service.d/" + dropInName, modeConfig, serviceDropIn(o, keyOnHost)},
	}
}

// tlsFiles are the certificates a daemon reads. Mode "tls" asks no client for a
// certificate, so it needs no ca.pem; a key that the host holds is not among
// them.
func tlsFiles(server Identity, o Options) ([]file, error) {
	server, err := server.asServer(o.Clients)
	if err != nil {
		return nil, err
	}
	config, err := DaemonJSON(o)
	if err != nil {
		return nil, err
	}
	return append(server.filesAt(o.Paths()), file{DaemonJSONPath, modeConfig, config}), nil
}

// filesAt are the certificates of a daemon at these paths.
func (id Identity) filesAt(paths CertificatePaths) []file {
	var files []file
	if paths.CA != "" {
		files = append(files, file{paths.CA, modeCert, id.CACertPEM})
	}
	files = append(files, file{paths.Cert, modeCert, id.CertPEM})
	if id.PrivateKeyPEM != "" {
		files = append(files, file{paths.Key, modeKey, id.PrivateKeyPEM})
	}
	return files
}

// CertificateFiles returns the certificates that a daemon reads at these paths, by
// path. Of the options, Clients counts alone.
func CertificateFiles(server Identity, o Options, paths CertificatePaths) (map[string]HostFile, error) {
	server, err := server.asServer(o.Clients)
	if err != nil {
		return nil, err
	}
	return byPath(server.filesAt(paths)), nil
}

// Paths are where the options put the certificates.
func (o Options) Paths() CertificatePaths {
	paths := CertificatePaths{Cert: o.certFile(), Key: o.keyFile()}
	if o.Mode == ModeTLSVerify {
		paths.CA = o.caFile()
	}
	return paths
}

// UnitFiles returns the systemd units of [ListenSocket] by path, and none with
// [ListenHosts].
func (o Options) UnitFiles(keyOnHost bool) map[string]HostFile {
	return byPath(o.units(keyOnHost))
}
