package resources

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// What cuts somebody off is said at plan, once: in the plan that does it.

// destroyed warns of an authority whose key is lost. A replacement cannot be
// told from a creation: Terraform discards what is said of it.
func destroyed(ctx context.Context, state tfsdk.State) diag.Diagnostics {
	var model caModel
	diags := state.Get(ctx, &model)
	if !diags.HasError() && !model.PrivateKeyPEM.IsNull() {
		diags.AddWarning("The authority is destroyed", "The state has the only copy of this authority's private key. The certificates that it has issued work until they expire, but without it they cannot be renewed, and no successor can be certified: "+
			"machines need the ca.pem of another authority, all at once. To change the key without an outage, change rotation_triggers. If only its block was renamed, add moved { from = … to = … }. prevent_destroy stops a destroy, but not the removal of the block with which it goes.")
	}
	return diags
}

// warnings are those about an authority that stays or rotates.
func (c *caChange) warnings(d lifecycle.Decision) diag.Diagnostics {
	diags := c.warnWindow()
	if c.state == nil {
		return diags
	}
	diags.Append(c.warnOverlap()...)
	diags.Append(c.warnSurplus(d)...)
	if d.NewKey() && d.Crosses != lifecycle.CrossesDropped {
		diags.Append(c.warnConstraints()...)
	}
	return diags
}

// warnWindow warns of a window that is shorter than certificates live by
// default, where it is new.
func (c *caChange) warnWindow() diag.Diagnostics {
	var diags diag.Diagnostics
	early := c.plan.EarlyRenewalHours
	if !inputs.Known(early) || early.ValueInt64() >= leafValidityHours || c.state != nil && early.Equal(c.state.EarlyRenewalHours) {
		return diags
	}
	diags.AddAttributeWarning(path.Root("early_renewal_hours"), "Certificates may end with their authority", fmt.Sprintf(
		"The authority is renewed %d hours before its end. Certificates that live longer, as they do by default (%d hours), are shortened to its end by then. Set early_renewal_hours to at least their validity_period_hours, or let them live shorter.",
		early.ValueInt64(), leafValidityHours))
	return diags
}

// warnOverlap warns of an overlap that becomes shorter while previous roots are
// trusted.
func (c *caChange) warnOverlap() diag.Diagnostics {
	var diags diag.Diagnostics
	before, after := overlapOf(c.state.OverlapHours), overlapOf(c.plan.OverlapHours)
	if c.plan.OverlapHours.IsUnknown() || len(c.trust.Roots) == 1 {
		return diags
	}
	var lines []string
	was, is := c.trust.TrustedUntil(before), c.trust.TrustedUntil(after)
	for i, root := range c.trust.Roots[1:] {
		switch {
		case after.CutsOff() && !before.CutsOff():
			lines = append(lines, fmt.Sprintf("%q is no longer trusted once this is applied", root.Subject))
		case is[i].Before(was[i]) && c.now.Before(was[i]):
			lines = append(lines, fmt.Sprintf("%q is trusted until %s, and not until %s", root.Subject, is[i].Format(time.RFC3339), was[i].Format(time.RFC3339)))
		}
	}
	if len(lines) > 0 {
		diags.AddAttributeWarning(path.Root("overlap_hours"), "Previous roots are cut off sooner",
			"Machines that have only the ca.pem of a previous root reject current certificates from then on, and certificates under it are rejected:\n  - "+strings.Join(lines, "\n  - "))
	}
	return diags
}

// warnConstraints warns of names that the next root allows and one before it
// does not: who has only the ca.pem of that one rejects them.
func (c *caChange) warnConstraints() diag.Diagnostics {
	var diags diag.Diagnostics
	if !inputs.FullyKnown(c.plan.NameConstraints) {
		return diags
	}
	next, err := constraintsOf(c.plan.NameConstraints)
	if err != nil {
		return diags
	}
	for _, root := range c.trust.Trim(overlapOf(c.plan.OverlapHours), c.now).Roots {
		if !next.Within(pki.ConstraintsOf(root)) {
			diags.AddAttributeWarning(path.Root("name_constraints"), "A previous root allows less",
				fmt.Sprintf("The root %q does not allow all names that its successor will. Machines that have only its ca.pem reject certificates with such names: give them the new ca.pem first.", root.Subject))
		}
	}
	return diags
}

// warnSurplus names the roots that a plan drops because there would be too
// many of them.
func (c *caChange) warnSurplus(d lifecycle.Decision) diag.Diagnostics {
	var diags diag.Diagnostics
	if !d.DropEnded && !d.Issues() {
		return diags
	}
	rotates := d.Verdict == lifecycle.Reissued && d.NewKey()
	surplus := c.trust.Surplus(overlapOf(c.plan.OverlapHours), c.now, rotates)
	if len(surplus) == 0 {
		return diags
	}
	var left []string
	for _, root := range surplus {
		left = append(left, displayName(root)+" (serial number "+x509text.SerialNumber(root)+")")
	}
	diags.AddAttributeWarning(path.Root("cert_pem"), "The oldest roots leave", fmt.Sprintf(
		"An authority has at most %d previous roots, because TLS libraries refuse longer chains. These are no longer trusted after this apply:\n  - %s\n"+
			"Daemons and clients that know none of the newer roots reject the certificates that are issued from now on: give them a newer ca.pem first. overlap_hours ends overlaps earlier.",
		pki.MaxPrevious, strings.Join(left, "\n  - ")))
	return diags
}
