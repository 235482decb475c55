package provider_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Each test here is a fault that was found in use, or in a review.

// TestUnknownPassphraseAndEndedOverlap has a first passphrase that is unknown at
// plan, and not set at apply, while an overlap has ended.
func TestUnknownPassphraseAndEndedOverlap(t *testing.T) {
	w := created(t, tfsim.Values{"overlap_hours": tfsim.Int(24)}, nil)
	w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
	w.MustPlanAndApply(t)
	w.Now = w.Now.Add(25 * time.Hour)
	w.Set(tfsim.CA, tfsim.Values{"private_key_passphrase_wo": tfsim.Unknown(tftypes.String)})
	p := w.MustPlan(t)
	w.TurnsOut(p, tfsim.CA, "private_key_passphrase_wo", tfsim.Null(tftypes.String))
	w.MustApply(t, p)
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
}

// TestConstraintsMakeANewKey changes name_constraints while the key is to stay.
// What the authority has issued must not outlive them.
func TestConstraintsMakeANewKey(t *testing.T) {
	t.Parallel()
	constrained := func(w *tfsim.World, domain string) tfsim.Values {
		return tfsim.Values{"name_constraints": w.Object(tfsim.CA, "name_constraints", tfsim.Values{"permitted_dns_domains": tfsim.List(domain)})}
	}
	w := created(t, tfsim.Values{"reuse_private_key": tfsim.Bool(true)}, nil)
	before := w.Number(tfsim.CA, "generation")
	w.Set(tfsim.CA, constrained(w, "example.com"))
	w.MustPlanAndApply(t)
	if w.Number(tfsim.CA, "generation") != before+1 {
		t.Error("the authority has kept its key")
	}
	w.MustReason(t, tfsim.CA, "name_constraints")
	w.MustReason(t, tfsim.Server, "the authority has a new key")
	w.MustBeEmpty(t)
	w.MustVerify(t, w.MustParse(t, tfsim.CA, "cert_pem")[0])

	_, own := makeKey(t, x509text.ECDSAP256)
	w = newWorld(t)
	w.Set(tfsim.CA, tfsim.Values{"private_key_pem_wo": own, "private_key_pem_wo_version": tfsim.Int(1)})
	w.Secrets = tfsim.Values{"private_key_pem": own}
	w.MustPlanAndApply(t)
	w.Set(tfsim.CA, constrained(w, "example.com"))
	w.MustFail(t, "needs a new private key")
}

