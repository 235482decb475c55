package provider_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Each test here is one rule of how plans must behave. The default authority is
// due after 29200 hours, its leaves after 5840.

func TestSavedPlanAfterTheDueTime(t *testing.T) {
	t.Parallel()
	w := created(t, nil, nil)
	serial := w.Text(tfsim.Server, "serial_number")
	// A change that only recomposes, planned before and applied after the time.
	w.Config[tfsim.Server]["early_renewal_hours"] = tfsim.Int(100)
	w.Config[tfsim.Client]["reuse_private_key"] = tfsim.Bool(true)
	p := w.MustPlan(t)
	w.Now = w.Now.Add(8700 * time.Hour)
	w.MustApply(t, p)
	w.MustKeep(t, tfsim.Server, "serial_number", serial)
	w.MustPlanAndApply(t)
	w.MustChange(t, tfsim.Server, "serial_number", serial)
	w.MustBeEmpty(t)
}

func TestDueWithoutRefresh(t *testing.T) {
	t.Parallel()
	w := created(t, nil, nil)
	serial := w.Text(tfsim.Server, "serial_number")
	w.Now = w.Now.Add(5840*time.Hour - time.Second)
	w.MustBeEmpty(t)
	w.Now = w.Now.Add(time.Second)
	p := w.MustPlanWithoutRefresh(t)
	if want := []string{tfsim.Server, tfsim.Client}; !slices.Equal(p.Changed(), want) {
		t.Fatalf("the plan changes %v, not %v", p.Changed(), want)
	}
	w.Now = w.Now.Add(time.Hour)
	w.MustApply(t, p)
	w.MustChange(t, tfsim.Server, "serial_number", serial)
	w.MustBeEmpty(t)
}

func TestRefreshOnlyTells(t *testing.T) {
	t.Parallel()
	w := created(t, nil, nil)
	before := w.Fields(tfsim.Server)
	w.Now = w.Now.Add(6000 * time.Hour)
	if err := w.RefreshOnly(); err != nil {
		t.Fatal(err)
	}
	for name, value := range w.Fields(tfsim.Server) {
		if changed := !value.Equal(before[name]); changed != (name == "ready_for_renewal") {
			t.Errorf("%s: changed is %t", name, changed)
		}
	}
	if !w.Ready(tfsim.Server) || w.Ready(tfsim.CA) {
		t.Error("the server certificate is due, the authority is not")
	}
	// A clock that is set back.
	w.Now = w.Now.Add(-6000 * time.Hour)
	if changed := w.MustPlan(t).Changed(); len(changed) > 0 {
		t.Errorf("the plan changes %v", changed)
	}
}

func TestKeptKeyStaysKnown(t *testing.T) {
	t.Parallel()
	reuse := tfsim.Values{"reuse_private_key": tfsim.Bool(true)}
	w := created(t, reuse, reuse)
	key := w.Text(tfsim.Server, "private_key_pem")
	w.Config[tfsim.Server]["validity_period_hours"] = tfsim.Int(2000)
	p := w.MustPlan(t)
	w.MustBeKnown(t, p, tfsim.Server, "private_key_pem", "ready_for_renewal", "subject", "early_renewal_hours")
	w.MustBeUnknown(t, p, tfsim.Server, "cert_pem", "serial_number", "content_sha256")
	w.MustApply(t, p)
	w.MustKeep(t, tfsim.Server, "private_key_pem", key)
	w.MustBeEmpty(t)
}

func TestEarlyRenewalChangedAlone(t *testing.T) {
	t.Parallel()
	w := created(t, nil, nil)
	serial := w.Text(tfsim.Server, "serial_number")
	w.Config[tfsim.Server]["early_renewal_hours"] = tfsim.Int(8000)
	w.Now = w.Now.Add(1000 * time.Hour)
	p := w.MustPlan(t)
	w.MustBeKnown(t, p, tfsim.Server, "renewal_time", "serial_number", "cert_pem", "private_key_pem", "content_sha256")
	w.MustBeUnknown(t, p, tfsim.Server, "ready_for_renewal")
	w.MustApply(t, p)
	w.MustKeep(t, tfsim.Server, "serial_number", serial)
	if !w.Ready(tfsim.Server) {
		t.Error("the moved window makes the certificate due")
	}
}

func TestAuthorityRenewedWithItsKey(t *testing.T) {
	t.Parallel()
	w := created(t, tfsim.Values{"reuse_private_key": tfsim.Bool(true)}, nil)
	serial, certificate, digest := w.Text(tfsim.Server, "serial_number"), w.Text(tfsim.Server, "cert_pem"), w.Text(tfsim.Server, "content_sha256")
	w.Config[tfsim.CA]["validity_period_hours"] = tfsim.Int(50000)
	// Together with this, what the unknown authority promises must stay open.
	w.Config[tfsim.Server]["early_renewal_hours"] = tfsim.Int(100)
	p := w.MustPlan(t)
	w.MustBeUnknown(t, p, tfsim.Server, "cert_pem", "serial_number", "ready_for_renewal")
	w.MustApply(t, p)
	w.MustKeep(t, tfsim.Server, "serial_number", serial)
	w.MustKeep(t, tfsim.Server, "cert_pem", certificate)
	w.MustChange(t, tfsim.Server, "content_sha256", digest)
	w.MustBeEmpty(t)
}

