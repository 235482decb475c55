package pki_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// opensslRequest makes a certificate request with openssl.
func opensslRequest(t *testing.T, arguments ...string) string {
	t.Helper()
	return openssl(t, "", append([]string{"req", "-new", "-nodes", "-keyout", t.TempDir() + "/key.pem"}, arguments...)...)
}

// longRequest has a name that openssl would not take.
func longRequest(t *testing.T) string {
	t.Helper()
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: strings.Repeat("a", 70_000)}}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, keyOf(t, x509text.Ed25519))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func TestParseCertificateRequest(t *testing.T) {
	names := "subjectAltName=DNS:Host.example.com,DNS:*.example.com,IP:10.0.0.5,IP:2001:db8::1,email:root@example.com,URI:https://example.com"
	for name, arguments := range map[string][]string{
		"RSA":              {"-newkey", "rsa:2048"},
		"ECDSA":            {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"},
		"Ed25519":          {"-newkey", "ed25519"},
		"with a text":      {"-newkey", "rsa:2048", "-text"},
		"under the header": {"-newkey", "rsa:2048", "-newhdr"},
	} {
		t.Run(name, func(t *testing.T) {
			text := opensslRequest(t, append(arguments, "-subj", "/C=DE/CN=host", "-addext", names)...)
			request, err := pki.ParseCertificateRequest(strings.ReplaceAll(text, "\n", "\r\n"))
			if err != nil {
				t.Fatal(err)
			}
			if request.Subject.CommonName != "host" {
				t.Errorf("subject %v", request.Subject)
			}
			requested, err := pki.RequestedNames(request)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(requested.DNSNames, []string{"*.example.com", "host.example.com"}) || len(requested.IPAddresses) != 2 || requested.IPAddresses[0].String() != "10.0.0.5" {
				t.Errorf("names %v", requested)
			}
		})
	}
}

func TestBadCertificateRequests(t *testing.T) {
	ecdsa := []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=host"}
	good := opensslRequest(t, ecdsa...)
	for name, test := range map[string]struct{ text, want string }{
		"none":            {"/etc/host.csr", "no certificate request found, but what looks like the name of a file (read it with file()): a PEM text that begins with -----BEGIN CERTIFICATE REQUEST----- is expected"},
		"another block":   {openssl(t, "", "genpkey", "-algorithm", "ed25519"), `a PEM block of type "PRIVATE KEY" is not a certificate request`},
		"damaged":         {strings.Replace(good, "MI", "MA", 1), "the certificate request cannot be read: its content is damaged or of an unsupported algorithm"},
		"a key behind it": {good + openssl(t, "", "genpkey", "-algorithm", "ed25519"), `a PEM block of type "PRIVATE KEY" stands behind the certificate request: give the request alone`},
		"Ed448":           {opensslRequest(t, "-newkey", "ed448", "-subj", "/CN=host"), "the key of the certificate request is of an unsupported algorithm: use ECDSA, RSA or Ed25519"},
		"on one line":     {strings.ReplaceAll(good, "\n", " "), "no certificate request found, but a PEM text on one line (its line breaks are lost: give it as it is in its file, with file() for instance): a PEM text that begins with -----BEGIN CERTIFICATE REQUEST----- is expected"},
		"SHA-224":         {opensslRequest(t, append(ecdsa, "-sha224")...), "the certificate request is signed with an algorithm that is not supported, as SHA-224 is not: sign it with SHA-256"},
		"SHA-1":           {opensslRequest(t, append(ecdsa, "-sha1")...), "the certificate request is signed with ECDSA-SHA1, which is broken: sign it with SHA-256"},
		"a long subject":  {longRequest(t), "the certificate request has 70158 bytes, and at most 65536 are allowed: a certificate of this size fits into no handshake of Docker"},
		"a short RSA key": {opensslRequest(t, "-newkey", "rsa:1024", "-subj", "/CN=host"), "the key of the certificate request cannot be certified: an RSA key of 1024 bits is too short: use at least 2048"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pki.ParseCertificateRequest(test.text)
			wantError(t, err, test.want)
		})
	}
}

