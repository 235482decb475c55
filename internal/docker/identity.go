package docker

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
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
// of another certificate. No error shows any of the material.
func (id Identity) check(side x509.ExtKeyUsage) error {
	if _, err := parseCertificates("ca.cert_pem", id.CACertPEM); err != nil {
		return err
	}
	chain, err := parseCertificates("cert_pem", id.CertPEM)
	if err != nil {
		return err
	}
	// Without the extension, a certificate serves both sides (RFC 5280, section 4.2.1.12).
	usage := chain[0].ExtKeyUsage
	if len(usage)+len(chain[0].UnknownExtKeyUsage) > 0 && !slices.Contains(usage, side) && !slices.Contains(usage, x509.ExtKeyUsageAny) {
		if side == x509.ExtKeyUsageServerAuth {
			return errors.New("cert_pem is not a daemon's certificate: its extendedKeyUsage lacks serverAuth, and clients would refuse it")
		}
		return errors.New("cert_pem is not a client's certificate: its extendedKeyUsage lacks clientAuth, and daemons would refuse it")
	}
	if id.PrivateKeyPEM == "" {
		return nil
	}
	_, err = keyPair(id.CertPEM, id.PrivateKeyPEM)
	return err
}

// keyPair puts a certificate and its key together.
func keyPair(certPEM, keyPEM string) (tls.Certificate, error) {
	block, _ := pem.Decode([]byte(keyPEM))
	switch {
	case block == nil:
		return tls.Certificate{}, errors.New("private_key_pem holds no PEM block: give the content of the key file")
	case block.Type == "ENCRYPTED PRIVATE KEY", strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"):
		return tls.Certificate{}, errors.New("private_key_pem is encrypted: Docker reads unencrypted keys only")
	case !strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return tls.Certificate{}, fmt.Errorf("private_key_pem holds a %s, not a private key", block.Type)
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
	var certs []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("%s holds a %s: it must hold certificates only", name, block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d of %s: %w", len(certs)+1, name, err)
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%s holds no PEM certificate: it must begin with -----BEGIN CERTIFICATE-----", name)
	}
	return certs, nil
}
