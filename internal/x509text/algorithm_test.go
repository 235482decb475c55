package x509text_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

func TestUnknownKeyAlgorithm(t *testing.T) {
	_, err := x509text.KeyAlgorithm("DSA_1024").Generate()
	wantError(t, err, `unknown key algorithm "DSA_1024": use one of [ECDSA_P256 ECDSA_P384 ECDSA_P521 RSA_2048 RSA_3072 RSA_4096 ED25519]`)
}

func TestSuccessor(t *testing.T) {
	for algorithm, want := range map[x509text.KeyAlgorithm]x509text.KeyAlgorithm{
		"RSA_1024": x509text.RSA2048, x509text.RSA2048: x509text.RSA2048, "RSA_2056": x509text.RSA3072, x509text.RSA3072: x509text.RSA3072, x509text.RSA4096: x509text.RSA4096, "RSA_8192": x509text.RSA4096,
		x509text.ECDSAP521: x509text.ECDSAP521, x509text.Ed25519: x509text.Ed25519,
	} {
		if got := algorithm.Successor(); got != want {
			t.Errorf("%s is followed by %s, want %s", algorithm, got, want)
		}
	}
}

func TestKeyAlgorithmOf(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		key         any
		name, error string
	}{
		{&short.PublicKey, "RSA_1024", ""},
		{&p224.PublicKey, "", "the elliptic curve P-224 is not supported: use P-256, P-384 or P-521"},
		{nil, "", "keys of type <nil> are not supported: use ECDSA, RSA or Ed25519"},
	} {
		name, err := x509text.KeyAlgorithmOf(test.key)
		if wantError(t, err, test.error); string(name) != test.name {
			t.Errorf("called %q, want %q", name, test.name)
		}
	}
}
