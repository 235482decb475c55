package pki_test

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

var (
	oidSubjectKeyID     = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidSubjectAltName   = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidNameConstraints  = asn1.ObjectIdentifier{2, 5, 29, 30}
	oidAuthorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidExtKeyUsage      = asn1.ObjectIdentifier{2, 5, 29, 37}
)

// wantExtensions compares the extensions of a certificate, each of which is
// there once, with whether they are critical.
func wantExtensions(t *testing.T, certificate *x509.Certificate, want map[string]bool) {
	t.Helper()
	got := map[string]bool{}
	for _, extension := range certificate.Extensions {
		if _, twice := got[extension.Id.String()]; twice {
			t.Errorf("extension %s stands there twice", extension.Id)
		}
		got[extension.Id.String()] = extension.Critical
	}
	for id, critical := range want {
		if isCritical, ok := got[id]; !ok || isCritical != critical {
			t.Errorf("extension %s: there %t, critical %t; want critical %t", id, ok, isCritical, critical)
		}
		delete(got, id)
	}
	if len(got) > 0 {
		t.Errorf("unexpected extensions: %v", got)
	}
}

// wantIssued checks what all certificates have in common.
func wantIssued(t *testing.T, certificate *x509.Certificate, notAfter time.Time) {
	t.Helper()
	if certificate.Version != 3 {
		t.Errorf("version %d", certificate.Version)
	}
	if serial := certificate.SerialNumber; serial.Sign() <= 0 || len(serial.Bytes()) > 20 || serial.BitLen() < 64 {
		t.Errorf("serial number %x", serial)
	}
	if want := time.Date(2026, time.March, 29, 0, 30, 15, 0, time.UTC); !certificate.NotBefore.Equal(want) {
		t.Errorf("not before %s; want %s", certificate.NotBefore, want)
	}
	if !certificate.NotAfter.Equal(notAfter) {
		t.Errorf("not after %s; want %s", certificate.NotAfter, notAfter)
	}
	if certificate.SignatureAlgorithm == x509.SHA1WithRSA || certificate.SignatureAlgorithm == x509.ECDSAWithSHA1 {
		t.Error("signed with SHA-1")
	}
}

// wholeSecond is the moment of issue as a certificate can carry it.
var wholeSecond = time.Date(2026, time.March, 29, 1, 30, 15, 0, time.UTC)

func TestIssueRoot(t *testing.T) {
	for _, algorithm := range x509text.KeyAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			root := newGeneration(t, pki.RootRequest{Subject: fullSubject, ValidityHours: 48, Key: keyOf(t, algorithm)}, issued).root()
			wantIssued(t, root, wholeSecond.Add(48*time.Hour))
			wantExtensions(t, root, map[string]bool{
				oidBasicConstraints.String(): true,
				oidKeyUsage.String():         true,
				oidSubjectKeyID.String():     false,
				oidSubjectAltName.String():   false, // the e-mail address
			})
			if !root.IsCA || root.MaxPathLen != -1 || root.MaxPathLenZero {
				t.Errorf("CA %t, path length %d", root.IsCA, root.MaxPathLen)
			}
			if root.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
				t.Errorf("key usage %b", root.KeyUsage)
			}
			if got, want := root.Subject.SerialNumber, hex.EncodeToString(root.SubjectKeyId)[:16]; got != want {
				t.Errorf("serialNumber=%s; want %s", got, want)
			}
			if string(root.RawIssuer) != string(root.RawSubject) {
				t.Error("not self-issued")
			}
			wantFullSubject(t, root)
		})
	}
}

