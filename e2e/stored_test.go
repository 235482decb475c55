package e2e

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// storedFleet is what a state holds of one authority and the certificates that it issued.
type storedFleet struct {
	authority stored            // zero if there is none
	leaves    map[string]stored // by type and key
}

// stored is what a state holds of one certificate.
type stored struct {
	Cert       string `json:"cert_pem"`
	Key        string `json:"private_key_pem"`
	CA         string `json:"ca_cert_pem"` // of a leaf
	Generation int    `json:"generation"`  // of an authority
}

// readFleet reads a state. An empty one is that of nothing.
func readFleet(text string) (storedFleet, error) {
	fleet := storedFleet{leaves: map[string]stored{}}
	if text == "" {
		return fleet, nil
	}
	var state struct {
		Resources []struct {
			Type      string
			Instances []struct {
				Key        any `json:"index_key"`
				Attributes stored
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		return fleet, fmt.Errorf("read the state: %w", err)
	}
	for _, resource := range state.Resources {
		for _, instance := range resource.Instances {
			if resource.Type == "docker_tls_ca" {
				fleet.authority = instance.Attributes
			} else {
				fleet.leaves[fmt.Sprint(resource.Type, instance.Key)] = instance.Attributes
			}
		}
	}
	return fleet, nil
}

// stateFile is the path of the state.
func (w workspace) stateFile() string { return filepath.Join(w.dir, "terraform.tfstate") }

// stateText is the state as it is in the file; "" if there is no file.
func (w workspace) stateText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(w.stateFile())
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

// fleet reads the state of the workspace.
func (w workspace) fleet(t *testing.T) storedFleet {
	t.Helper()
	fleet, err := readFleet(w.stateText(t))
	if err != nil {
		t.Fatal(err)
	}
	return fleet
}

// check says which certificate has lost its key, or is not accepted by who trusts the roots that it is delivered with,
// those that the authority has now, or ca, unless that is "".
func (f storedFleet) check(ca string) error {
	if f.authority != (stored{}) {
		if _, err := tls.X509KeyPair([]byte(f.authority.Cert), []byte(f.authority.Key)); err != nil {
			return fmt.Errorf("the key of the authority: %w", err)
		}
	}
	for name, leaf := range f.leaves {
		if _, err := tls.X509KeyPair([]byte(leaf.Cert), []byte(leaf.Key)); err != nil {
			return fmt.Errorf("the key of %s: %w", name, err)
		}
		for _, bundle := range []string{leaf.CA, f.authority.Cert, cmp.Or(ca, leaf.CA)} {
			if err := leaf.verify(bundle); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// verify checks the certificate, with the chain that follows it, as one who trusts the bundle does.
func (s stored) verify(bundle string) error {
	chain, err := x509text.ParseCertificates(s.Cert)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(bundle)) {
		return fmt.Errorf("no root to trust")
	}
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err
}

// isUnder reports whether the current root of the authority has signed the certificate.
func (s stored) isUnder(t *testing.T, authority stored) bool {
	t.Helper()
	certificate, err := x509text.FirstCertificate(s.Cert)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509text.FirstCertificate(authority.Cert)
	if err != nil {
		t.Fatal(err)
	}
	return certificate.CheckSignatureFrom(root) == nil
}

// exists reports whether there is a file.
func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Stat(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return err == nil
}

// move renames a file of the workspace.
func (w workspace) move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(w.dir, from), filepath.Join(w.dir, to)); err != nil {
		t.Fatal(err)
	}
}
