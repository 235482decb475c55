package pki

import (
	"crypto"
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Keyring remembers the private keys that it has read: to derive a key from a
// passphrase is slow by design, and one authority signs for a thousand hosts.
// The zero value is ready; it may be used concurrently.
type Keyring struct {
	keys sync.Map // of [sha256.Size]byte, func() (crypto.Signer, error)
}

// ParsePrivateKey is [x509text.ParsePrivateKey], once for each text and passphrase.
func (k *Keyring) ParsePrivateKey(text, passphrase string) (crypto.Signer, error) {
	// The index must not keep the passphrase, nor confuse where it begins.
	hash := sha256.New()
	hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
	hash.Write([]byte(text))
	hash.Write([]byte(passphrase))
	parse, _ := k.keys.LoadOrStore([sha256.Size]byte(hash.Sum(nil)), sync.OnceValues(func() (crypto.Signer, error) {
		return x509text.ParsePrivateKey(text, passphrase)
	}))
	return parse.(func() (crypto.Signer, error))() //nolint:errcheck // the map holds nothing else
}
