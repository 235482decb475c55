package provider_test

import (
	"crypto"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// restore loses the state of a world, but for the files that it has on hosts, and
// imports those. A key that the state does not have is taken from keys; passphrase
// is that of the authority's.
func restore(t testing.TB, w *tfsim.World, keys map[string]crypto.Signer, passphrase string) error {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root := write("ca.pem", w.Text(tfsim.CA, "cert_pem"))
	ids := map[string]string{tfsim.CA: root + "," + write("ca-key.pem", authorityKey(t, w, keys[tfsim.CA], passphrase))}
	for _, name := range tfsim.Order[1:] {
		key := ""
		if text := w.Text(name, "private_key_pem"); text != "" {
			key = write(name+"-key.pem", text)
		}
		ids[name] = write(name+".pem", w.Text(name, "cert_pem")) + "," + key + "," + root
	}
	for _, name := range tfsim.Order {
		if err := w.Import(name, ids[name]); err != nil {
			return fmt.Errorf("import %s: %w", name, err)
		}
	}
	return nil
}

func authorityKey(t testing.TB, w *tfsim.World, key crypto.Signer, passphrase string) string {
	t.Helper()
	var err error
	if key == nil {
		if key, err = x509text.ParsePrivateKey(w.Text(tfsim.CA, "private_key_pem"), passphrase); err != nil {
			t.Fatal(err)
		}
	}
	text, err := x509text.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func mustRestore(t testing.TB, w *tfsim.World, passphrase string) {
	t.Helper()
	if err := restore(t, w, nil, passphrase); err != nil {
		t.Fatal(err)
	}
}

// serials are those of all certificates.
func serials(w *tfsim.World) (all []string) {
	for _, name := range tfsim.Order {
		all = append(all, w.Text(name, "serial_number"))
	}
	return all
}

var triggers = tfsim.Values{"rotation_triggers": tfsim.Trigger("2030-06")}

func setTriggers(w *tfsim.World, values tfsim.Values) {
	for _, name := range tfsim.Order {
		w.Set(name, values)
	}
}

// TestRestore imports into a configuration that has everything that no file tells.
// The first apply records it and issues nothing; a change after it rotates.
func TestRestore(t *testing.T) {
	t.Parallel()
	ca := tfsim.Values{
		"rotation_triggers": tfsim.Trigger("2030-06"), "overlap_hours": tfsim.Int(100), "early_renewal_hours": tfsim.Int(9000), "validity_period_hours": tfsim.Int(20000),
		"reuse_private_key": tfsim.Bool(true), "key_algorithm": tfsim.String("ED25519"),
		"private_key_passphrase_wo": tfsim.String("secret"), "private_key_passphrase_wo_version": tfsim.Int(7),
	}
	leaf := tfsim.Values{"rotation_triggers": tfsim.Trigger("round 2"), "early_renewal_hours": tfsim.Int(1000), "validity_period_hours": tfsim.Int(3000), "reuse_private_key": tfsim.Bool(true)}
	w := newWorld(t)
	w.Set(tfsim.CA, ca)
	w.Set(tfsim.Server, leaf)
	w.Set(tfsim.Client, leaf)
	w.Secrets = tfsim.Values{"private_key_passphrase": tfsim.String("secret")}
	w.MustPlanAndApply(t)
	before, content := serials(w), w.Text(tfsim.Server, "content_sha256")

	mustRestore(t, w, "secret")
	p := w.MustPlan(t)
	for _, name := range tfsim.Order {
		w.MustBeKnown(t, p, name, "cert_pem", "serial_number", "issue_reason")
	}
	if n := countRecorded(w.Warnings); n != 3 {
		t.Errorf("the plan says %d times that it only records: %q", n, w.Warnings)
	}
	w.MustApply(t, p)
	w.MustBeEmpty(t)
	if after := serials(w); !slices.Equal(before, after) || w.Text(tfsim.Server, "content_sha256") != content {
		t.Errorf("the first apply after the import has issued certificates: %v, not %v", after, before)
	}
	if !x509text.Encrypted(w.Text(tfsim.CA, "private_key_pem")) {
		t.Error("the authority's key is stored in clear")
	}
	setTriggers(w, tfsim.Values{"rotation_triggers": tfsim.Trigger("2031-06")})
	mustRotate(t, w)
}

func countRecorded(warnings []string) (n int) {
	for _, warning := range warnings {
		if strings.HasPrefix(warning, "Recorded, and nothing rotates") {
			n++
		}
	}
	return n
}

// mustRotate checks that the next plan, and its apply, issue all certificates
// because of their triggers.
func mustRotate(t *testing.T, w *tfsim.World) {
	t.Helper()
	before := serials(w)
	p := w.MustPlan(t)
	if countRecorded(w.Warnings) > 0 {
		t.Errorf("the plan only records: %q", w.Warnings)
	}
	w.MustApply(t, p)
	w.MustBeEmpty(t)
	for i, name := range tfsim.Order {
		if reason := w.Text(name, "issue_reason"); w.Text(name, "serial_number") == before[i] || !strings.Contains(reason, "rotation_triggers") {
			t.Errorf("%s was not rotated: its reason is %q", name, reason)
		}
	}
}

// firstTriggers are those that what was imported gets.
var firstTriggers = tfsim.Values{"rotation_triggers": tfsim.Trigger("imported")}

// recordTriggers ends an import: nothing is left to do, and an apply records the
// first triggers and issues nothing.
func recordTriggers(t *testing.T, w *tfsim.World) {
	t.Helper()
	w.MustBeEmpty(t)
	before := serials(w)
	setTriggers(w, firstTriggers)
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if after := serials(w); !slices.Equal(before, after) {
		t.Errorf("the first triggers have issued certificates: %v, not %v", after, before)
	}
}

// TestTriggersAfterImport adds rotation_triggers to what was imported without: those
// are recorded, until an apply has changed the resource.
func TestTriggersAfterImport(t *testing.T) {
	t.Parallel()
	change := func(w *tfsim.World) {
		for _, name := range tfsim.Order {
			w.Set(name, tfsim.Values{"early_renewal_hours": tfsim.Int(7)})
		}
	}
	for name, test := range map[string]struct {
		settle  func(*testing.T, *tfsim.World)
		records bool
	}{
		"after applies of nothing": {func(t *testing.T, w *tfsim.World) { w.MustApplyNothing(t); w.MustApplyNothing(t) }, true},
		"after refreshes": {func(t *testing.T, w *tfsim.World) {
			for range 5 {
				if err := w.RefreshOnly(); err != nil {
					t.Fatal(err)
				}
			}
		}, true},
		"after an apply of something":    {func(t *testing.T, w *tfsim.World) { change(w); w.MustPlanAndApply(t) }, false},
		"after an apply without refresh": {func(t *testing.T, w *tfsim.World) { change(w); w.MustApply(t, w.MustPlanWithoutRefresh(t)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := created(t, nil, nil)
			mustRestore(t, w, "")
			test.settle(t, w)
			if test.records {
				recordTriggers(t, w)
			}
			setTriggers(w, triggers)
			mustRotate(t, w)
		})
	}
}

// TestTriggersWithImport has triggers at the import, and much that happens before
// the apply that records them: it succeeds once, and issues nothing.
func TestTriggersWithImport(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]func(*testing.T, *tfsim.World) *tfsim.Plan{
		"with refresh": func(t *testing.T, w *tfsim.World) *tfsim.Plan { return w.MustPlan(t) },
		"after refreshes": func(t *testing.T, w *tfsim.World) *tfsim.Plan {
			for range 5 {
				if err := w.RefreshOnly(); err != nil {
					t.Fatal(err)
				}
			}
			return w.MustPlan(t)
		},
		"without refresh": func(t *testing.T, w *tfsim.World) *tfsim.Plan { return w.MustPlanWithoutRefresh(t) },
		"unknown at plan": func(t *testing.T, w *tfsim.World) *tfsim.Plan {
			for _, name := range tfsim.Order {
				w.Set(name, tfsim.Values{"rotation_triggers": tfsim.Unknown(tftypes.Map{ElementType: tftypes.String})})
			}
			p := w.MustPlan(t)
			for _, name := range tfsim.Order {
				w.TurnsOut(p, name, "rotation_triggers", tfsim.Trigger("2030-06"))
			}
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := created(t, nil, nil)
			before := serials(w)
			mustRestore(t, w, "")
			setTriggers(w, triggers)
			for range 5 {
				w.MustPlan(t)
			}
			p := plan(t, w)
			if n := countRecorded(w.Warnings); n != 3 {
				t.Errorf("the plan says %d times that it only records: %q", n, w.Warnings)
			}
			w.MustApply(t, p)
			w.MustBeEmpty(t)
			if after := serials(w); !slices.Equal(before, after) {
				t.Errorf("certificates were issued: %v, not %v", after, before)
			}
			setTriggers(w, tfsim.Values{"rotation_triggers": tfsim.Trigger("2031-06")})
			mustRotate(t, w)
		})
	}
}

// TestImportedAndChanged asks for more than the triggers: what can be known still
// issues, and the triggers are recorded with it. If that keeps the key, which the
// triggers ask to replace, the plan says so.
func TestImportedAndChanged(t *testing.T) {
	t.Parallel()
	for reuse, warnings := range map[bool]int{false: 2, true: 3} {
		w := created(t, nil, nil)
		before, key := serials(w), w.Text(tfsim.Server, "private_key_pem")
		mustRestore(t, w, "")
		setTriggers(w, triggers)
		w.Set(tfsim.Server, tfsim.Values{"dns_names": tfsim.Set("other.example.com"), "reuse_private_key": tfsim.Bool(reuse)})
		p := w.MustPlan(t)
		if n := countRecorded(w.Warnings); n != warnings {
			t.Errorf("with reuse_private_key = %t, the plan says %d times that it only records, want %d: %q", reuse, n, warnings, w.Warnings)
		}
		w.MustApply(t, p)
		w.MustBeEmpty(t)
		if after := serials(w); after[0] != before[0] || after[1] == before[1] || after[2] != before[2] {
			t.Errorf("not the server's certificate alone was issued: %v, before %v", after, before)
		}
		if kept := w.Text(tfsim.Server, "private_key_pem") == key; kept != reuse {
			t.Errorf("with reuse_private_key = %t, the key is kept: %t", reuse, kept)
		}
		if reason := w.Text(tfsim.Server, "issue_reason"); strings.Contains(reason, "rotation_triggers") {
			t.Errorf("the reason is %q", reason)
		}
	}
}
