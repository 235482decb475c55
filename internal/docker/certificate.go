package docker

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Certificate is a certificate in words (RFC 5280). Slices are never nil.
type Certificate struct {
	Subject            Name
	Issuer             Name
	SerialNumber       string // lower-case hex, no colons
	ValidityStartTime  string // RFC 3339, UTC
	ValidityEndTime    string
	DNSNames           []string
	IPAddresses        []string
	EmailAddresses     []string
	URIs               []string
	KeyUsages          []string // as RFC 5280 section 4.2.1.3 spells them: digitalSignature
	ExtendedKeyUsages  []string // as section 4.2.1.12 does: serverAuth; others as dotted OID
	KeyAlgorithm       string   // ECDSA_P256, RSA_2048, ED25519
	SignatureAlgorithm string   // ECDSA-SHA256
	IsCA               bool
	SubjectKeyID       string // hex, empty if there is none
	AuthorityKeyID     string
	FingerprintSHA256  string // hex of the DER
	FingerprintSHA1    string
}

// Name is a distinguished name. Each attribute is its first value, empty if
// there is none; DistinguishedName has them all, in the form of RFC 2253.
type Name struct {
	CommonName         string
	Organization       string
	OrganizationalUnit string
	StreetAddress      []string
	Locality           string
	Province           string
	Country            string
	PostalCode         string
	SerialNumber       string
	EmailAddress       string
	DistinguishedName  string
}

// ParseCertificate describes the first certificate of a PEM text.
func ParseCertificate(text string) (Certificate, error) {
	first := ""
	for rest := []byte(text); ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return Certificate{}, fmt.Errorf("the first certificate: %w", err)
			}
			return describeCertificate(cert), nil
		}
		if first == "" {
			first = block.Type
		}
	}
	if first != "" {
		return Certificate{}, fmt.Errorf("this PEM holds a %s and no certificate", first)
	}
	return Certificate{}, errors.New("no PEM certificate: the text must hold -----BEGIN CERTIFICATE-----")
}

func describeCertificate(c *x509.Certificate) Certificate {
	sum256, sum1 := sha256.Sum256(c.Raw), sha1.Sum(c.Raw)
	d := Certificate{
		Subject:            describeName(c.Subject),
		Issuer:             describeName(c.Issuer),
		SerialNumber:       c.SerialNumber.Text(16),
		ValidityStartTime:  c.NotBefore.UTC().Format(time.RFC3339),
		ValidityEndTime:    c.NotAfter.UTC().Format(time.RFC3339),
		DNSNames:           append([]string{}, c.DNSNames...),
		IPAddresses:        []string{},
		EmailAddresses:     append([]string{}, c.EmailAddresses...),
		URIs:               []string{},
		KeyUsages:          keyUsages(c.KeyUsage),
		ExtendedKeyUsages:  extendedKeyUsages(c),
		KeyAlgorithm:       keyAlgorithm(c),
		SignatureAlgorithm: c.SignatureAlgorithm.String(),
		IsCA:               c.BasicConstraintsValid && c.IsCA,
		SubjectKeyID:       hex.EncodeToString(c.SubjectKeyId),
		AuthorityKeyID:     hex.EncodeToString(c.AuthorityKeyId),
		FingerprintSHA256:  hex.EncodeToString(sum256[:]),
		FingerprintSHA1:    hex.EncodeToString(sum1[:]),
	}
	for _, ip := range c.IPAddresses {
		d.IPAddresses = append(d.IPAddresses, ip.String())
	}
	for _, u := range c.URIs {
		d.URIs = append(d.URIs, u.String())
	}
	return d
}

var oidEmailAddress = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1} // PKCS #9

func describeName(n pkix.Name) Name {
	d := Name{
		CommonName:         n.CommonName,
		Organization:       firstOf(n.Organization),
		OrganizationalUnit: firstOf(n.OrganizationalUnit),
		StreetAddress:      append([]string{}, n.StreetAddress...),
		Locality:           firstOf(n.Locality),
		Province:           firstOf(n.Province),
		Country:            firstOf(n.Country),
		PostalCode:         firstOf(n.PostalCode),
		SerialNumber:       n.SerialNumber,
		DistinguishedName:  n.String(),
	}
	for _, a := range n.Names {
		if email, ok := a.Value.(string); ok && a.Type.Equal(oidEmailAddress) && d.EmailAddress == "" {
			d.EmailAddress = email
		}
	}
	return d
}

func firstOf(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// keyUsages names the bits that are set, in the order of the extension.
func keyUsages(usage x509.KeyUsage) []string {
	names := []string{}
	for bit := x509.KeyUsageDigitalSignature; bit <= x509.KeyUsageDecipherOnly; bit <<= 1 {
		if usage&bit != 0 {
			names = append(names, bit.String())
		}
	}
	return names
}

func extendedKeyUsages(c *x509.Certificate) []string {
	names := []string{}
	for _, usage := range c.ExtKeyUsage {
		names = append(names, usage.String())
	}
	for _, oid := range c.UnknownExtKeyUsage {
		names = append(names, oid.String())
	}
	return names
}

func keyAlgorithm(c *x509.Certificate) string {
	switch key := c.PublicKey.(type) {
	case *ecdsa.PublicKey:
		return "ECDSA_" + strings.ReplaceAll(key.Curve.Params().Name, "-", "")
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA_%d", key.N.BitLen())
	case ed25519.PublicKey:
		return "ED25519"
	default:
		return c.PublicKeyAlgorithm.String()
	}
}
