package provider_test

import (
	"crypto"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
)

const (
	historiesInCI      = 500
	historiesByDefault = 60
	historySteps       = 12
)

// history is one random sequence.
type history struct {
	*tfsim.World
	keys  map[string]crypto.Signer // that are configured, and not in the state
	tb    testing.TB
	model tfsim.Model
	rand  *rand.Rand
	log   []string
	tried int
	// what the step under way did
	changed map[string]bool // resources whose configuration changed
	early   map[string]bool // of these, those whose early_renewal_hours may have
	late    bool
	refresh bool
}

// TestRandom drives the provider through random histories, and checks
// after each step what must hold in all of them.
func TestRandom(t *testing.T) {
	t.Parallel()
	sequences := historiesInCI
	if testing.Short() {
		sequences = historiesByDefault
	}
	var tried, applied atomic.Int64
	t.Run("sequences", func(t *testing.T) {
		for seed := range uint64(sequences) {
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				t.Parallel()
				run := history{World: newWorld(t), keys: map[string]crypto.Signer{}, tb: t, rand: rand.New(rand.NewPCG(seed, 1))}
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
	action := r.rand.IntN(10)
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
		r.note("refresh only")
		before := r.serials()
		if err := r.RefreshOnly(); err != nil {
			return err
		}
		if !slices.Equal(before, r.serials()) {
			return errors.New("a refresh reissued a certificate")
		}
		return r.connections()
	case action == 6:
		r.change()
	}
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

// applyStep plans, applies, perhaps later, and checks what came of it.
func (r *history) applyStep(cut bool) error {
	if err := r.previousKey(); err != nil {
		return err
	}
	plan := r.PlanWithoutRefresh
	if r.refresh {
		plan = r.Plan
	}
	p, err := plan()
	if err != nil {
		return err
	}
	r.note("plan (refresh=%t) changes %v", r.refresh, p.Changed())
	if r.late {
		r.advance()
		r.note("apply late")
	}
	// A saved plan without changes is not applied: there is nothing to check.
	empty := len(p.Changed()) == 0
	if err := r.Apply(p); err != nil {
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
		if err := r.Apply(p); err != nil {
			return err
		}
		if err := r.observeAndCheck(); err != nil {
			return err
		}
	}
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
	if r.model.Ended(r.World) {
		return fmt.Errorf("a root stays although its overlap has ended: %s", r.model.Describe(r.World))
	}
	if r.rand.IntN(3) > 0 {
		return nil
	}
	p, err := r.PlanWithoutRefresh()
	if err == nil && len(p.Changed()) > 0 {
		err = fmt.Errorf("the plan without refresh is not empty: %v", p.Changed())
	}
	return err
}

// documented reports a plan after apply that nothing explains.
func (r *history) documented(p *tfsim.Plan) error {
	clockWaits := r.late || !r.refresh // and something else was applied
	authority := false                 // whether the authority has a reason, which is one for its leaves
	for _, name := range p.Changed() {
		ready := r.WasReady(p, name)
		switch {
		case ready && (clockWaits || r.early[name]):
			authority = authority || name == tfsim.CA
		case name == tfsim.CA && r.model.Ended(r.World) && (r.late || r.changed[name]):
			authority = true
		case name != tfsim.CA && authority:
		default:
			return fmt.Errorf("the plan after apply changes %s (ready_for_renewal: %t)", name, ready)
		}
	}
	return nil
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

// change alters one argument.
func (r *history) change() {
	name := tfsim.Order[r.rand.IntN(len(tfsim.Order))]
	switch r.rand.IntN(9) {
	case 0:
		r.unset(name, "early_renewal_hours")
		r.set(name, "validity_period_hours", tfsim.Int(r.pick(24, 720, 8760, 43800)))
	case 1, 2:
		validity := int64(8760)
		if name == tfsim.CA {
			validity = 43800
		}
		if value := r.Fields(name)["validity_period_hours"]; !value.IsNull() {
			validity = tfsim.Number(value)
		}
		if value, ok := r.Config[name]["validity_period_hours"]; ok {
			validity = tfsim.Number(value)
		}
		r.set(name, "early_renewal_hours", tfsim.Int(r.pick(0, 1, validity/2, validity/4, validity-1)))
	case 3:
		r.set(name, "reuse_private_key", tfsim.Bool(r.rand.IntN(3) > 0))
	case 4:
		r.trigger(name, fmt.Sprint(r.rand.IntN(4)))
	case 5:
		if hours := r.pick(-1, 0, 5, 24, 24*100, 24*900); hours < 0 {
			r.unset(tfsim.CA, "overlap_hours")
		} else {
			r.set(tfsim.CA, "overlap_hours", tfsim.Int(hours))
		}
	case 6:
		r.changeKey(name)
	case 7:
		if _, own := r.keys[name]; own {
			return // its algorithm is what it is
		}
		r.set(name, "key_algorithm", tfsim.String([]string{"ECDSA_P256", "ED25519"}[r.rand.IntN(2)]))
	default:
		r.set(tfsim.Server, "dns_names", [...]tftypes.Value{tfsim.Set("a.example.com"), tfsim.Set("a.example.com", "b.example.com")}[r.rand.IntN(2)])
	}
}

// trigger rotates; an authority with a key of one's own needs another one for
// that.
func (r *history) trigger(name, text string) {
	if _, own := r.keys[name]; own && name == tfsim.CA {
		r.giveKey(name)
		return
	}
	r.set(name, "rotation_triggers", tfsim.Trigger(text))
}

// changeKey gives a certificate a key of one's own, a certificate request, or
// a key that is made.
func (r *history) changeKey(name string) {
	r.unset(name, "private_key_pem_wo", "private_key_pem_wo_version", "cert_request_pem")
	_, own := r.keys[name]
	delete(r.keys, name)
	if name == tfsim.CA {
		r.Secrets = nil
	}
	switch way := r.rand.IntN(3); {
	case way == 0 || way == 1 && own:
	case way == 1 && name != tfsim.CA:
		key, _ := makeKey(r.tb, pki.ECDSAP256)
		r.own(name, key)
		r.set(name, "cert_request_pem", makeRequest(r.tb, key, "", "host.example.com"))
	default:
		r.giveKey(name)
	}
}

func (r *history) giveKey(name string) {
	key, text := makeKey(r.tb, pki.ECDSAP256)
	r.own(name, key)
	r.set(name, "private_key_pem_wo", text)
	r.set(name, "private_key_pem_wo_version", tfsim.Int(r.rand.Int64N(1<<40)))
	if name == tfsim.CA {
		r.Secrets = tfsim.Values{"private_key_pem": text}
	}
}

// own takes note of a key that is in no state.
func (r *history) own(name string, key crypto.Signer) {
	r.unset(name, "key_algorithm")
	r.keys[name] = key
	r.Given = append(r.Given, key)
}

// previousKey gives an authority the key it has, where that is one's own.
func (r *history) previousKey() error {
	r.Unset(tfsim.CA, "previous_private_key_pem_wo")
	for _, key := range r.Given {
		if r.model.Head() != nil && pki.SamePublicKey(key.Public(), r.model.Head().PublicKey) {
			text, err := pki.EncodePrivateKey(key)
			if err != nil {
				return err
			}
			r.Set(tfsim.CA, tfsim.Values{"previous_private_key_pem_wo": tfsim.String(text)})
		}
	}
	return nil
}