func TestRequestedNamesAreChecked(t *testing.T) {
	request, err := pki.ParseCertificateRequest(opensslRequest(t, "-newkey", "ed25519", "-subj", "/CN=host", "-addext", "subjectAltName=DNS:tcp://host"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = pki.RequestedNames(request)
	wantError(t, err, `the certificate request asks for a name that cannot be certified: "tcp://host" is a URL: give the host name alone, without the scheme`)
	_, err = pki.RequestedNames(&x509.CertificateRequest{IPAddresses: []net.IP{{1}}})
	wantError(t, err, "the certificate request asks for an IP address that is none")
}

// The content of a request, signed or not. What is accepted can be certified, but
// for its names.
func FuzzParseCertificateRequest(f *testing.F) {
	key := keyOf(f, x509text.Ed25519)
	sign := func(request []byte) []byte {
		var parts struct{ Info, Algorithm, Signature asn1.RawValue }
		if rest, err := asn1.Unmarshal(request, &parts); err != nil || len(rest) > 0 {
			return request
		}
		signature, err := key.Sign(nil, parts.Info.FullBytes, crypto.Hash(0))
		if err != nil {
			return request
		}
		signed, err := asn1.Marshal(struct {
			Info, Algorithm asn1.RawValue
			Signature       asn1.BitString
		}{parts.Info, parts.Algorithm, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
		if err != nil {
			return request
		}
		return signed
	}
	for _, template := range []*x509.CertificateRequest{
		{},
		{Subject: pkix.Name{CommonName: "host"}, DNSNames: []string{"*.example.com", "tcp://host"}, IPAddresses: []net.IP{net.IPv6loopback, {10, 0, 0, 5}}},
	} {
		der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		der = sign(der)
		request, err := pki.ParseCertificateRequest(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})))
		if (request == nil) == (err == nil) {
			t.Fatal("neither a request nor an error, or both")
		}
		if err != nil {
			return
		}
		if !bytes.Equal(request.Raw, der) || pki.CheckKey(request.PublicKey) != nil || request.CheckSignature() != nil {
			t.Error("it is another request, or cannot be certified")
		}
		names, err := pki.RequestedNames(request)
		if err != nil {
			return
		}
		var addresses []string
		for _, address := range names.IPAddresses {
			addresses = append(addresses, address.String())
		}
		if again, err := pki.ParseNames(names.DNSNames, addresses); err != nil || !again.Equal(names) {
			t.Errorf("the names %v become %v, %v", names, again, err)
		}
	})
}

func TestEncryptPrivateKey(t *testing.T) {
	var keys pki.Keyring
	key := keyOf(t, x509text.ECDSAP256)
	text, err := x509text.EncryptPrivateKey(key, "passphrase")
	if err != nil {
		t.Fatal(err)
	}
	if !x509text.Encrypted(text) {
		t.Error("not taken for encrypted")
	}
	first, err := keys.ParsePrivateKey(text, "passphrase")
	if err != nil || !pki.SamePublicKey(first.Public(), key.Public()) {
		t.Fatalf("another key is read back (%v)", err)
	}
	again, err := keys.ParsePrivateKey(text, "passphrase")
	if err != nil || again != first {
		t.Errorf("the key is decrypted again (%v)", err)
	}
	_, err = keys.ParsePrivateKey(text, "another")
	wantError(t, err, "the passphrase does not decrypt the private key")
	_, err = keys.ParsePrivateKey(text, "")
	wantError(t, err, "the private key is encrypted and no passphrase was given")
	_, err = x509text.EncryptPrivateKey(key, "")
	wantError(t, err, "the passphrase is empty: give one, or store the key without")
}
