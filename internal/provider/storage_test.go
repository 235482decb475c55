package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// TestKeyIsStoredOtherwiseLate applies a saved plan after the due time
// that only changes how a key is kept, which nothing else in the plan shows.
func TestKeyIsStoredOtherwiseLate(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *tfsim.World){
		"passphrase": func(w *tfsim.World) {
			w.Set(tfsim.CA, tfsim.Values{"private_key_passphrase_wo": tfsim.String("first"), "private_key_passphrase_wo_version": tfsim.Int(1)})
			w.Secrets = tfsim.Values{"private_key_passphrase": tfsim.String("first")}
		},
		"unknown version": func(w *tfsim.World) {
			w.Config[tfsim.CA]["private_key_passphrase_wo_version"] = tfsim.Unknown(tftypes.Number)
		},
		"own key": func(w *tfsim.World) {
			key := tfsim.String(w.Text(tfsim.CA, "private_key_pem"))
			w.Set(tfsim.CA, tfsim.Values{"private_key_pem_wo": key, "private_key_pem_wo_version": tfsim.Int(1)})
			w.Secrets = tfsim.Values{"private_key_pem": key}
		},
		"own key of a leaf": func(w *tfsim.World) {
			w.Set(tfsim.Server, tfsim.Values{"private_key_pem_wo": tfsim.String(w.Text(tfsim.Server, "private_key_pem")), "private_key_pem_wo_version": tfsim.Int(1)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := created(t, nil, nil)
			if name == "unknown version" {
				w.Config[tfsim.CA]["private_key_passphrase_wo"] = tfsim.String("first")
				w.Config[tfsim.CA]["private_key_passphrase_wo_version"] = tfsim.Int(1)
				w.Secrets = tfsim.Values{"private_key_passphrase": tfsim.String("first")}
				w.MustPlanAndApply(t)
			}
			change(w)
			p := w.MustPlan(t)
			if name == "unknown version" {
				w.TurnsOut(p, tfsim.CA, "private_key_passphrase_wo_version", tfsim.Int(1))
			}
			w.Now = w.Now.Add(29300 * time.Hour)
			if strings.HasSuffix(name, "leaf") {
				w.Now = w.Now.Add(-23000 * time.Hour)
			}
			w.MustApply(t, p)
			w.MustPlanAndApply(t) // now it is due
			w.MustBeEmpty(t)
		})
	}
}

// TestEncryptedKeyToOwnKey replaces an encrypted key by one's own: the
// passphrase so far is needed for the cross certificate.
func TestEncryptedKeyToOwnKey(t *testing.T) {
	t.Parallel()
	_, own := makeKey(t, x509text.ECDSAP256)
	w := newWorld(t)
	w.Set(tfsim.CA, tfsim.Values{"private_key_passphrase_wo": tfsim.String("first"), "private_key_passphrase_wo_version": tfsim.Int(1)})
	w.Secrets = tfsim.Values{"private_key_passphrase": tfsim.String("first")}
	w.MustPlanAndApply(t)
	w.Config[tfsim.CA] = tfsim.Values{"private_key_pem_wo": own, "private_key_pem_wo_version": tfsim.Int(1)}
	w.Secrets = tfsim.Values{"private_key_pem": own}
	w.MustFail(t, "set previous_private_key_passphrase_wo")
	w.Config[tfsim.CA]["previous_private_key_passphrase_wo"] = tfsim.String("wrong")
	w.MustFail(t, "set previous_private_key_passphrase_wo")
	w.Config[tfsim.CA]["previous_private_key_passphrase_wo"] = tfsim.String("first")
	w.MustPlanAndApply(t)
	if len(w.MustParse(t, tfsim.Server, "cert_pem")) != 2 {
		t.Error("there is no cross certificate")
	}
	w.MustBeEmpty(t)
}

// TestDamagedAuthorityKey has a state with the key of another authority:
// it must not renew this one.
func TestDamagedAuthorityKey(t *testing.T) {
	t.Parallel()
	w := created(t, tfsim.Values{"reuse_private_key": tfsim.Bool(true)}, nil)
	_, other := makeKey(t, x509text.ECDSAP256)
	fields := w.Fields(tfsim.CA)
	fields["private_key_pem"] = other
	w.State[tfsim.CA] = tftypes.NewValue(w.Schemas[tfsim.CA].ValueType(), fields)
	w.Config[tfsim.CA]["validity_period_hours"] = tfsim.Int(50000)
	w.MustFail(t, "does not belong to the authority")
}

// TestClientRequestNames has a client's request that asks for names,
// which a client certificate never has: they must not matter.
func TestClientRequestNames(t *testing.T) {
	t.Parallel()
	key, _ := makeKey(t, x509text.ECDSAP256)
	w := newWorld(t)
	w.Config[tfsim.CA]["name_constraints"] = w.Object(tfsim.CA, "name_constraints", tfsim.Values{
		"permitted_dns_domains": tfsim.List("example.com"),
	})
	for _, name := range []string{"bad name", "elsewhere.test"} {
		w.Config[tfsim.Client] = tfsim.Values{"cert_request_pem": makeRequest(t, key, "ci", name)}
		w.MustPlanAndApply(t)
		w.MustBeEmpty(t)
	}
}
