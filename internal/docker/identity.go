package docker

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Identity is what one side of a connection holds: whom it trusts, and who it
// is. All three are PEM, exactly as the file that Docker reads.
type Identity struct {
	CACertPEM     string // ca.pem: one root, or several during a rotation
	CertPEM       string // leaf first, then the certificates that link it to an older root
	PrivateKeyPEM string // empty if its holder keeps it
}

// check refuses what Docker would choke on, or worse, accept: an empty or
// foreign CA file, a certificate that is none or serves the other side, a key
// of another certificate, a key of an authority. No error shows any of the
// material.
func (id Identity) check(side x509.ExtKeyUsage) error {
	authorities, err := ParseRoots(id.CACertPEM)
	if err != nil {
		return err
	}
	chain, err := parseCertificates("cert_pem", id.CertPEM)
	if err != nil {
		return err
	}
	if err := checkKeyOf(chain[0], append(authorities, chain[1:]...)); err != nil {
		return err
	}
	if err := checkSide(chain[0], side); err != nil {
		return err
	}
	if id.PrivateKeyPEM == "" {
		return nil
	}
	_, err = keyPair(id.CertPEM, id.PrivateKeyPEM)
	return err
}

// checkSide refuses a certificate that serves the other side.
func checkSide(certificate *x509.Certificate, side x509.ExtKeyUsage) error {
	switch {
	case x509text.Allows(certificate, side):
		return nil
	case side == x509.ExtKeyUsageServerAuth:
		return errors.New("cert_pem is not a daemon's certificate: its extendedKeyUsage lacks serverAuth, and clients would refuse it")
	}
	return errors.New("cert_pem is not a client's certificate: its extendedKeyUsage lacks clientAuth, and daemons would refuse it")
}

// CheckClient reports a certificate that is not a client's.
func CheckClient(certificate *x509.Certificate) error {
	return checkSide(certificate, x509.ExtKeyUsageClientAuth)
}

// checkKeyOf refuses a certificate with the key of an authority. Its holder could
// sign whatever those accept that trust the authority.
func checkKeyOf(certificate *x509.Certificate, authorities []*x509.Certificate) error {
	key, ok := certificate.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	for _, authority := range authorities {
		if ok && key.Equal(authority.PublicKey) {
			return fmt.Errorf("cert_pem and private_key_pem are those of the authority %q: its key must not lie on another host; issue a certificate with a key of its own", authority.Subject)
		}
	}
	return nil
}

// keyPair puts a certificate and its key together. Whatever key is certified
// here is a key here too, so the text is read as the resources read it;
// crypto/tls then passes over the same blocks in front of the key.
func keyPair(certPEM, keyPEM string) (tls.Certificate, error) {
	_, err := x509text.ParsePrivateKey(keyPEM, "")
	switch n := x509text.PrivateKeys(keyPEM); {
	case n > 1:
		return tls.Certificate{}, fmt.Errorf("private_key_pem has %d private keys, of which Docker reads the first: give the key of the certificate alone", n)
	case errors.Is(err, x509text.ErrPassphraseMissing):
		return tls.Certificate{}, errors.New("private_key_pem is encrypted: Docker reads unencrypted keys only")
	case err != nil:
		return tls.Certificate{}, fmt.Errorf("private_key_pem: %w", err)
	}
	pair, err := tls.X509KeyPair([]byte(certPEM), []byte(keyPEM))
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("cert_pem and private_key_pem do not fit together: %w", err)
	}
	return pair, nil
}

// parseCertificates reads a PEM file that must hold certificates and nothing
// else, at least one. name is what an error calls it.
func parseCertificates(name, text string) ([]*x509.Certificate, error) {
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("%s is empty: it must hold at least one certificate", name)
	}
	certificates, err := x509text.ParseCertificates(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return certificates, nil
}

// parseAuthorities reads a PEM file that must hold certificates of authorities
// and nothing else. name is what an error calls it.
func parseAuthorities(name, text string) ([]*x509.Certificate, error) {
	roots, err := parseCertificates(name, text)
	if err != nil {
		return nil, err
	}
	for i, root := range roots {
		if err := x509text.CheckAuthority(root); err != nil {
			return nil, fmt.Errorf("%s, certificate %d: %w", name, i+1, err)
		}
	}
	return roots, nil
}