func wantFullSubject(t *testing.T, certificate *x509.Certificate) {
	t.Helper()
	if !slices.Equal(certificate.EmailAddresses, []string{fullSubject.EmailAddress}) {
		t.Errorf("e-mail addresses %q", certificate.EmailAddresses)
	}
	got := pki.SubjectOf(certificate.Subject)
	slices.Sort(got.StreetAddress)
	want := fullSubject
	if !slices.Equal(got.StreetAddress, want.StreetAddress) {
		t.Errorf("street address %q", got.StreetAddress)
	}
	got.StreetAddress, want.StreetAddress = nil, nil
	for field, pair := range map[string][2]string{
		"CN": {got.CommonName, want.CommonName}, "O": {got.Organization, want.Organization},
		"OU": {got.OrganizationalUnit, want.OrganizationalUnit}, "L": {got.Locality, want.Locality},
		"ST": {got.Province, want.Province}, "C": {got.Country, want.Country},
		"postalCode": {got.PostalCode, want.PostalCode}, "emailAddress": {got.EmailAddress, want.EmailAddress},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q; want %q", field, pair[0], pair[1])
		}
	}
}

func TestRootsHaveNamesOfTheirOwn(t *testing.T) {
	a, b := newGeneration(t, pki.RootRequest{}, issued).root(), newGeneration(t, pki.RootRequest{}, issued).root()
	if string(a.RawSubject) == string(b.RawSubject) || a.SerialNumber.Cmp(b.SerialNumber) == 0 {
		t.Error("two roots have the same name or serial number")
	}
}

func TestRenewalWithTheSameKey(t *testing.T) {
	old := newGeneration(t, pki.RootRequest{}, issued)
	leaf := issue(t, old, serverRequest(t), issued)
	foreign := foreignRoot(t, func(c *x509.Certificate) { c.SubjectKeyId = []byte("of another method") })
	later := issued.Add(100 * time.Hour)
	for name, before := range map[string]generation{"own": old, "imported": foreign} {
		t.Run(name, func(t *testing.T) {
			renewed := newGeneration(t, pki.RootRequest{
				Subject:     pki.Subject{CommonName: "Another name"},
				Key:         before.key,
				Predecessor: before.root(),
			}, later).root()
			if string(renewed.RawSubject) != string(before.root().RawSubject) {
				t.Errorf("the name is now %s", renewed.Subject)
			}
			if string(renewed.SubjectKeyId) != string(before.root().SubjectKeyId) {
				t.Error("the key identifier is another")
			}
			if renewed.SerialNumber.Cmp(before.root().SerialNumber) == 0 {
				t.Error("the serial number is the same")
			}
			if !renewed.NotAfter.After(before.root().NotAfter) {
				t.Error("nothing is gained")
			}
			if name == "own" {
				if err := pki.VerifyLeaf(leaf, nil, renewed, pki.Server, later); err != nil {
					t.Errorf("a leaf from before is refused: %v", err)
				}
			}
		})
	}
}

func TestIssueRootRefuses(t *testing.T) {
	short, err := x509text.ParsePrivateKey(openssl(t, "", "genrsa", "1024"), "")
	if err != nil {
		t.Fatal(err)
	}
	valid := pki.RootRequest{Subject: pki.Subject{CommonName: "CA"}, ValidityHours: 1, Key: newKey(t)}
	for _, test := range []struct {
		about  string
		change func(*pki.RootRequest)
		want   string
	}{
		{"nothing wrong", func(*pki.RootRequest) {}, ""},
		{"subject", func(r *pki.RootRequest) { r.Subject.Country = "xx" }, `country must be a code of two capital letters, as in "DE" (ISO 3166-1 alpha-2), not "xx"`},
		{"no validity", func(r *pki.RootRequest) { r.ValidityHours = 0 }, "a certificate must be valid for at least 1 hour, not 0"},
		{"key", func(r *pki.RootRequest) { r.Key = short }, "an RSA key of 1024 bits is too short: use at least 2048"},
		{"two at once", func(r *pki.RootRequest) { r.Key = short; r.ValidityHours = -1 }, "a certificate must be valid for at least 1 hour, not -1\nan RSA key of 1024 bits is too short: use at least 2048"},
	} {
		t.Run(test.about, func(t *testing.T) {
			request := valid
			test.change(&request)
			_, err := pki.IssueRoot(request, issued)
			wantError(t, err, test.want)
		})
	}
}

