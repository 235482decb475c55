package resources

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// equals reports whether a plan is the state, so that only the clock can ask
// for a change. Terraform's own proposal does not tell: it lacks a subject that
// is in the state and not configured, as after an import.
//
// write puts the plan into a state.
func equals(state tfsdk.State, write func(*tfsdk.State) diag.Diagnostics) bool {
	planned := tfsdk.State{Schema: state.Schema, Raw: state.Raw}
	return !write(&planned).HasError() && planned.Raw.Equal(state.Raw)
}

// expectAlgorithm names the algorithm of the next key where none is made with
// the current one, as with RSA_1024 of an imported certificate. While it is not
// decided whether there is to be a key, that is not known either.
func (m *certificateModel) expectAlgorithm(decided bool) {
	if !inputs.Known(m.KeyAlgorithm) {
		return
	}
	switch next := types.StringValue(string(pki.KeyAlgorithm(m.KeyAlgorithm.ValueString()).Successor())); {
	case next.Equal(m.KeyAlgorithm):
	case decided:
		m.KeyAlgorithm = next
	default:
		m.KeyAlgorithm = types.StringUnknown()
	}
}
