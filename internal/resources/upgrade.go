package resources

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/attr"
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

func upgradeFrom0(ctx context.Context, req resource.UpgradeStateRequest, resp *resource.UpgradeStateResponse) {
	upgraded, err := from0(req.RawState.JSON)
	if err == nil {
		resp.State.Raw, err = readState(ctx, upgraded, resp.State.Schema)
	}
	if err != nil {
		resp.Diagnostics.AddError("The state cannot be upgraded", "It is not of the form that version 0 has. Restore the state from a backup.")
	}
}

// from0 takes the roots out of `ca`, which an authority does not have.
func from0(raw []byte) ([]byte, error) {
	var state map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&state); err != nil {
		return nil, err
	}
	if state == nil {
		return nil, errors.New("no state")
	}
	if authority, ok := state["ca"].(map[string]any); ok {
		state["ca"], state["ca_cert_pem"] = nil, authority["cert_pem"]
	}
	state["issue_reason"] = lifecycle.NotRecorded
	return json.Marshal(state)
}

// readState reads a state in JSON. What the schema does not have any more is
// dropped.
func readState(ctx context.Context, raw []byte, schema interface{ Type() attr.Type }) (tftypes.Value, error) {
	state := tfprotov6.RawState{JSON: raw}
	return state.UnmarshalWithOpts(schema.Type().TerraformType(ctx), tfprotov6.UnmarshalOpts{
		ValueFromJSONOpts: tftypes.ValueFromJSONOpts{IgnoreUndefinedAttributes: true},
	})
}
