package docker

import "crypto/x509"

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

// hostFiles are all files of a host: those of a daemon, and with [ListenSocket]
// the systemd units.
func hostFiles(server Identity, o Options) ([]file, error) {
	files, err := tlsFiles(server, o)
	if err != nil || o.Listen != ListenSocket {
		return files, err
	}
	return append(files,
		file{"/etc/systemd/system/" + socketUnitName, modeConfig, socketUnit(o)},
		file{"/etc/systemd/system/docker.service.d/" + dropInName, modeConfig, serviceDropIn(o, server.PrivateKeyPEM == "")}), nil
}

// tlsFiles are the certificates a daemon reads. Mode "tls" asks no client for a
// certificate, so it needs no ca.pem; a key that the host holds is not among
// them.
func tlsFiles(server Identity, o Options) ([]file, error) {
	if err := server.check(x509.ExtKeyUsageServerAuth); err != nil {
		return nil, err
	}
	config, err := DaemonJSON(o)
	if err != nil {
		return nil, err
	}
	var files []file
	if o.Mode == ModeTLSVerify {
		files = append(files, file{o.caFile(), modeCert, server.CACertPEM})
	}
	files = append(files, file{o.certFile(), modeCert, server.CertPEM})
	if server.PrivateKeyPEM != "" {
		files = append(files, file{o.keyFile(), modeKey, server.PrivateKeyPEM})
	}
	return append(files, file{daemonJSONPath, modeConfig, config}), nil
}
