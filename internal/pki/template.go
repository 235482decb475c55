package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"time"
)

// template is a certificate before it is signed, with what all of them have in
// common. The basicConstraints extension is always there and critical.
type template struct {
	x509.Certificate
	publicKey crypto.PublicKey
}

func newTemplate(publicKey crypto.PublicKey, now time.Time, hours int64, authorityEnd time.Time) (*template, error) {
	serial, err := newSerialNumber()
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(publicKey)
	if err != nil {
		return nil, fmt.Errorf("encoding the public key: %w", err)
	}
	id, err := keyID(spki)
	if err != nil {
		return nil, err
	}
	notBefore, notAfter := validity(now, hours, authorityEnd)
	return &template{
		Certificate: x509.Certificate{
			SerialNumber:          serial,
			NotBefore:             notBefore,
			NotAfter:              notAfter,
			SubjectKeyId:          id,
			BasicConstraintsValid: true,
		},
		publicKey: publicKey,
	}, nil
}

// constrain adds the nameConstraints extension, which is critical (RFC 5280,
// section 4.2.1.10).
func (t *template) constrain(c NameConstraints) {
	t.PermittedDNSDomainsCritical = !c.Empty()
	t.PermittedDNSDomains = c.PermittedDNSDomains
	t.ExcludedDNSDomains = c.ExcludedDNSDomains
	t.PermittedIPRanges = ipNets(c.PermittedIPRanges)
	t.ExcludedIPRanges = ipNets(c.ExcludedIPRanges)
}

// sign issues the certificate under the given authority, or self-signed when
// that is the template itself, and returns it parsed back.
func (t *template) sign(authority *x509.Certificate, key crypto.Signer) (*x509.Certificate, error) {
	if authority != &t.Certificate {
		// The authority's key identifier is set outright: crypto/x509 leaves it
		// out when both names are equal, and the authority may have none itself
		// (RFC 5280, section 4.2.1.1, wants it in all but self-signed ones).
		t.AuthorityKeyId = authority.SubjectKeyId
		if len(t.AuthorityKeyId) == 0 {
			id, err := keyID(authority.RawSubjectPublicKeyInfo)
			if err != nil {
				return nil, err
			}
			t.AuthorityKeyId = id
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, &t.Certificate, authority, t.publicKey, key)
	if err != nil {
		return nil, fmt.Errorf("signing the certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("the issued certificate cannot be read back: %w", err)
	}
	return certificate, nil
}
