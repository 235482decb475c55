package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
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

// maxOverlapHours is longer than any certificate lives. In seconds, it does not
// overflow.
const maxOverlapHours = 10_000 * 8784

// OverlapOf is an overlap of so many hours. Of none, a root is cut off when it
// is replaced.
func OverlapOf(hours int64) Overlap {
	return Overlap{limited: true, hours: min(hours, maxOverlapHours)}
}

// CutsOff reports whether no previous root stays trusted at all.
func (o Overlap) CutsOff() bool { return o.limited && o.hours <= 0 }

// MaxPrevious is how many previous roots an authority has at most. The chain
// behind a leaf grows by one cross certificate with each of them, and who trusts
// all the roots must still read all of the chain: GnuTLS refuses 16 of them,
// Java 10.
const MaxPrevious = 8

// Trim drops the roots whose overlap has ended at now, those that are too many,
// and the cross certificates that lead to any of them.
//
// An expired root stays as long as an older one behind it. Nobody accepts it any
// more, and the moment at which the older one was replaced is written in it
// alone.
func (t Trust) Trim(overlap Overlap, now time.Time) Trust {
	if overlap.CutsOff() {
		return Trust{Roots: t.Roots[:1:1]} // now, even if the clock was set back since
	}
	kept := t.dropEnded(overlap, now)
	if kept.tooMany() {
		kept.Roots = kept.Roots[: 1+MaxPrevious : 1+MaxPrevious]
		kept.Crosses = kept.Crosses[:min(len(kept.Crosses), MaxPrevious)]
		// An expired root may have stayed for the sake of one that has just left.
		kept = kept.dropEnded(overlap, now)
	}
	return kept
}

func (t Trust) dropEnded(overlap Overlap, now time.Time) Trust {
	kept := Trust{Roots: t.Roots[:1:1]}
	ends := t.TrustedUntil(overlap)
	unbroken := true
	for i, root := range t.Roots[1:] {
		stays := now.Before(ends[i])
		// A cross certificate ends with the root that signed it.
		unbroken = unbroken && stays && now.Before(root.NotAfter)
		if stays {
			kept.Roots = append(kept.Roots, root)
		}
		if unbroken && i < len(t.Crosses) {
			kept.Crosses = append(kept.Crosses, t.Crosses[i])
		}
	}
	return kept
}

// tooMany reports whether there are more previous roots than may be.
func (t Trust) tooMany() bool { return len(t.Roots) > 1+MaxPrevious }

// Surplus are the roots that leave at now because there are too many of them;
// replaced says that another root takes the place of the current one.
func (t Trust) Surplus(overlap Overlap, now time.Time, replaced bool) []*x509.Certificate {
	if overlap.CutsOff() {
		return nil
	}
	most := 1 + MaxPrevious
	if replaced {
		most = MaxPrevious
	}
	if left := t.dropEnded(overlap, now).Roots; len(left) > most {
		return left[most:]
	}
	return nil
}

// OutOfReach are the roots to which no chain leads any more once another root
// takes the place of the current one: it is then longer than their path length
// allows (RFC 5280, section 4.2.1.9). Only roots from elsewhere have one.
func (t Trust) OutOfReach() []*x509.Certificate {
	var out []*x509.Certificate
	for i, root := range t.Roots[:min(len(t.Roots), len(t.Crosses)+1)] {
		if i > 0 && root.MaxPathLen == i {
			out = append(out, root)
		}
	}
	return out
}

// Same reports whether both have the same roots and cross certificates.
func (t Trust) Same(other Trust) bool {
	same := (*x509.Certificate).Equal
	return slices.EqualFunc(t.Roots, other.Roots, same) && slices.EqualFunc(t.Crosses, other.Crosses, same)
}

