package pki

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Oddities lists what a certificate that was made elsewhere lacks compared with
// one that is issued here. Each is a clause of a sentence. authority is the
// issuer of a leaf, and nil where it is not known.
//
// None of them forbids to go on using the certificate: the next one that is
// issued mends them all.
func (p Profile) Oddities(certificate, authority *x509.Certificate, now time.Time) []string {
	oddities := commonOddities(certificate, now)
	if p == Server && len(certificate.DNSNames)+len(certificate.IPAddresses) == 0 {
		oddities = append(oddities, "it has no subjectAltName: current clients, Docker's among them, do not accept its common name instead")
	}
	if !x509text.HasExtKeyUsage(certificate) {
		oddities = append(oddities, "it has no extendedKeyUsage: it serves clients and servers alike")
	} else if allows(certificate, otherProfile(p)) {
		oddities = append(oddities, fmt.Sprintf("its extendedKeyUsage allows it to a %s as well", otherProfile(p)))
	}
	if _, left := AdoptedNames(certificate); p == Server && len(left) > 0 {
		oddities = append(oddities, fmt.Sprintf("its subjectAltName has names that a new certificate cannot have: %q", left))
	}
	if p == Client && certificate.Subject.CommonName == "" {
		oddities = append(oddities, "it has no common name, which a new client certificate needs: it is the user name that Docker's authorization plugins see")
	}
	// Where both were issued for as long on one day, as in Docker's guide, it is no matter.
	if authority != nil && certificate.NotAfter.After(authority.NotAfter.AddDate(0, 0, 1)) {
		oddities = append(oddities, fmt.Sprintf("it outlives its authority, which ends on %s: from then on nobody accepts it", day(authority.NotAfter)))
	}
	return oddities
}

// RootOddities is [Profile.Oddities] of a root.
func RootOddities(root *x509.Certificate, now time.Time) []string {
	oddities := commonOddities(root, now)
	if len(root.SubjectKeyId) == 0 {
		oddities = append(oddities, "it has no subjectKeyIdentifier")
	}
	for _, profile := range []Profile{Server, Client} {
		if !allows(root, profile) {
			oddities = append(oddities, fmt.Sprintf("its extendedKeyUsage forbids it to issue the certificate of a %s, and programs do not accept such a one", profile))
		}
	}
	if unknown := root.UnhandledCriticalExtensions; len(unknown) > 0 {
		oddities = append(oddities, fmt.Sprintf("it has the critical extension %s, which programs do not know: they do not accept what it issues", unknown[0]))
	}
	if root.MaxPathLenZero {
		oddities = append(oddities, "its path length is 0: it cannot certify its successor, so a rotation needs the new ca.pem everywhere before the new certificates")
	}
	if len(root.PermittedEmailAddresses)+len(root.ExcludedEmailAddresses)+len(root.PermittedURIDomains)+len(root.ExcludedURIDomains) > 0 {
		oddities = append(oddities, "it has name constraints on e-mail addresses or URIs: a new root has none of these")
	}
	return oddities
}

func commonOddities(certificate *x509.Certificate, now time.Time) []string {
	var oddities []string
	add := func(format string, args ...any) { oddities = append(oddities, fmt.Sprintf(format, args...)) }
	switch {
	case Expired(certificate, now):
		add("it expired on %s", day(certificate.NotAfter))
	case EndsSoon(certificate, now):
		add("it ends soon, on %s: the first apply after %s renews it", day(certificate.NotAfter), day(RenewalTime(certificate, AdoptedEarlyRenewalHours(certificate, now))))
	}
	if now.Before(certificate.NotBefore) {
		add("it is not valid before %s", day(certificate.NotBefore))
	}
	if certificate.Version < 3 {
		add("it is of X.509 version %d, which has no extensions", certificate.Version)
	}
	if certificate.KeyUsage == 0 {
		add("it has no keyUsage")
	}
	if algorithm := refusedSignature(certificate); algorithm != "" {
		if sameName(certificate.RawSubject, certificate.RawIssuer) {
			add("it is signed with %s", algorithm)
		} else {
			add("it is signed with %s, which current programs, Docker's among them, do not accept", algorithm)
		}
	}
	if key, ok := certificate.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
		add("its RSA key has %d bits, which is too short to issue or to renew with: the next key is longer", key.N.BitLen())
	}
	subject := SubjectOf(certificate.Subject)
	if err := subject.Check(); err != nil {
		add("its subject cannot be issued again (%s): set `subject`, which makes a new certificate", err)
	}
	if lost := unknownAttributes(certificate); lost > 0 {
		add("its subject has %d more attributes than `subject` can say: a new certificate is without them", lost)
	}
	return oddities
}

