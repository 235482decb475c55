package provider_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// stateVersions lists the schema versions of which testdata has recorded states.
var stateVersions = []int64{0}

// TestMachineRecordedStates reads states that earlier versions have written:
// the plan is empty. Their certificates are made anew, for they would expire,
// and no private key is in the tree.
func TestMachineRecordedStates(t *testing.T) {
	list := func(text string) tftypes.Value {
		return tftypes.NewValue(tftypes.List{ElementType: tftypes.String}, []tftypes.Value{machineString(text)})
	}
	w := newMachineWorld(t)
	w.config[machineCA] = machineValues{
		"subject": w.object(machineCA, "subject", machineValues{"common_name": machineString("Docker CA"), "organization": machineString("Example"),
			"street_address": list("Main Street 1"), "email_address": machineString("ops@example.com")}),
		"overlap_hours":     machineInt(720),
		"rotation_triggers": machineTrigger("a"),
		"name_constraints":  w.object(machineCA, "name_constraints", machineValues{"permitted_dns_domains": list("example.com")}),
	}
	w.config[machineServer] = machineValues{
		"dns_names": machineSet("host.example.com"), "ip_addresses": machineSet("10.0.0.5"), "reuse_private_key": machineBool(true),
	}
	w.mustApply(t, w.mustPlan(t, true))
	w.config[machineCA]["rotation_triggers"] = machineTrigger("b")
	w.mustApply(t, w.mustPlan(t, true))

	for _, version := range stateVersions {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			for _, name := range machineOrder {
				texts := map[string]string{
					"ca.cert_pem": w.text(machineCA, "cert_pem"), "ca.cross_signed_cert_pem": w.text(machineCA, "cross_signed_cert_pem"),
					"content_sha256": recordedDigest(w.text(machineCA, "cert_pem"), w.text(name, "cert_pem")),
				}
				for _, attribute := range w.attributes(name) {
					if text := w.text(name, attribute.Name); text != "" && attribute.Name != "content_sha256" {
						texts[attribute.Name] = text
					}
				}
				recorded := recordedState(t, fmt.Sprintf("%s-%d.json", name, version), texts)
				resp, err := w.server.UpgradeResourceState(w.ctx, &tfprotov6.UpgradeResourceStateRequest{
					TypeName: name, Version: version, RawState: &tfprotov6.RawState{JSON: recorded},
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := w.report(resp.Diagnostics, nil); err != nil {
					t.Fatal(err)
				}
				if w.state[name], err = w.decode(name, resp.UpgradedState); err != nil {
					t.Fatal(err)
				}
			}
			w.mustBeEmpty(t)
		})
	}
	for _, name := range machineOrder {
		if current := w.schemas[name].Version; current != stateVersions[len(stateVersions)-1] {
			t.Errorf("%s has schema version %d, and no recorded state", name, current)
		}
	}
}

// recordedDigest is how content_sha256 has been made since version 0.
func recordedDigest(ca, cert string) string {
	hash := sha256.New()
	for _, text := range []string{ca, cert} {
		sum := sha256.Sum256([]byte(text))
		hash.Write(sum[:])
	}
	return hex.EncodeToString(hash.Sum(nil))
}
