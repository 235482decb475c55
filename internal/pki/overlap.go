package pki

import (
	"crypto/x509"
	"errors"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Trust is what an authority gives to others while its roots overlap.
//
// When a root is replaced, the old one stays trusted for a while, and certifies
// the key of the new one in a cross certificate. Who has been told of the new
// root trusts both; who has not follows the cross from a new leaf to the old
// root. So no order of telling them breaks a connection.
type Trust struct {
	// Roots are the roots to trust, the current one first.
	Roots []*x509.Certificate
	// Crosses lead from the current root's key to older roots, the newest
	// first: the first certifies Roots[0] by Roots[1], and so on. The list ends
	// at the first root that could not sign one.
	Crosses []*x509.Certificate
}

// ParseTrust reads both bundles. The second may be empty.
func ParseTrust(roots, crosses string) (Trust, error) {
	var trust Trust
	var err error
	if trust.Roots, err = x509text.ParseCertificates(roots); err != nil {
		return Trust{}, err
	}
	if crosses != "" {
		if trust.Crosses, err = x509text.ParseCertificates(crosses); err != nil {
			return Trust{}, err
		}
	}
	return trust, nil
}

// Succeed puts a new root at the head. cross certifies its key by the root
// that was current so far, or is nil if that root could not sign it.
func (t Trust) Succeed(root, cross *x509.Certificate) Trust {
	next := Trust{Roots: append([]*x509.Certificate{root}, t.Roots...)}
	if cross != nil {
		next.Crosses = append([]*x509.Certificate{cross}, t.Crosses...)
	}
	return next
}

// Renew replaces the current root by one with the same key and name. The cross
// certificates stay: they certify exactly these.
func (t Trust) Renew(root *x509.Certificate) Trust {
	return Trust{Roots: append([]*x509.Certificate{root}, t.Roots[1:]...), Crosses: t.Crosses}
}

// Overlap is how long a previous root stays trusted after it was replaced. The
// zero value is until it expires.
type Overlap struct {
	limited bool
	hours   int64
}

// UntilExpiry is the overlap of a root that stays trusted until it expires.
var UntilExpiry = Overlap{}

// OverlapOf is an overlap of so many hours. Of none, a root is cut off when it
// is replaced.
func OverlapOf(hours int64) Overlap { return Overlap{limited: true, hours: hours} }

// CutsOff reports whether no previous root stays trusted at all.
func (o Overlap) CutsOff() bool { return o.limited && o.hours <= 0 }

// Trim drops the roots whose overlap has ended at now, and the cross
// certificates that lead to them.
func (t Trust) Trim(overlap Overlap, now time.Time) Trust {
	kept := Trust{Roots: t.Roots[:1:1]}
	if overlap.CutsOff() {
		return kept // now, even if the clock was set back since
	}
	unbroken := true
	for i, root := range t.Roots[1:] {
		if !now.Before(t.TrustedUntil(i+1, overlap)) {
			unbroken = false
			continue
		}
		kept.Roots = append(kept.Roots, root)
		if unbroken && i < len(t.Crosses) {
			kept.Crosses = append(kept.Crosses, t.Crosses[i])
		}
	}
	return kept
}

// NextEnd is the moment at which the next overlap ends, if there is any.
func (t Trust) NextEnd(overlap Overlap) (end time.Time, ok bool) {
	for i := 1; i < len(t.Roots); i++ {
		if until := t.TrustedUntil(i, overlap); !ok || until.Before(end) {
			end, ok = until, true
		}
	}
	return end, ok
}

// TrustedUntil is the moment from which the previous root at index i is no
// longer trusted. All of it is read from the certificates.
func (t Trust) TrustedUntil(i int, overlap Overlap) time.Time {
	root := t.Roots[i]
	if !overlap.limited {
		return root.NotAfter
	}
	// The cross certificate was issued when the root was replaced. Without one,
	// the certificate of its successor tells.
	replaced := t.Roots[i-1].NotBefore
	if i-1 < len(t.Crosses) {
		replaced = t.Crosses[i-1].NotBefore
	}
	end := time.Unix(replaced.Add(backdate).Unix()+overlap.hours*3600, 0).UTC()
	if root.NotAfter.Before(end) {
		return root.NotAfter
	}
	return end
}

// PEM encodes both bundles.
func (t Trust) PEM() (roots, crosses string) {
	return x509text.EncodeCertificates(t.Roots...), x509text.EncodeCertificates(t.Crosses...)
}

// ErrForeignCross is the error of [CheckCrosses].
var ErrForeignCross = errors.New("the first cross certificate does not certify the authority's key: take cert_pem and cross_signed_cert_pem from the same authority")

// CheckCrosses reports cross certificates that belong to another authority.
func CheckCrosses(crosses []*x509.Certificate, authority *x509.Certificate) error {
	if len(crosses) > 0 && (!SamePublicKey(crosses[0].PublicKey, authority.PublicKey) || !sameName(crosses[0].RawSubject, authority.RawSubject)) {
		return ErrForeignCross
	}
	return nil
}
