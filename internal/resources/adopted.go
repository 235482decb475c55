package resources

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
)

// adoptedKey is the mark, in the private state, of a certificate that was imported
// or moved from hashicorp/tls. No file says which rotation_triggers it was issued
// with: those that are configured are recorded, and issue nothing.
//
// The first Update that succeeds takes the mark away. Refreshes, plans, failed
// applies and applies of nothing do not: none of them records rotation_triggers.
const adoptedKey = "adopted"

// setAdopted sets the mark.
func setAdopted(ctx context.Context, private privateState) diag.Diagnostics {
	return private.SetKey(ctx, adoptedKey, []byte("true"))
}

// isAdopted reports a certificate whose rotation_triggers are not known.
func isAdopted(ctx context.Context, private privateState) (bool, diag.Diagnostics) {
	value, diags := private.GetKey(ctx, adoptedKey)
	return len(value) > 0, diags
}

// keepAdopted gives the mark of a state to the one that is moved from it.
func keepAdopted(ctx context.Context, from, to privateState) diag.Diagnostics {
	adopted, diags := isAdopted(ctx, from)
	if adopted {
		diags.Append(setAdopted(ctx, to)...)
	}
	return diags
}

// endAdopted says that the configuration is recorded.
func endAdopted(ctx context.Context, private privateState) diag.Diagnostics {
	return private.SetKey(ctx, adoptedKey, nil)
}

// warnTriggers says that a change of rotation_triggers is not one.
func warnTriggers(d lifecycle.Decision, facts lifecycle.Facts) diag.Diagnostics {
	var diags diag.Diagnostics
	if facts.RecordsTriggers(d) {
		diags.AddAttributeWarning(path.Root("rotation_triggers"), "Recorded, and nothing rotates",
			"The certificate was imported or moved, and nothing says which rotation_triggers it was issued with. So this apply, the first that changes the resource, records them and does not act on them. "+
				"To rotate, change them once more after it.")
	}
	return diags
}
