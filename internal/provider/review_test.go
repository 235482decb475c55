package provider_test

import (
	"testing"

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
