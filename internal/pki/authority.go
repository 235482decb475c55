package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Authority is a root that can issue: a CA certificate and the private key
// that belongs to it.
type Authority struct {
	Certificate *x509.Certificate
	// Others are the previous roots that are still trusted, and the cross
	// certificates. No leaf may have the key of any of them.
	Others []*x509.Certificate
	key    crypto.Signer
}

// ParseAuthorityCertificate reads the certificate of an authority, the first
// of a bundle, and reports whether it may certify others (RFC 5280, sections
// 4.2.1.3 and 4.2.1.9).
func ParseAuthorityCertificate(bundle string) (*x509.Certificate, error) {
	certificates, err := x509text.ParseCertificates(bundle)
	if err != nil {
		return nil, err
	}
	return certificates[0], CheckAuthorities(certificates)
}

// CheckAuthorities reports a bundle whose first certificate may not certify
// others, or that no daemon can trust as a whole.
func CheckAuthorities(bundle []*x509.Certificate) error {
	if err := checkAuthority(bundle[0]); err != nil {
		return err
	}
	return checkRequestable(bundle)
}

// checkAuthority reports a certificate that may not certify others. A root of
// version 1 cannot say that it may.
func checkAuthority(certificate *x509.Certificate) error {
	if certificate.Version < 3 {
		return fmt.Errorf("the certificate of %q is not one of an authority: it lacks basicConstraints CA:TRUE", certificate.Subject)
	}
	return x509text.CheckAuthority(certificate)
}

// checkRequestable reports a bundle of too many roots: a daemon lists the names
// of all of them when it asks for a client's certificate, with a length of 16
// bits (RFC 5246, section 7.4.4; RFC 8446, section 4.2.4).
func checkRequestable(bundle []*x509.Certificate) error {
	length := 2
	for _, certificate := range bundle {
		length += 2 + len(certificate.RawSubject)
	}
	if length > 1<<16-1 {
		return fmt.Errorf("the bundle has %d certificates, whose names take %d bytes: a daemon that trusts them all can ask no client for a certificate, because a handshake carries at most %d; keep the authorities of Docker alone", len(bundle), length, 1<<16-1)
	}
	return nil
}

// CheckAuthorityTime reports an authority that is not valid at now.
func CheckAuthorityTime(certificate *x509.Certificate, now time.Time) error {
	if now.Before(certificate.NotBefore) {
		return fmt.Errorf("the authority %q is not valid before %s: check the clock of this machine, or wait", certificate.Subject, certificate.NotBefore.UTC().Format(time.RFC3339))
	}
	return CheckAuthorityEnd(certificate, now)
}

