package x509text

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// ParseCertificates reads every certificate of a PEM text (RFC 7468, section
// 5), of which there must be at least one. Text around the blocks is passed
// over, as `openssl x509 -text` writes it. A block of another type is an error,
// and so is a certificate with headers: RFC 7468, section 2, permits none, and
// crypto/x509 leaves such a certificate out of a pool without a word.
func ParseCertificates(text string) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	for block := range blocks(text) {
		switch {
		case block.Type != "CERTIFICATE":
			return nil, fmt.Errorf("a PEM block of type %q stands where certificates are expected", block.Type)
		case len(block.Headers) > 0:
			return nil, fmt.Errorf("certificate %d has lines of headers in its PEM block (RFC 7468, section 2): programs in Go pass it over; remove them", len(certificates)+1)
		}
		certificate, err := parseBlock(block, len(certificates)+1)
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, certificate)
	}
	switch {
	case len(certificates) == 0:
		return nil, NotFound("certificate", "CERTIFICATE", text)
	case begun(text, "") > len(certificates):
		return nil, errBroken
	}
	return certificates, nil
}

// FindCertificates reads every certificate of a PEM text and passes over
// whatever else is in it, such as the key of a combined file. To find none is
// no error.
func FindCertificates(text string) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	for block := range blocks(text) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := parseBlock(block, len(certificates)+1)
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, certificate)
	}
	if len(certificates) > 0 && begun(text, "CERTIFICATE-----") > len(certificates) {
		return nil, errBroken
	}
	return certificates, nil
}

// FirstCertificate reads the first certificate of a PEM text, and nothing
// behind it. To find none is an error.
func FirstCertificate(text string) (*x509.Certificate, error) {
	for block := range blocks(text) {
		if block.Type == "CERTIFICATE" {
			return parseBlock(block, 1)
		}
	}
	return nil, NotFound("certificate", "CERTIFICATE", text)
}

func parseBlock(block *pem.Block, number int) (*x509.Certificate, error) {
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate %d cannot be read: %w", number, err)
	}
	return certificate, nil
}

// CheckAuthority reports a certificate that nobody accepts as that of an
// authority (RFC 5280, sections 4.2.1.3 and 4.2.1.9). A root of version 1 has no
// extensions that could say so: of these, any that is self-signed will do, as
// crypto/x509 and OpenSSL take them.
func CheckAuthority(certificate *x509.Certificate) error {
	switch {
	case certificate.Version < 3 && IssuedBy(certificate, certificate):
		return nil
	case !certificate.BasicConstraintsValid || !certificate.IsCA:
		return fmt.Errorf("the certificate of %q is not one of an authority: it lacks basicConstraints CA:TRUE", certificate.Subject)
	case certificate.KeyUsage != 0 && certificate.KeyUsage&x509.KeyUsageCertSign == 0:
		return fmt.Errorf("the certificate of %q may not sign certificates: its keyUsage lacks keyCertSign", certificate.Subject)
	}
	return nil
}

// IssuedBy reports whether the authority's name and key are those that signed
// the certificate.
func IssuedBy(certificate, authority *x509.Certificate) bool {
	if !bytes.Equal(certificate.RawIssuer, authority.RawSubject) {
		return false
	}
	err := authority.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature)
	// A signature with SHA-1 or SHA-224 is not checked by crypto/x509, so the names
	// decide.
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure) || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}

// EncodeCertificates returns the certificates in PEM, in order (RFC 7468,
// section 5). No certificate is an empty text.
func EncodeCertificates(certificates ...*x509.Certificate) string {
	var text strings.Builder
	for _, certificate := range certificates {
		text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
	}
	return text.String()
}

// Fingerprint is the SHA-256 hash of a certificate, in lower-case hex.
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:])
}

// FingerprintSHA1 is the SHA-1 hash of a certificate, in lower-case hex: the
// name by which older programs know it.
func FingerprintSHA1(certificate *x509.Certificate) string {
	sum := sha1.Sum(certificate.Raw)
	return hex.EncodeToString(sum[:])
}

// SerialNumber is the serial number of a certificate (RFC 5280, section
// 4.1.2.2), in lower-case hex of whole octets, as openssl prints it: 1 is `01`,
// and 0, which some programs issue against the rule, is `00`.
func SerialNumber(certificate *x509.Certificate) string {
	if certificate.SerialNumber.Sign() == 0 {
		return "00"
	}
	return hex.EncodeToString(certificate.SerialNumber.Bytes())
}
