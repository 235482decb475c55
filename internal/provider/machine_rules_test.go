package provider_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Each test here is one rule of how plans must behave. The default authority is
// due after 29200 hours, its leaves after 5840.

func machineCreated(t *testing.T, ca, server machineValues) *machineWorld {
	t.Helper()
	w := newMachineWorld(t)
	for name, value := range ca {
		w.config[machineCA][name] = value
	}
	for name, value := range server {
		w.config[machineServer][name] = value
	}
	w.mustApply(t, w.mustPlan(t, true))
	w.mustBeEmpty(t)
	return w
}

func (w *machineWorld) mustPlan(t *testing.T, refresh bool) *machinePlan {
	t.Helper()
	p, err := w.plan(refresh)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *machineWorld) mustApply(t *testing.T, p *machinePlan) {
	t.Helper()
	if err := w.apply(p); err != nil {
		t.Fatal(err)
	}
}

func (w *machineWorld) mustBeEmpty(t *testing.T) {
	t.Helper()
	for _, refresh := range []bool{true, false} {
		if changed := w.mustPlan(t, refresh).changed(); len(changed) > 0 {
			t.Fatalf("the plan (refresh=%t) changes %v", refresh, changed)
		}
	}
}

func (w *machineWorld) mustKnow(t *testing.T, p *machinePlan, name string, known bool, attributes ...string) {
	t.Helper()
	fields := machineFields(w.attributes(name), p.planned[name])
	for _, attribute := range attributes {
		if fields[attribute].IsKnown() != known {
			t.Errorf("%s.%s: known at plan is %t, not %t", name, attribute, !known, known)
		}
	}
}

func (w *machineWorld) mustKeep(t *testing.T, name, attribute, before string, kept bool) {
	t.Helper()
	if same := w.text(name, attribute) == before; same != kept {
		t.Errorf("%s.%s: kept is %t, not %t", name, attribute, same, kept)
	}
}

func TestMachineSavedPlanAfterTheDueTime(t *testing.T) {
	w := machineCreated(t, nil, nil)
	serial := w.text(machineServer, "serial_number")
	// A change that only recomposes, planned before and applied after the time.
	w.config[machineServer]["early_renewal_hours"] = machineInt(100)
	w.config[machineClient]["reuse_private_key"] = machineBool(true)
	p := w.mustPlan(t, true)
	w.now = w.now.Add(8700 * time.Hour)
	w.mustApply(t, p)
	w.mustKeep(t, machineServer, "serial_number", serial, true)
	w.mustApply(t, w.mustPlan(t, true))
	w.mustKeep(t, machineServer, "serial_number", serial, false)
	w.mustBeEmpty(t)
}

func TestMachineDueWithoutRefresh(t *testing.T) {
	w := machineCreated(t, nil, nil)
	serial := w.text(machineServer, "serial_number")
	w.now = w.now.Add(5840*time.Hour - time.Second)
	w.mustBeEmpty(t)
	w.now = w.now.Add(time.Second)
	p := w.mustPlan(t, false)
	if want := []string{machineServer, machineClient}; !slices.Equal(p.changed(), want) {
		t.Fatalf("the plan changes %v, not %v", p.changed(), want)
	}
	w.now = w.now.Add(time.Hour)
	w.mustApply(t, p)
	w.mustKeep(t, machineServer, "serial_number", serial, false)
	w.mustBeEmpty(t)
}

func TestMachineRefreshOnlyTells(t *testing.T) {
	w := machineCreated(t, nil, nil)
	before := machineFields(w.attributes(machineServer), w.state[machineServer])
	w.now = w.now.Add(6000 * time.Hour)
	if err := w.refreshOnly(); err != nil {
		t.Fatal(err)
	}
	for name, value := range machineFields(w.attributes(machineServer), w.state[machineServer]) {
		if changed := !value.Equal(before[name]); changed != (name == "ready_for_renewal") {
			t.Errorf("%s: changed is %t", name, changed)
		}
	}
	if !w.ready(machineServer) || w.ready(machineCA) {
		t.Error("the server certificate is due, the authority is not")
	}
	// A clock that is set back.
	w.now = w.now.Add(-6000 * time.Hour)
	if changed := w.mustPlan(t, true).changed(); len(changed) > 0 {
		t.Errorf("the plan changes %v", changed)
	}
}

func TestMachineKeptKeyStaysKnown(t *testing.T) {
	reuse := machineValues{"reuse_private_key": machineBool(true)}
	w := machineCreated(t, reuse, reuse)
	key := w.text(machineServer, "private_key_pem")
	w.config[machineServer]["validity_period_hours"] = machineInt(2000)
	p := w.mustPlan(t, true)
	w.mustKnow(t, p, machineServer, true, "private_key_pem", "ready_for_renewal", "subject", "early_renewal_hours")
	w.mustKnow(t, p, machineServer, false, "cert_pem", "serial_number", "content_sha256")
	w.mustApply(t, p)
	w.mustKeep(t, machineServer, "private_key_pem", key, true)
	w.mustBeEmpty(t)
}