// CheckAuthorityEnd reports an authority that has ended.
func CheckAuthorityEnd(certificate *x509.Certificate, now time.Time) error {
	if !now.Before(certificate.NotAfter) {
		return fmt.Errorf("the authority %q expired on %s: renew it first", certificate.Subject, certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}

// CheckAuthorityPurpose reports an authority whose extendedKeyUsage forbids it to
// issue for a profile. RFC 5280 gives the extension no meaning in an authority's
// certificate, but Docker's crypto/tls, like others, lets it limit what is below.
//
// It also reports a critical extension that crypto/x509 does not know: programs
// must then reject what is below (RFC 5280, section 4.2).
func CheckAuthorityPurpose(certificate *x509.Certificate, profile Profile) error {
	if unknown := certificate.UnhandledCriticalExtensions; len(unknown) > 0 {
		return fmt.Errorf("the authority %q has the critical extension %s, which programs do not know: they do not accept what it issues", certificate.Subject, unknown[0])
	}
	if allows(certificate, profile) {
		return nil
	}
	return fmt.Errorf("the authority %q may not issue the certificate of a %s: its extendedKeyUsage is limited to %s, and programs do not accept what it issues for another purpose",
		certificate.Subject, profile, strings.Join(x509text.ExtKeyUsages(certificate), ", "))
}

// ErrKeyMismatch is the error of [NewAuthority] for a key of another
// certificate.
var ErrKeyMismatch = errors.New("the private key does not belong to the authority's certificate: take both from the same authority")

// NewAuthority joins a certificate of [ParseAuthorityCertificate] with its key.
func NewAuthority(certificate *x509.Certificate, key crypto.Signer) (*Authority, error) {
	if !SamePublicKey(key.Public(), certificate.PublicKey) {
		return nil, ErrKeyMismatch
	}
	return &Authority{Certificate: certificate, key: key}, nil
}

// RootRequest says what [IssueRoot] certifies.
type RootRequest struct {
	Subject         Subject
	NameConstraints NameConstraints
	ValidityHours   int64
	Key             crypto.Signer

	// Predecessor is the certificate that is renewed with the same key, or nil.
	// Its name and key identifier are kept, so that what it issued stays valid.
	Predecessor *x509.Certificate
	// KeepStart keeps the beginning of the predecessor's validity as well. It is
	// the moment at which the root before it was replaced, from which an overlap
	// counts. So it is to be kept while there are previous roots.
	KeepStart bool
}

// IssueRoot makes a self-signed authority: basicConstraints critical CA:TRUE
// without a path length (a limit would forbid cross certificates), keyUsage
// critical keyCertSign and cRLSign. A renewal keeps the path length of an
// imported root: it must not allow more, and machines that have only the former
// certificate would refuse a cross certificate that the new one allows.
//
// The name of a new root carries serialNumber=<first 16 hex digits of its
// subjectKeyIdentifier>, so that every generation and every environment has a
// name of its own: path building goes by names.
func IssueRoot(request RootRequest, now time.Time) (*x509.Certificate, error) {
	if err := errors.Join(request.Subject.Check(), request.NameConstraints.CheckSize(), CheckValidity(request.ValidityHours, now), CheckKey(request.Key.Public())); err != nil {
		return nil, err
	}
	template, err := newTemplate(request.Key.Public(), now, request.ValidityHours, time.Time{})
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.constrain(request.NameConstraints)
	if old := request.Predecessor; old != nil {
		template.RawSubject = old.RawSubject
		template.EmailAddresses = old.EmailAddresses
		template.MaxPathLen, template.MaxPathLenZero = old.MaxPathLen, old.MaxPathLenZero
		// A clock that was set back must not make a root that is not valid yet.
		if request.KeepStart && old.NotBefore.Before(template.NotBefore) {
			template.NotBefore = old.NotBefore
		}
		if len(old.SubjectKeyId) > 0 {
			template.SubjectKeyId = old.SubjectKeyId
		}
	} else {
		template.Subject = request.Subject.name(serialOf(template.SubjectKeyId))
		template.EmailAddresses = request.Subject.emailAddresses()
	}
	root, err := template.sign(&template.Certificate, request.Key)
	if err != nil {
		return nil, err
	}
	if err := verifyUnder(root, root, now); err != nil {
		return nil, fmt.Errorf("the issued authority does not verify: %w", err)
	}
	return root, nil
}

// verifyUnder reports whether an authority is accepted at now by who trusts only
// root. Path validation does not look at the signature of an anchor, so that is
// checked beside it.
func verifyUnder(authority, root *x509.Certificate, now time.Time) error {
	if err := authority.CheckSignatureFrom(root); err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	_, err := authority.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err
}

// serialOf is the serialNumber attribute in the name of a root with this key
// identifier.
func serialOf(keyID []byte) string { return hex.EncodeToString(keyID[:8]) }

// CanCrossSign reports whether a root may certify the key of its successor, so
// that a leaf can be followed over it. email is the e-mail address in the subject
// of the successor, if it has one.
func CanCrossSign(root *x509.Certificate, email string, now time.Time) error {
	switch {
	case root.MaxPathLenZero:
		return errors.New("its path length is 0, which forbids it to certify another authority (RFC 5280, section 4.2.1.9)")
	case root.KeyUsage != 0 && root.KeyUsage&x509.KeyUsageCertSign == 0:
		return errors.New("its keyUsage lacks keyCertSign")
	case !allows(root, Server) && !allows(root, Client):
		return errors.New("its extendedKeyUsage allows neither servers nor clients")
	case len(root.UnhandledCriticalExtensions) > 0:
		return fmt.Errorf("it has a critical extension that TLS libraries do not know (%s)", root.UnhandledCriticalExtensions[0])
	case now.Before(root.NotBefore):
		return fmt.Errorf("it is not valid before %s", root.NotBefore.UTC().Format(time.RFC3339))
	case !now.Before(root.NotAfter):
		return fmt.Errorf("it expired on %s", root.NotAfter.UTC().Format(time.RFC3339))
	}
	return CheckEmailUnder(email, root)
}

// CrossSign certifies the key of a newer root, with that root's name and key
// identifier, so that whoever trusts only this authority accepts what the newer
// one issues. The cross certificate ends when this authority does.
func (a *Authority) CrossSign(root *x509.Certificate, now time.Time) (*x509.Certificate, error) {
	email := ""
	if len(root.EmailAddresses) > 0 {
		email = root.EmailAddresses[0]
	}
	if err := CanCrossSign(a.Certificate, email, now); err != nil {
		return nil, fmt.Errorf("the authority %q cannot sign a cross certificate: %w", a.Certificate.Subject, err)
	}
	template, err := newTemplate(root.PublicKey, now, 0, time.Time{})
	if err != nil {
		return nil, err
	}
	template.NotAfter = a.Certificate.NotAfter
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.RawSubject = root.RawSubject
	template.EmailAddresses = root.EmailAddresses
	template.SubjectKeyId = root.SubjectKeyId
	template.constrain(constraintsOf(root))
	cross, err := template.sign(a.Certificate, a.key)
	if err != nil {
		return nil, err
	}
	if err := verifyUnder(cross, a.Certificate, now); err != nil {
		return nil, fmt.Errorf("the issued cross certificate does not verify: %w", err)
	}
	return cross, nil
}

func constraintsOf(certificate *x509.Certificate) NameConstraints {
	return NameConstraints{
		PermittedDNSDomains: certificate.PermittedDNSDomains,
		ExcludedDNSDomains:  certificate.ExcludedDNSDomains,
		PermittedIPRanges:   prefixes(certificate.PermittedIPRanges),
		ExcludedIPRanges:    prefixes(certificate.ExcludedIPRanges),
	}
}

// ConstraintsOf reads the name constraints of a certificate, in canonical form.
func ConstraintsOf(certificate *x509.Certificate) NameConstraints {
	c := constraintsOf(certificate)
	c.sort()
	return c
}
