package x509text

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"time"
)

// Description is a certificate in words (RFC 5280). Slices are never nil.
type Description struct {
	Subject            Name
	Issuer             Name
	SerialNumber       string // as [SerialNumber] writes it
	ValidityStartTime  string // RFC 3339, UTC
	ValidityEndTime    string
	DNSNames           []string
	IPAddresses        []string
	EmailAddresses     []string
	URIs               []string
	KeyUsages          []string // as [KeyUsages] names them
	ExtendedKeyUsages  []string // as [ExtKeyUsages] names them
	KeyAlgorithm       string   // ECDSA_P256, RSA_2048, ED25519; another as dotted OID
	SignatureAlgorithm string   // ECDSA-SHA256; one that crypto/x509 does not know as dotted OID
	IsCA               bool
	SubjectKeyID       string // hex, empty if there is none
	AuthorityKeyID     string
	FingerprintSHA256  string // hex of the DER
	FingerprintSHA1    string
}

// Describe puts a certificate in words.
func Describe(c *x509.Certificate) Description {
	d := Description{
		Subject:            NameOf(c.Subject),
		Issuer:             NameOf(c.Issuer),
		SerialNumber:       SerialNumber(c),
		ValidityStartTime:  c.NotBefore.UTC().Format(time.RFC3339),
		ValidityEndTime:    c.NotAfter.UTC().Format(time.RFC3339),
		DNSNames:           append([]string{}, c.DNSNames...),
		IPAddresses:        []string{},
		EmailAddresses:     append([]string{}, c.EmailAddresses...),
		URIs:               []string{},
		KeyUsages:          KeyUsages(c),
		ExtendedKeyUsages:  ExtKeyUsages(c),
		KeyAlgorithm:       keyAlgorithm(c),
		SignatureAlgorithm: signatureAlgorithm(c),
		IsCA:               c.BasicConstraintsValid && c.IsCA,
		SubjectKeyID:       hex.EncodeToString(c.SubjectKeyId),
		AuthorityKeyID:     hex.EncodeToString(c.AuthorityKeyId),
		FingerprintSHA256:  Fingerprint(c),
		FingerprintSHA1:    FingerprintSHA1(c),
	}
	for _, ip := range c.IPAddresses {
		d.IPAddresses = append(d.IPAddresses, ip.String())
	}
	for _, u := range c.URIs {
		d.URIs = append(d.URIs, u.String())
	}
	return d
}

func keyAlgorithm(c *x509.Certificate) string {
	if name := nameKey(c.PublicKey); name != "" {
		return string(name)
	}
	if c.PublicKeyAlgorithm != x509.UnknownPublicKeyAlgorithm {
		return c.PublicKeyAlgorithm.String()
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil {
		return ""
	}
	return info.Algorithm.Algorithm.String()
}

func signatureAlgorithm(c *x509.Certificate) string {
	if c.SignatureAlgorithm != x509.UnknownSignatureAlgorithm {
		return c.SignatureAlgorithm.String()
	}
	var signed struct {
		Certificate asn1.RawValue
		Algorithm   pkix.AlgorithmIdentifier
		Signature   asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.Raw, &signed); err != nil {
		return ""
	}
	return signed.Algorithm.Algorithm.String()
}
