package docker

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

// ClientFiles returns the files of a Docker client's directory (~/.docker, or
// DOCKER_CERT_PATH) by name: ca.pem, cert.pem, and key.pem unless its holder
// keeps it.
func ClientFiles(client Identity) (map[string]string, error) {
	if err := client.check(x509.ExtKeyUsageClientAuth); err != nil {
		return nil, err
	}
	files := map[string]string{"ca.pem": client.CACertPEM, "cert.pem": client.CertPEM}
	if client.PrivateKeyPEM != "" {
		files["key.pem"] = client.PrivateKeyPEM
	}
	return files, nil
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
