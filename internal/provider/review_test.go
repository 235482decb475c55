package provider_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
)

// TestImportWithoutRootsAndIgnoredAuthority imports a certificate without a
// CA_CERT_FILE, and lifecycle.ignore_changes keeps `ca` from being recorded: no
// ca.pem is known, and that is no reason for a change.
func TestImportWithoutRootsAndIgnoredAuthority(t *testing.T) {
	t.Parallel()
	f, w := newForeignPKI(t, ecdsaKey(t), nil), newWorld(t)
	f.importInto(t, w)
	if err := w.Import(tfsim.Server, f.path("server-cert.pem")+","+f.path("server-key.pem")); err != nil {
		t.Fatal(err)
	}
	w.Ignoring = map[string]bool{tfsim.Server: true}
	w.MustBeEmpty(t)
	w.Set(tfsim.Server, tfsim.Values{"early_renewal_hours": tfsim.Int(5)})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	w.Ignoring = nil
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
}

// TestUndecidedAuthorityWithoutCrosses has imported roots without cross
// certificates, and an argument that is not known at plan and turns out to be
// what it was. What is left is that an overlap has ended.
func TestUndecidedAuthorityWithoutCrosses(t *testing.T) {
	t.Parallel()
	old := func(name string, hours time.Duration) *x509.Certificate {
		return newForeignPKI(t, ecdsaKey(t), func(root, _, _ *x509.Certificate) {
			root.Subject.CommonName, root.NotAfter = name, root.NotBefore.Add(hours*time.Hour)
		}).root
	}
	f, w := newForeignPKI(t, ecdsaKey(t), nil), newWorld(t)
	oldest := old("C", 800)
	f.writeBundle(t, "ca.pem", f.root, old("B", 2000), oldest)
	f.importInto(t, w)
	w.Set(tfsim.CA, tfsim.Values{"reuse_private_key": tfsim.Bool(true)})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	early := w.Fields(tfsim.CA)["early_renewal_hours"]
	w.Now = oldest.NotAfter
	w.Set(tfsim.CA, tfsim.Values{"early_renewal_hours": tfsim.Unknown(tftypes.Number)})
	p := w.MustPlan(t)
	w.TurnsOut(p, tfsim.CA, "early_renewal_hours", early)
	w.MustApply(t, p)
	w.MustBeEmpty(t)
	if n := len(w.MustParse(t, tfsim.CA, "cert_pem")); n != 2 {
		t.Errorf("%d roots are trusted, want 2", n)
	}
}

// TestDamagedKeptKey has a certificate whose private key in the state cannot
// be read, and is to be kept.
func TestDamagedKeptKey(t *testing.T) {
	t.Parallel()
	w := created(t, nil, tfsim.Values{"reuse_private_key": tfsim.Bool(true)})
	damage(w, tfsim.Server, "private_key_pem", func(text string) string { return text[:60] })
	w.MustBeEmpty(t)
	w.Set(tfsim.Server, tfsim.Values{"dns_names": tfsim.Set("other.example.com")})
	w.MustFail(t, "The private key cannot be used")
	w.Unset(tfsim.Server, "reuse_private_key") // makes another one
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
}