// TestKeptNameIsNotAllowed has an authority that is given as text, and that was
// renewed elsewhere with other constraints and the same key.
func TestKeptNameIsNotAllowed(t *testing.T) {
	t.Parallel()
	key, text := makeKey(t, x509text.ECDSAP256)
	root, err := pki.IssueRoot(pki.RootRequest{Subject: pki.Subject{CommonName: "CA"}, ValidityHours: 43800, Key: key}, tfsim.Start)
	if err != nil {
		t.Fatal(err)
	}
	constraints, err := pki.ParseNameConstraints([]string{"example.org"}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := pki.IssueRoot(pki.RootRequest{NameConstraints: constraints, ValidityHours: 43800, Key: key, Predecessor: root}, tfsim.Start)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	give := func(root *x509.Certificate) {
		for _, name := range []string{tfsim.Server, tfsim.Client} {
			w.Set(name, tfsim.Values{"ca": w.Object(name, "ca", tfsim.Values{"cert_pem": tfsim.String(x509text.EncodeCertificates(root)), "private_key_pem": text})})
		}
	}
	give(root)
	w.MustPlanAndApply(t)
	give(renewed)
	w.MustFail(t, "do not allow the name")
}

// TestOtherSpellingsOfTheSame writes what stands in the certificate in another
// way. Nothing is issued for it.
func TestOtherSpellingsOfTheSame(t *testing.T) {
	t.Parallel()
	subject := func(w *tfsim.World, lines ...string) tfsim.Values {
		values := tfsim.Values{"common_name": tfsim.String("Docker CA")}
		if lines != nil {
			values["street_address"] = tfsim.List(lines...)
		}
		return tfsim.Values{"subject": w.Object(tfsim.CA, "subject", values)}
	}
	for name, spellings := range map[string][2][]string{
		"no lines":                {nil, {}},
		"lines in another order":  {{"Main Street 1", "Entrance B"}, {"Entrance B", "Main Street 1"}},
		"no lines, the other way": {{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Set(tfsim.CA, subject(w, spellings[0]...))
			w.MustPlanAndApply(t)
			serial := w.Text(tfsim.CA, "serial_number")
			w.Set(tfsim.CA, subject(w, spellings[1]...))
			w.MustPlanAndApply(t)
			w.MustKeep(t, tfsim.CA, "serial_number", serial)
			w.MustBeEmpty(t)
		})
	}
}

// TestOtherSpellingsOfTheAuthority gives the same roots as another text, as
// editors and systems write it. What is delivered stays the same.
func TestOtherSpellingsOfTheAuthority(t *testing.T) {
	t.Parallel()
	w := created(t, nil, nil)
	authority := w.Text(tfsim.CA, "cert_pem")
	for name, text := range map[string]string{
		"CRLF":                   strings.ReplaceAll(authority, "\n", "\r\n"),
		"without a last newline": strings.TrimSpace(authority),
		"with text in front":     "subject=/CN=Docker CA\n" + authority,
		"with an empty line":     authority + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			w.Set(tfsim.Server, tfsim.Values{"ca": w.Object(tfsim.Server, "ca", tfsim.Values{"cert_pem": tfsim.String(text), "cross_signed_cert_pem": tfsim.String("")})})
			w.MustBeEmpty(t)
		})
	}
}

// TestNarrowedWindowPostpones finds a certificate due, and narrows its window.
func TestNarrowedWindowPostpones(t *testing.T) {
	t.Parallel()
	for _, name := range []string{tfsim.CA, tfsim.Server} {
		w := newWorld(t)
		if name == tfsim.CA {
			w.Set(tfsim.CA, tfsim.Values{"validity_period_hours": tfsim.Int(8760)})
		}
		w.MustPlanAndApply(t)
		serial := w.Text(name, "serial_number")
		w.Now = w.Now.Add(6000 * time.Hour)
		w.Set(name, tfsim.Values{"early_renewal_hours": tfsim.Int(100)})
		if name == tfsim.CA {
			w.Set(tfsim.Server, tfsim.Values{"early_renewal_hours": tfsim.Int(100)})
			w.Set(tfsim.Client, tfsim.Values{"early_renewal_hours": tfsim.Int(100)})
		}
		w.MustPlanAndApply(t)
		w.MustKeep(t, name, "serial_number", serial)
		if w.Ready(name) {
			t.Errorf("%s is still due", name)
		}
		// A wider one renews in the same apply.
		w.Now = w.Now.Add(2700 * time.Hour)
		w.Set(name, tfsim.Values{"early_renewal_hours": tfsim.Int(200)})
		w.MustPlanAndApply(t)
		w.MustChange(t, name, "serial_number", serial)
	}
}

// TestExpiredAuthority is given as text, and nothing is to be issued: it can be
// validated, planned, refreshed and destroyed.
func TestExpiredAuthority(t *testing.T) {
	t.Parallel()
	w := created(t, tfsim.Values{"validity_period_hours": tfsim.Int(24)}, nil)
	for _, name := range []string{tfsim.Server, tfsim.Client} {
		w.Set(name, tfsim.Values{"early_renewal_hours": tfsim.Int(0), "ca": w.Object(name, "ca", tfsim.Values{
			"cert_pem": tfsim.String(w.Text(tfsim.CA, "cert_pem")), "private_key_pem": tfsim.String(w.Text(tfsim.CA, "private_key_pem")),
		})})
	}
	w.MustPlanAndApply(t)
	w.Now = w.Now.Add(23*time.Hour + 59*time.Minute)
	w.MustPlanAndApply(t)
	w.Set(tfsim.Server, tfsim.Values{"reuse_private_key": tfsim.Bool(true)})
	w.Now = w.Now.Add(2 * time.Minute)
	if err := w.Validate(tfsim.Server); err != nil {
		t.Errorf("validation fails: %v", err)
	}
	w.Set(tfsim.Server, tfsim.Values{"dns_names": tfsim.Set("other.example.com")})
	w.MustFail(t, "expired on")
}

