package pki_test

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// TestHistories drives authorities through random lives: renewals, rotations,
// ends of overlaps, leaves, and a clock that leaps and is sometimes set back.
// A model beside it remembers what was done. After each step the trust and the
// connections must be what the model says.
func TestHistories(t *testing.T) {
	const chunks = 8
	histories := 10_000
	if testing.Short() {
		histories = 1000
	}
	var keys []crypto.Signer // more than the longest history needs
	for range 16 {
		key, err := x509text.Ed25519.Generate() // the fastest to sign and to verify
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	var births []generation // the same for all histories: to issue takes most of the time
	for _, hours := range historyValidities {
		births = append(births, newGeneration(t, pki.RootRequest{ValidityHours: hours, Key: keys[0]}, wholeSecond))
	}
	for chunk := range chunks {
		t.Run(fmt.Sprint(chunk), func(t *testing.T) {
			t.Parallel()
			for seed := chunk; seed < histories; seed += chunks {
				if h, err := live(uint64(seed), births, keys[1:]); err != nil {
					t.Fatalf("seed %d: %v\n%s", seed, err, h.log.String())
				}
			}
		})
	}
}

// history is one authority, and what the model remembers of it.
type history struct {
	*mathrand.Rand
	now     time.Time
	setBack bool // the clock was set back by the last move
	log     strings.Builder

	trust  pki.Trust
	roots  []*era // those that must be trusted, the current one first
	owners map[*x509.Certificate]*era
	keys   []crypto.Signer // the first is that of all leaves, the others are new
	used   int             // rotations so far
	leaf   *chain          // the newest one of the current key

	bundles [][]*x509.Certificate // whatever a party was ever given
	chains  []chain
}

// era is the time of one key.
type era struct {
	*pki.Authority
	key      crypto.Signer
	next     *era              // its successor, if it was replaced
	replaced time.Time         // when; if the clock was set back since, then
	cross    *x509.Certificate // certifies the successor; nil if it could not, or has expired
}

// forever is an overlap, in hours, that lasts until the root expires.
const forever int64 = -1

func overlapOf(hours int64) pki.Overlap {
	if hours == forever {
		return pki.UntilExpiry
	}
	return pki.OverlapOf(hours)
}

// limit is until when an overlap lets a replaced root stay.
func (e *era) limit(overlapHours int64) time.Time {
	if overlapHours == forever {
		return e.Certificate.NotAfter.Add(1 << 62)
	}
	return e.replaced.Add(time.Duration(overlapHours) * time.Hour)
}

// chain is a leaf as it was delivered.
type chain struct {
	leaf    *x509.Certificate
	profile pki.Profile
	crosses []*x509.Certificate
	eras    []*era // the issuer, and the older ones that the crosses lead to
}

// leadsTo reports whether the leaf can be followed to the root of an era.
func (c *chain) leadsTo(target *era, now time.Time) bool {
	for i, e := range c.eras {
		if i > 0 && now.After(c.crosses[i-1].NotAfter) {
			return false
		}
		if e == target {
			return true
		}
	}
	return false
}

// live makes one history. The same seed makes the same steps.
func live(seed uint64, births []generation, keys []crypto.Signer) (*history, error) {
	h := &history{
		Rand:   mathrand.New(mathrand.NewPCG(seed, 0)),
		now:    wholeSecond,
		owners: map[*x509.Certificate]*era{},
		keys:   keys,
	}
	first := pick(h, births...)
	h.note("begin with a root until %s", first.root().NotAfter)
	h.succeed(&era{Authority: first.Authority, key: first.key}, nil)
	err := h.check()
	for steps := 2 + h.IntN(1+h.IntN(10)); err == nil && steps > 0; steps-- {
		h.moveClock()
		if err = h.step(); err == nil {
			err = h.check()
		}
	}
	return h, err
}

func (h *history) step() error {
	switch h.IntN(8) {
	case 0:
		return h.renew()
	case 1, 2:
		return h.rotate()
	case 3, 4:
		return h.trim(pick(h, 0, 1, 24, 720, 8760, 30_000, 1<<20, forever, forever))
	}
	return h.issue(pick(h, pki.Server, pki.Client))
}

func pick[T any](h *history, from ...T) T { return from[h.IntN(len(from))] }

func (h *history) note(format string, args ...any) {
	fmt.Fprintf(&h.log, h.now.Format(time.RFC3339Nano)+" "+format+"\n", args...)
}

// moveClock moves the clock forward by seconds to years. Sometimes it sets the
// clock back, by less than certificates are backdated in sum.
func (h *history) moveClock() {
	if !h.setBack && h.IntN(5) == 0 {
		h.now, h.setBack = h.now.Add(-time.Duration(h.IntN(3500))*time.Second), true
		return
	}
	unit := pick(h, time.Hour, 24*time.Hour, 30*24*time.Hour, year)
	h.now = h.now.Add(time.Hour + time.Duration(h.Int64N(int64(2*unit))))
	h.setBack = false
}

var historyValidities = []int64{30, 2000, 10_000, 40_000, 200_000}

func (h *history) validity() int64 { return pick(h, historyValidities...) }

// renew reissues the current root with the same key.
func (h *history) renew() error {
	head, hours := h.roots[0], h.validity()
	h.note("renew for %d hours", hours)
	request := pki.RootRequest{ValidityHours: hours, Key: head.key, Predecessor: head.Certificate, KeepStart: len(h.roots) > 1}
	root, err := pki.IssueRoot(request, h.now)
	if err != nil {
		return err
	}
	if head.Authority, err = pki.NewAuthority(root, head.key); err != nil {
		return err
	}
	h.owners[root] = head
	h.replacedBy(h.now)
	h.trust = h.trust.Renew(root)
	return nil
}

// rotate puts a root with a new key at the head.
func (h *history) rotate() error {
	h.used++
	key, hours := h.keys[h.used], h.validity()
	root, err := pki.IssueRoot(pki.RootRequest{Subject: pki.Subject{CommonName: "CA"}, ValidityHours: hours, Key: key}, h.now)
	if err != nil {
		return err
	}
	authority, err := pki.NewAuthority(root, key)
	if err != nil {
		return err
	}
	next := &era{Authority: authority, key: key}
	cross, err := h.replace(next)
	if err != nil {
		return err
	}
	h.note("rotate for %d hours, crossed: %t", hours, cross != nil)
	h.succeed(next, cross)
	return nil
}

func (h *history) succeed(next *era, cross *x509.Certificate) {
	h.trust = h.trust.Succeed(next.Certificate, cross)
	h.roots = append([]*era{next}, h.roots...)
	h.owners[next.Certificate] = next
	h.leaf = nil
}

// replace ends the era of the current root, most often with a cross certificate.
func (h *history) replace(next *era) (*x509.Certificate, error) {
	old := h.roots[0]
	old.next, old.replaced = next, h.now.Truncate(time.Second)
	h.replacedBy(h.now)
	if expired := !h.now.Before(old.Certificate.NotAfter); expired || h.IntN(5) == 0 {
		if err := pki.CanCrossSign(old.Certificate, "", h.now); (err != nil) != expired {
			return nil, fmt.Errorf("whether a root that has expired (%t) can sign: %w", expired, err)
		}
		return nil, nil
	}
	var err error
	old.cross, err = old.CrossSign(next.Certificate, h.now)
	return old.cross, err
}

// replacedBy notes that all previous roots were replaced by now. Only a clock
// that was set back makes a difference.
func (h *history) replacedBy(now time.Time) {
	for _, e := range h.roots[1:] {
		if now.Before(e.replaced) {
			e.replaced = now.Truncate(time.Second)
		}
	}
}

// crosses are the certificates that lead from one root to the next, as far as
// no root on the way lacks one or has left.
func (h *history) crosses() []*x509.Certificate {
	var crosses []*x509.Certificate
	for i, e := range h.roots[1:] {
		if e.cross == nil || e.next != h.roots[i] {
			break
		}
		crosses = append(crosses, e.cross)
	}
	return crosses
}

// trim ends overlaps. The model drops those whose time is up.
func (h *history) trim(overlapHours int64) error {
	h.note("trim to an overlap of %d hours", overlapHours)
	h.trust = h.trust.Trim(overlapOf(overlapHours), h.now)
	h.roots = h.left(overlapHours, h.now)
	if len(h.roots) > 1+pki.MaxPrevious {
		h.roots = h.roots[:1+pki.MaxPrevious]
		h.roots = h.left(overlapHours, h.now)
	}
	for _, e := range h.roots[1:] {
		if !h.now.Before(e.Certificate.NotAfter) {
			e.cross = nil
		}
	}
	return nil
}

// left are the roots that are left at a moment. One that has expired stays for
// the sake of an older one.
func (h *history) left(overlapHours int64, now time.Time) []*era {
	var left []*era
	for i := len(h.roots) - 1; i > 0; i-- {
		e := h.roots[i]
		alive := now.Before(e.Certificate.NotAfter) || len(left) > 0
		if overlapHours != 0 && alive && now.Before(e.limit(overlapHours)) {
			left = append(left, e)
		}
	}
	left = append(left, h.roots[0])
	slices.Reverse(left)
	return left
}

// issue makes a leaf of the current root, which must not have expired.
func (h *history) issue(profile pki.Profile) error {
	head := h.roots[0]
	request := pki.LeafRequest{
		Profile:       profile,
		Subject:       pki.Subject{CommonName: "host"},
		Names:         pki.Names{DNSNames: []string{"host"}},
		ValidityHours: h.validity(),
		PublicKey:     h.keys[0].Public(),
	}
	h.note("issue a %s certificate for %d hours", profile, request.ValidityHours)
	leaf, err := head.Issue(request, h.now)
	if expired := !h.now.Before(head.Certificate.NotAfter); expired || err != nil {
		if !expired || err == nil {
			return fmt.Errorf("issue by a root that has expired (%t): %w", expired, err)
		}
		return nil
	}
	if leaf.NotAfter.After(head.Certificate.NotAfter) {
		return errors.New("the leaf outlives its authority")
	}
	h.leaf = &chain{leaf: leaf, profile: profile}
	return nil
}

// check compares the trust with the model, delivers both, and tries
// connections.
func (h *history) check() error {
	crosses := h.crosses()
	if !slices.EqualFunc(h.trust.Roots, h.roots, func(c *x509.Certificate, e *era) bool { return c == e.Certificate }) {
		return fmt.Errorf("%d roots are trusted; want %d, or others of them", len(h.trust.Roots), len(h.roots))
	}
	if !slices.Equal(h.trust.Crosses, crosses) {
		return fmt.Errorf("%d cross certificates; want %d, or others of them", len(h.trust.Crosses), len(crosses))
	}
	h.bundles = append(h.bundles, h.trust.Roots)
	if h.leaf != nil {
		h.leaf.crosses, h.leaf.eras = crosses, h.roots[:1+len(crosses)]
		h.chains = append(h.chains, *h.leaf)
	}
	return errors.Join(h.checkNextEnd(pick(h, 1, 24, 720, 8760, 30_000, forever)), h.checkConnections())
}

// checkNextEnd checks that at the next end, and not a second before, a root or
// a cross certificate leaves, and that it is the end of one that the model knows.
func (h *history) checkNextEnd(overlapHours int64) error {
	overlap := overlapOf(overlapHours)
	end, ok := h.trust.NextEnd(overlap)
	switch {
	case ok != (len(h.roots) > 1):
		return fmt.Errorf("there is a next end: %t, with %d roots", ok, len(h.roots))
	case !ok:
		return nil
	case len(h.roots) > 1+pki.MaxPrevious:
		if !end.IsZero() {
			return fmt.Errorf("the next end is %s, with too many roots", end)
		}
		return nil
	}
	if h.trust.Trim(overlap, end).Same(h.trust) {
		return fmt.Errorf("nothing leaves at the next end, %s, of %d hours", end, overlapHours)
	}
	if !h.trust.Trim(overlap, end.Add(-time.Second)).Same(h.trust) {
		return fmt.Errorf("something leaves before the next end, %s, of %d hours", end, overlapHours)
	}
	if before, after := h.left(overlapHours, end.Add(-time.Second)), h.left(overlapHours, end); len(before) != len(h.roots) || len(after) == len(h.roots) && !h.crossEnds(end) {
		return fmt.Errorf("the next end of %d hours is %s; %d of %d roots are left before it, and %d then", overlapHours, end, len(before), len(h.roots), len(after))
	}
	return nil
}

// crossEnds reports whether a cross certificate in use ends at a moment.
func (h *history) crossEnds(moment time.Time) bool {
	return slices.ContainsFunc(h.crosses(), func(cross *x509.Certificate) bool { return cross.NotAfter.Equal(moment) })
}

// checkConnections tries the newest leaf with some bundle of the past, and the
// newest bundle with some leaf of the past; or with all of them, once no older
// root is left.
func (h *history) checkConnections() error {
	if len(h.chains) == 0 {
		return nil
	}
	newest := h.bundles[len(h.bundles)-1]
	err := h.try(pick(h, pick(h, h.bundles...)...), &h.chains[len(h.chains)-1])
	if len(newest) > 1 {
		return errors.Join(err, h.try(pick(h, newest...), &h.chains[h.IntN(len(h.chains))]))
	}
	for i := range h.chains {
		if h.chains[i].eras[0] != h.roots[0] {
			err = errors.Join(err, h.try(newest[0], &h.chains[i]))
		}
	}
	return err
}

// try checks that a party that trusts the root accepts the leaf exactly if it
// leads there.
func (h *history) try(root *x509.Certificate, c *chain) error {
	want := !h.now.After(c.leaf.NotAfter) && !h.now.After(root.NotAfter) && c.leadsTo(h.owners[root], h.now)
	if err := pki.VerifyLeaf(c.leaf, c.crosses, root, c.profile, h.now); (err == nil) != want {
		return fmt.Errorf("root %s, leaf of %s with %d cross certificates: accepted %t; want %t: %w", root.Subject, c.leaf.Issuer, len(c.crosses), err == nil, want, err)
	}
	return nil
}

// Three ways to lose the certificate that tells when the oldest root was
// replaced. Its overlap of 24 hours must still end on time.
func TestRenewalWithoutCrossKeepsTheOverlap(t *testing.T) {
	for about, after := range map[string]func(t *testing.T, r *rotation){
		"the successor is renewed": func(t *testing.T, r *rotation) {
			r.succeedWithoutCross(t)
			r.renew(t, time.Hour)
		},
		"the cross certificate is dropped after a renewal": func(t *testing.T, r *rotation) {
			r.succeed(t, newGeneration(t, pki.RootRequest{}, r.now))
			r.renew(t, time.Hour)
			r.succeedWithoutCross(t)
		},
		"the successor expires first": func(t *testing.T, r *rotation) {
			r.succeed(t, newGeneration(t, pki.RootRequest{ValidityHours: 2}, r.now))
			r.now = r.now.Add(time.Hour)
			r.succeed(t, newGeneration(t, pki.RootRequest{}, r.now))
			r.now = r.now.Add(time.Hour)
			r.trust = r.trust.Trim(pki.OverlapOf(24), r.now)
		},
	} {
		t.Run(about, func(t *testing.T) {
			r := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 0)
			oldest := r.current().root()
			after(t, &r)
			if !slices.Contains(r.trust.Trim(pki.OverlapOf(24), wholeSecond.Add(24*time.Hour-time.Second)).Roots, oldest) {
				t.Error("the root leaves too early")
			}
			if slices.Contains(r.trust.Trim(pki.OverlapOf(24), wholeSecond.Add(24*time.Hour)).Roots, oldest) {
				t.Error("the root stays too long")
			}
		})
	}
}

func (r *rotation) succeedWithoutCross(t *testing.T) {
	t.Helper()
	next := newGeneration(t, pki.RootRequest{}, r.now)
	r.generations = append(r.generations, next)
	r.trust = r.trust.Succeed(next.root(), nil)
}

func (r *rotation) renew(t *testing.T, after time.Duration) {
	t.Helper()
	r.now = r.now.Add(after)
	old := r.current()
	renewed := newGeneration(t, pki.RootRequest{Key: old.key, Predecessor: old.root(), KeepStart: len(r.trust.Roots) > 1}, r.now)
	r.generations[len(r.generations)-1] = renewed
	r.trust = r.trust.Renew(renewed.root())
}
