package pki_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// What passes every check of the inputs, and yet makes a leaf that nobody would
// accept, is found when the leaf is verified.
func TestIssuedLeafIsVerified(t *testing.T) {
	for _, test := range []struct {
		about  string
		change func(*x509.Certificate)
		want   string
	}{
		{"nothing wrong", nothingElse, ""},
		{"e-mail addresses are constrained",
			func(c *x509.Certificate) { c.PermittedEmailAddresses = []string{"example.org"} },
			`the name constraints of the authority "CN=Old CA" do not allow the e-mail address "ops@example.com"`},
		{"clients only",
			func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} },
			`the authority "CN=Old CA" may not issue the certificate of a server: its extendedKeyUsage is limited to clientAuth, and programs do not accept what it issues for another purpose`},
		{"not yet valid",
			func(c *x509.Certificate) { c.NotBefore = issued.Add(time.Hour) },
			`the authority "CN=Old CA" is not valid before 2026-03-29T02:30:15Z: check the clock of this machine, or wait`},
		{"a critical extension that nobody knows",
			func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
			},
			`the authority "CN=Old CA" has the critical extension 1.2.3, which programs do not know: they do not accept what it issues`},
	} {
		t.Run(test.about, func(t *testing.T) {
			request := serverRequest(t)
			request.Subject.EmailAddress = fullSubject.EmailAddress
			_, err := foreignRoot(t, test.change).Issue(request, issued)
			wantError(t, err, test.want)
		})
	}
}

// The zero time is one that was never set. crypto/x509 verifies at the moment
// of the call then, which is not when the root is valid.
func TestIssuedRootIsVerified(t *testing.T) {
	_, err := pki.IssueRoot(pki.RootRequest{ValidityHours: 1, Key: newKey(t)}, time.Time{})
	var invalid x509.CertificateInvalidError
	if !errors.As(err, &invalid) || invalid.Reason != x509.Expired || !strings.HasPrefix(err.Error(), "the issued authority does not verify: ") {
		t.Errorf("the error is %v", err)
	}
}

// [pki.NewAuthority] takes a certificate that was not read by
// [pki.ParseAuthorityCertificate], which would have refused this one.
func TestIssuedCrossIsVerified(t *testing.T) {
	next := newGeneration(t, pki.RootRequest{}, issued).root()
	_, err := foreignRoot(t, func(c *x509.Certificate) { c.IsCA = false }).CrossSign(next, issued)
	wantError(t, err, "the issued cross certificate does not verify: x509: invalid signature: parent certificate cannot sign this kind of certificate")
}

// An imported authority may have a short key. It stays trusted, but issues
// nothing.
func TestShortAuthorityIssuesNothing(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Short CA"},
		NotBefore:             issued.Add(-year),
		NotAfter:              issued.Add(year),
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	_, err = join(t, root, key).Issue(clientRequest(t), issued)
	wantError(t, err, "an RSA key of 1024 bits is too short: use at least 2048")
}

// The end that comes first counts, wherever its root stands.
func TestNextEnd(t *testing.T) {
	if end, ok := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 0).trust.NextEnd(pki.OverlapOf(24)); ok {
		t.Errorf("a root alone leaves at %s", end)
	}
	long := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 2).trust
	short := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 0)
	short.succeed(t, newGeneration(t, pki.RootRequest{ValidityHours: 10}, issued))
	short.succeed(t, newGeneration(t, pki.RootRequest{}, issued))
	for _, test := range []struct {
		about   string
		trust   pki.Trust
		overlap pki.Overlap
		want    time.Time
	}{
		{"the oldest was replaced first", long, pki.OverlapOf(24), wholeSecond.Add(year + 24*time.Hour)},
		{"the oldest expires first", long, pki.UntilExpiry, long.Roots[2].NotAfter},
		{"a newer one expires first", short.trust, pki.UntilExpiry, short.trust.Roots[1].NotAfter},
		{"a newer one expires before its overlap ends", short.trust, pki.OverlapOf(24), short.trust.Roots[1].NotAfter},
	} {
		t.Run(test.about, func(t *testing.T) {
			if end, ok := test.trust.NextEnd(test.overlap); !ok || !end.Equal(test.want) {
				t.Errorf("%s, %t; want %s", end, ok, test.want)
			}
		})
	}
}

// A key and its passphrase are remembered as two texts, not as one: no other
// way to divide them finds the key.
func TestKeyringDividesTextAndPassphrase(t *testing.T) {
	const passphrase = "correct horse battery"
	encrypted := openssl(t, openssl(t, "", "genpkey", "-algorithm", "ed25519"), "pkcs8", "-topk8", "-passout", "pass:"+passphrase)
	for name, order := range map[string][]int{"right first": {0, 5, len(passphrase)}, "right last": {5, len(passphrase), 0}} {
		t.Run(name, func(t *testing.T) {
			var keys pki.Keyring
			for _, moved := range order {
				want := map[int]error{0: nil, 5: x509text.ErrPassphraseWrong, len(passphrase): x509text.ErrPassphraseMissing}[moved]
				if _, err := keys.ParsePrivateKey(encrypted+passphrase[:moved], passphrase[moved:]); !errors.Is(err, want) {
					t.Errorf("%d characters of the passphrase behind the key: %v; want %v", moved, err, want)
				}
			}
		})
	}
}
