package provider_test

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

const (
	machineSequences      = 500
	machineShortSequences = 60
	machineSteps          = 12
)

// machineRun is one random sequence.
type machineRun struct {
	*machineWorld
	model machineModel
	rand  *rand.Rand
	log   []string
	tried int
	// what the step under way did
	changed map[string]bool // resources whose configuration changed
	early   map[string]bool // of these, those whose early_renewal_hours may have
	late    bool
	refresh bool
}

// TestMachineRandom drives the provider through random histories, and checks
// after each step what must hold in all of them.
func TestMachineRandom(t *testing.T) {
	t.Parallel()
	sequences := machineSequences
	if testing.Short() {
		sequences = machineShortSequences
	}
	var tried, applied atomic.Int64
	t.Run("sequences", func(t *testing.T) {
		for seed := range uint64(sequences) {
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				t.Parallel()
				run := machineRun{machineWorld: newMachineWorld(t), rand: rand.New(rand.NewPCG(seed, 1))}
				for step := range machineSteps {
					if err := run.step(step == 0); err != nil {
						t.Fatalf("seed %d, step %d: %v\n%s", seed, step, err, strings.Join(run.log, "\n"))
					}
				}
				tried.Add(int64(run.tried))
				applied.Add(int64(len(run.model.parties)))
			})
		}
	})
	t.Logf("%d sequences: %d applies, %d connections that had to work", sequences, applied.Load(), tried.Load())
	if !t.Failed() && tried.Load() < int64(20*sequences) {
		t.Errorf("only %d connections were tried: the sequences do not test rotation", tried.Load())
	}
}

func (r *machineRun) note(format string, args ...any) {
	r.log = append(r.log, r.now.Format(time.RFC3339)+" "+fmt.Sprintf(format, args...))
}

func (r *machineRun) pick(choices ...int64) int64 { return choices[r.rand.IntN(len(choices))] }

func (r *machineRun) advance() {
	hours := r.pick(0, 0, 1, 7, 24, 200, 24*40, 24*150, 24*365, 3*24*365)
	r.now = r.now.Add(time.Duration(hours)*time.Hour + time.Duration(r.rand.IntN(3600))*time.Second)
	if r.rand.IntN(20) == 0 {
		r.now = r.now.Add(-30 * time.Minute)
	}
}