func TestUnknownInputTurnsOutTheSame(t *testing.T) {
	t.Parallel()
	trigger := tfsim.Trigger("1")
	for _, plan := range []func(*tfsim.World, testing.TB) *tfsim.Plan{(*tfsim.World).MustPlan, (*tfsim.World).MustPlanWithoutRefresh} {
		w := created(t, tfsim.Values{"rotation_triggers": trigger}, nil)
		serial := w.Text(tfsim.CA, "serial_number")
		w.Config[tfsim.CA]["rotation_triggers"] = tfsim.Unknown(trigger.Type())
		p := plan(w, t)
		w.TurnsOut(p, tfsim.CA, "rotation_triggers", trigger)
		w.MustApply(t, p)
		w.MustKeep(t, tfsim.CA, "serial_number", serial)
		w.MustBeEmpty(t)
	}
}

func TestOverlapEnds(t *testing.T) {
	t.Parallel()
	w := created(t, tfsim.Values{"overlap_hours": tfsim.Int(24)}, nil)
	w.Config[tfsim.CA]["rotation_triggers"] = tfsim.Trigger("1")
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if n := strings.Count(w.Text(tfsim.Server, "cert_pem"), "BEGIN"); n != 2 {
		t.Fatalf("%d certificates in the chain, not leaf and cross", n)
	}
	serial := w.Text(tfsim.Server, "serial_number")
	w.Now = w.Now.Add(24*time.Hour - time.Second)
	w.MustBeEmpty(t)
	w.Now = w.Now.Add(time.Second)
	p := w.MustPlan(t)
	w.MustBeKnown(t, p, tfsim.CA, "cert_pem", "cross_signed_cert_pem")
	w.MustBeKnown(t, p, tfsim.Server, "cert_pem", "serial_number", "private_key_pem", "content_sha256")
	w.Now = w.Now.Add(30000 * time.Hour) // applied when the new root is due itself
	w.MustApply(t, p)
	w.MustKeep(t, tfsim.Server, "serial_number", serial)
	if n := strings.Count(w.Text(tfsim.CA, "cert_pem")+w.Text(tfsim.Server, "cert_pem"), "BEGIN"); n != 2 {
		t.Errorf("%d certificates are delivered, not one root and one leaf", n)
	}
}

// TestOverlapEndsWhileAnotherLasts has two previous roots, of which one leaves:
// the other may leave before apply, so the plan promises nothing.
func TestOverlapEndsWhileAnotherLasts(t *testing.T) {
	t.Parallel()
	for late, left := range map[time.Duration]int{0: 2, 15 * time.Hour: 1} {
		w := created(t, tfsim.Values{"overlap_hours": tfsim.Int(24)}, nil)
		for _, trigger := range []string{"1", "2"} {
			w.Now = w.Now.Add(10 * time.Hour)
			w.Config[tfsim.CA]["rotation_triggers"] = tfsim.Trigger(trigger)
			w.MustPlanAndApply(t)
		}
		w.Now = w.Now.Add(14 * time.Hour) // the first root has been replaced for 24 hours
		p := w.MustPlan(t)
		w.MustChangeOnly(t, p, tfsim.CA, tfsim.Server, tfsim.Client)
		w.MustBeUnknown(t, p, tfsim.CA, "cert_pem", "cross_signed_cert_pem")
		w.MustBeKnown(t, p, tfsim.CA, "serial_number", "private_key_pem", "generation")
		w.Now = w.Now.Add(late)
		w.MustApply(t, p)
		if n := len(w.MustParse(t, tfsim.CA, "cert_pem")); n != left {
			t.Errorf("applied %s later, %d roots are trusted, want %d", late, n, left)
		}
		w.MustBeEmpty(t)
	}
}

func TestCutOff(t *testing.T) {
	t.Parallel()
	for _, back := range []time.Duration{0, 2 * time.Hour} {
		w := created(t, nil, nil)
		var m tfsim.Model
		if err := m.Observe(w); err != nil {
			t.Fatal(err)
		}
		w.Now = w.Now.Add(5 * time.Hour)
		w.Config[tfsim.CA]["rotation_triggers"] = tfsim.Trigger("1")
		w.MustPlanAndApply(t)
		if err := m.Observe(w); err != nil {
			t.Fatal(err)
		}
		w.Now = w.Now.Add(-back) // even on a clock that is behind
		w.Config[tfsim.CA]["rotation_triggers"] = tfsim.Trigger("2")
		w.Config[tfsim.CA]["overlap_hours"] = tfsim.Int(0)
		w.MustPlanAndApply(t)
		if err := m.Observe(w); err != nil {
			t.Fatal(err)
		}
		if err := m.CheckCutOff(w); err != nil {
			t.Error(err)
		}
	}
}

// TestWarnsWithoutCross rotates an authority that has expired: like one
// of path length 0, it cannot certify its successor.
func TestWarnsWithoutCross(t *testing.T) {
	t.Parallel()
	w := created(t, tfsim.Values{"validity_period_hours": tfsim.Int(24)}, nil)
	w.Now = w.Now.Add(48 * time.Hour)
	p := w.MustPlan(t)
	if len(w.Warnings) != 1 || !strings.Contains(w.Warnings[0], "without a cross certificate") {
		t.Fatalf("the plan warns %q, not once of the missing cross certificate", w.Warnings)
	}
	w.MustApply(t, p)
	if certificates, err := x509text.ParseCertificates(w.Text(tfsim.Server, "cert_pem")); err != nil || len(certificates) != 1 {
		t.Errorf("the leaf is not alone: %d certificates, %v", len(certificates), err)
	}
	w.MustBeEmpty(t)
}
