package resources

import (
	"context"
	"crypto"
	"crypto/x509"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

func (r *ca) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config caModel
	resp.Diagnostics.Append(decode(ctx, req.Plan, &plan)...)
	if resp.Diagnostics.Append(decode(ctx, req.Config, &config)...); resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.apply(ctx, &config, &plan, nil)...); !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(encode(ctx, &resp.State, &plan)...)
	}
}

func (r *ca) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state, config caModel
	resp.Diagnostics.Append(decode(ctx, req.Plan, &plan)...)
	resp.Diagnostics.Append(decode(ctx, req.Config, &config)...)
	if resp.Diagnostics.Append(decode(ctx, req.State, &state)...); resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.apply(ctx, &config, &plan, &state)...); !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(endAdopted(ctx, resp.Private)...)
		resp.Diagnostics.Append(encode(ctx, &resp.State, &plan)...)
	}
}

// caOrders are what a plan has left for apply to carry out.
type caOrders struct {
	orders
	cross   bool // the root so far certifies its successor
	compose bool // the roots and the cross certificates are to be put together
}

// orders reads back what mark has left. Another generation means a new key.
func (c *caChange) orders() caOrders {
	source := c.config.keySource()
	newKey := c.state == nil || !c.plan.Generation.Equal(c.state.Generation)
	o := caOrders{orders: c.plan.ordersOf(source, newKey), compose: c.plan.CertPEM.IsUnknown()}
	if source == lifecycle.Managed && !newKey {
		o.key = lifecycle.Keep // store then means: in another form
	}
	o.cross = c.state != nil && newKey && c.plan.CrossSignedCertPEM.IsUnknown()
	return o
}

// apply carries out what the plan has left unknown.
func (r *ca) apply(ctx context.Context, config, plan, state *caModel) diag.Diagnostics {
	c, diags := r.newChange(config, plan, state)
	if diags.HasError() {
		return diags
	}
	o := c.orders()
	trust := c.trust
	if o.issue || o.store {
		key, moreDiags := c.key(o.key)
		if diags.Append(moreDiags...); diags.HasError() {
			return diags
		}
		if o.issue {
			trust, moreDiags = c.issue(ctx, o, key)
			diags.Append(moreDiags...)
		}
		if o.store && !diags.HasError() {
			diags.Append(plan.store(config, key)...)
		}
		if diags.HasError() {
			return diags
		}
	}
	if o.compose {
		plan.setTrust(trust.Trim(overlapOf(plan.OverlapHours), c.now))
	}
	plan.finish(trust.Roots[0], c.now)
	return diags
}

// issue makes a new root and puts it at the head of the trust.
func (c *caChange) issue(ctx context.Context, o caOrders, key crypto.Signer) (pki.Trust, diag.Diagnostics) {
	var diags diag.Diagnostics
	constraints, err := constraintsOf(c.plan.NameConstraints)
	if err != nil {
		diags.AddAttributeError(path.Root("name_constraints"), "Invalid name constraints", inputs.Sentence(err))
		return c.trust, diags
	}
	request := pki.RootRequest{
		Subject:         inputs.SubjectOf(c.plan.Subject),
		NameConstraints: constraints,
		ValidityHours:   c.plan.ValidityPeriodHours.ValueInt64(),
		Key:             key,
	}
	if o.key == lifecycle.Keep {
		request.Predecessor = c.root
		request.KeepStart = len(c.trust.Trim(overlapOf(c.plan.OverlapHours), c.now).Roots) > 1
	}
	root, err := pki.IssueRoot(request, c.now)
	if err != nil {
		diags.AddError("The authority cannot be issued", inputs.Sentence(err))
		return c.trust, diags
	}
	tflog.Info(ctx, "issued an authority", map[string]any{"serial_number": x509text.SerialNumber(root), "new_key": o.key != lifecycle.Keep})
	if o.key == lifecycle.Keep {
		return c.trust.Renew(root), diags
	}
	var cross *x509.Certificate
	if o.cross {
		cross, diags = c.crossSign(root)
	}
	return c.trust.Succeed(root, cross), diags
}

// crossSign has the root so far certify the key of its successor.
func (c *caChange) crossSign(root *x509.Certificate) (*x509.Certificate, diag.Diagnostics) {
	key, diags := c.previousKey()
	if diags.HasError() {
		return nil, diags
	}
	previous, err := pki.NewAuthority(c.root, key)
	if err != nil {
		diags.AddAttributeError(path.Root("private_key_pem"), "The current private key cannot be used", inputs.Sentence(err))
		return nil, diags
	}
	cross, err := previous.CrossSign(root, c.now)
	if err != nil {
		diags.AddError("The cross certificate cannot be issued", inputs.Sentence(err))
	}
	return cross, diags
}
