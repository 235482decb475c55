package x509text_test

import (
	"context"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// TestIterations reads a key whose decryption would take hours. It must say so
// at once.
func TestIterations(t *testing.T) {
	type pbkdf2 struct {
		Salt       []byte
		Iterations int
	}
	type scheme struct {
		ID     asn1.ObjectIdentifier
		Params pbkdf2
	}
	type cipher struct {
		ID asn1.ObjectIdentifier
		IV []byte
	}
	params, err := asn1.Marshal(struct {
		KDF    scheme
		Cipher cipher
	}{
		scheme{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, pbkdf2{make([]byte, 8), 1 << 31}},
		cipher{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, make([]byte, 16)},
	})
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}{
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, Parameters: asn1.RawValue{FullBytes: params}},
		make([]byte, 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	// Headers of the older encryption do not lead past the bound.
	for _, headers := range []map[string]string{nil, {"DEK-Info": "AES-256-CBC,00"}, {"Proc-Type": "4,ENCRYPTED"}} {
		text := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Headers: headers, Bytes: der}))
		result := make(chan error, 1)
		go func() {
			_, err := x509text.ParsePrivateKey(text, "secret")
			result <- err
		}()
		select {
		case err := <-result:
			if err == nil || !strings.Contains(err.Error(), "2147483648 iterations") {
				t.Errorf("with the headers %v the error is %v", headers, err)
			}
		case <-ctx.Done(): // the suite must not wait for a bound that is broken
			t.Errorf("with the headers %v the derivation is still going on", headers)
		}
	}
}