func TestValidity(t *testing.T) {
	const longest = 69896542
	for hours, want := range map[int64]string{
		1:       "",
		longest: "",
		0:       "a certificate must be valid for at least 1 hour, not 0",
		-8760:   "a certificate must be valid for at least 1 hour, not -8760",
		longest + 1: "69896543 hours reach past the year 9999, the last that a certificate can name (RFC 5280, section 4.1.2.5); " +
			"use at most 69896542",
		1<<63 - 1: "9223372036854775807 hours reach past the year 9999, the last that a certificate can name (RFC 5280, section 4.1.2.5); " +
			"use at most 69896542",
	} {
		wantError(t, pki.CheckValidity(hours, issued), want)
	}
	// A span that a time.Duration cannot hold.
	root := newGeneration(t, pki.RootRequest{ValidityHours: longest}, issued).root()
	if got := root.NotAfter; got.Year() != 9999 {
		t.Errorf("not after %s", got)
	}
}

func TestParseAuthorityCertificate(t *testing.T) {
	root := newGeneration(t, pki.RootRequest{}, issued)
	leaf := issue(t, root, serverRequest(t), issued)
	noSign := foreignRoot(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
	anyUse := foreignRoot(t, func(c *x509.Certificate) { c.KeyUsage = 0 })
	notCA := foreignRoot(t, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature })
	for _, test := range []struct{ about, bundle, want string }{
		{"a root", x509text.EncodeCertificates(root.root()), ""},
		{"the first of a bundle", x509text.EncodeCertificates(root.root(), leaf), ""},
		{"text around", openssl(t, x509text.EncodeCertificates(root.root()), "x509", "-text"), ""},
		{"no keyUsage", x509text.EncodeCertificates(anyUse.root()), ""},
		{"a leaf", x509text.EncodeCertificates(leaf), `the certificate of "CN=docker.example.com" is not one of an authority: it lacks basicConstraints CA:TRUE`},
		{"CA:FALSE", x509text.EncodeCertificates(notCA.root()), `the certificate of "CN=Old CA" is not one of an authority: it lacks basicConstraints CA:TRUE`},
		{"no keyCertSign", x509text.EncodeCertificates(noSign.root()), `the certificate of "CN=Old CA" may not sign certificates: its keyUsage lacks keyCertSign`},
		{"nothing", "", "no certificate found: a PEM text that begins with -----BEGIN CERTIFICATE----- is expected"},
		{"a key", openssl(t, "", "genpkey", "-algorithm", "ed25519"), `a PEM block of type "PRIVATE KEY" stands where certificates are expected`},
		{"damaged", x509text.EncodeCertificates(root.root(), &x509.Certificate{Raw: []byte{0x30, 1}}), "certificate 2 cannot be read: x509: malformed certificate"},
	} {
		t.Run(test.about, func(t *testing.T) {
			_, err := pki.ParseAuthorityCertificate(test.bundle)
			wantError(t, err, test.want)
		})
	}
}

func TestCheckAuthorityTime(t *testing.T) {
	root := newGeneration(t, pki.RootRequest{ValidityHours: 1}, issued).root()
	wantError(t, pki.CheckAuthorityTime(root, root.NotAfter.Add(-time.Second)), "")
	wantError(t, pki.CheckAuthorityTime(root, root.NotBefore), "")
	wantError(t, pki.CheckAuthorityTime(root, root.NotBefore.Add(-time.Second)), `the authority "`+root.Subject.String()+`" is not valid before 2026-03-29T00:30:15Z: check the clock of this machine, or wait`)
	wantError(t, pki.CheckAuthorityEnd(root, root.NotBefore.Add(-time.Second)), "")
	wantError(t, pki.CheckAuthorityTime(root, root.NotAfter), `the authority "`+root.Subject.String()+`" expired on 2026-03-29T02:30:15Z: renew it first`)
}

func TestNewAuthorityWithAnotherKey(t *testing.T) {
	root := newGeneration(t, pki.RootRequest{}, issued).root()
	_, err := pki.NewAuthority(root, newKey(t))
	wantError(t, err, "the private key does not belong to the authority's certificate: take both from the same authority")
}
