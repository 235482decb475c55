package tfsim

import (
	"crypto"
	"crypto/x509"
	"slices"
	"strings"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// MustPlan plans with a refresh.
func (w *World) MustPlan(t testing.TB) *Plan {
	t.Helper()
	p, err := w.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// MustPlanWithoutRefresh plans without a refresh.
func (w *World) MustPlanWithoutRefresh(t testing.TB) *Plan {
	t.Helper()
	p, err := w.PlanWithoutRefresh()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// MustApply applies a plan.
func (w *World) MustApply(t testing.TB, p *Plan) {
	t.Helper()
	if err := w.Apply(p); err != nil {
		t.Fatal(err)
	}
}

// MustPlanAndApply plans with a refresh, and applies that at once.
func (w *World) MustPlanAndApply(t testing.TB) {
	t.Helper()
	w.MustApply(t, w.MustPlan(t))
}

// MustBeEmpty checks that the plan is empty, with a refresh and without.
func (w *World) MustBeEmpty(t testing.TB) {
	t.Helper()
	if changed := w.MustPlan(t).Changed(); len(changed) > 0 {
		t.Fatalf("the plan changes %v", changed)
	}
	if changed := w.MustPlanWithoutRefresh(t).Changed(); len(changed) > 0 {
		t.Fatalf("the plan without refresh changes %v", changed)
	}
}

// MustApplyNothing checks that the plan is empty, and applies it: that stores what
// the refresh found.
func (w *World) MustApplyNothing(t testing.TB) {
	t.Helper()
	w.MustBeEmpty(t)
	w.MustPlanAndApply(t)
}

// MustChangeOnly checks which resources a plan changes.
func (w *World) MustChangeOnly(t testing.TB, p *Plan, names ...string) {
	t.Helper()
	if changed := p.Changed(); !slices.Equal(changed, names) {
		t.Errorf("the plan changes %v, not %v", changed, names)
	}
}

// MustBeKnown checks that a plan knows the attributes of a resource.
func (w *World) MustBeKnown(t testing.TB, p *Plan, name string, attributes ...string) {
	t.Helper()
	planned := w.Planned(p, name)
	for _, attribute := range attributes {
		if !planned[attribute].IsKnown() {
			t.Errorf("%s.%s is unknown at plan", name, attribute)
		}
	}
}

// MustBeUnknown checks that a plan does not know the attributes of a resource.
func (w *World) MustBeUnknown(t testing.TB, p *Plan, name string, attributes ...string) {
	t.Helper()
	planned := w.Planned(p, name)
	for _, attribute := range attributes {
		if planned[attribute].IsKnown() {
			t.Errorf("%s.%s is known at plan", name, attribute)
		}
	}
}

// MustKeep checks that a text in the state is still what it was.
func (w *World) MustKeep(t testing.TB, name, attribute, before string) {
	t.Helper()
	if w.Text(name, attribute) != before {
		t.Errorf("%s.%s has changed", name, attribute)
	}
}

// MustChange checks that a text in the state is no longer what it was.
func (w *World) MustChange(t testing.TB, name, attribute, before string) {
	t.Helper()
	if w.Text(name, attribute) == before {
		t.Errorf("%s.%s has not changed", name, attribute)
	}
}

// MustFail checks that the plan fails, and that the error says why.
func (w *World) MustFail(t testing.TB, reason string) {
	t.Helper()
	if _, err := w.Plan(); err == nil || !strings.Contains(err.Error(), reason) {
		t.Fatalf("the plan fails with %v, not %q", err, reason)
	}
}

// MustFailToApply checks that a plan fails when it is applied, and that the
// error says why.
func (w *World) MustFailToApply(t testing.TB, p *Plan, reason string) {
	t.Helper()
	if err := w.Apply(p); err == nil || !strings.Contains(err.Error(), reason) {
		t.Fatalf("apply fails with %v, not %q", err, reason)
	}
}

// MustParse reads the certificates of an attribute in the state.
func (w *World) MustParse(t testing.TB, name, attribute string) []*x509.Certificate {
	t.Helper()
	certificates, err := x509text.ParseCertificates(w.Text(name, attribute))
	if err != nil {
		t.Fatal(err)
	}
	return certificates
}

// MustCertify checks whose key a certificate has, that no private key is in the
// state, and that who trusts the authority accepts it.
func (w *World) MustCertify(t testing.TB, name string, key crypto.Signer) {
	t.Helper()
	chain := w.MustParse(t, name, "cert_pem")
	if !pki.SamePublicKey(chain[0].PublicKey, key.Public()) {
		t.Errorf("%s certifies another key", name)
	}
	if !w.Fields(name)["private_key_pem"].IsNull() {
		t.Errorf("%s has a private key in the state", name)
	}
	if profile, isLeaf := profiles[name]; isLeaf {
		if err := Verify(chain, w.MustParse(t, CA, "cert_pem"), profile, w.Now); err != nil {
			t.Error(err)
		}
	}
}

// MustVerify checks that the leaves in the state are accepted by who trusts
// only this root.
func (w *World) MustVerify(t testing.TB, root *x509.Certificate) {
	t.Helper()
	for name, profile := range profiles {
		chain := w.MustParse(t, name, "cert_pem")
		if err := pki.VerifyLeaf(chain[0], chain[1:], root, profile, w.Now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// MustMatch checks that the outputs of a resource belong to its certificate,
// and its private key too.
func (w *World) MustMatch(t testing.TB, name string) {
	t.Helper()
	if _, err := w.Certificates(name); err != nil {
		t.Error(err)
	}
}

// MustReason checks why the certificate in the state was issued.
func (w *World) MustReason(t testing.TB, name, reason string) {
	t.Helper()
	if got := w.Text(name, "issue_reason"); got != reason {
		t.Errorf("%s was issued for %q, not %q", name, got, reason)
	}
}
