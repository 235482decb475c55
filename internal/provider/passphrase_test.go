package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// encrypted makes a world whose authority has its key under a passphrase.
func encrypted(t *testing.T, passphrase string) *tfsim.World {
	t.Helper()
	w := newWorld(t)
	w.Set(tfsim.CA, tfsim.Values{"private_key_passphrase_wo": tfsim.String(passphrase), "private_key_passphrase_wo_version": tfsim.Int(1)})
	w.Secrets = tfsim.Values{"private_key_passphrase": tfsim.String(passphrase)}
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if !x509text.Encrypted(w.Text(tfsim.CA, "private_key_pem")) {
		t.Fatal("the private key is in clear in the state")
	}
	return w
}

// TestPassphrase is the life of an authority whose key is encrypted. Each act
// begins in a world of its own.
func TestPassphrase(t *testing.T) {
	t.Parallel()
	t.Run("the leaves need the passphrase", func(t *testing.T) {
		w := newWorld(t)
		w.Set(tfsim.CA, tfsim.Values{"private_key_passphrase_wo": tfsim.String("first"), "private_key_passphrase_wo_version": tfsim.Int(1)})
		p := w.MustPlan(t) // the key is not known yet
		w.MustFailToApply(t, p, "ca = merge(docker_tls_ca.this, { private_key_passphrase = var.passphrase })")
		w.Secrets = tfsim.Values{"private_key_passphrase": tfsim.String("wrong")}
		w.MustFail(t, "does not decrypt ca.private_key_pem, the private key of the authority")
		w.Secrets = tfsim.Values{"private_key_passphrase": tfsim.String("first")}
		w.MustPlanAndApply(t)
		w.MustBeEmpty(t)
		if !x509text.Encrypted(w.Text(tfsim.CA, "private_key_pem")) {
			t.Fatal("the private key is in clear in the state")
		}
	})
	t.Run("no passphrase is needed where nothing is issued", func(t *testing.T) {
		w := encrypted(t, "first")
		w.Secrets, w.Config[tfsim.CA]["private_key_passphrase_wo"] = nil, tfsim.Null(tftypes.String)
		w.MustBeEmpty(t)
		w.Config[tfsim.Server]["dns_names"] = tfsim.Set("other.example.com")
		w.MustFail(t, "private_key_passphrase = var.passphrase")
	})
	t.Run("another passphrase encrypts anew and issues nothing", func(t *testing.T) {
		w := encrypted(t, "first")
		ca, server, before := w.Text(tfsim.CA, "serial_number"), w.Text(tfsim.Server, "serial_number"), w.Text(tfsim.CA, "private_key_pem")
		w.Set(tfsim.CA, tfsim.Values{"private_key_passphrase_wo": tfsim.String("second"), "private_key_passphrase_wo_version": tfsim.Int(2)})
		w.MustFail(t, "previous_private_key_passphrase_wo")
		w.Config[tfsim.CA]["previous_private_key_passphrase_wo"] = tfsim.String("first")
		w.Secrets = tfsim.Values{"private_key_passphrase": tfsim.String("second")}
		p := w.MustPlan(t)
		w.MustBeUnknown(t, p, tfsim.CA, "private_key_pem")
		w.MustBeKnown(t, p, tfsim.CA, "serial_number", "cert_pem", "generation", "cross_signed_cert_pem")
		w.MustChangeOnly(t, p, tfsim.CA)
		w.MustApply(t, p)
		w.MustChange(t, tfsim.CA, "private_key_pem", before)
		w.MustBeEmpty(t)
		w.MustKeep(t, tfsim.CA, "serial_number", ca)
		w.MustKeep(t, tfsim.Server, "serial_number", server)
		if _, err := x509text.ParsePrivateKey(w.Text(tfsim.CA, "private_key_pem"), "second"); err != nil {
			t.Error(err)
		}
	})
	t.Run("another passphrase without another version", func(t *testing.T) {
		w := encrypted(t, "first")
		w.Set(tfsim.CA, tfsim.Values{"private_key_passphrase_wo": tfsim.String("second")})
		w.Secrets = tfsim.Values{"private_key_passphrase": tfsim.String("second")}
		w.MustFail(t, "from the apply that changes private_key_passphrase_wo_version")
		w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
		w.MustFail(t, "when private_key_passphrase_wo_version last changed. Give that one. Or")
		w.Set(tfsim.CA, tfsim.Values{"previous_private_key_passphrase_wo": tfsim.String("third")})
		w.MustFail(t, "than previous_private_key_passphrase_wo and private_key_passphrase_wo")
	})
	t.Run("a rotation keeps the passphrase and has a cross certificate", func(t *testing.T) {
		w := encrypted(t, "second")
		w.Config[tfsim.CA]["rotation_triggers"] = tfsim.Trigger("1")
		w.Config[tfsim.CA]["private_key_passphrase_wo"] = tfsim.String("wrong")
		w.MustFail(t, "another passphrase")
		w.Config[tfsim.CA]["private_key_passphrase_wo"] = tfsim.Null(tftypes.String)
		w.MustFail(t, "private_key_passphrase_wo")
		w.Config[tfsim.CA]["private_key_passphrase_wo"] = tfsim.String("second")
		w.MustPlanAndApply(t)
		if !x509text.Encrypted(w.Text(tfsim.CA, "private_key_pem")) || len(w.MustParse(t, tfsim.Server, "cert_pem")) != 2 {
			t.Error("the rotated key is in clear, or there is no cross certificate")
		}
		w.MustBeEmpty(t)
	})
	t.Run("and back to a key without a passphrase", func(t *testing.T) {
		w := encrypted(t, "second")
		w.Config[tfsim.CA] = tfsim.Values{"previous_private_key_passphrase_wo": tfsim.String("second")}
		w.Secrets = nil
		w.MustPlanAndApply(t)
		if x509text.Encrypted(w.Text(tfsim.CA, "private_key_pem")) {
			t.Error("the private key is still encrypted")
		}
		w.MustBeEmpty(t)
	})
	t.Run("a passphrase for a key that is stored in clear", func(t *testing.T) {
		w := created(t, nil, nil)
		w.Set(tfsim.CA, tfsim.Values{"private_key_passphrase_wo": tfsim.String("third"), "private_key_passphrase_wo_version": tfsim.Int(1)})
		w.MustPlanAndApply(t)
		if !x509text.Encrypted(w.Text(tfsim.CA, "private_key_pem")) {
			t.Error("the private key is in clear")
		}
	})
}