func (r *machineRun) step(first bool) error {
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
		r.set(machineCA, "overlap_hours", machineInt(0))
		r.trigger(machineCA, fmt.Sprint(r.rand.Uint64()))
	case action == 5:
		r.note("refresh only")
		before := r.serials()
		if err := r.refreshOnly(); err != nil {
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
	if err != nil && strings.Contains(err.Error(), "expired on") && !r.now.Before(r.model.head.NotAfter) {
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
func (r *machineRun) applyStep(cut bool) error {
	if err := r.previousKey(); err != nil {
		return err
	}
	p, err := r.plan(r.refresh)
	if err != nil {
		return err
	}
	r.note("plan (refresh=%t) changes %v", r.refresh, p.changed())
	if r.late {
		r.advance()
		r.note("apply late")
	}
	// A saved plan without changes is not applied: there is nothing to check.
	empty := len(p.changed()) == 0
	if err := r.apply(p); err != nil {
		return err
	}
	if err := r.observeAndCheck(); err != nil {
		return err
	}
	if cut && !empty {
		if err := r.model.cutOff(r.machineWorld); err != nil {
			return err
		}
	}
	return r.settled()
}

func (r *machineRun) observeAndCheck() error {
	if err := r.model.observe(r.machineWorld); err != nil {
		return err
	}
	return r.connections()
}

func (r *machineRun) connections() error {
	tried, err := r.model.check(r.now)
	r.tried += tried
	return err
}

// settled checks that the plan after apply is empty, or that what it holds is
// documented; then one more apply ends it.
func (r *machineRun) settled() error {
	for again := range 2 {
		p, err := r.plan(true)
		if err != nil {
			return fmt.Errorf("after apply: %w", err)
		}
		changed := p.changed()
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
	current := r.model.parties[len(r.model.parties)-1]
	certificates := map[string]*x509.Certificate{machineCA: current.bundle[0], machineServer: current.chains[pki.Server][0], machineClient: current.chains[pki.Client][0]}
	for name, certificate := range certificates {
		key, stored := r.keys[name], r.text(name, "private_key_pem")
		if (key == nil) == (stored == "") || key != nil && !pki.SamePublicKey(key.Public(), certificate.PublicKey) {
			return fmt.Errorf("%s does not certify the key that is configured", name)
		}
	}
	if r.model.ended(r.machineWorld) {
		return fmt.Errorf("a root stays although its overlap has ended: %s", r.model.describe(r.machineWorld))
	}
	if r.rand.IntN(3) > 0 {
		return nil
	}
	p, err := r.plan(false)
	if err == nil && len(p.changed()) > 0 {
		err = fmt.Errorf("the plan without refresh is not empty: %v", p.changed())
	}
	return err
}

// documented reports a plan after apply that nothing explains.
func (r *machineRun) documented(p *machinePlan) error {
	clockWaits := r.late || !r.refresh // and something else was applied
	authority := false                 // whether the authority has a reason, which is one for its leaves
	for _, name := range p.changed() {
		var ready bool
		if err := machineFields(r.attributes(name), p.prior[name])["ready_for_renewal"].As(&ready); err != nil {
			return err
		}
		switch {
		case ready && (clockWaits || r.early[name]):
			authority = authority || name == machineCA
		case name == machineCA && r.model.ended(r.machineWorld) && (r.late || r.changed[name]):
			authority = true
		case name != machineCA && authority:
		default:
			return fmt.Errorf("the plan after apply changes %s (ready_for_renewal: %t)", name, ready)
		}
	}
	return nil
}

func (r *machineRun) serials() []string {
	var serials []string
	for _, name := range machineOrder {
		serials = append(serials, r.text(name, "serial_number"))
	}
	return serials
}

func (r *machineRun) set(name, attribute string, value tftypes.Value) {
	r.config[name] = maps.Clone(r.config[name])
	r.config[name][attribute] = value
	r.changed[name] = true
	if attribute == "early_renewal_hours" || attribute == "validity_period_hours" {
		r.early[name] = true
	}
	if !value.Type().Is(tftypes.String) || len(machineText(value)) < 100 { // no keys
		r.note("%s.%s = %s", name, attribute, value)
	} else {
		r.note("%s.%s is set", name, attribute)
	}
}

func (r *machineRun) unset(name string, attributes ...string) {
	r.config[name] = maps.Clone(r.config[name])
	for _, attribute := range attributes {
		delete(r.config[name], attribute)
		r.note("%s.%s = null", name, attribute)
	}
	r.changed[name] = true
}

// change alters one argument.
func (r *machineRun) change() {
	name := machineOrder[r.rand.IntN(len(machineOrder))]
	switch r.rand.IntN(9) {
	case 0:
		r.unset(name, "early_renewal_hours")
		r.set(name, "validity_period_hours", machineInt(r.pick(24, 720, 8760, 43800)))
	case 1, 2:
		validity := int64(8760)
		if name == machineCA {
			validity = 43800
		}
		if value := machineFields(r.attributes(name), r.state[name])["validity_period_hours"]; !value.IsNull() {
			validity = machineNumber(value)
		}
		if value, ok := r.config[name]["validity_period_hours"]; ok {
			validity = machineNumber(value)
		}
		r.set(name, "early_renewal_hours", machineInt(r.pick(0, 1, validity/2, validity/4, validity-1)))
	case 3:
		r.set(name, "reuse_private_key", machineBool(r.rand.IntN(3) > 0))
	case 4:
		r.trigger(name, fmt.Sprint(r.rand.IntN(4)))
	case 5:
		if hours := r.pick(-1, 0, 5, 24, 24*100, 24*900); hours < 0 {
			r.unset(machineCA, "overlap_hours")
		} else {
			r.set(machineCA, "overlap_hours", machineInt(hours))
		}
	case 6:
		r.changeKey(name)
	case 7:
		if _, own := r.keys[name]; own {
			return // its algorithm is what it is
		}
		r.set(name, "key_algorithm", machineString([]string{"ECDSA_P256", "ED25519"}[r.rand.IntN(2)]))
	default:
		r.set(machineServer, "dns_names", [...]tftypes.Value{machineSet("a.example.com"), machineSet("a.example.com", "b.example.com")}[r.rand.IntN(2)])
	}
}

// trigger rotates; an authority with a key of one's own needs another one for
// that.
func (r *machineRun) trigger(name, text string) {
	if _, own := r.keys[name]; own && name == machineCA {
		r.giveKey(name)
		return
	}
	r.set(name, "rotation_triggers", machineTrigger(text))
}

// changeKey gives a certificate a key of one's own, a certificate request, or
// a key that is made.
func (r *machineRun) changeKey(name string) {
	r.unset(name, "private_key_pem_wo", "private_key_pem_wo_version", "cert_request_pem")
	_, own := r.keys[name]
	delete(r.keys, name)
	if name == machineCA {
		r.secrets = nil
	}
	switch way := r.rand.IntN(3); {
	case way == 0 || way == 1 && own:
	case way == 1 && name != machineCA:
		key, _ := machineKey(r.tb, x509text.ECDSAP256)
		r.own(name, key)
		r.set(name, "cert_request_pem", machineRequest(r.tb, key, "", "host.example.com"))
	default:
		r.giveKey(name)
	}
}

func (r *machineRun) giveKey(name string) {
	key, text := machineKey(r.tb, x509text.ECDSAP256)
	r.own(name, key)
	r.set(name, "private_key_pem_wo", text)
	r.set(name, "private_key_pem_wo_version", machineInt(r.rand.Int64N(1<<40)))
	if name == machineCA {
		r.secrets = machineValues{"private_key_pem": text}
	}
}

// own takes note of a key that is in no state.
func (r *machineRun) own(name string, key crypto.Signer) {
	r.unset(name, "key_algorithm")
	r.keys[name] = key
	r.given = append(r.given, key)
}

// previousKey gives an authority the key it has, where that is one's own.
func (r *machineRun) previousKey() error {
	r.config[machineCA] = maps.Clone(r.config[machineCA])
	delete(r.config[machineCA], "previous_private_key_pem_wo")
	for _, key := range r.given {
		if r.model.head != nil && pki.SamePublicKey(key.Public(), r.model.head.PublicKey) {
			text, err := x509text.EncodePrivateKey(key)
			if err != nil {
				return err
			}
			r.config[machineCA]["previous_private_key_pem_wo"] = machineString(text)
		}
	}
	return nil
}
