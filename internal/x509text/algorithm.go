package x509text

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"
)

// KeyAlgorithm names an algorithm together with its size, as in `ECDSA_P256`.
type KeyAlgorithm string

// The algorithms that keys are made with.
const (
	ECDSAP256 KeyAlgorithm = "ECDSA_P256"
	ECDSAP384 KeyAlgorithm = "ECDSA_P384"
	ECDSAP521 KeyAlgorithm = "ECDSA_P521"
	RSA2048   KeyAlgorithm = "RSA_2048"
	RSA3072   KeyAlgorithm = "RSA_3072"
	RSA4096   KeyAlgorithm = "RSA_4096"
	Ed25519   KeyAlgorithm = "ED25519"
)

// KeyAlgorithms lists what [KeyAlgorithm.Generate] accepts, the default first.
func KeyAlgorithms() []KeyAlgorithm {
	return []KeyAlgorithm{ECDSAP256, ECDSAP384, ECDSAP521, RSA2048, RSA3072, RSA4096, Ed25519}
}

// Generate makes a new private key.
func (a KeyAlgorithm) Generate() (crypto.Signer, error) {
	switch a {
	case ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case ECDSAP521:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("unknown key algorithm %q: use one of %v", a, KeyAlgorithms())
}

// Successor is the algorithm of the key that follows one of this algorithm: the
// same, unless no keys are made with it, as with `RSA_1024` of an imported
// certificate.
func (a KeyAlgorithm) Successor() KeyAlgorithm {
	var bits int
	if _, err := fmt.Sscanf(string(a), "RSA_%d", &bits); err != nil {
		return a
	}
	switch {
	case bits <= 2048:
		return RSA2048
	case bits <= 3072:
		return RSA3072
	}
	return RSA4096
}

// KeyAlgorithmOf names the algorithm of a public key. An RSA key of any size
// has a name (`RSA_1024`). An elliptic curve that no TLS 1.3 signature scheme
// has (RFC 8446, section 4.2.3), such as P-224, is an error, and so is a key of
// any other kind.
func KeyAlgorithmOf(public crypto.PublicKey) (KeyAlgorithm, error) {
	name := nameKey(public)
	if name == "" {
		return "", fmt.Errorf("keys of type %T are not supported: use ECDSA, RSA or Ed25519", public)
	}
	if key, ok := public.(*ecdsa.PublicKey); ok && !slices.Contains(KeyAlgorithms(), name) {
		return "", fmt.Errorf("the elliptic curve %s is not supported: use P-256, P-384 or P-521", key.Curve.Params().Name)
	}
	return name, nil
}

// nameKey names every key that can be named, also one that nobody should use.
func nameKey(public crypto.PublicKey) KeyAlgorithm {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return KeyAlgorithm(fmt.Sprintf("RSA_%d", key.N.BitLen()))
	case *ecdsa.PublicKey:
		return KeyAlgorithm("ECDSA_" + strings.ReplaceAll(key.Curve.Params().Name, "-", ""))
	case ed25519.PublicKey:
		return Ed25519
	}
	return ""
}
