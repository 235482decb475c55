package x509text_test

import (
	"crypto/x509"
	"encoding/asn1"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// What is allowed is what crypto/x509 verifies.
func TestAllows(t *testing.T) {
	const server, client = x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	smartCard := []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 311, 20, 2, 2}}
	for _, test := range []struct {
		name           string
		known          []x509.ExtKeyUsage
		unknown        []asn1.ObjectIdentifier
		server, client bool
	}{
		{"no extension", nil, nil, true, true},
		{"server", []x509.ExtKeyUsage{server}, nil, true, false},
		{"client", []x509.ExtKeyUsage{client}, nil, false, true},
		{"both", []x509.ExtKeyUsage{server, client}, nil, true, true},
		{"any", []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, nil, true, true},
		{"another", []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, nil, false, false},
		{"an unknown one alone", nil, smartCard, false, false},
		{"an unknown one too", []x509.ExtKeyUsage{client}, smartCard, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			certificate, _ := selfSigned(t, func(c *x509.Certificate) { c.ExtKeyUsage, c.UnknownExtKeyUsage = test.known, test.unknown })
			pool := x509.NewCertPool()
			pool.AddCert(certificate)
			for purpose, want := range map[x509.ExtKeyUsage]bool{server: test.server, client: test.client} {
				_, err := certificate.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: certificate.NotBefore, KeyUsages: []x509.ExtKeyUsage{purpose}})
				if got := x509text.Allows(certificate, purpose); got != want || (err == nil) != want {
					t.Errorf("%s: %t, want %t; crypto/x509 says: %v", purpose, got, want, err)
				}
			}
			if got := x509text.HasExtKeyUsage(certificate); got != (test.name != "no extension") {
				t.Errorf("has the extension: %t", got)
			}
		})
	}
}
