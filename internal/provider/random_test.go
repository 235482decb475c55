package provider_test

import (
	"crypto"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

const (
	historiesInCI      = 500
	historiesByDefault = 60
	historySteps       = 12
)

// histories is how many are drawn: TF_ACC_HISTORIES says so, or CI.
func histories(t *testing.T) int {
	t.Helper()
	if text := os.Getenv("TF_ACC_HISTORIES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("TF_ACC_HISTORIES is no number: %v", err)
		}
		return n
	}
	if os.Getenv("CI") == "true" {
		return historiesInCI
	}
	return historiesByDefault
}

// history is one random sequence.
type history struct {
	*tfsim.World
	keys map[string]crypto.Signer // that are configured, and not in the state
	tb   testing.TB
	// encrypts says whether the authority may have a passphrase: deriving keys
	// of them takes most of the time.
	encrypts           bool
	passphrase, stored string // the one that is configured; that of the key in the state
	model              tfsim.Model
	rand               *rand.Rand
	log                []string
	tried              int
	// what the step under way did
	changed map[string]bool // resources whose configuration changed
	early   map[string]bool // of these, those whose early_renewal_hours may have
	late    bool
	refresh bool

	adopted map[string]bool // resources that were imported, and that no apply has changed since
}

// TestRandom drives the provider through random histories, and checks
// after each step what must hold in all of them.
func TestRandom(t *testing.T) {
	t.Parallel()
	sequences := histories(t)
	var tried, applied atomic.Int64
	t.Run("sequences", func(t *testing.T) {
		for seed := range uint64(sequences) {
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				t.Parallel()
				run := history{World: newWorld(t), keys: map[string]crypto.Signer{}, adopted: map[string]bool{}, tb: t, rand: rand.New(rand.NewPCG(seed, 1)), encrypts: seed%10 == 0}
				for step := range historySteps {
					if err := run.step(step == 0); err != nil {
						t.Fatalf("seed %d, step %d: %v\n%s", seed, step, err, strings.Join(run.log, "\n"))
					}
				}
				tried.Add(int64(run.tried))
				applied.Add(int64(run.model.Applies()))
			})
		}
	})
	t.Logf("%d sequences: %d applies, %d connections that had to work", sequences, applied.Load(), tried.Load())
	if !t.Failed() && tried.Load() < int64(20*sequences) {
		t.Errorf("only %d connections were tried: the sequences do not test rotation", tried.Load())
	}
}

func (r *history) note(format string, args ...any) {
	r.log = append(r.log, r.Now.Format(time.RFC3339)+" "+fmt.Sprintf(format, args...))
}

func (r *history) pick(choices ...int64) int64 { return choices[r.rand.IntN(len(choices))] }

func (r *history) advance() {
	hours := r.pick(0, 0, 1, 7, 24, 200, 24*40, 24*150, 24*365, 3*24*365)
	r.Now = r.Now.Add(time.Duration(hours)*time.Hour + time.Duration(r.rand.IntN(3600))*time.Second)
	if r.rand.IntN(20) == 0 {
		r.Now = r.Now.Add(-30 * time.Minute)
	}
}

func (r *history) step(first bool) error {
	r.changed, r.early, r.late, r.refresh = map[string]bool{}, map[string]bool{}, false, true
	if !first {
		r.advance()
	}
	cut := false
	action := r.rand.IntN(11)
	switch {
	case first || action < 4:
		for range r.rand.IntN(4) {
			r.change()
		}
	case action == 4:
		cut = true
		r.set(tfsim.CA, "overlap_hours", tfsim.Int(0))
		r.trigger(tfsim.CA, fmt.Sprint(r.rand.Uint64()))
	case action == 5:
		return r.refreshStep()
	case action == 6:
		r.change()
	case action == 10 && !r.shortened():
		if err := r.restore(); err != nil {
			return err
		}
		for range r.rand.IntN(3) {
			if err := r.refreshStep(); err != nil {
				return err
			}
		}
	}
	// The triggers of an authority that was just imported cut nothing off.
	cut = cut && !r.adopted[tfsim.CA]
	r.late = r.rand.IntN(4) == 0
	r.refresh = r.rand.IntN(4) != 0
	err := r.applyStep(cut)
	if err != nil && strings.Contains(err.Error(), "expired on") && !r.Now.Before(r.model.Head().NotAfter) {
		// Documented: an expired authority issues nothing. A run that refreshes
		// and changes nothing else must repair it.
		r.note("expired: %v", err)
		if err := r.observeAndCheck(); err != nil {
			return err
		}
		r.late, r.refresh = false, true
		err = r.applyStep(cut)
	}
	return err
}

// shortened reports a certificate that ends with its authority, before its
// validity_period_hours are over. Its import takes the shorter validity for what is
// configured, so that a longer early_renewal_hours is then refused.
func (r *history) shortened() bool {
	return slices.ContainsFunc(tfsim.Order[1:], func(name string) bool {
		certificates, err := x509text.ParseCertificates(r.Text(name, "cert_pem"))
		if err != nil {
			return false // it does not exist yet
		}
		return pki.AdoptedValidityHours(certificates[0]) < r.Number(name, "validity_period_hours")
	})
}

// restore loses the state, and imports everything. What no file tells is configured.
func (r *history) restore() error {
	r.note("the state is lost, and all is imported")
	if err := restore(r.tb, r.World, r.keys, r.stored); err != nil {
		return err
	}
	r.stored = ""
	r.model.Restore()
	for _, name := range tfsim.Order {
		r.changed[name], r.early[name], r.adopted[name] = true, true, true
	}
	return nil
}