// NextEnd is the moment from which [Trust.Trim] drops something, if there is
// anything to drop. It is the zero time if there are too many roots already.
func (t Trust) NextEnd(overlap Overlap) (end time.Time, ok bool) {
	if t.tooMany() {
		return time.Time{}, true
	}
	for i, until := range t.TrustedUntil(overlap) {
		// A cross certificate can end before the root that signed it leaves.
		if signer := t.Roots[i+1]; i < len(t.Crosses) && signer.NotAfter.Before(until) {
			until = signer.NotAfter
		}
		if !ok || until.Before(end) {
			end, ok = until, true
		}
	}
	return end, ok
}

// TrustedUntil are the moments at which the previous roots leave, Roots[1]
// first. All of it is read from the certificates.
func (t Trust) TrustedUntil(overlap Overlap) []time.Time {
	limits := t.limits(overlap)
	ends := make([]time.Time, len(limits))
	var older time.Time // the last moment at which one that is older leaves
	for i := len(limits) - 1; i >= 0; i-- {
		ends[i] = earliest(limits[i], latest(t.Roots[i+1].NotAfter, older))
		older = latest(older, ends[i])
	}
	return ends
}

// limits are the moments until which an overlap lets the previous roots stay,
// whether or not they expire before, Roots[1] first.
//
// An older root was replaced before a newer one was. Where certificates say
// otherwise, because the clock was set back, the earlier moment counts for both.
func (t Trust) limits(overlap Overlap) []time.Time {
	limits := make([]time.Time, len(t.Roots)-1)
	limit := endOfTime
	for i := range limits {
		if overlap.limited {
			limit = earliest(limit, time.Unix(t.replaced(i+1).Unix()+overlap.hours*3600, 0).UTC())
		}
		limits[i] = limit
	}
	return limits
}

// replaced is the moment at which the root at index i was replaced. Its
// successor was issued then, and so was the cross certificate. A renewal of the
// successor keeps the beginning: see [RootRequest.KeepStart]. Earlier releases
// did not keep it, so the cross certificate may be the only one that tells.
func (t Trust) replaced(i int) time.Time {
	successor := t.Roots[i-1]
	moment := successor.NotBefore
	if issuedHere(successor) {
		moment = moment.Add(backdate)
	}
	if i-1 < len(t.Crosses) {
		moment = earliest(moment, t.Crosses[i-1].NotBefore.Add(backdate))
	}
	return moment
}

// issuedHere reports whether a root was issued by [IssueRoot] for a new name,
// and not made elsewhere: its name has the start of its key identifier.
func issuedHere(root *x509.Certificate) bool {
	return len(root.SubjectKeyId) >= 8 && root.Subject.SerialNumber == serialOf(root.SubjectKeyId)
}

func earliest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// PEM encodes both bundles.
func (t Trust) PEM() (roots, crosses string) {
	return x509text.EncodeCertificates(t.Roots...), x509text.EncodeCertificates(t.Crosses...)
}

// Errors of [CheckCrosses].
var (
	ErrForeignCross  = errors.New("the first cross certificate does not certify the authority's key: take cert_pem and cross_signed_cert_pem from the same authority")
	ErrBrokenCrosses = errors.New("the cross certificates are not a chain: each must be followed by the certificate of the authority that signed it, the newest first; take cross_signed_cert_pem as the authority has it")
	ErrManyCrosses   = fmt.Errorf("there are more than %d cross certificates: TLS libraries refuse longer chains; keep the newest %[1]d, or apply the authority first, which drops its oldest roots", MaxPrevious)
)

// CheckCrosses reports cross certificates that belong to another authority, are
// not a chain, or too many.
func CheckCrosses(crosses []*x509.Certificate, authority *x509.Certificate) error {
	if len(crosses) > 0 && (!SamePublicKey(crosses[0].PublicKey, authority.PublicKey) || !sameName(crosses[0].RawSubject, authority.RawSubject)) {
		return ErrForeignCross
	}
	for i := 1; i < len(crosses); i++ {
		if !x509text.IssuedBy(crosses[i-1], crosses[i]) {
			return ErrBrokenCrosses
		}
	}
	if len(crosses) > MaxPrevious {
		return ErrManyCrosses
	}
	return nil
}
