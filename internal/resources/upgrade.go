package resources

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
)

// stateVersion is the schema version of the states of all three resources.
//
// A new attribute keeps the version: it is null in older states, until the next
// refresh derives it from cert_pem. An attribute that is gone keeps it too: it is
// dropped. Only a value that changes its form or meaning needs another version,
// with a state upgrader from every earlier one, and a recorded state that
// TestRecordedStates reads.
//
//   - 0: `ca` is stored.
//   - 1: `ca` is write-only, and ca_cert_pem has the roots; issue_reason is new.
const stateVersion = 1

// UpgradeState reads states of earlier versions.
func (r *ca) UpgradeState(context.Context) map[int64]resource.StateUpgrader { return upgraders() }

// UpgradeState reads states of earlier versions.
func (r *leaf) UpgradeState(context.Context) map[int64]resource.StateUpgrader { return upgraders() }

func upgraders() map[int64]resource.StateUpgrader {
	return map[int64]resource.StateUpgrader{0: {StateUpgrader: upgradeFrom0}}
}

// upgradeFrom0 takes the roots out of `ca`, which an authority does not have.
func upgradeFrom0(ctx context.Context, req resource.UpgradeStateRequest, resp *resource.UpgradeStateResponse) {
	const summary = "The state cannot be upgraded"
	var state map[string]any
	decoder := json.NewDecoder(bytes.NewReader(req.RawState.JSON))
	decoder.UseNumber()
	if err := decoder.Decode(&state); err != nil {
		resp.Diagnostics.AddError(summary, "It is not of the form that version 0 has. Restore the state from a backup.")
		return
	}
	if authority, ok := state["ca"].(map[string]any); ok {
		state["ca"], state["ca_cert_pem"] = nil, authority["cert_pem"]
	}
	state["issue_reason"] = lifecycle.NotRecorded
	raw, err := json.Marshal(state)
	if err != nil {
		resp.Diagnostics.AddError(summary, "It cannot be written: "+err.Error()+".")
		return
	}
	upgraded := tfprotov6.RawState{JSON: raw}
	resp.State.Raw, err = upgraded.UnmarshalWithOpts(resp.State.Schema.Type().TerraformType(ctx), tfprotov6.UnmarshalOpts{
		ValueFromJSONOpts: tftypes.ValueFromJSONOpts{IgnoreUndefinedAttributes: true},
	})
	if err != nil {
		resp.Diagnostics.AddError(summary, "It is not of the form that version 0 has. Restore the state from a backup.")
	}
}
