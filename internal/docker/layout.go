package docker

import (
	"fmt"
	"slices"
	"strings"
)

// layout is what a program calls the files of a side. Some read the authority's
// from several places.
type layout struct {
	cert, key string
	ca        []string
}

// defaultLayout is Docker's own.
const defaultLayout = "docker"

// Layouts by the program that reads the files. Names are those of its
// documentation, or of its flags where that has none.
var (
	serverLayouts = map[string]layout{
		defaultLayout: {"server-cert.pem", "server-key.pem", []string{"ca.pem"}},
		// Below DOCKER_TLS_CERTDIR. Older images make an authority, and issue over
		// these files, where ca/cert.pem is missing.
		"dind":      {"server/cert.pem", "server/key.pem", []string{"server/ca.pem", "ca/cert.pem"}},
		"buildkitd": {"cert.pem", "key.pem", []string{"ca.pem"}},        // --tlscert, --tlskey, --tlscacert
		"registry":  {"domain.crt", "domain.key", []string{"ca.crt"}},   // http.tls: certificate, key, clientcas
		"podman":    {"cert.pem", "key.pem", []string{"client-ca.pem"}}, // --tls-cert, --tls-key, --tls-client-ca
	}
	clientLayouts = map[string]layout{
		defaultLayout: {"cert.pem", "key.pem", []string{"ca.pem"}},
		"dind":        {"client/cert.pem", "client/key.pem", []string{"client/ca.pem"}}, // below DOCKER_TLS_CERTDIR
		"buildx":      {"cert.pem", "key.pem", []string{"ca.pem"}},                      // driver remote: cert, key, cacert
		"registry":    {"client.cert", "client.key", []string{"ca.crt"}},                // certs.d/HOST:PORT
		"podman":      {"cert.pem", "key.pem", []string{"ca.pem"}},                      // --tls-cert, --tls-key, --tls-ca
	}
)

// layoutNames lists the layouts of a side, Docker's own first.
func layoutNames(layouts map[string]layout) string {
	names := slices.DeleteFunc(sortedKeys(layouts), func(name string) bool { return name == defaultLayout })
	return strings.Join(append([]string{defaultLayout}, names...), ", ")
}

// findLayout reads the option of that name. other has the layouts of the other
// side, which a function of another name returns.
func findLayout(value any, layouts, other map[string]layout, otherFunction string) (layout, error) {
	name, _ := value.(string)
	if l, ok := layouts[name]; ok {
		return l, nil
	}
	if _, ok := other[name]; ok {
		return layout{}, optionErrorf("option \"layout\" is %q, which %s has: the layouts here are %s", name, otherFunction, layoutNames(layouts))
	}
	return layout{}, optionErrorf("option \"layout\" is %s: the layouts are %s", describe(value), layoutNames(layouts))
}

// files are the identity's files by name. A key that its holder keeps is not
// among them.
func (l layout) files(id Identity) map[string]string {
	files := map[string]string{l.cert: id.CertPEM}
	for _, name := range l.ca {
		files[name] = id.CACertPEM
	}
	if id.PrivateKeyPEM != "" {
		files[l.key] = id.PrivateKeyPEM
	}
	return files
}

// FileOptions say how the files of one side are named and whom it trusts. The
// zero value is not usable: take [NewServerFileOptions] or [NewClientFileOptions].
type FileOptions struct {
	layout  layout
	trusted []authorityRoots // nil means the authority of the certificate
}

// NewServerFileOptions checks raw options of [ServerFiles], as [NewOptions] does:
// layout and clients.
func NewServerFileOptions(raw map[string]any) (FileOptions, error) {
	return newFileOptions(raw, "clients", func(value any) (layout, error) {
		return findLayout(value, serverLayouts, clientLayouts, "client_files")
	})
}

// NewClientFileOptions checks raw options of [ClientFiles], as [NewOptions] does:
// layout and daemons.
func NewClientFileOptions(raw map[string]any) (FileOptions, error) {
	return newFileOptions(raw, "daemons", func(value any) (layout, error) {
		return findLayout(value, clientLayouts, serverLayouts, "server_files")
	})
}

// NewContextOptions checks raw options of [ContextArchive], as [NewOptions] does:
// daemons.
func NewContextOptions(raw map[string]any) (FileOptions, error) {
	return newFileOptions(raw, "daemons", nil)
}

// newFileOptions reads an option that lists authorities and, if find is not nil,
// a layout.
func newFileOptions(raw map[string]any, authorities string, find func(any) (layout, error)) (o FileOptions, err error) {
	keys := []string{authorities}
	if find != nil {
		keys = []string{"layout", authorities}
		if o.layout, err = find(defaultLayout); err != nil {
			return o, err
		}
	}
	if err := checkKeys(raw, keys); err != nil {
		return o, err
	}
	if value := raw["layout"]; !isAbsent(value) {
		if o.layout, err = find(value); err != nil {
			return o, err
		}
	}
	if value := raw[authorities]; !isAbsent(value) {
		o.trusted, err = trusted(authorities, value)
	}
	return o, err
}

// checkKeys refuses a key that is no option.
func checkKeys(raw map[string]any, keys []string) error {
	for _, key := range sortedKeys(raw) {
		if !slices.Contains(keys, key) {
			options := "options are " + strings.Join(keys, ", ")
			if len(keys) == 1 {
				options = fmt.Sprintf("only option is %s", keys[0])
			}
			return optionErrorf("unknown option %q: the %s", key, options)
		}
	}
	return nil
}
