package functions

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// certify returns a certificate of a key with the given serial number.
func certify(t *testing.T, key *ecdsa.PrivateKey, serial int64) string {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "ci"},
		NotBefore: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return block("CERTIFICATE", der)
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func newKey(t *testing.T, curve elliptic.Curve) (key *ecdsa.PrivateKey, sec1, pkcs8 []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if sec1, err = x509.MarshalECPrivateKey(key); err != nil {
		t.Fatal(err)
	}
	if pkcs8, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	return key, sec1, pkcs8
}

// The functions deliver every key that the resources certify, octet for octet,
// and a Docker client reads what is delivered as crypto/tls does.
func TestKeySpellings(t *testing.T) {
	key, sec1, pkcs8 := newKey(t, elliptic.P256())
	cert := certify(t, key, 1)
	// The object identifier of P-256, which openssl ecparam writes in front of the key.
	parameters := block("EC PARAMETERS", []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7})
	for name, text := range map[string]string{
		"SEC 1":                    block("EC PRIVATE KEY", sec1),
		"SEC 1 with EC PARAMETERS": parameters + block("EC PRIVATE KEY", sec1),
		"PKCS#8":                   block("PRIVATE KEY", pkcs8),
		"PKCS#8 by another name":   block("EC PRIVATE KEY", pkcs8),
		"SEC 1 by another name":    block("PRIVATE KEY", sec1),
		"behind a certificate":     cert + block("PRIVATE KEY", pkcs8),
		"behind a text":            "Bag Attributes\n    friendlyName: ci\n" + block("PRIVATE KEY", pkcs8),
		"with CRLF":                strings.ReplaceAll(parameters+block("EC PRIVATE KEY", sec1), "\n", "\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tls.X509KeyPair([]byte(cert), []byte(text)); err != nil {
				t.Fatalf("crypto/tls does not read it: %v", err)
			}
			identity := identityOf(rootPEM(), cert, text)
			files, failure := run(t, "client_files", identity)
			if failure != nil {
				t.Fatal(failure)
			}
			if got := files.(basetypes.MapValue).Elements()["key.pem"]; !got.Equal(types.StringValue(text)) {
				t.Error("client_files changes the key")
			}
			if !strings.Contains(runText(t, "ignition", identity, dynamic()), base64.StdEncoding.EncodeToString([]byte(text))) {
				t.Error("ignition changes the key")
			}
			if !holds(runText(t, "cloud_init", identity, dynamic()), text) {
				t.Error("cloud_init changes the key")
			}
			archive, err := base64.StdEncoding.DecodeString(runText(t, "docker_context", types.StringValue("web1"), types.StringValue("web1"), identity))
			if err != nil || !bytes.Contains(archive, []byte(text)) {
				t.Errorf("docker_context changes the key: %v", err)
			}
		})
	}
}

// holds reports whether cloud-config has a file of this content: as a literal
// block, or in base64 what cannot be one.
func holds(cloudConfig, content string) bool {
	lines := strings.ReplaceAll(strings.TrimSuffix(content, "\n"), "\n", "\n   ")
	return strings.Contains(cloudConfig, "  content: |\n   "+lines+"\n") ||
		strings.Contains(cloudConfig, "  encoding: b64\n  content: '"+base64.StdEncoding.EncodeToString([]byte(content))+"'\n")
}

// TLS 1.3 has no signature scheme for P-224 (RFC 8446, section 4.2.3), so Docker
// would fail at its first connection.
func TestKeyThatDockerCannotUse(t *testing.T) {
	key, _, pkcs8 := newKey(t, elliptic.P224())
	cert := certify(t, key, 1)
	_, failure := run(t, "client_files", identityOf(rootPEM(), cert, block("PRIVATE KEY", pkcs8)))
	if failure == nil || !strings.Contains(failure.Text, "private_key_pem: the elliptic curve P-224 is not supported") {
		t.Errorf("the error is %v", failure)
	}
}

// The serial number is that of the resources: whole octets.
func TestSerialNumberOfWholeOctets(t *testing.T) {
	key, _, _ := newKey(t, elliptic.P256())
	for serial, want := range map[int64]string{1: "01", 0xabc: "0abc", 0xff: "ff", 0: "00"} {
		value, failure := run(t, "parse_certificate", types.StringValue(certify(t, key, serial)))
		if failure != nil {
			t.Fatal(failure)
		}
		got := value.(basetypes.ObjectValue).Attributes()["serial_number"]
		if !got.Equal(types.StringValue(want)) {
			t.Errorf("the serial number %d is %s, want %q", serial, got, want)
		}
	}
}
