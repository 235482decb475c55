package x509text_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Numbers and fingerprints are as openssl prints them, without its colons.
func TestNumbersAsOpenSSLPrintsThem(t *testing.T) {
	clean := func(line string) string {
		_, value, _ := strings.Cut(line, "=")
		return strings.ToLower(strings.ReplaceAll(value, ":", ""))
	}
	for number, want := range map[int64]string{0: "00", 1: "01", 0x7f: "7f", 0x80: "80", 0xabc: "0abc", 0x123456: "123456"} {
		certificate, _ := selfSigned(t, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(number) })
		text := x509text.EncodeCertificates(certificate)
		serial := clean(strings.TrimSpace(openssl(t, text, "x509", "-noout", "-serial")))
		if got := x509text.SerialNumber(certificate); got != want || got != serial {
			t.Errorf("the serial number %d is %q, of openssl %q, want %q", number, got, serial, want)
		}
		for option, got := range map[string]string{"-sha256": x509text.Fingerprint(certificate), "-sha1": x509text.FingerprintSHA1(certificate)} {
			if of := clean(strings.TrimSpace(openssl(t, text, "x509", "-noout", "-fingerprint", option))); got != of {
				t.Errorf("fingerprint %s, of openssl %s", got, of)
			}
		}
	}
}

// Each reader meets the same texts. What differs is what else may be there.
func TestReadersOfCertificates(t *testing.T) {
	first, key := selfSigned(t, nothingElse)
	second, _ := selfSigned(t, nothingElse)
	one, both := x509text.EncodeCertificates(first), x509text.EncodeCertificates(first, second)
	keyPEM, err := x509text.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	damaged := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}}))
	headers := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: map[string]string{"Name": "web1"}, Bytes: first.Raw}))
	const none = ": a PEM text that begins with -----BEGIN CERTIFICATE----- is expected"
	for _, test := range []struct {
		name, text  string
		strict      int // certificates
		lenient     int
		strictError string
		firstError  string
	}{
		{"one", one, 1, 1, "", ""},
		{"two", both, 2, 2, "", ""},
		{"between texts", "web1:\n" + one + "web2:\n" + one + "the end", 2, 2, "", ""},
		{"openssl x509 -text", openssl(t, one, "x509", "-text"), 1, 1, "", ""},
		{"CRLF", strings.ReplaceAll(both, "\n", "\r\n"), 2, 2, "", ""},
		{"nothing", "", 0, 0, "no certificate found" + none, "no certificate found" + none},
		{"a path", "/etc/docker/ca.pem", 0, 0, "no certificate found, but what looks like the name of a file (read it with file())" + none, "no certificate found, but what looks like the name of a file (read it with file())" + none},
		{"a key", keyPEM, 0, 0, `a PEM block of type "PRIVATE KEY" stands where certificates are expected`, "no certificate found, but a private key" + none},
		{"with a key behind", one + keyPEM, 0, 1, `a PEM block of type "PRIVATE KEY" stands where certificates are expected`, ""},
		{"with a key in front", keyPEM + both, 0, 2, `a PEM block of type "PRIVATE KEY" stands where certificates are expected`, ""},
		{"headers", both + headers, 0, 3, "certificate 3 has lines of headers in its PEM block (RFC 7468, section 2): programs in Go pass it over; remove them", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			strict, err := x509text.ParseCertificates(test.text)
			if wantError(t, err, test.strictError); len(strict) != test.strict {
				t.Errorf("the strict reader finds %d", len(strict))
			}
			lenient, err := x509text.FindCertificates(test.text)
			if wantError(t, err, ""); len(lenient) != test.lenient {
				t.Errorf("the lenient reader finds %d", len(lenient))
			}
			got, err := x509text.FirstCertificate(test.text)
			if wantError(t, err, test.firstError); err == nil && !got.Equal(first) {
				t.Error("another certificate is the first one")
			}
			// What the strict reader accepts is what a pool of crypto/x509 takes.
			pool := x509.NewCertPool()
			if err == nil && test.strict > 0 && !pool.AppendCertsFromPEM([]byte(test.text)) {
				t.Error("crypto/x509 finds none")
			}
		})
	}

	for name, read := range map[string]func(string) error{
		"strict":  func(text string) error { _, err := x509text.ParseCertificates(text); return err },
		"lenient": func(text string) error { _, err := x509text.FindCertificates(text); return err },
	} {
		if err := read(one + damaged); err == nil || !strings.HasPrefix(err.Error(), "certificate 2 cannot be read: ") {
			t.Errorf("the %s reader of a damaged certificate: %v", name, err)
		}
	}
	if _, err := x509text.FirstCertificate(one + damaged); err != nil {
		t.Errorf("what stands behind the first certificate matters: %v", err)
	}
	if x509text.EncodeCertificates() != "" {
		t.Error("no certificate is some text")
	}
}

