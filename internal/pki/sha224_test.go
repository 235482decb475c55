package pki_test

import (
	"strings"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// TestAdoptSHA224 takes over a root that is signed with SHA-224, which crypto/x509
// cannot check: nobody checks the signature of a root, so it is one like others.
func TestAdoptSHA224(t *testing.T) {
	both := openssl(t, "", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", "-", "-sha224", "-subj", "/CN=Old CA")
	bundle, err := x509text.FindCertificates(both)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509text.ParsePrivateKey(both, "")
	if err != nil {
		t.Fatal(err)
	}
	roots, _, err := pki.AdoptRoots(bundle, key, bundle[0].NotBefore)
	if err != nil {
		t.Fatal(err)
	}
	if odd := strings.Join(pki.RootOddities(roots[0], bundle[0].NotBefore), ", "); !strings.Contains(odd, "not supported, such as SHA-224") {
		t.Errorf("the oddities are %q", odd)
	}
}
