package resources

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// daemonFacts are what the decision about a host depends on: how what it is to have
// differs from what was delivered to it, and found there.
type daemonFacts struct {
	New     bool                 // nothing was delivered yet
	Host    lifecycle.Difference // the address
	Content lifecycle.Difference
	Served  lifecycle.Difference // the certificate that it serves
	Restart lifecycle.Difference // Same: systemd restarts Docker. Changed: nobody does. Unknown: either
}

// daemonVerdict is what becomes of a host.
type daemonVerdict string

// The verdicts.
const (
	hostStays     daemonVerdict = "stays"
	hostDelivered daemonVerdict = "delivered"
	hostUndecided daemonVerdict = "undecided"
)

// decide says whether there is something to deliver. Without a restart, another
// certificate than the delivered one is what is to be expected.
func (f daemonFacts) decide() daemonVerdict {
	served := f.Served
	switch {
	case f.Restart == lifecycle.Changed:
		served = lifecycle.Same
	case f.Restart == lifecycle.Unknown && served == lifecycle.Changed:
		served = lifecycle.Unknown
	}
	verdict := hostStays
	for _, difference := range []lifecycle.Difference{f.Host, f.Content, served} {
		switch {
		case difference == lifecycle.Changed:
			verdict = hostDelivered
		case difference == lifecycle.Unknown && verdict == hostStays:
			verdict = hostUndecided
		}
	}
	if f.New {
		return hostDelivered
	}
	return verdict
}

// daemonFactsOf gathers the facts. Where lifecycle.ignore_changes names `server`,
// Terraform gives none: nothing then differs by it.
func daemonFactsOf(d desired, content types.String, state *daemonModel) daemonFacts {
	facts := daemonFacts{New: state == nil, Restart: lifecycle.Same}
	switch {
	case d.restart.IsUnknown():
		facts.Restart = lifecycle.Unknown
	case d.restart.ValueString() == restartNone:
		facts.Restart = lifecycle.Changed
	}
	if state == nil {
		return facts
	}
	former, _ := docker.ParseEndpoint(state.Host.ValueString())
	facts.Host, facts.Served = lifecycle.Unknown, lifecycle.Unknown
	if d.endpoint.Port != 0 {
		facts.Host = differenceOf(d.endpoint == former)
	}
	if d.ignored {
		facts.Served = lifecycle.Same
		return facts
	}
	if d.leaf != nil {
		facts.Served = differenceOf(x509text.Fingerprint(d.leaf) == state.ServedFingerprintSHA256.ValueString())
	}
	facts.Content = difference(content, state.ContentSHA256)
	return facts
}

func (r *daemon) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	var state *daemonModel
	var diags diag.Diagnostics
	if !req.State.Raw.IsNull() {
		state, diags = readDaemon(ctx, req.State)
		resp.Diagnostics.Append(diags...)
	}
	if req.Plan.Raw.IsNull() {
		if state != nil {
			resp.Diagnostics.Append(state.destroyed())
		}
		return
	}
	config, diags := readDaemon(ctx, req.Config)
	plan, moreDiags := readDaemon(ctx, req.Plan)
	if resp.Diagnostics.Append(append(diags, moreDiags...)...); resp.Diagnostics.HasError() {
		return
	}
	d, diags := config.desired(ctx)
	v, moreDiags := config.visit(r.keys)
	if resp.Diagnostics.Append(append(diags, moreDiags...)...); resp.Diagnostics.HasError() {
		return
	}
	content, diags := d.digest()
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	facts := daemonFactsOf(d, content, state)
	verdict := facts.decide()
	tflog.Info(ctx, "planned", map[string]any{"verdict": string(verdict)})
	if verdict == hostDelivered {
		resp.Diagnostics.Append(v.check(r.now())...)
	}
	plan.mark(verdict, d, content, state)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(encode(ctx, &resp.Plan, plan)...)
	}
}

// destroyed says what destroy does not do.
func (m *daemonModel) destroyed() diag.Diagnostic {
	return diag.NewAttributeWarningDiagnostic(path.Root("host"), "The host stays as it is", "Destroy only forgets "+m.Host.ValueString()+
		": its daemon goes on serving its certificate until that expires, to whoever it admits. To end that, change the host itself.")
}

// mark writes the decision into the plan. An unknown docker_version is what apply
// takes for a delivery.
func (m *daemonModel) mark(verdict daemonVerdict, d desired, content types.String, state *daemonModel) {
	m.ContentSHA256, m.ServedFingerprintSHA256, m.DockerVersion = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	switch verdict {
	case hostStays:
		m.ContentSHA256, m.ServedFingerprintSHA256, m.DockerVersion = state.ContentSHA256, state.ServedFingerprintSHA256, state.DockerVersion
	case hostDelivered:
		m.ContentSHA256 = content
		if restarts := !d.restart.IsUnknown() && d.restart.ValueString() != restartNone; restarts && d.leaf != nil {
			m.ServedFingerprintSHA256 = types.StringValue(x509text.Fingerprint(d.leaf))
		}
	}
}

// check reports what would keep the visit out at now.
func (v visit) check(now time.Time) diag.Diagnostics {
	var diags diag.Diagnostics
	switch {
	case v.byCA && v.trusted:
		return v.ca.CheckIssue(pki.Client, now)
	case v.byCA:
		return v.ca.CheckKey()
	case v.pair == nil:
		return diags
	}
	if end := v.pair.Leaf.NotAfter; !now.Before(end) {
		diags.AddAttributeError(v.path(), "Expired client certificate", "The client certificate "+displayName(v.pair.Leaf)+" expired on "+end.UTC().Format(time.RFC3339)+
			": no daemon admits it. Renew it, or use ca.")
	}
	return diags
}