// apply applies a plan. The first one that changes what was imported does not act
// on its triggers.
func (r *history) apply(p *tfsim.Plan) error {
	err := r.Apply(p)
	for _, name := range p.Applied() {
		if reason := r.Text(name, "issue_reason"); r.adopted[name] && strings.Contains(reason, "rotation_triggers") {
			return fmt.Errorf("%s was imported, and rotates because of %s", name, reason)
		}
		delete(r.adopted, name)
	}
	return err
}

// refreshStep only refreshes, which must not issue anything.
func (r *history) refreshStep() error {
	r.note("refresh only")
	before := r.serials()
	if err := r.RefreshOnly(); err != nil {
		return err
	}
	if !slices.Equal(before, r.serials()) {
		return errors.New("a refresh reissued a certificate")
	}
	return r.connections()
}

// applyStep plans, applies, perhaps later, and checks what came of it.
func (r *history) applyStep(cut bool) error {
	if err := r.previousKey(); err != nil {
		return err
	}
	p, closing, err := r.planStep()
	if err != nil {
		return err
	}
	defer closing()
	r.note("plan (refresh=%t) changes %v", r.refresh, p.Changed())
	if r.late {
		r.advance()
		r.note("apply late")
	}
	// A plan without changes leaves nothing to check of a cut.
	empty := len(p.Changed()) == 0
	before := r.Text(tfsim.CA, "private_key_pem")
	err = r.apply(p)
	if r.Text(tfsim.CA, "private_key_pem") != before {
		r.stored = r.passphrase
	}
	if err != nil {
		return err
	}
	if err := r.observeAndCheck(); err != nil {
		return err
	}
	if cut && !empty {
		if err := r.model.CheckCutOff(r.World); err != nil {
			return err
		}
	}
	return r.settled()
}

func (r *history) observeAndCheck() error {
	if err := r.model.Observe(r.World); err != nil {
		return err
	}
	return r.connections()
}

func (r *history) connections() error {
	tried, err := r.model.Check(r.Now)
	r.tried += tried
	return err
}

// settled checks that the plan after apply is empty, or that what it holds is
// documented; then one more apply ends it.
func (r *history) settled() error {
	for again := range 2 {
		p, err := r.Plan()
		if err != nil {
			return fmt.Errorf("after apply: %w", err)
		}
		changed := p.Changed()
		if len(changed) == 0 {
			break
		}
		if again > 0 {
			return fmt.Errorf("the plan does not settle: %v", changed)
		}
		if err := r.documented(p); err != nil {
			return err
		}
		r.note("settling %v", changed)
		if err := r.apply(p); err != nil {
			return err
		}
		if err := r.observeAndCheck(); err != nil {
			return err
		}
	}
	if err := r.certified(); err != nil {
		return err
	}
	if r.model.Ended(r.World) {
		return fmt.Errorf("a root stays although its overlap has ended: %s", r.model.Describe(r.World))
	}
	if r.rand.IntN(3) > 0 {
		return nil
	}
	return r.emptyWithoutRefresh()
}

func (r *history) emptyWithoutRefresh() error {
	p, err := r.PlanWithoutRefresh()
	if err == nil && len(p.Changed()) > 0 {
		err = fmt.Errorf("the plan without refresh is not empty: %v", p.Changed())
	}
	return err
}

// certified checks that each certificate has the key that is configured.
func (r *history) certified() error {
	for _, name := range tfsim.Order {
		certificates, err := r.Certificates(name)
		if err != nil {
			return err
		}
		certificate := certificates[0]
		key, stored := r.keys[name], r.Text(name, "private_key_pem")
		if (key == nil) == (stored == "") || key != nil && !pki.SamePublicKey(key.Public(), certificate.PublicKey) {
			return fmt.Errorf("%s does not certify the key that is configured", name)
		}
	}
	return nil
}

// documented reports a plan after apply that nothing explains.
func (r *history) documented(p *tfsim.Plan) error {
	clockWaits := r.late || !r.refresh // and something else was applied
	authority := false                 // whether the authority has a reason, which is one for its leaves
	for _, name := range p.Changed() {
		ready := r.WasReady(p, name)
		switch {
		case ready && (clockWaits || r.early[name]), name == tfsim.CA && r.overlapMayEnd():
			authority = authority || name == tfsim.CA
		case name != tfsim.CA && authority:
		default:
			return fmt.Errorf("the plan after apply changes %s (ready_for_renewal: %t)", name, ready)
		}
	}
	return nil
}

// overlapMayEnd reports whether a root can have been left by the step for the
// next plan to drop.
func (r *history) overlapMayEnd() bool {
	return r.model.MayEnd(r.World) && (r.late || r.changed[tfsim.CA])
}

func (r *history) serials() []string {
	var serials []string
	for _, name := range tfsim.Order {
		serials = append(serials, r.Text(name, "serial_number"))
	}
	return serials
}

func (r *history) set(name, attribute string, value tftypes.Value) {
	r.Set(name, tfsim.Values{attribute: value})
	r.changed[name] = true
	if attribute == "early_renewal_hours" || attribute == "validity_period_hours" {
		r.early[name] = true
	}
	if !value.Type().Is(tftypes.String) || len(tfsim.Text(value)) < 100 { // no keys
		r.note("%s.%s = %s", name, attribute, value)
	} else {
		r.note("%s.%s is set", name, attribute)
	}
}

func (r *history) unset(name string, attributes ...string) {
	r.Unset(name, attributes...)
	for _, attribute := range attributes {
		r.note("%s.%s = null", name, attribute)
	}
	r.changed[name] = true
}
