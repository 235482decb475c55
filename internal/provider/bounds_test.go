package provider_test

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// An imported root cannot certify its successor, and the successor is renewed
// just before the overlap ends: that does not begin anew.
func TestRenewalDoesNotProlongAnOverlap(t *testing.T) {
	t.Parallel()
	f, w := newForeignPKI(t, ecdsaKey(t), func(root, _, _ *x509.Certificate) { root.MaxPathLenZero = true }), newWorld(t)
	f.importInto(t, w)
	recordTriggers(t, w)
	w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("now"), "overlap_hours": tfsim.Int(24), "reuse_private_key": tfsim.Bool(true)})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	start, serial := w.Text(tfsim.CA, "validity_start_time"), w.Text(tfsim.CA, "serial_number")
	w.Now = w.Now.Add(24*time.Hour - time.Second)
	w.Set(tfsim.CA, tfsim.Values{"validity_period_hours": tfsim.Int(50000)})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	w.MustChange(t, tfsim.CA, "serial_number", serial)
	w.MustKeep(t, tfsim.CA, "validity_start_time", start)
	if n := len(w.MustParse(t, tfsim.CA, "cert_pem")); n != 2 {
		t.Fatalf("%d roots are trusted before the end of the overlap, want 2", n)
	}
	w.Now = w.Now.Add(time.Second)
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if n := len(w.MustParse(t, tfsim.CA, "cert_pem")); n != 1 {
		t.Errorf("%d roots are trusted after the overlap, want 1", n)
	}
	// Nothing depends on the beginning any more.
	w.Now = w.Now.Add(time.Hour)
	w.Set(tfsim.CA, tfsim.Values{"validity_period_hours": tfsim.Int(60000)})
	w.MustPlanAndApply(t)
	w.MustChange(t, tfsim.CA, "validity_start_time", start)
	w.MustBeEmpty(t)
}

// A root expires between two that do not. It tells when the older one was
// replaced, so it leaves together with that one.
func TestExpiredRootInTheMiddle(t *testing.T) {
	t.Parallel()
	w := created(t, tfsim.Values{"overlap_hours": tfsim.Int(1000)}, nil)
	rotate := func(hours int64, trigger string) {
		w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger(trigger), "validity_period_hours": tfsim.Int(hours)})
		w.MustPlanAndApply(t)
		w.MustBeEmpty(t)
	}
	counts := func(roots, crosses int) {
		t.Helper()
		w.MustPlanAndApply(t)
		w.MustBeEmpty(t)
		if n, m := len(w.MustParse(t, tfsim.CA, "cert_pem")), strings.Count(w.Text(tfsim.CA, "cross_signed_cert_pem"), "BEGIN"); n != roots || m != crosses {
			t.Errorf("%d roots and %d cross certificates, want %d and %d", n, m, roots, crosses)
		}
	}
	rotate(30, "short") // the overlap of the first root begins
	w.Now = w.Now.Add(time.Hour)
	rotate(43800, "long")
	counts(3, 2)
	w.Now = w.Now.Add(29 * time.Hour)
	counts(3, 0)
	w.Now = w.Now.Add(970*time.Hour - time.Second)
	counts(3, 0)
	w.Now = w.Now.Add(time.Second)
	counts(1, 0)
}

// An imported root of path length 1 vouches for its successor, and not for the
// one after that.
func TestPathLengthOfOne(t *testing.T) {
	t.Parallel()
	f, w := newForeignPKI(t, ecdsaKey(t), func(root, _, _ *x509.Certificate) { root.MaxPathLen = 1 }), newWorld(t)
	f.importInto(t, w)
	recordTriggers(t, w)
	for i, want := range []int{0, 1, 0} {
		w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger(fmt.Sprint(i))})
		w.Warnings = nil
		p := w.MustPlan(t)
		if len(w.Warnings) != want || want > 0 && !strings.Contains(w.Warnings[0], "has path length 1") {
			t.Errorf("rotation %d warns %q", i+1, w.Warnings)
		}
		w.MustApply(t, p)
	}
	w.MustBeEmpty(t)
}

// The plan that brings the ninth previous root drops the oldest one, and says
// so. No other plan does.
func TestOldestRootLeaves(t *testing.T) {
	t.Parallel()
	w := created(t, nil, nil)
	oldest := w.Text(tfsim.CA, "serial_number")
	for i := range pki.MaxPrevious + 1 {
		w.Now = w.Now.Add(time.Hour)
		w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger(fmt.Sprint(i))})
		w.Warnings = nil
		p := w.MustPlan(t)
		switch last := i == pki.MaxPrevious; {
		case !last && len(w.Warnings) > 0:
			t.Errorf("rotation %d warns: %q", i+1, w.Warnings)
		case last && (len(w.Warnings) != 1 || !strings.Contains(w.Warnings[0], oldest)):
			t.Errorf("rotation %d warns %q, not once of the root %s", i+1, w.Warnings, oldest)
		}
		w.MustApply(t, p)
		w.Warnings = nil
		w.MustBeEmpty(t)
		if len(w.Warnings) > 0 {
			t.Errorf("the plan after rotation %d warns: %q", i+1, w.Warnings)
		}
	}
	roots := w.MustParse(t, tfsim.CA, "cert_pem")
	if crosses := w.MustParse(t, tfsim.CA, "cross_signed_cert_pem"); len(roots) != 1+pki.MaxPrevious || len(crosses) != pki.MaxPrevious {
		t.Errorf("%d roots and %d cross certificates", len(roots), len(crosses))
	}
	for _, root := range roots {
		w.MustVerify(t, root)
	}
}

