package x509text

import (
	"crypto/x509"
	"slices"
)

// HasExtKeyUsage reports whether a certificate has the extension
// extendedKeyUsage at all (RFC 5280, section 4.2.1.12).
func HasExtKeyUsage(certificate *x509.Certificate) bool {
	return len(certificate.ExtKeyUsage)+len(certificate.UnknownExtKeyUsage) > 0
}

// Allows reports whether extendedKeyUsage lets a certificate be used for a
// purpose, as serverAuth or clientAuth (RFC 5280, section 4.2.1.12). Without
// the extension, as Docker's guide of 2014 makes a daemon's certificate, it may
// be used for all; with anyExtendedKeyUsage too. Purposes that crypto/x509 does
// not know count as others.
func Allows(certificate *x509.Certificate, purpose x509.ExtKeyUsage) bool {
	return !HasExtKeyUsage(certificate) ||
		slices.Contains(certificate.ExtKeyUsage, purpose) || slices.Contains(certificate.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// ExtKeyUsages names the purposes of a certificate as RFC 5280, section
// 4.2.1.12, does: serverAuth. One that crypto/x509 does not know is a dotted
// OID. The slice is never nil.
func ExtKeyUsages(certificate *x509.Certificate) []string {
	names := []string{}
	for _, usage := range certificate.ExtKeyUsage {
		names = append(names, usage.String())
	}
	for _, oid := range certificate.UnknownExtKeyUsage {
		names = append(names, oid.String())
	}
	return names
}

// KeyUsages names the bits of keyUsage that are set as RFC 5280, section
// 4.2.1.3, does, in its order: digitalSignature. The slice is never nil.
func KeyUsages(certificate *x509.Certificate) []string {
	names := []string{}
	for bit := x509.KeyUsageDigitalSignature; bit <= x509.KeyUsageDecipherOnly; bit <<= 1 {
		if certificate.KeyUsage&bit != 0 {
			names = append(names, bit.String())
		}
	}
	return names
}
