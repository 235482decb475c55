package pki

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// Profile is what a leaf certificate is for. A leaf has one profile, never
// both: with both, a client could pose as a daemon.
type Profile int

// The profiles.
const (
	Server Profile = iota // a daemon: extendedKeyUsage serverAuth
	Client                // a user of a daemon: extendedKeyUsage clientAuth
)

func (p Profile) extKeyUsage() x509.ExtKeyUsage {
	if p == Server {
		return x509.ExtKeyUsageServerAuth
	}
	return x509.ExtKeyUsageClientAuth
}

// keyUsage is digitalSignature, which every cipher suite of TLS 1.3 needs, and
// for the RSA key exchange of TLS 1.2 keyEncipherment at the server (RFC 5246,
// section 7.4.2).
func (p Profile) keyUsage(publicKey crypto.PublicKey) x509.KeyUsage {
	if _, ok := publicKey.(*rsa.PublicKey); ok && p == Server {
		return x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	}
	return x509.KeyUsageDigitalSignature
}

// LeafRequest says what [Authority.Issue] certifies.
type LeafRequest struct {
	Profile       Profile
	Subject       Subject
	Names         Names // of a server; at least one
	ValidityHours int64
	Window        Window // in place of ValidityHours, if it is set
	PublicKey     crypto.PublicKey
}

// Window is a time of validity that is chosen, in whole seconds: of a certificate
// for minutes, or for a clock that is not to be relied on.
type Window struct{ NotBefore, NotAfter time.Time }

// within is the part of the window in which the authority is valid too.
func (w Window) within(authority *x509.Certificate) (notBefore, notAfter time.Time) {
	notBefore, notAfter = time.Unix(w.NotBefore.Unix(), 0).UTC(), time.Unix(w.NotAfter.Unix(), 0).UTC()
	if notBefore.Before(authority.NotBefore) {
		notBefore = authority.NotBefore
	}
	if notAfter.After(authority.NotAfter) {
		notAfter = authority.NotAfter
	}
	return notBefore, notAfter
}

// Errors of [Authority.Issue] that belong to one input.
var (
	ErrNoNames       = errors.New("a server certificate needs at least one DNS name or IP address: clients compare these, not the common name")
	ErrNoCommonName  = errors.New("a client certificate needs a common name: it is the user name that Docker's authorization plugins see")
	ErrAuthorityKey  = errors.New("the key is that of the authority itself or of one of its previous roots, which must not lie on a host: use another one")
	ErrAuthorityName = errors.New("the subject is that of the authority itself: path building would take the certificate for a self-signed one; choose another common name")
)

// Check reports whether the request can be issued at all, by any authority.
func (r LeafRequest) Check(now time.Time) error {
	if r.Profile == Server && r.Names.Empty() {
		return ErrNoNames
	}
	if r.Profile == Client && r.Subject.CommonName == "" {
		return ErrNoCommonName
	}
	return errors.Join(r.Subject.Check(), r.Names.CheckSize(nil), r.checkValidity(now), CheckKey(r.PublicKey), checkHandshakeKey(r.PublicKey))
}

func (r LeafRequest) checkValidity(now time.Time) error {
	if r.Window != (Window{}) {
		return nil // that it holds now is verified
	}
	return CheckValidity(r.ValidityHours, now)
}

// checkHandshakeKey reports a key that is fit for an authority alone: crypto/tls,
// and so Docker, refuses larger ones in a handshake.
func checkHandshakeKey(public crypto.PublicKey) error {
	if key, ok := public.(*rsa.PublicKey); ok && key.N.BitLen() > maxHandshakeRSABits {
		return fmt.Errorf("an RSA key of %d bits is too long: Docker refuses those of more than %d", key.N.BitLen(), maxHandshakeRSABits)
	}
	return nil
}

const maxHandshakeRSABits = 8192

// CheckSubjectUnder reports a subject that equals its authority's.
func CheckSubjectUnder(subject Subject, authority *x509.Certificate) error {
	raw, err := marshalName(subject.name(""))
	if err != nil {
		return fmt.Errorf("encoding the subject: %w", err)
	}
	if sameName(raw, authority.RawSubject) {
		return ErrAuthorityName
	}
	return nil
}

// CheckLeafKey reports a key that one of the certificates of an authority has:
// whoever trusts that certificate would trust whatever the holder of the leaf's
// key signs.
func CheckLeafKey(key crypto.PublicKey, authorities []*x509.Certificate) error {
	if slices.ContainsFunc(authorities, func(c *x509.Certificate) bool { return SamePublicKey(key, c.PublicKey) }) {
		return ErrAuthorityKey
	}
	return nil
}

func marshalName(name pkix.Name) ([]byte, error) { return asn1.Marshal(name.ToRDNSequence()) }

// Issue makes a leaf certificate for the request and verifies it against the
// authority before it is returned. It never outlives the authority.
func (a *Authority) Issue(request LeafRequest, now time.Time) (*x509.Certificate, error) {
	if err := errors.Join(
		request.Check(now),
		CheckAuthorityTime(a.Certificate, now),
		CheckAuthorityPurpose(a.Certificate, request.Profile),
		CheckKey(a.Certificate.PublicKey),
		CheckSubjectUnder(request.Subject, a.Certificate),
		constraintsOf(a.Certificate).Check(request.Names),
		CheckEmailUnder(request.Subject.EmailAddress, a.Certificate),
	); err != nil {
		return nil, err
	}
	if err := CheckLeafKey(request.PublicKey, append([]*x509.Certificate{a.Certificate}, a.Others...)); err != nil {
		return nil, err
	}
	template, err := newTemplate(request.PublicKey, now, request.ValidityHours, a.Certificate.NotAfter)
	if err != nil {
		return nil, err
	}
	if request.Window != (Window{}) {
		template.NotBefore, template.NotAfter = request.Window.within(a.Certificate)
	}
	template.Subject = request.Subject.name("")
	template.EmailAddresses = request.Subject.emailAddresses()
	template.KeyUsage = request.Profile.keyUsage(request.PublicKey)
	template.ExtKeyUsage = []x509.ExtKeyUsage{request.Profile.extKeyUsage()}
	if request.Profile == Server {
		template.DNSNames = request.Names.DNSNames
		for _, address := range request.Names.IPAddresses {
			template.IPAddresses = append(template.IPAddresses, net.IP(address.AsSlice()))
		}
	}
	leaf, err := template.sign(a.Certificate, a.key)
	if err != nil {
		return nil, err
	}
	if err := VerifyLeaf(leaf, nil, a.Certificate, request.Profile, now); err != nil {
		return nil, fmt.Errorf("the issued certificate does not verify against its authority: %w", err)
	}
	return leaf, nil
}

// VerifyLeaf reports whether a leaf, delivered with the given chain, is
// accepted at now for its profile by a party that trusts only root.
func VerifyLeaf(leaf *x509.Certificate, chain []*x509.Certificate, root *x509.Certificate, profile Profile, now time.Time) error {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	for _, certificate := range chain {
		intermediates.AddCert(certificate)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: intermediates,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{profile.extKeyUsage()},
	})
	return err
}
