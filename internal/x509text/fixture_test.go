package x509text_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

func generate(t testing.TB, algorithm x509text.KeyAlgorithm) crypto.Signer {
	t.Helper()
	key, err := algorithm.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// selfSigned makes a certificate with little in it but what change sets.
func selfSigned(t testing.TB, change func(*x509.Certificate)) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key := generate(t, x509text.ECDSAP256)
	return certify(t, key.Public(), key, change), key
}

func certify(t testing.TB, public crypto.PublicKey, key crypto.Signer, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "web1.example.com"},
		NotBefore:    time.Date(2026, 5, 1, 11, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(2026, 5, 2, 12, 0, 0, 0, time.UTC),
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func nothingElse(*x509.Certificate) {}

func samePublicKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// wantError fails unless err has exactly the given text; an empty one means
// that no error is wanted.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil && want != "":
		t.Errorf("no error; want %q", want)
	case err != nil && err.Error() != want:
		t.Errorf("error %q; want %q", err, want)
	}
}

// openssl runs the installed openssl and returns what it prints.
func openssl(t testing.TB, input string, arguments ...string) string {
	t.Helper()
	command := exec.Command("openssl", arguments...)
	command.Stdin = strings.NewReader(input)
	var output, complaint strings.Builder
	command.Stdout, command.Stderr = &output, &complaint
	if err := command.Run(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", arguments[0], err, complaint.String())
	}
	return output.String()
}
