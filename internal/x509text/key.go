package x509text

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"go.step.sm/crypto/pemutil"
)

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

// EncryptPrivateKey returns the key as encrypted PKCS#8 in PEM (RFC 5958,
// section 3): PBES2 with AES-256 in CBC mode, and PBKDF2 with HMAC-SHA-256 and
// 600,000 iterations, which is OWASP's current advice.
func EncryptPrivateKey(key crypto.Signer, passphrase string) (string, error) {
	if passphrase == "" {
		return "", errors.New("the passphrase is empty: give one, or store the key without")
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

// ParsePrivateKey reads the first private key of a PEM text, in any form that
// OpenSSL writes: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017), SEC 1 (RFC 5915, with
// or without a block of EC PARAMETERS), and the first of them encrypted (PBES2)
// or all of them with the older `Proc-Type: 4,ENCRYPTED` headers (RFC 1421).
// Certificates in front of the key are passed over. A key of an algorithm that
// [KeyAlgorithmOf] refuses is an error. Errors never repeat the text.
func ParsePrivateKey(text string, passphrase string) (crypto.Signer, error) {
	for block := range blocks(text) {
		switch block.Type {
		case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
			if encrypted(block) {
				return decrypt(block, passphrase)
			}
			return parsePrivateKeyDER(block.Bytes)
		case "EC PARAMETERS", "CERTIFICATE":
			continue
		default:
			return nil, fmt.Errorf("a PEM block of type %q is not a private key that can be used here", block.Type)
		}
	}
	return nil, NotFound("private key", "PRIVATE KEY", text)
}

// Encrypted reports whether the first private key of a PEM text needs a
// passphrase.
func Encrypted(text string) bool {
	for block := range blocks(text) {
		if isPrivateKey(block) {
			return encrypted(block)
		}
	}
	return false
}

// PrivateKeys counts the private keys of a PEM text, in any form.
func PrivateKeys(text string) int {
	n := 0
	for block := range blocks(text) {
		if isPrivateKey(block) {
			n++
		}
	}
	return n
}

func isPrivateKey(block *pem.Block) bool { return strings.HasSuffix(block.Type, "PRIVATE KEY") }

// encrypted reports whether a private key says so by its type (RFC 7468,
// section 11), or by either of the two headers of RFC 1421, section 4.6.
func encrypted(block *pem.Block) bool {
	return block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED")
}

func decrypt(block *pem.Block, passphrase string) (key crypto.Signer, err error) {
	if passphrase == "" {
		return nil, ErrPassphraseMissing
	}
	// Whatever its headers say: they do not keep pemutil from PKCS#8.
	if block.Type == "ENCRYPTED PRIVATE KEY" {
		if err := checkEncryption(block.Bytes); err != nil {
			return nil, err
		}
	}
	// A damaged block (a cut ciphertext, a short IV) makes CBC decryption panic.
	defer func() {
		if recover() != nil {
			key, err = nil, errors.New("the encrypted private key is damaged: restore it from a backup")
		}
	}()
	der, err := pemutil.DecryptPEMBlock(block, []byte(passphrase))
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, ErrPassphraseWrong
	}
	if err != nil {
		return nil, fmt.Errorf("decrypting the private key: %w", err)
	}
	// A wrong passphrase passes the padding check once in 256 times, and leaves
	// noise.
	if key, err = parsePrivateKeyDER(der); errors.Is(err, errDER) {
		return nil, ErrPassphraseWrong
	}
	return key, err
}

var errDER = errors.New("the private key cannot be read: its content is damaged or of an unsupported algorithm")

// parsePrivateKeyDER reads any of the three forms. The type of the block does
// not matter: some programs write PKCS#8 as EC PRIVATE KEY, and crypto/tls and
// OpenSSL read it.
func parsePrivateKeyDER(der []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		key, err = x509.ParsePKCS1PrivateKey(der)
	}
	if err != nil {
		key, err = x509.ParseECPrivateKey(der)
	}
	if err != nil {
		return nil, errDER
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
