package docker

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
)

// contextName is the rule of docker/cli (cli/context/store).
var contextName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$`)

// CheckContextName applies the docker command's own rule for context names.
func CheckContextName(name string) error {
	switch {
	case name == "default":
		return errors.New(`"default" is the name of Docker's built-in context: choose another`)
	case !contextName.MatchString(name):
		return fmt.Errorf("context name %q: it must have at least two characters, begin with a letter or digit, and go on with letters, digits and _ . + -", name)
	}
	return nil
}

// ContextArchive returns the tar archive that `docker context import` reads and
// `docker context export` writes: meta.json and the endpoint's TLS files. name
// must have passed [CheckContextName].
//
// The docker command ignores a certificate without its key, silently, and would
// connect as a stranger; so a client without its key is an error.
func ContextArchive(name string, e Endpoint, client Identity, o FileOptions) ([]byte, error) {
	client, err := client.asClient(o)
	if err != nil {
		return nil, err
	}
	if client.PrivateKeyPEM == "" {
		return nil, errors.New("private_key_pem is null, because its holder keeps the key, and a context without a key cannot authenticate: " +
			"add it, as in merge(client, { private_key_pem = … }), or use client_files and put key.pem beside them")
	}
	type endpointMeta struct {
		Host          string
		SkipTLSVerify bool
	}
	meta, err := json.Marshal(struct {
		Name      string
		Metadata  struct{}
		Endpoints map[string]endpointMeta
	}{Name: name, Endpoints: map[string]endpointMeta{"docker": {Host: e.URL()}}})
	if err != nil {
		return nil, fmt.Errorf("writing meta.json: %w", err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range []file{
		{"meta.json", 0o644, string(meta)},
		{"tls/docker/ca.pem", 0o600, client.CACertPEM},
		{"tls/docker/cert.pem", 0o600, client.CertPEM},
		{"tls/docker/key.pem", 0o600, client.PrivateKeyPEM},
	} {
		// No time and no owner: the archive changes only when its content does.
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.path, Mode: int64(f.mode), Size: int64(len(f.content)), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("writing the context archive: %w", err)
		}
		if _, err := w.Write([]byte(f.content)); err != nil {
			return nil, fmt.Errorf("writing the context archive: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("writing the context archive: %w", err)
	}
	return b.Bytes(), nil
}
