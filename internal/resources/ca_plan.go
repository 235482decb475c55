package resources

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// caChange is what one call of Terraform asks of an authority, parsed once.
type caChange struct {
	now  time.Time
	keys *pki.Keyring

	config, plan *caModel
	state        *caModel          // nil of an authority that does not exist yet
	trust        pki.Trust         // of the state
	root         *x509.Certificate // the current one, the first of trust
	adopted      bool              // see adoptedKey
}

// damagedAuthority is what to do about an authority that cannot be read. It is not
// made anew, as a leaf is: that would cut off every host and client.
const damagedAuthority = "None is made in its place, because that would cut off every host and client. Restore the state from a backup. " +
	"Or import the authority again. Write the ca.pem of any host or client to a file ca.pem, and the private key to a file ca-key.pem: " +
	"your own, or private_key_pem of this resource in `terraform state pull`. With the address of your resource, run then\n\n" +
	"  terraform state rm docker_tls_ca.this\n  terraform import docker_tls_ca.this ca.pem,ca-key.pem\n\n" +
	"Where ca.pem or the key is lost, the first of these commands alone has the next apply make another authority, and every host and client needs new files at once. To destroy it, add -refresh=false to `terraform destroy`."

// newChange parses what belongs to a change.
func (r *ca) newChange(config, plan, state *caModel) (*caChange, diag.Diagnostics) {
	var diags diag.Diagnostics
	c := &caChange{now: r.now(), keys: r.keys, config: config, plan: plan, state: state}
	if diags.Append(config.checkVersions()...); diags.HasError() || state == nil {
		return c, diags
	}
	var err error
	if c.trust, err = pki.ParseTrust(state.CertPEM.ValueString(), state.CrossSignedCertPEM.ValueString()); err != nil {
		diags.AddAttributeError(path.Root("cert_pem"), damaged, "The authority in the state cannot be read: "+err.Error()+". "+damagedAuthority)
		return nil, diags
	}
	c.root = c.trust.Roots[0]
	return c, diags
}

func (r *ca) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		resp.Diagnostics.Append(destroyed(ctx, req.State)...)
		return
	}
	var config, plan caModel
	resp.Diagnostics.Append(decode(ctx, req.Config, &config)...)
	resp.Diagnostics.Append(decode(ctx, req.Plan, &plan)...)
	var state *caModel
	if !req.State.Raw.IsNull() {
		state = &caModel{}
		resp.Diagnostics.Append(decode(ctx, req.State, state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	c, diags := r.newChange(&config, &plan, state)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	c.adopted, diags = isAdopted(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	plan.setDefaults(&config, state)
	if resp.Diagnostics.Append(checkLifetime(plan.ValidityPeriodHours, plan.EarlyRenewalHours, c.now)...); resp.Diagnostics.HasError() {
		return
	}
	decision, diags := c.decide()
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	logDecision(ctx, decision)
	resp.Diagnostics.Append(c.warnings(decision)...)
	c.mark(decision)
	if resp.Diagnostics.Append(c.checkSecrets(decision)...); !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(encode(ctx, &resp.Plan, &plan)...)
	}
}

// setDefaults fills the arguments that are not configured.
func (m *caModel) setDefaults(config, state *caModel) {
	var base *certificateModel
	if state != nil {
		base = &state.certificateModel
	}
	m.certificateModel.setDefaults(&config.certificateModel, base, caValidityHours)
	former := types.ObjectNull(inputs.SubjectTypes)
	if state != nil {
		former = state.Subject
	}
	switch {
	case config.Subject.IsNull() && !former.IsNull():
		m.Subject = former
	case inputs.CommonNameOf(config.Subject).IsNull():
		name := types.StringValue(caCommonName)
		if !former.IsNull() {
			name = inputs.CommonNameOf(former)
		}
		m.Subject = inputs.WithCommonName(config.Subject, name)
	default:
		m.Subject = config.Subject
	}
}

// decide gathers the facts and returns the decision about them. It also copies
// into the plan what stays of the authority.
func (c *caChange) decide() (lifecycle.Decision, diag.Diagnostics) {
	plan := c.plan
	key, diags := c.keyFacts()
	if diags.HasError() {
		return lifecycle.Decision{}, diags
	}
	diags.Append(plan.fitAlgorithm(&c.config.certificateModel, key)...)
	if c.state == nil {
		return lifecycle.First(key.source, key.sourceUnknown), diags
	}
	plan.keep(&c.state.certificateModel, c.root)
	plan.CrossSignedCertPEM, plan.Generation = c.state.CrossSignedCertPEM, c.state.Generation

	overlap := overlapOf(plan.OverlapHours)
	facts := plan.facts(&c.state.certificateModel, key)
	facts.Kind, facts.Adopted = lifecycle.Authority, c.adopted
	facts.NameConstraints = constraintsDifference(plan.NameConstraints, c.state.NameConstraints)
	facts.Record = recordDifference(plan.record(), c.state.record())
	facts.Storage = differenceOf(!c.storesOtherwise())
	plan.addClock(&facts, &c.state.certificateModel, c.root, c.now)
	facts.Cut = overlap.CutsOff()
	facts.Ended = !c.trust.Trim(overlap, c.now).Same(c.trust)
	if end, ok := c.trust.NextEnd(overlap); ok {
		facts.EndsFirst = end.Before(pki.RenewalTime(c.root, plan.EarlyRenewalHours.ValueInt64()))
	}
	facts.Crossed = len(c.trust.Crosses) > 0
	facts.CannotCross = c.cannotCross() != nil
	decision := lifecycle.Decide(facts)
	diags.Append(warnTriggers(decision, facts)...)
	diags.Append(needsKey(decision)...)
	return decision, append(diags, checkKept(decision, key, c.root)...)
}

// record adds the arguments that only an authority has.
func (m *caModel) record() []attr.Value {
	return append(m.certificateModel.record(), m.NameConstraints, m.OverlapHours, m.PrivateKeyPassphraseWOVersion)
}

// mark leaves unknown what a decision changes.
func (c *caChange) mark(d lifecycle.Decision) {
	plan := c.plan
	plan.mark(d)
	switch {
	case c.state == nil:
		plan.Generation = types.Int64Value(1)
	case d.Verdict == lifecycle.Undecided:
		plan.Generation = types.Int64Unknown()
	case d.NewKey():
		plan.Generation = types.Int64Value(c.state.Generation.ValueInt64() + 1)
	}
	switch d.Crosses {
	case lifecycle.CrossesDropped:
		plan.CrossSignedCertPEM = types.StringValue("")
	case lifecycle.CrossesReplaced:
		plan.CrossSignedCertPEM = types.StringUnknown()
	}
	if !d.DropEnded {
		return
	}
	// The overlap of a root that is left may end before apply. Cross certificates
	// become fewer then, and never more: without any, there will be none.
	left := c.trust.Trim(overlapOf(plan.OverlapHours), c.now)
	plan.setTrust(left)
	if len(left.Roots) > 1 {
		plan.CertPEM = types.StringUnknown()
	}
	if len(left.Crosses) > 0 {
		plan.CrossSignedCertPEM = types.StringUnknown()
	}
}

func (m *caModel) setTrust(trust pki.Trust) {
	roots, crosses := trust.PEM()
	m.CertPEM, m.CrossSignedCertPEM = types.StringValue(roots), types.StringValue(crosses)
}