// TestLeafOutlivesItsAuthority has an authority from elsewhere, given as text, that
// ends before its leaves are due. Until one is to be issued, that is no matter.
func TestLeafOutlivesItsAuthority(t *testing.T) {
	t.Parallel()
	f, w := newForeignPKI(t, ecdsaKey(t), func(root, _, _ *x509.Certificate) { root.NotAfter = foreignStart.AddDate(0, 2, 0) }), newWorld(t)
	f.importInto(t, w)
	authority := tfsim.Values{"cert_pem": tfsim.String(w.Text(tfsim.CA, "cert_pem")), "private_key_pem": tfsim.String(w.Text(tfsim.CA, "private_key_pem"))}
	for _, name := range []string{tfsim.Server, tfsim.Client} {
		w.Set(name, tfsim.Values{"ca": w.Object(name, "ca", authority)})
	}
	w.Now = w.Now.Add(40 * 24 * time.Hour)
	if err := w.Validate(tfsim.Server); err != nil {
		t.Errorf("validation fails: %v", err)
	}
	if err := w.RefreshOnly(); err != nil {
		t.Errorf("the refresh fails: %v", err)
	}
	w.MustChangeOnly(t, w.MustPlan(t), tfsim.CA) // which has expired itself
	if err := w.PlanDestroy(tfsim.Server); err != nil {
		t.Errorf("the plan to destroy fails: %v", err)
	}
	serial := w.Text(tfsim.Server, "serial_number")
	w.Set(tfsim.Server, tfsim.Values{"reuse_private_key": tfsim.Bool(true)})
	w.MustPlanAndApply(t)
	w.MustKeep(t, tfsim.Server, "serial_number", serial)
	w.MustBeEmpty(t)
	w.Set(tfsim.Server, tfsim.Values{"dns_names": tfsim.Set("other.example.com")})
	w.MustFail(t, "expired on")
}

// TestIgnoredAuthority has lifecycle.ignore_changes = [ca]: Terraform then gives
// none to the plan.
func TestIgnoredAuthority(t *testing.T) {
	t.Parallel()
	w := created(t, nil, nil)
	w.Ignoring = map[string]bool{tfsim.Server: true}
	w.MustBeEmpty(t)
	w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
	w.MustPlanAndApply(t)
	w.MustReason(t, tfsim.Client, "the authority has a new key")
	w.MustReason(t, tfsim.Server, "created")
	w.MustBeEmpty(t)
	w.Set(tfsim.Server, tfsim.Values{"early_renewal_hours": tfsim.Int(1000)})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	serial := w.Text(tfsim.Server, "serial_number")
	w.Now = w.Now.Add(8000 * time.Hour)
	w.MustPlanAndApply(t)
	w.MustKeep(t, tfsim.Server, "serial_number", serial)
	w.MustPlan(t)
	if len(w.Warnings) != 1 || !strings.Contains(w.Warnings[0], "ignore_changes") {
		t.Errorf("the plan warns %q, not once of ignore_changes", w.Warnings)
	}
	w.Set(tfsim.Server, tfsim.Values{"dns_names": tfsim.Set("other.example.com")})
	w.MustFail(t, "ignore_changes")
}

// TestWeakKeyIsNotKept imports keys that nobody may certify again.
func TestWeakKeyIsNotKept(t *testing.T) {
	t.Parallel()
	f, w := newForeignPKI(t, rsaKey(t, 1024), nil), newWorld(t)
	f.importInto(t, w)
	w.Set(tfsim.CA, tfsim.Values{"reuse_private_key": tfsim.Bool(true), "validity_period_hours": tfsim.Int(50000)})
	w.MustFail(t, "remove reuse_private_key")
}
