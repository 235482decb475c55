package x509text_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"net/url"
	"reflect"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

func TestDescribe(t *testing.T) {
	certificate, _ := selfSigned(t, func(c *x509.Certificate) {
		c.Subject = pkix.Name{
			CommonName: "web1.example.com", Organization: []string{"Example", "Example Two"}, OrganizationalUnit: []string{"Ops"},
			StreetAddress: []string{"1 Main St"}, Locality: []string{"Springfield"}, Province: []string{"Oregon"},
			Country: []string{"US"}, PostalCode: []string{"97475"}, SerialNumber: "0123456789abcdef",
			ExtraNames: []pkix.AttributeTypeAndValue{{Type: x509text.OIDEmailAddress, Value: "ops@example.com"}},
		}
		c.DNSNames = []string{"web1.example.com", "localhost"}
		c.IPAddresses = []net.IP{net.ParseIP("127.0.0.1"), net.ParseIP("2001:db8::1")}
		c.URIs = []*url.URL{{Scheme: "spiffe", Host: "example.com", Path: "/web1"}}
		c.EmailAddresses = []string{"root@example.com"}
		c.KeyUsage = x509.KeyUsageDigitalSignature
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 311, 20, 2, 2}}
		c.SubjectKeyId, c.AuthorityKeyId = []byte{1, 2}, []byte{3}
	})
	name := x509text.Name{
		CommonName: "web1.example.com", Organization: "Example", OrganizationalUnit: "Ops",
		StreetAddress: []string{"1 Main St"}, Locality: "Springfield", Province: "Oregon", Country: "US",
		PostalCode: "97475", SerialNumber: "0123456789abcdef", EmailAddress: "ops@example.com",
		DistinguishedName: "SERIALNUMBER=0123456789abcdef,CN=web1.example.com,OU=Ops,O=Example+O=Example Two,POSTALCODE=97475,STREET=1 Main St,L=Springfield,ST=Oregon,C=US,1.2.840.113549.1.9.1=#0c0f6f7073406578616d706c652e636f6d",
	}
	want := x509text.Description{
		Subject: name, Issuer: name,
		SerialNumber:       "01",
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
		SubjectKeyID:       "0102",
		AuthorityKeyID:     "03",
		FingerprintSHA256:  x509text.Fingerprint(certificate),
		FingerprintSHA1:    x509text.FingerprintSHA1(certificate),
	}
	if got := x509text.Describe(certificate); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// No list is nil, however little is in a certificate.
func TestDescribeAnAuthority(t *testing.T) {
	certificate, _ := selfSigned(t, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	})
	got := x509text.Describe(certificate)
	if !got.IsCA || !reflect.DeepEqual(got.KeyUsages, []string{"keyCertSign", "cRLSign"}) || got.SubjectKeyID == "" {
		t.Errorf("got %+v", got)
	}
	for _, list := range [][]string{got.DNSNames, got.IPAddresses, got.EmailAddresses, got.URIs, got.ExtendedKeyUsages, got.Subject.StreetAddress} {
		if list == nil || len(list) > 0 {
			t.Errorf("a list is %#v", list)
		}
	}
}

// Every key has a name here, also one that nothing else accepts.
func TestDescribeKeys(t *testing.T) {
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	signer := generate(t, x509text.ECDSAP256)
	want := map[string]any{"ECDSA_P224": &p224.PublicKey, "RSA_1024": &short.PublicKey}
	for _, algorithm := range x509text.KeyAlgorithms() {
		want[string(algorithm)] = generate(t, algorithm).Public()
	}
	for name, public := range want {
		if got := x509text.Describe(certify(t, public, signer, nothingElse)).KeyAlgorithm; got != name {
			t.Errorf("got %s, want %s", got, name)
		}
	}
}

// crypto/x509 calls what it does not know 0. An OID says more.
func TestDescribeUnknownAlgorithms(t *testing.T) {
	key := openssl(t, "", "genpkey", "-algorithm", "ed448")
	request := openssl(t, key, "req", "-new", "-x509", "-key", "/dev/stdin", "-subj", "/CN=first/CN=last/emailAddress=a@example.com/emailAddress=b@example.com", "-days", "1")
	certificate, err := x509text.FirstCertificate(request)
	if err != nil {
		t.Fatal(err)
	}
	const ed448 = "1.3.101.113" // RFC 8410, section 3
	got := x509text.Describe(certificate)
	if got.KeyAlgorithm != ed448 || got.SignatureAlgorithm != ed448 {
		t.Errorf("key %s, signature %s", got.KeyAlgorithm, got.SignatureAlgorithm)
	}
	if got.Subject.CommonName != "last" || got.Subject.EmailAddress != "a@example.com" {
		t.Errorf("common name %s, e-mail address %s", got.Subject.CommonName, got.Subject.EmailAddress)
	}
}
