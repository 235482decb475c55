package docker

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// noon is when these tests happen.
var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// authority signs what the tests need, right or wrong.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func newKey(t *testing.T, bits int) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	if bits > 0 {
		key, err = rsa.GenerateKey(rand.Reader, bits)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	if template.NotBefore.IsZero() {
		template.NotBefore = noon.Add(-time.Hour)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = noon.Add(24 * time.Hour)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newAuthority(t *testing.T, template x509.Certificate, bits int) authority {
	t.Helper()
	if template.Subject.String() == "" {
		template.Subject = pkix.Name{CommonName: "Docker TLS CA", Organization: []string{"Example"}, SerialNumber: "0123456789abcdef"}
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	key := newKey(t, bits)
	return authority{sign(t, &template, &template, key.Public(), key), key}
}

func (a authority) pem() string { return certPEM(a.cert) }

// identity issues a leaf. Its template says what is special about it.
func (a authority) identity(t *testing.T, template x509.Certificate, bits int) Identity {
	t.Helper()
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageDigitalSignature
	key := newKey(t, bits)
	cert := sign(t, &template, a.cert, key.Public(), a.key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Identity{
		CACertPEM:     a.pem(),
		CertPEM:       certPEM(cert),
		PrivateKeyPEM: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
}

func serverTemplate() x509.Certificate {
	return x509.Certificate{
		Subject:     pkix.Name{CommonName: "web1.example.com"},
		DNSNames:    []string{"web1.example.com", "localhost"},
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func clientTemplate() x509.Certificate {
	return x509.Certificate{
		Subject:     pkix.Name{CommonName: "ci"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

func certPEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func pair(t *testing.T, id Identity) *tls.Certificate {
	t.Helper()
	p, err := ParseClientPair(id.CertPEM, id.PrivateKeyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// one issues an identity of a fresh authority that serves both sides.
func one(t *testing.T) Identity {
	t.Helper()
	template := serverTemplate()
	template.ExtKeyUsage = nil
	return newAuthority(t, x509.Certificate{}, 0).identity(t, template, 0)
}