func TestMachineEarlyRenewalChangedAlone(t *testing.T) {
	w := machineCreated(t, nil, nil)
	serial := w.text(machineServer, "serial_number")
	w.config[machineServer]["early_renewal_hours"] = machineInt(8000)
	w.now = w.now.Add(1000 * time.Hour)
	p := w.mustPlan(t, true)
	w.mustKnow(t, p, machineServer, true, "renewal_time", "serial_number", "cert_pem", "private_key_pem", "content_sha256")
	w.mustKnow(t, p, machineServer, false, "ready_for_renewal")
	w.mustApply(t, p)
	w.mustKeep(t, machineServer, "serial_number", serial, true)
	if !w.ready(machineServer) {
		t.Error("the moved window makes the certificate due")
	}
}

func TestMachineAuthorityRenewedWithItsKey(t *testing.T) {
	w := machineCreated(t, machineValues{"reuse_private_key": machineBool(true)}, nil)
	serial, certificate, digest := w.text(machineServer, "serial_number"), w.text(machineServer, "cert_pem"), w.text(machineServer, "content_sha256")
	w.config[machineCA]["validity_period_hours"] = machineInt(50000)
	// Together with this, what the unknown authority promises must stay open.
	w.config[machineServer]["early_renewal_hours"] = machineInt(100)
	p := w.mustPlan(t, true)
	w.mustKnow(t, p, machineServer, false, "cert_pem", "serial_number", "ready_for_renewal")
	w.mustApply(t, p)
	w.mustKeep(t, machineServer, "serial_number", serial, true)
	w.mustKeep(t, machineServer, "cert_pem", certificate, true)
	w.mustKeep(t, machineServer, "content_sha256", digest, false)
	w.mustBeEmpty(t)
}

func TestMachineUnknownInputTurnsOutTheSame(t *testing.T) {
	trigger := machineTrigger("1")
	for _, refresh := range []bool{true, false} {
		w := machineCreated(t, machineValues{"rotation_triggers": trigger}, nil)
		serial := w.text(machineCA, "serial_number")
		w.config[machineCA]["rotation_triggers"] = tftypes.NewValue(trigger.Type(), tftypes.UnknownValue)
		p := w.mustPlan(t, refresh)
		p.config[machineCA]["rotation_triggers"] = trigger
		w.config[machineCA]["rotation_triggers"] = trigger
		w.mustApply(t, p)
		w.mustKeep(t, machineCA, "serial_number", serial, true)
		w.mustBeEmpty(t)
	}
}

func TestMachineOverlapEnds(t *testing.T) {
	w := machineCreated(t, machineValues{"overlap_hours": machineInt(24)}, nil)
	w.config[machineCA]["rotation_triggers"] = machineTrigger("1")
	w.mustApply(t, w.mustPlan(t, true))
	w.mustBeEmpty(t)
	if n := strings.Count(w.text(machineServer, "cert_pem"), "BEGIN"); n != 2 {
		t.Fatalf("%d certificates in the chain, not leaf and cross", n)
	}
	serial := w.text(machineServer, "serial_number")
	w.now = w.now.Add(24*time.Hour - time.Second)
	w.mustBeEmpty(t)
	w.now = w.now.Add(time.Second)
	p := w.mustPlan(t, true)
	w.mustKnow(t, p, machineCA, true, "cert_pem", "cross_signed_cert_pem")
	w.mustKnow(t, p, machineServer, true, "cert_pem", "serial_number", "private_key_pem", "content_sha256")
	w.now = w.now.Add(30000 * time.Hour) // applied when the new root is due itself
	w.mustApply(t, p)
	w.mustKeep(t, machineServer, "serial_number", serial, true)
	if n := strings.Count(w.text(machineCA, "cert_pem")+w.text(machineServer, "cert_pem"), "BEGIN"); n != 2 {
		t.Errorf("%d certificates are delivered, not one root and one leaf", n)
	}
}

func TestMachineCutOff(t *testing.T) {
	for _, back := range []time.Duration{0, 2 * time.Hour} {
		w := machineCreated(t, nil, nil)
		var m machineModel
		if err := m.observe(w); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(5 * time.Hour)
		w.config[machineCA]["rotation_triggers"] = machineTrigger("1")
		w.mustApply(t, w.mustPlan(t, true))
		if err := m.observe(w); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(-back) // even on a clock that is behind
		w.config[machineCA]["rotation_triggers"] = machineTrigger("2")
		w.config[machineCA]["overlap_hours"] = machineInt(0)
		w.mustApply(t, w.mustPlan(t, true))
		if err := m.observe(w); err != nil {
			t.Fatal(err)
		}
		if err := m.cutOff(w); err != nil {
			t.Error(err)
		}
	}
}

// TestMachineWarnsWithoutCross rotates an authority that has expired: like one
// of path length 0, it cannot certify its successor.
func TestMachineWarnsWithoutCross(t *testing.T) {
	w := machineCreated(t, machineValues{"validity_period_hours": machineInt(24)}, nil)
	w.now = w.now.Add(48 * time.Hour)
	p := w.mustPlan(t, true)
	if len(w.warnings) != 1 || !strings.Contains(w.warnings[0], "without a cross certificate") {
		t.Fatalf("the plan warns %q, not once of the missing cross certificate", w.warnings)
	}
	w.mustApply(t, p)
	if certificates, err := x509text.ParseCertificates(w.text(machineServer, "cert_pem")); err != nil || len(certificates) != 1 {
		t.Errorf("the leaf is not alone: %d certificates, %v", len(certificates), err)
	}
	w.mustBeEmpty(t)
}
