package provider_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Each test here is one rule of how keys behave that are not in the state.

func makeKey(t testing.TB, algorithm x509text.KeyAlgorithm) (crypto.Signer, tftypes.Value) {
	t.Helper()
	key, err := algorithm.Generate()
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509text.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, tfsim.String(text)
}

// TestOwnLeafKey is the life of a leaf with a key of one's own. Each act begins
// in a world of its own, in which that key was certified.
func TestOwnLeafKey(t *testing.T) {
	t.Parallel()
	first, firstPEM := makeKey(t, x509text.ECDSAP384)
	second, secondPEM := makeKey(t, x509text.RSA2048)
	certified := func(t *testing.T) *tfsim.World {
		w := created(t, nil, tfsim.Values{"private_key_pem_wo": firstPEM, "private_key_pem_wo_version": tfsim.Int(1)})
		w.MustCertify(t, tfsim.Server, first)
		return w
	}
	t.Run("its algorithm is told", func(t *testing.T) {
		if algorithm := certified(t).Text(tfsim.Server, "key_algorithm"); algorithm != "ECDSA_P384" {
			t.Errorf("key_algorithm is %s", algorithm)
		}
	})
	t.Run("a renewal certifies the same key, whichever is given, or none", func(t *testing.T) {
		w := certified(t)
		for _, given := range []tftypes.Value{secondPEM, tfsim.Null(tftypes.String), tfsim.Unknown(tftypes.String)} {
			serial := w.Text(tfsim.Server, "serial_number")
			w.Config[tfsim.Server]["private_key_pem_wo"] = given
			w.MustBeEmpty(t)
			w.Now = w.Now.Add(6000 * time.Hour)
			w.MustPlanAndApply(t)
			w.MustChange(t, tfsim.Server, "serial_number", serial)
			w.MustCertify(t, tfsim.Server, first)
		}
	})
	t.Run("a new version certifies another key, even one that was not known at plan", func(t *testing.T) {
		w := certified(t)
		w.Config[tfsim.Server]["private_key_pem_wo_version"] = tfsim.Int(2)
		w.Config[tfsim.Server]["private_key_pem_wo"] = tfsim.Null(tftypes.String)
		w.MustFail(t, "private_key_pem_wo")
		w.Config[tfsim.Server]["private_key_pem_wo"] = tfsim.Unknown(tftypes.String)
		p := w.MustPlan(t)
		w.MustBeUnknown(t, p, tfsim.Server, "serial_number", "key_algorithm", "content_sha256")
		w.MustBeKnown(t, p, tfsim.Server, "private_key_pem")
		w.TurnsOut(p, tfsim.Server, "private_key_pem_wo", secondPEM)
		w.MustApply(t, p)
		w.MustCertify(t, tfsim.Server, second)
		w.MustBeEmpty(t)
	})
	t.Run("a new version of the same key issues nothing", func(t *testing.T) {
		w := certified(t)
		serial := w.Text(tfsim.Server, "serial_number")
		w.Config[tfsim.Server]["private_key_pem_wo_version"] = tfsim.Int(3)
		w.MustPlanAndApply(t)
		w.MustKeep(t, tfsim.Server, "serial_number", serial)
	})
	t.Run("and back to a key that is made here", func(t *testing.T) {
		w := certified(t)
		w.Unset(tfsim.Server, "private_key_pem_wo", "private_key_pem_wo_version")
		w.MustPlanAndApply(t)
		w.MustMatch(t, tfsim.Server)
		w.MustBeEmpty(t)
	})
}

