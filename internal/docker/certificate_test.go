package docker

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"net"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func TestParseCertificate(t *testing.T) {
	ca := newAuthority(t, x509.Certificate{}, 0)
	template := serverTemplate()
	template.Subject = pkix.Name{
		CommonName: "web1.example.com", Organization: []string{"Example", "Example Two"}, OrganizationalUnit: []string{"Ops"},
		StreetAddress: []string{"1 Main St"}, Locality: []string{"Springfield"}, Province: []string{"Oregon"},
		Country: []string{"US"}, PostalCode: []string{"97475"},
		ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidEmailAddress, Value: "ops@example.com"}},
	}
	template.IPAddresses = append(template.IPAddresses, net.ParseIP("2001:db8::1"))
	template.URIs = []*url.URL{{Scheme: "spiffe", Host: "example.com", Path: "/web1"}}
	template.EmailAddresses = []string{"root@example.com"}
	template.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 311, 20, 2, 2}}
	server := ca.identity(t, template, 0)

	// A bundle, text before it, and the key first: the first certificate counts.
	got, err := ParseCertificate("a comment\n" + server.PrivateKeyPEM + server.CertPEM + server.CACertPEM)
	if err != nil {
		t.Fatal(err)
	}
	leaf := pair(t, server).Leaf
	sum := sha256.Sum256(leaf.Raw)
	if got.FingerprintSHA256 != hex.EncodeToString(sum[:]) || len(got.FingerprintSHA1) != 40 {
		t.Errorf("fingerprints %s, %s", got.FingerprintSHA256, got.FingerprintSHA1)
	}
	if got.SerialNumber != leaf.SerialNumber.Text(16) {
		t.Errorf("serial number %s", got.SerialNumber)
	}
	if got.AuthorityKeyID != hex.EncodeToString(ca.cert.SubjectKeyId) || got.AuthorityKeyID == "" {
		t.Errorf("authority key ID %q", got.AuthorityKeyID)
	}
	if !strings.Contains(got.Subject.DistinguishedName, "O=Example+O=Example Two") {
		t.Errorf("distinguished name %s", got.Subject.DistinguishedName)
	}
	got.FingerprintSHA256, got.FingerprintSHA1, got.SerialNumber, got.AuthorityKeyID, got.Subject.DistinguishedName = "", "", "", "", ""
	want := Certificate{
		Subject: Name{
			CommonName: "web1.example.com", Organization: "Example", OrganizationalUnit: "Ops",
			StreetAddress: []string{"1 Main St"}, Locality: "Springfield", Province: "Oregon", Country: "US",
			PostalCode: "97475", EmailAddress: "ops@example.com",
		},
		Issuer: Name{
			CommonName: "Docker TLS CA", Organization: "Example", SerialNumber: "0123456789abcdef", StreetAddress: []string{},
			DistinguishedName: "SERIALNUMBER=0123456789abcdef,CN=Docker TLS CA,O=Example",
		},
		ValidityStartTime:  "2026-05-01T11:00:00Z",
		ValidityEndTime:    "2026-05-02T12:00:00Z",
		DNSNames:           []string{"web1.example.com", "localhost"},
		IPAddresses:        []string{"127.0.0.1", "2001:db8::1"},
		EmailAddresses:     []string{"root@example.com"},
		URIs:               []string{"spiffe://example.com/web1"},
		KeyUsages:          []string{"digitalSignature"},
		ExtendedKeyUsages:  []string{"serverAuth", "1.3.6.1.4.1.311.20.2.2"},
		KeyAlgorithm:       "ECDSA_P256",
		SignatureAlgorithm: "ECDSA-SHA256",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestParseCertificateOfAnAuthority(t *testing.T) {
	got, err := ParseCertificate(newAuthority(t, x509.Certificate{}, 0).pem())
	if err != nil {
		t.Fatal(err)
	}
	if !got.IsCA || !reflect.DeepEqual(got.KeyUsages, []string{"keyCertSign", "cRLSign"}) || len(got.ExtendedKeyUsages) != 0 || got.SubjectKeyID == "" {
		t.Errorf("got %+v", got)
	}
	if !reflect.DeepEqual(got.Subject, got.Issuer) {
		t.Errorf("subject %+v, issuer %+v", got.Subject, got.Issuer)
	}
}

func TestKeyAlgorithm(t *testing.T) {
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	onCurve := func(c elliptic.Curve) *ecdsa.PublicKey {
		key, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return &key.PublicKey
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		key  any
		want string
	}{
		{onCurve(elliptic.P224()), "ECDSA_P224"},
		{onCurve(elliptic.P256()), "ECDSA_P256"},
		{onCurve(elliptic.P384()), "ECDSA_P384"},
		{onCurve(elliptic.P521()), "ECDSA_P521"},
		{&small.PublicKey, "RSA_1024"},
		{newKey(t, 2048).Public(), "RSA_2048"},
		{ed, "ED25519"},
	} {
		if got := keyAlgorithm(&x509.Certificate{PublicKey: test.key}); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestParseCertificateErrors(t *testing.T) {
	server := one(t)
	for _, test := range []struct{ name, in, want string }{
		{"empty", "", "no PEM certificate"},
		{"a path", "ca.pem", "no PEM certificate"},
		{"a key", server.PrivateKeyPEM, "this PEM holds a PRIVATE KEY and no certificate"},
		{"damaged", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "the first certificate: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseCertificate(test.in)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
