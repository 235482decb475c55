package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

func TestSamePublicKey(t *testing.T) {
	a := keyOf(t, x509text.ECDSAP256).Public()
	for name, other := range map[string]crypto.PublicKey{
		"another key":       newKey(t).Public(),
		"another algorithm": keyOf(t, x509text.Ed25519).Public(),
		"nothing":           nil,
	} {
		if pki.SamePublicKey(a, other) || pki.SamePublicKey(other, a) {
			t.Errorf("the same as %s", name)
		}
	}
}

func TestCheckKeyRefuses(t *testing.T) {
	short, err := x509text.ParsePrivateKey(openssl(t, "", "genrsa", "1024"), "")
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		key  crypto.PublicKey
		want string
	}{
		"a short RSA key": {short.Public(), "an RSA key of 1024 bits is too short: use at least 2048"},
		"P-224":           {p224.Public(), "the elliptic curve P-224 is not supported: use P-256, P-384 or P-521"},
		"no key at all":   {nil, "keys of type <nil> are not supported: use ECDSA, RSA or Ed25519"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, pki.CheckKey(test.key), test.want) })
	}
}
