package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"go.step.sm/crypto/pemutil"
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

// minRSABits is the smallest RSA modulus that today's TLS stacks accept
// (OpenSSL at security level 2, NIST SP 800-131A).
const minRSABits = 2048

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
// has a name (`RSA_1024`); whether it is good enough is for [CheckKey] to say.
func KeyAlgorithmOf(public crypto.PublicKey) (KeyAlgorithm, error) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		return KeyAlgorithm(fmt.Sprintf("RSA_%d", key.N.BitLen())), nil
	case ed25519.PublicKey:
		return Ed25519, nil
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return ECDSAP256, nil
		case elliptic.P384():
			return ECDSAP384, nil
		case elliptic.P521():
			return ECDSAP521, nil
		}
		return "", fmt.Errorf("the elliptic curve %s is not supported: use P-256, P-384 or P-521", key.Curve.Params().Name)
	}
	return "", fmt.Errorf("keys of type %T are not supported: use ECDSA, RSA or Ed25519", public)
}

// CheckKey reports whether a key that was made elsewhere may be certified.
func CheckKey(public crypto.PublicKey) error {
	if key, ok := public.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
		return fmt.Errorf("an RSA key of %d bits is too short: use at least %d", key.N.BitLen(), minRSABits)
	}
	_, err := KeyAlgorithmOf(public)
	return err
}

// Errors of [ParsePrivateKey] that a caller tells apart.
var (
	ErrPassphraseMissing = errors.New("the private key is encrypted and no passphrase was given")
	ErrPassphraseWrong   = errors.New("the passphrase does not decrypt the private key")
)

// EncodePrivateKey returns the key as unencrypted PKCS#8 in PEM (RFC 5958, RFC
// 7468 section 10): the one encoding that every Docker client loads.
func EncodePrivateKey(key crypto.Signer) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("encoding the private key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// ParsePrivateKey reads the first private key of a PEM text, in any form that
// OpenSSL writes: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017), SEC 1 (RFC 5915, with
// or without a block of EC PARAMETERS), and the first of them encrypted (PBES2)
// or all of them with the older `Proc-Type: 4,ENCRYPTED` headers (RFC 1421).
// Errors never repeat the text.
func ParsePrivateKey(text string, passphrase string) (crypto.Signer, error) {
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errors.New("no private key found: a PEM text that begins with -----BEGIN PRIVATE KEY----- is expected")
		}
		switch block.Type {
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
			der, kind, err := decrypt(block, passphrase)
			if err != nil {
				return nil, err
			}
			return parsePrivateKeyDER(der, kind)
		case "EC PARAMETERS", "CERTIFICATE":
			continue
		default:
			return nil, fmt.Errorf("a PEM block of type %q is not a private key that can be used here", block.Type)
		}
	}
}

// Encrypted reports whether the first private key of a PEM text needs a
// passphrase.
func Encrypted(text string) bool {
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return false
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != ""
		}
	}
}

// decrypt returns the DER of a private key block and the type of an
// unencrypted block with the same content.
func decrypt(block *pem.Block, passphrase string) (der []byte, kind string, err error) {
	legacy := block.Headers["DEK-Info"] != ""
	if !legacy && block.Type != "ENCRYPTED PRIVATE KEY" {
		return block.Bytes, block.Type, nil
	}
	if passphrase == "" {
		return nil, "", ErrPassphraseMissing
	}
	kind = block.Type
	if !legacy {
		kind = "PRIVATE KEY"
		if err := checkEncryption(block.Bytes); err != nil {
			return nil, "", err
		}
	}
	// A damaged block (a cut ciphertext, a short IV) makes CBC decryption panic.
	defer func() {
		if recover() != nil {
			der, kind, err = nil, "", errors.New("the encrypted private key is damaged")
		}
	}()
	der, err = pemutil.DecryptPEMBlock(block, []byte(passphrase))
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, "", ErrPassphraseWrong
	}
	if err != nil {
		return nil, "", fmt.Errorf("decrypting the private key: %w", err)
	}
	// A wrong passphrase passes the padding check once in 256 times.
	if _, err := parsePrivateKeyDER(der, kind); err != nil {
		return nil, "", ErrPassphraseWrong
	}
	return der, kind, nil
}

func parsePrivateKeyDER(der []byte, kind string) (crypto.Signer, error) {
	var key any
	var err error
	switch kind {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(der)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(der)
	default:
		key, err = x509.ParsePKCS8PrivateKey(der)
	}
	if err != nil {
		return nil, errors.New("the private key cannot be read: its content is damaged or of an unsupported algorithm")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a private key of type %T cannot sign: use ECDSA, RSA or Ed25519", key)
	}
	if _, err := KeyAlgorithmOf(signer.Public()); err != nil {
		return nil, err
	}
	return signer, nil
}

// SamePublicKey reports whether two public keys are the same.
func SamePublicKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// EncryptPrivateKey returns the key as encrypted PKCS#8 in PEM (RFC 5958,
// section 3): PBES2 with AES-256 in CBC mode, and PBKDF2 with HMAC-SHA-256 and
// 600,000 iterations, which is OWASP's current advice.
func EncryptPrivateKey(key crypto.Signer, passphrase string) (string, error) {
	if passphrase == "" {
		return "", errors.New("the passphrase is empty")
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("encoding the private key: %w", err)
	}
	block, err := pemutil.EncryptPKCS8PrivateKey(rand.Reader, der, []byte(passphrase), x509.PEMCipherAES256)
	if err != nil {
		return "", fmt.Errorf("encrypting the private key: %w", err)
	}
	return string(pem.EncodeToMemory(block)), nil
}
