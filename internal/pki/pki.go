// Package pki is the X.509 side of `dockerd --tlsverify`: keys, a root
// authority, the server and client certificates it issues, the cross
// certificates that let two roots overlap, and the decision when a certificate
// is due.
//
// It knows neither Terraform nor Docker. Every function that depends on the
// time takes it as an argument. What is issued follows RFC 5280; each rule
// names its section. A certificate is validated before it is issued and
// verified after, so that what a function returns does verify.
package pki

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"math/big"
	"time"
)

// backdate is how far NotBefore lies before the moment of issue: hosts boot
// with clocks that are not yet set.
const backdate = time.Hour

// endOfTime is the last moment that a certificate can name (RFC 5280,
// section 4.1.2.5).
var endOfTime = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)

// CheckValidity reports whether a certificate that is issued at now can be
// valid for the given number of hours.
func CheckValidity(hours int64, now time.Time) error {
	if hours <= 0 {
		return fmt.Errorf("a certificate must be valid for at least 1 hour, not %d", hours)
	}
	if longest := (endOfTime.Unix() - now.Unix()) / 3600; hours > longest {
		return fmt.Errorf("%d hours reach past the year 9999, the last that a certificate can name (RFC 5280, section 4.1.2.5); use at most %d", hours, longest)
	}
	return nil
}

// validity is that of a certificate issued at now: whole seconds in UTC,
// from an hour before now until the given hours after it, or until the
// authority's own end where that comes first.
func validity(now time.Time, hours int64, authorityEnd time.Time) (notBefore, notAfter time.Time) {
	issued := time.Unix(now.Unix(), 0).UTC()
	notAfter = time.Unix(now.Unix()+hours*3600, 0).UTC()
	if !authorityEnd.IsZero() && authorityEnd.Before(notAfter) {
		notAfter = authorityEnd.UTC()
	}
	return issued.Add(-backdate), notAfter
}

// newSerialNumber returns a random positive number of 127 bits: unique without
// a register, and at most 20 octets when encoded (RFC 5280, section 4.1.2.2).
func newSerialNumber() (*big.Int, error) {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("drawing a serial number: %w", err)
	}
	raw[0] = raw[0]&0x7f | 0x40 // positive, and always of the same length
	return new(big.Int).SetBytes(raw), nil
}

// keyID is the key identifier of RFC 7093, section 2, method 1: the leftmost
// 160 bits of the SHA-256 hash of the subjectPublicKey bit string.
func keyID(spki []byte) ([]byte, error) {
	var info struct {
		Algorithm asn1.RawValue
		PublicKey asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return nil, fmt.Errorf("reading the public key: %w", err)
	}
	sum := sha256.Sum256(info.PublicKey.RightAlign())
	return sum[:20], nil
}
