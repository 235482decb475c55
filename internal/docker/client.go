package docker

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// ClientFiles returns a client's files by name, the key among them unless its
// holder keeps it: by default those of ~/.docker, or DOCKER_CERT_PATH. Errors of
// the options are [*OptionError].
func ClientFiles(client Identity, o FileOptions) (map[string]string, error) {
	client, err := client.asClient(o)
	if err != nil {
		return nil, err
	}
	return o.layout.files(client), nil
}

// asClient checks the identity of a client, and has it trust whom the options name.
func (id Identity) asClient(o FileOptions) (Identity, error) {
	if err := id.check(x509.ExtKeyUsageClientAuth); err != nil {
		return id, err
	}
	return id.trusting("daemons", o.trusted)
}

// ClientEnv returns the environment variables that point the docker command,
// and everything built on Docker's libraries, at a daemon. An empty certPath
// leaves DOCKER_CERT_PATH out, so that ~/.docker is read.
func ClientEnv(e Endpoint, certPath string) map[string]string {
	env := map[string]string{"DOCKER_HOST": e.URL(), "DOCKER_TLS_VERIFY": "1"}
	if certPath != "" {
		env["DOCKER_CERT_PATH"] = certPath
	}
	return env
}

// CheckCertPath refuses a DOCKER_CERT_PATH that only a shell could expand.
func CheckCertPath(p string) error {
	if strings.TrimSpace(p) == "" {
		return errors.New("cert_path is empty: leave it out to use ~/.docker")
	}
	if strings.HasPrefix(p, "~") {
		return fmt.Errorf("cert_path %q: no shell expands ~ in an environment variable; write pathexpand(%q)", p, p)
	}
	return nil
}