// TestOwnAuthorityKey is the life of an authority with a key of one's own. Each
// act begins in a world of its own, in which that key was certified.
func TestOwnAuthorityKey(t *testing.T) {
	t.Parallel()
	first, firstPEM := makeKey(t, x509text.ECDSAP256)
	second, secondPEM := makeKey(t, x509text.Ed25519)
	third, thirdPEM := makeKey(t, x509text.ECDSAP256)
	certified := func(t *testing.T) *tfsim.World {
		w := newWorld(t)
		w.Set(tfsim.CA, tfsim.Values{"private_key_pem_wo": firstPEM, "private_key_pem_wo_version": tfsim.Int(1)})
		w.Secrets = tfsim.Values{"private_key_pem": firstPEM}
		w.MustPlanAndApply(t)
		w.MustBeEmpty(t)
		w.MustCertify(t, tfsim.CA, first)
		return w
	}
	rotated := func(t *testing.T) *tfsim.World {
		w := certified(t)
		w.Set(tfsim.CA, tfsim.Values{
			"private_key_pem_wo": secondPEM, "private_key_pem_wo_version": tfsim.Int(2), "previous_private_key_pem_wo": firstPEM,
		})
		w.Secrets = tfsim.Values{"private_key_pem": secondPEM}
		p := w.MustPlan(t)
		if len(w.Warnings) > 0 {
			t.Errorf("the plan warns: %q", w.Warnings)
		}
		w.MustApply(t, p)
		w.MustCertify(t, tfsim.CA, second)
		w.MustBeEmpty(t)
		return w
	}
	t.Run("a renewal keeps the key, so the leaves stay; it needs just this key", func(t *testing.T) {
		w := certified(t)
		serial := w.Text(tfsim.Server, "serial_number")
		w.Config[tfsim.CA]["validity_period_hours"] = tfsim.Int(50000)
		w.Config[tfsim.CA]["private_key_pem_wo"] = secondPEM
		w.MustFail(t, "not its own")
		w.Config[tfsim.CA]["private_key_pem_wo"] = tfsim.Null(tftypes.String)
		w.MustFail(t, "private_key_pem_wo")
		w.Config[tfsim.CA]["private_key_pem_wo"] = firstPEM
		w.MustPlanAndApply(t)
		w.MustCertify(t, tfsim.CA, first)
		w.MustKeep(t, tfsim.Server, "serial_number", serial)
		w.MustBeEmpty(t)
	})
	t.Run("a trigger cannot make a key", func(t *testing.T) {
		w := certified(t)
		w.Config[tfsim.CA]["rotation_triggers"] = tfsim.Trigger("1")
		w.MustFail(t, "private_key_pem_wo_version")
	})
	t.Run("a trigger that comes with a new key rotates", func(t *testing.T) {
		w := certified(t)
		w.Set(tfsim.CA, tfsim.Values{
			"private_key_pem_wo": secondPEM, "private_key_pem_wo_version": tfsim.Int(2), "previous_private_key_pem_wo": firstPEM,
			"rotation_triggers": tfsim.Trigger("1"),
		})
		w.Secrets = tfsim.Values{"private_key_pem": secondPEM}
		w.MustPlanAndApply(t)
		w.MustCertify(t, tfsim.CA, second)
		w.MustBeEmpty(t)
	})
	t.Run("a new version rotates, with a cross certificate by the key before", func(t *testing.T) {
		w := certified(t)
		old := w.MustParse(t, tfsim.CA, "cert_pem")
		w.Set(tfsim.CA, tfsim.Values{
			"private_key_pem_wo": secondPEM, "private_key_pem_wo_version": tfsim.Int(2), "previous_private_key_pem_wo": thirdPEM,
		})
		w.MustFail(t, "not that of the current root")
		w = rotated(t)
		chain := w.MustParse(t, tfsim.Server, "cert_pem")
		if len(chain) != 2 {
			t.Errorf("%d certificates in the chain, not leaf and cross", len(chain))
		}
		if w.Number(tfsim.CA, "generation") != 2 {
			t.Errorf("generation is %d", w.Number(tfsim.CA, "generation"))
		}
		roots := w.MustParse(t, tfsim.CA, "cert_pem")
		if len(roots) != 2 || !pki.SamePublicKey(roots[1].PublicKey, old[0].PublicKey) || tfsim.Verify(chain, roots[1:], pki.Server, w.Now) != nil {
			t.Error("who trusts the first root rejects the new certificate")
		}
	})
	t.Run("without the key before, the bundle alone, and a warning", func(t *testing.T) {
		w := rotated(t)
		w.Unset(tfsim.CA, "previous_private_key_pem_wo")
		w.Set(tfsim.CA, tfsim.Values{"private_key_pem_wo": thirdPEM, "private_key_pem_wo_version": tfsim.Int(3)})
		w.Secrets = tfsim.Values{"private_key_pem": thirdPEM}
		p := w.MustPlan(t)
		if len(w.Warnings) != 1 || !strings.Contains(w.Warnings[0], "previous_private_key_pem_wo") {
			t.Errorf("the plan warns %q, not once of the missing key", w.Warnings)
		}
		w.MustApply(t, p)
		w.MustCertify(t, tfsim.CA, third)
		if roots := len(w.MustParse(t, tfsim.CA, "cert_pem")); roots != 3 || w.Text(tfsim.CA, "cross_signed_cert_pem") != "" {
			t.Errorf("%d roots, want 3 and no cross certificate", roots)
		}
		w.MustBeEmpty(t)
	})
}