func TestContents(t *testing.T) {
	certificate, key := selfSigned(t, nothingElse)
	cert := x509text.EncodeCertificates(certificate)
	encrypted, err := x509text.EncryptPrivateKey(key, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	ec := openssl(t, "", "ecparam", "-name", "prime256v1", "-genkey")
	for text, want := range map[string]string{
		"":                 "nothing",
		" \n":              "nothing",
		"ca.pem":           "no PEM block",
		"\xff\xfe-\x00-":   "UTF-16 or binary data and not PEM",
		cert + cert:        "a certificate",
		cert + encrypted:   "a certificate and an encrypted private key",
		ec:                 "a private key",
		"\x30\x82\x01\x02": "DER and not PEM (convert it with openssl)",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n":         "a private key of SSH",
		"-----BEGIN NEW CERTIFICATE REQUEST-----\nAAAA\n-----END NEW CERTIFICATE REQUEST-----\n": "a certificate request",
		openssl(t, ec, "pkey", "-pubout"):                               `a PEM block of type "PUBLIC KEY"`,
		openssl(t, ec, "ec", "-aes128", "-passout", "pass:"+passphrase): "an encrypted private key",
	} {
		if got := x509text.Contents(text); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// What is said of a certificate goes into a state and to Prometheus.
func FuzzParseCertificates(f *testing.F) {
	root, _ := selfSigned(f, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })
	full, _ := selfSigned(f, func(c *x509.Certificate) {
		c.Subject = pkix.Name{Country: []string{"DE"}, Organization: []string{`Example, "Ltd."`}, Locality: []string{"Köln"}, StreetAddress: []string{"a", "b"}}
		c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{
			{Type: x509text.OIDEmailAddress, Value: "ops@example.com"},
			{Type: []int{2, 5, 4, 11}, Value: asn1.RawValue{Tag: asn1.TagT61String, Bytes: []byte("K\xf6ln")}},
			{Type: []int{2, 5, 4, 3}, Value: asn1.RawValue{Tag: asn1.TagBMPString, Bytes: []byte("\x00a\x00\n")}},
		}
		c.DNSNames, c.EmailAddresses, c.IPAddresses = []string{"*.example.com"}, []string{"ops@example.com"}, []net.IP{net.IPv6loopback}
		c.URIs = []*url.URL{{Scheme: "https", Host: "example.com"}}
		c.ExtKeyUsage, c.KeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, x509.KeyUsageDigitalSignature
	})
	f.Add(root.Raw)
	f.Add(full.Raw)
	series := regexp.MustCompile(`^x509_cert_not_(before|after)\{[a-zA-Z0-9_]+="([^"\\\n]|\\[\\"n])*"(,[a-zA-Z0-9_]+="([^"\\\n]|\\[\\"n])*")*\} -?[0-9]+$`)
	f.Fuzz(func(t *testing.T, der []byte) {
		text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
		certificates, err := x509text.ParseCertificates(text)
		if err != nil {
			wantNothingOf(t, err.Error(), text)
			return
		}
		if written := x509text.EncodeCertificates(certificates...); written != text {
			t.Errorf("it is written otherwise: %s", written)
		}
		certificate := certificates[0]
		_ = x509text.CheckAuthority(certificate)
		if said := fmt.Sprintf("%s %s %+v", x509text.Kind(certificate), x509text.DisplayName(certificate), x509text.Describe(certificate)); !utf8.ValidString(said) {
			t.Errorf("it is no UTF-8 text: %q", said)
		}
		metrics := x509text.OpenMetrics([]x509text.Listed{{Certificate: certificate}})
		for line := range strings.SplitSeq(strings.TrimSuffix(metrics, "\n"), "\n") {
			if !strings.HasPrefix(line, "#") && !series.MatchString(line) || !utf8.ValidString(line) {
				t.Errorf("it is no series: %q", line)
			}
		}
	})
}
