package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// TestWarnings cuts somebody off, each time in another way. The plan that does
// it warns once, and the next plan does not.
func TestWarnings(t *testing.T) {
	t.Parallel()
	rotated := func(t *testing.T, ca tfsim.Values) *tfsim.World {
		w := created(t, ca, nil)
		w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
		w.MustPlanAndApply(t)
		return w
	}
	constraints := func(w *tfsim.World, domains ...string) tfsim.Values {
		return tfsim.Values{"name_constraints": w.Object(tfsim.CA, "name_constraints", tfsim.Values{"permitted_dns_domains": tfsim.List(domains...)})}
	}
	for name, test := range map[string]struct {
		begin  func(t *testing.T) *tfsim.World
		change func(w *tfsim.World)
		want   string
	}{
		"a cut while a previous root is trusted": {
			func(t *testing.T) *tfsim.World { return rotated(t, nil) },
			func(w *tfsim.World) { w.Set(tfsim.CA, tfsim.Values{"overlap_hours": tfsim.Int(0)}) },
			"Previous roots are cut off sooner",
		},
		"an overlap that is shortened": {
			func(t *testing.T) *tfsim.World { return rotated(t, tfsim.Values{"overlap_hours": tfsim.Int(720)}) },
			func(w *tfsim.World) { w.Set(tfsim.CA, tfsim.Values{"overlap_hours": tfsim.Int(24)}) },
			"Previous roots are cut off sooner",
		},
		"an overlap that is prolonged": {
			func(t *testing.T) *tfsim.World { return rotated(t, tfsim.Values{"overlap_hours": tfsim.Int(24)}) },
			func(w *tfsim.World) { w.Set(tfsim.CA, tfsim.Values{"overlap_hours": tfsim.Int(720)}) },
			"",
		},
		"no previous root": {
			func(t *testing.T) *tfsim.World { return created(t, nil, nil) },
			func(w *tfsim.World) { w.Set(tfsim.CA, tfsim.Values{"overlap_hours": tfsim.Int(0)}) },
			"",
		},
		"a certificate that its authority's end shortens": {
			func(t *testing.T) *tfsim.World { return created(t, nil, nil) },
			func(w *tfsim.World) {
				w.Set(tfsim.Server, tfsim.Values{"validity_period_hours": tfsim.Int(50000)})
			},
			"The certificate ends with its authority",
		},
		"an authority's window of 0": {
			func(t *testing.T) *tfsim.World { return created(t, nil, nil) },
			func(w *tfsim.World) { w.Set(tfsim.CA, tfsim.Values{"early_renewal_hours": tfsim.Int(0)}) },
			"Certificates may end with their authority",
		},
		"constraints that the root so far does not permit": {
			func(t *testing.T) *tfsim.World {
				w := newWorld(t)
				w.Set(tfsim.CA, constraints(w, "host.example.com"))
				w.MustPlanAndApply(t)
				return w
			},
			func(w *tfsim.World) { w.Set(tfsim.CA, constraints(w, "example.com")) },
			"A previous root allows less",
		},
		"constraints that the root so far permits": {
			func(t *testing.T) *tfsim.World {
				w := newWorld(t)
				w.Set(tfsim.CA, constraints(w, "example.com"))
				w.MustPlanAndApply(t)
				return w
			},
			func(w *tfsim.World) { w.Set(tfsim.CA, constraints(w, "host.example.com")) },
			"",
		},
		"a name that a previous root does not permit": {
			func(t *testing.T) *tfsim.World {
				w := newWorld(t)
				w.Set(tfsim.CA, constraints(w, "host.example.com"))
				w.MustPlanAndApply(t)
				w.Set(tfsim.CA, constraints(w, "example.com"))
				w.MustPlanAndApply(t)
				return w
			},
			func(w *tfsim.World) {
				w.Set(tfsim.Server, tfsim.Values{"dns_names": tfsim.Set("other.example.com")})
			},
			"Name not allowed by a previous root",
		},
		"a rotation": {
			func(t *testing.T) *tfsim.World { return created(t, nil, nil) },
			func(w *tfsim.World) { w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")}) },
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := test.begin(t)
			w.MustPlan(t)
			mustWarn(t, w, "")
			test.change(w)
			p := w.MustPlan(t)
			mustWarn(t, w, test.want)
			w.MustApply(t, p)
			w.MustBeEmpty(t)
			mustWarn(t, w, "")
		})
	}
}

// mustWarn checks that there was one warning that begins so, or none.
func mustWarn(t *testing.T, w *tfsim.World, want string) {
	t.Helper()
	if want == "" && len(w.Warnings) > 0 || want != "" && (len(w.Warnings) != 1 || !strings.HasPrefix(w.Warnings[0], want)) {
		t.Errorf("the plan warns %q, not %q", w.Warnings, want)
	}
}

// TestOnlyCopyIsLost destroys an authority.
func TestOnlyCopyIsLost(t *testing.T) {
	t.Parallel()
	w := created(t, nil, nil)
	if err := w.PlanDestroy(tfsim.CA); err != nil {
		t.Fatal(err)
	}
	if len(w.Warnings) != 1 || !strings.Contains(w.Warnings[0], "the only copy") || !strings.Contains(w.Warnings[0], "rotation_triggers") || !strings.Contains(w.Warnings[0], "moved") {
		t.Errorf("the plan warns %q, not once of the only copy, of rotation_triggers and moved", w.Warnings)
	}
	if err := w.PlanDestroy(tfsim.Server); err != nil {
		t.Fatal(err)
	}
	mustWarn(t, w, "")

	// A key of one's own is not lost.
	_, own := makeKey(t, x509text.ECDSAP256)
	w.Set(tfsim.CA, tfsim.Values{"private_key_pem_wo": own, "private_key_pem_wo_version": tfsim.Int(1)})
	w.Secrets = tfsim.Values{"private_key_pem": own}
	w.Now = w.Now.Add(time.Hour)
	w.MustPlanAndApply(t)
	if err := w.PlanDestroy(tfsim.CA); err != nil {
		t.Fatal(err)
	}
	mustWarn(t, w, "")
}