func TestKeyLeavesTheState(t *testing.T) {
	t.Parallel()
	w := created(t, nil, nil)
	for _, name := range []string{tfsim.CA, tfsim.Server} {
		serial := w.Text(name, "serial_number")
		key := w.Text(name, "private_key_pem")
		w.Set(name, tfsim.Values{"private_key_pem_wo": tfsim.String(key), "private_key_pem_wo_version": tfsim.Int(1)})
		if name == tfsim.CA {
			w.Secrets = tfsim.Values{"private_key_pem": tfsim.String(key)}
		}
		p := w.MustPlan(t)
		if !slices.Equal(p.Changed(), []string{name}) {
			t.Errorf("the plan changes %v, not %s", p.Changed(), name)
		}
		w.MustApply(t, p)
		w.MustKeep(t, name, "serial_number", serial)
		w.MustKeep(t, name, "private_key_pem", "")
		w.MustBeEmpty(t)
	}
}

func TestOwnKeyIsChecked(t *testing.T) {
	t.Parallel()
	_, pemText := makeKey(t, x509text.ECDSAP256)
	key, _ := makeKey(t, x509text.ECDSAP256)
	encrypted, err := x509text.EncryptPrivateKey(key, "passphrase")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		config tfsim.Values
		reason string
	}{
		{tfsim.Values{"private_key_pem_wo": tfsim.String("none")}, "private key found"},
		{tfsim.Values{"private_key_pem_wo": tfsim.String(encrypted)}, "is encrypted"},
		{tfsim.Values{"private_key_pem_wo": tfsim.String(shortRSAKey(t))}, "1024"},
		{tfsim.Values{"private_key_pem_wo_version": tfsim.Int(1)}, "Set private_key_pem_wo"},
		{tfsim.Values{"private_key_pem_wo": pemText}, "Set private_key_pem_wo_version = 1"},
		{tfsim.Values{"private_key_passphrase_wo": tfsim.String("passphrase")}, "Set private_key_passphrase_wo_version = 1"},
		{tfsim.Values{"private_key_pem_wo": pemText, "private_key_pem_wo_version": tfsim.Int(1), "key_algorithm": tfsim.String("RSA_2048")}, "ECDSA_P256"},
		{tfsim.Values{"private_key_pem_wo": pemText, "private_key_passphrase_wo": tfsim.String("passphrase")}, "cannot be specified"},
		{tfsim.Values{"private_key_passphrase_wo": tfsim.String("")}, "at least 1"},
		{tfsim.Values{"private_key_passphrase_wo_version": tfsim.Int(1)}, "Set private_key_passphrase_wo"},
	} {
		w := newWorld(t)
		w.Config[tfsim.CA] = test.config
		w.MustFail(t, test.reason)
	}
}

// TestUnknownTurnsOutNull has arguments that are unknown at plan, and
// then not set: the key is one that is made.
func TestUnknownTurnsOutNull(t *testing.T) {
	t.Parallel()
	for _, attribute := range []string{"private_key_pem_wo", "cert_request_pem"} {
		for _, name := range []string{tfsim.CA, tfsim.Server} {
			if name == tfsim.CA && attribute == "cert_request_pem" {
				continue
			}
			for _, exists := range []bool{false, true} {
				w := newWorld(t)
				if exists {
					w.MustPlanAndApply(t)
				}
				w.Config[name][attribute] = tfsim.Unknown(tftypes.String)
				p := w.MustPlan(t)
				w.TurnsOut(p, name, attribute, tfsim.Null(tftypes.String))
				w.MustApply(t, p)
				if _, err := w.Certificates(name); err != nil {
					t.Error(err)
				}
				w.MustBeEmpty(t)
			}
		}
	}
}

// shortRSAKey is a private key that nobody should certify.
func shortRSAKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509text.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