// refusedSignature names an algorithm that crypto/x509 does not check.
func refusedSignature(certificate *x509.Certificate) string {
	switch algorithm := certificate.SignatureAlgorithm; algorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA:
		return algorithm.String()
	case x509.UnknownSignatureAlgorithm:
		return "an algorithm that is not supported, such as SHA-224"
	}
	return ""
}

// Expired reports whether a certificate has ended.
func Expired(certificate *x509.Certificate, now time.Time) bool {
	return !now.Before(certificate.NotAfter)
}

// EndsSoon reports a certificate that has not ended, but would be due by default.
// It is taken over with a shorter window.
func EndsSoon(certificate *x509.Certificate, now time.Time) bool {
	return !Expired(certificate, now) && AdoptedEarlyRenewalHours(certificate, now) < AdoptedValidityHours(certificate)/3
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// unknownAttributes counts the attributes of a subject that [Subject] does not
// have. The serial number is one that each new root has of its own.
func unknownAttributes(certificate *x509.Certificate) int {
	subject := SubjectOf(certificate.Subject)
	known := len(subject.StreetAddress)
	for _, value := range []string{subject.CommonName, subject.Organization, subject.OrganizationalUnit, subject.Locality,
		subject.Province, subject.Country, subject.PostalCode, subject.EmailAddress, certificate.Subject.SerialNumber} {
		if value != "" {
			known++
		}
	}
	return max(len(certificate.Subject.Names)-known, 0)
}

// maxAdoptedHours bounds the validity that is read from a certificate: one that
// ends in 9999 could never be issued again for as long.
const maxAdoptedHours = 100 * 365 * 24

// AdoptedValidityHours is the validity to ask for to get a certificate that is
// valid for as long as this one.
func AdoptedValidityHours(certificate *x509.Certificate) int64 {
	start := certificate.NotBefore
	// One that was issued here begins an hour before its issue.
	if id, err := keyID(certificate.RawSubjectPublicKeyInfo); err == nil && bytes.Equal(id, certificate.SubjectKeyId) {
		start = start.Add(backdate)
	}
	hours := math.Round(float64(certificate.NotAfter.Unix()-start.Unix()) / 3600)
	return int64(min(max(hours, 1), maxAdoptedHours))
}

// AdoptedEarlyRenewalHours is a window in which a certificate is not yet due,
// unless it has expired: a third of its life, or of what is left of it. So to
// take it over renews nothing.
func AdoptedEarlyRenewalHours(certificate *x509.Certificate, now time.Time) int64 {
	early := AdoptedValidityHours(certificate) / 3
	if left := (certificate.NotAfter.Unix() - now.Unix()) / 3600; left >= 0 && Due(certificate, early, now) {
		early = left / 3
	}
	return early
}

// AdoptedNames are the names of a server certificate that a new one can have,
// and those that it cannot. Where there is no subjectAltName the common name
// counts, as it did for the clients of that time.
func AdoptedNames(certificate *x509.Certificate) (names Names, left []string) {
	candidates := certificate.DNSNames
	var addresses []string
	for _, ip := range certificate.IPAddresses {
		addresses = append(addresses, ip.String())
	}
	if len(candidates)+len(addresses) == 0 {
		name := certificate.Subject.CommonName
		if _, err := netip.ParseAddr(name); err == nil {
			addresses = []string{name}
		} else if _, err := ParseDNSName(name); err == nil {
			candidates = []string{name}
		}
	}
	var dnsNames []string
	for _, name := range candidates {
		if _, err := ParseDNSName(name); err != nil {
			left = append(left, name)
			continue
		}
		dnsNames = append(dnsNames, name)
	}
	names, err := ParseNames(dnsNames, addresses)
	if err != nil {
		return Names{}, append(left, strings.Join(addresses, " "))
	}
	return names, left
}
