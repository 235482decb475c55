package pki

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"strings"
	"testing"
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
	_, err = ParsePrivateKey(string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der})), "secret")
	if err == nil || !strings.Contains(err.Error(), "2147483648 iterations") {
		t.Errorf("the error is %v", err)
	}
}

func TestSuccessor(t *testing.T) {
	for algorithm, want := range map[KeyAlgorithm]KeyAlgorithm{
		"RSA_1024": RSA2048, RSA2048: RSA2048, "RSA_2056": RSA3072, RSA3072: RSA3072, RSA4096: RSA4096, "RSA_8192": RSA4096,
		ECDSAP521: ECDSAP521, Ed25519: Ed25519,
	} {
		if got := algorithm.Successor(); got != want {
			t.Errorf("%s is followed by %s, want %s", algorithm, got, want)
		}
	}
}
