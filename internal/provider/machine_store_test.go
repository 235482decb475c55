package provider_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// TestMachineKeyIsStoredOtherwiseLate applies a saved plan after the due time
// that only changes how a key is kept, which nothing else in the plan shows.
func TestMachineKeyIsStoredOtherwiseLate(t *testing.T) {
	for name, change := range map[string]func(w *machineWorld){
		"passphrase": func(w *machineWorld) {
			w.config[machineCA]["private_key_passphrase_wo"] = machineString("first")
			w.secrets = machineValues{"private_key_passphrase": machineString("first")}
		},
		"unknown version": func(w *machineWorld) {
			w.config[machineCA]["private_key_passphrase_wo_version"] = tftypes.NewValue(tftypes.Number, tftypes.UnknownValue)
		},
		"own key": func(w *machineWorld) {
			key := machineString(w.text(machineCA, "private_key_pem"))
			w.config[machineCA]["private_key_pem_wo"] = key
			w.secrets = machineValues{"private_key_pem": key}
		},
		"own key of a leaf": func(w *machineWorld) {
			w.config[machineServer]["private_key_pem_wo"] = machineString(w.text(machineServer, "private_key_pem"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := machineCreated(t, nil, nil)
			if name == "unknown version" {
				w.config[machineCA]["private_key_passphrase_wo"] = machineString("first")
				w.config[machineCA]["private_key_passphrase_wo_version"] = machineInt(1)
				w.secrets = machineValues{"private_key_passphrase": machineString("first")}
				w.mustApply(t, w.mustPlan(t, true))
			}
			change(w)
			p := w.mustPlan(t, true)
			if name == "unknown version" {
				p.config[machineCA]["private_key_passphrase_wo_version"] = machineInt(1)
			}
			w.now = w.now.Add(29300 * time.Hour)
			if strings.HasSuffix(name, "leaf") {
				w.now = w.now.Add(-23000 * time.Hour)
			}
			w.mustApply(t, p)
			delete(w.config[machineCA], "private_key_passphrase_wo_version")
			w.mustApply(t, w.mustPlan(t, true)) // now it is due
			w.mustBeEmpty(t)
		})
	}
}

// TestMachineEncryptedKeyToOwnKey replaces an encrypted key by one's own: the
// passphrase so far is needed for the cross certificate.
func TestMachineEncryptedKeyToOwnKey(t *testing.T) {
	_, own := machineKey(t, x509text.ECDSAP256)
	w := newMachineWorld(t)
	w.config[machineCA]["private_key_passphrase_wo"] = machineString("first")
	w.secrets = machineValues{"private_key_passphrase": machineString("first")}
	w.mustApply(t, w.mustPlan(t, true))
	w.config[machineCA] = machineValues{"private_key_pem_wo": own, "private_key_pem_wo_version": machineInt(1)}
	w.secrets = machineValues{"private_key_pem": own}
	w.mustFail(t, "set previous_private_key_passphrase_wo")
	w.config[machineCA]["previous_private_key_passphrase_wo"] = machineString("wrong")
	w.mustFail(t, "set previous_private_key_passphrase_wo")
	w.config[machineCA]["previous_private_key_passphrase_wo"] = machineString("first")
	w.mustApply(t, w.mustPlan(t, true))
	if len(w.certificates(t, machineServer, "cert_pem")) != 2 {
		t.Error("there is no cross certificate")
	}
	w.mustBeEmpty(t)
}

// TestMachineDamagedAuthorityKey has a state with the key of another authority:
// it must not renew this one.
func TestMachineDamagedAuthorityKey(t *testing.T) {
	w := machineCreated(t, machineValues{"reuse_private_key": machineBool(true)}, nil)
	_, other := machineKey(t, x509text.ECDSAP256)
	fields := machineFields(w.attributes(machineCA), w.state[machineCA])
	fields["private_key_pem"] = other
	w.state[machineCA] = tftypes.NewValue(w.schemas[machineCA].ValueType(), fields)
	w.config[machineCA]["validity_period_hours"] = machineInt(50000)
	w.mustFail(t, "does not belong to the authority")
}

// TestMachineClientRequestNames has a client's request that asks for names,
// which a client certificate never has: they must not matter.
func TestMachineClientRequestNames(t *testing.T) {
	key, _ := machineKey(t, x509text.ECDSAP256)
	w := newMachineWorld(t)
	w.config[machineCA]["name_constraints"] = w.object(machineCA, "name_constraints", machineValues{
		"permitted_dns_domains": tftypes.NewValue(tftypes.List{ElementType: tftypes.String}, []tftypes.Value{machineString("example.com")}),
	})
	for _, name := range []string{"bad name", "elsewhere.test"} {
		w.config[machineClient] = machineValues{"cert_request_pem": machineRequest(t, key, "ci", name)}
		w.mustApply(t, w.mustPlan(t, true))
		w.mustBeEmpty(t)
	}
}
