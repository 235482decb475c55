package pki

import (
	"crypto"
	"crypto/rsa"
	"fmt"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// minRSABits is the smallest RSA modulus that today's TLS stacks accept
// (OpenSSL at security level 2, NIST SP 800-131A).
const minRSABits = 2048

// CheckKey reports whether a key that was made elsewhere may be certified.
func CheckKey(public crypto.PublicKey) error {
	if key, ok := public.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
		return fmt.Errorf("an RSA key of %d bits is too short: use at least %d", key.N.BitLen(), minRSABits)
	}
	_, err := x509text.KeyAlgorithmOf(public)
	return err
}

// SamePublicKey reports whether two public keys are the same.
func SamePublicKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}