// An authority of a foreign bundle has no more previous roots than one that has
// rotated here; the import names those that it leaves out.
func TestImportOfManyRoots(t *testing.T) {
	t.Parallel()
	f, w := newForeignPKI(t, ecdsaKey(t), nil), newWorld(t)
	bundle := []*x509.Certificate{f.root}
	for i := range pki.MaxPrevious + 1 {
		other := newForeignPKI(t, ecdsaKey(t), func(root, _, _ *x509.Certificate) { root.Subject.CommonName = fmt.Sprint("Other CA ", i) })
		bundle = append(bundle, other.root)
	}
	f.writeBundle(t, "ca.pem", bundle...)
	expectWarnings(t, f.importInto(t, w), []string{`"Other CA 8" in the same file is left out`})
	w.MustBeEmpty(t)
	if n := len(w.MustParse(t, tfsim.CA, "cert_pem")); n != 1+pki.MaxPrevious {
		t.Errorf("%d roots are imported", n)
	}
}

// What an authority from elsewhere forbids is an error at plan, at the argument
// that asks for it.
func TestEmailNotAllowed(t *testing.T) {
	t.Parallel()
	f, w := newForeignPKI(t, ecdsaKey(t), func(root, _, _ *x509.Certificate) {
		root.PermittedDNSDomainsCritical, root.ExcludedEmailAddresses = true, []string{"example.com"}
	}), newWorld(t)
	f.importInto(t, w)
	w.MustBeEmpty(t)
	w.Set(tfsim.Client, tfsim.Values{"subject": w.Object(tfsim.Client, "subject", tfsim.Values{
		"common_name": tfsim.String("ci"), "email_address": tfsim.String("ops@example.com"),
	})})
	w.MustFail(t, `do not allow the e-mail address "ops@example.com"`)

	// The old root cannot certify a successor with such an address either.
	w = newWorld(t)
	f.importInto(t, w)
	w.Set(tfsim.CA, tfsim.Values{"subject": w.Object(tfsim.CA, "subject", tfsim.Values{
		"common_name": tfsim.String("CA"), "email_address": tfsim.String("ops@example.com"),
	})})
	w.Warnings = nil
	p := w.MustPlan(t)
	if len(w.Warnings) != 1 || !strings.Contains(w.Warnings[0], "rotates without a cross certificate") {
		t.Errorf("the plan warns %q", w.Warnings)
	}
	w.MustApply(t, p)
	w.MustBeEmpty(t)
}

// The framework compares each element of a set with all others, so the names are
// long and not many.
func TestNamesTooLongForAHandshake(t *testing.T) {
	t.Parallel()
	names := make([]string, 400)
	for i := range names {
		names[i] = fmt.Sprintf("host-%05d.%s.%s.%s.example.com", i, strings.Repeat("a", 60), strings.Repeat("b", 60), strings.Repeat("c", 60))
	}
	w := newWorld(t)
	w.Set(tfsim.Server, tfsim.Values{"dns_names": tfsim.Set(names...)})
	w.MustFail(t, "Docker reads at most 65536")
	w.Set(tfsim.Server, tfsim.Values{"dns_names": tfsim.Set(names[:300]...)})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
}

// A chain that is given as text is checked as a whole.
func TestChainGivenAsText(t *testing.T) {
	t.Parallel()
	w := created(t, nil, nil)
	for _, trigger := range []string{"1", "2"} {
		w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger(trigger)})
		w.MustPlanAndApply(t)
	}
	crosses := w.MustParse(t, tfsim.CA, "cross_signed_cert_pem")
	for about, test := range map[string]struct {
		chain []*x509.Certificate
		want  string
	}{
		"twice the same": {[]*x509.Certificate{crosses[0], crosses[0]}, "are not a chain"},
		"in reverse":     {[]*x509.Certificate{crosses[1], crosses[0]}, "does not certify the authority's key"},
	} {
		t.Run(about, func(t *testing.T) {
			w.Set(tfsim.Server, tfsim.Values{"ca": w.Object(tfsim.Server, "ca", tfsim.Values{
				"cert_pem":              tfsim.String(w.Text(tfsim.CA, "cert_pem")),
				"private_key_pem":       tfsim.String(w.Text(tfsim.CA, "private_key_pem")),
				"cross_signed_cert_pem": tfsim.String(x509text.EncodeCertificates(test.chain...)),
			})})
			w.MustFail(t, test.want)
		})
	}
}

// A clock that is set back by more than an hour: nothing can be issued, and what
// is there stays.
func TestAuthorityNotValidYet(t *testing.T) {
	t.Parallel()
	w := created(t, nil, nil)
	w.Now = w.Now.Add(-2 * time.Hour)
	w.MustBeEmpty(t)
	w.Set(tfsim.Server, tfsim.Values{"dns_names": tfsim.Set("other.example.com")})
	w.MustFail(t, "is not valid before")
}

func TestTooManyConstraints(t *testing.T) {
	t.Parallel()
	domains := make([]string, 300)
	for i := range domains {
		domains[i] = fmt.Sprintf("tenant-%03d.example.com", i)
	}
	w := newWorld(t)
	w.Set(tfsim.CA, tfsim.Values{"name_constraints": w.Object(tfsim.CA, "name_constraints", tfsim.Values{"permitted_dns_domains": tfsim.List(domains...)})})
	w.MustFail(t, "Too many name constraints")
}
