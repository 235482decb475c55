package resources

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

func (r *leaf) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan, diags := r.read(ctx, req.Plan)
	config, moreDiags := r.read(ctx, req.Config)
	resp.Diagnostics.Append(append(diags, moreDiags...)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.apply(ctx, config, plan, nil)...); !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(plan.write(ctx, &resp.State)...)
	}
}

func (r *leaf) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	plan, diags := r.read(ctx, req.Plan)
	config, moreDiags := r.read(ctx, req.Config)
	state, stateDiags := r.read(ctx, req.State)
	resp.Diagnostics.Append(append(append(diags, moreDiags...), stateDiags...)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.apply(ctx, config, plan, state)...); !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(endAdopted(ctx, resp.Private)...)
		resp.Diagnostics.Append(plan.write(ctx, &resp.State)...)
	}
}

// apply carries out what the plan has left unknown.
func (r *leaf) apply(ctx context.Context, config, plan, state *leafModel) diag.Diagnostics {
	c, diags := r.newChange(config, plan, state)
	if diags.HasError() {
		return diags
	}
	o := c.orders()
	switch {
	case c.trusted:
		diags.Append(c.authority.Check(r.keys)...)
	case o.issue || !c.ignored:
		diags.AddAttributeError(path.Root("ca"), "Unknown authority", "The authority is not known at apply. Please report this as a defect of the provider.")
	}
	if diags.HasError() {
		return diags
	}
	var certificate *x509.Certificate
	var moreDiags diag.Diagnostics
	if o.issue {
		certificate, moreDiags = c.issue(ctx, o.key)
	} else {
		certificate, moreDiags = current(state.CertPEM)
	}
	if diags.Append(moreDiags...); diags.HasError() {
		return diags
	}
	// An authority that the plan ignored is given to apply. What the plan knows stays.
	if plan.CertPEM.IsUnknown() {
		plan.CertPEM = c.authority.Chain(certificate)
	}
	if plan.CACertPEM.IsUnknown() {
		plan.CACertPEM = c.authority.Roots
	}
	plan.finish(certificate, c.now)
	plan.digest()
	return diags
}

// orders reads back what mark has left.
func (c *leafChange) orders() orders {
	source := c.config.keySource()
	given := c.certificate == nil || source == lifecycle.Requested ||
		c.plan.asksForOwnKey(&c.state.certificateModel, c.state.storedKeySource())
	return c.plan.ordersOf(source, given)
}

func (c *leafChange) issue(ctx context.Context, which lifecycle.Key) (*x509.Certificate, diag.Diagnostics) {
	diags := c.authority.CheckIssue(c.profile, c.now)
	if diags.HasError() {
		return nil, diags
	}
	authority, moreDiags := c.authority.Authority(c.keys)
	if diags.Append(moreDiags...); diags.HasError() {
		return nil, diags
	}
	publicKey, moreDiags := c.publicKey(which)
	if diags.Append(moreDiags...); diags.HasError() {
		return nil, diags
	}
	certificate, err := authority.Issue(pki.LeafRequest{
		Profile:       c.profile,
		Subject:       inputs.SubjectOf(c.plan.Subject),
		Names:         c.names.Names,
		ValidityHours: c.plan.ValidityPeriodHours.ValueInt64(),
		PublicKey:     publicKey,
	}, c.now)
	if err == nil {
		err = pki.CheckChain(certificate, c.authority.Crosses())
	}
	switch {
	case errors.Is(err, pki.ErrTooLong):
		diags.AddAttributeError(c.config.longest(c.names), "Too long for a handshake", inputs.Sentence(err))
	case errors.Is(err, pki.ErrNoNames):
		diags.AddAttributeError(path.Root("dns_names"), "No name", inputs.Sentence(err))
	case errors.Is(err, pki.ErrNoCommonName):
		diags.AddAttributeError(path.Root("subject").AtName("common_name"), "No common name", inputs.Sentence(err))
	case errors.Is(err, pki.ErrAuthorityName):
		diags.AddAttributeError(path.Root("subject"), "The subject is the authority's", inputs.Sentence(err))
	case errors.Is(err, pki.ErrAuthorityKey):
		diags.AddAttributeError(c.keyPath(), "The key is the authority's", inputs.Sentence(err))
	case err != nil:
		diags.AddError("The certificate cannot be issued", inputs.Sentence(err))
	default:
		tflog.Info(ctx, "issued a certificate", map[string]any{"serial_number": x509text.SerialNumber(certificate)})
	}
	return certificate, diags
}

// publicKey is the key to certify. A new private key goes into the plan.
func (c *leafChange) publicKey(which lifecycle.Key) (crypto.PublicKey, diag.Diagnostics) {
	switch which {
	case lifecycle.Generate:
		key, diags := c.plan.generate()
		if diags.HasError() {
			return nil, diags
		}
		text, err := x509text.EncodePrivateKey(key)
		if err != nil {
			diags.AddAttributeError(path.Root("private_key_pem"), "The private key cannot be stored", inputs.Sentence(err))
			return nil, diags
		}
		c.plan.PrivateKeyPEM = types.StringValue(text)
		return key.Public(), diags
	case lifecycle.CertifyGiven:
		if c.request != nil {
			return c.request.PublicKey, nil
		}
		key, diags := givenKey(c.config.PrivateKeyPEMWO, "private_key_pem_wo")
		if key == nil {
			if !diags.HasError() {
				diags.Append(noOwnKey("to certify it"))
			}
			return nil, diags
		}
		return key.Public(), diags
	}
	return c.keptPublicKey()
}

// keptPublicKey is the public half of the private key that stays.
func (c *leafChange) keptPublicKey() (crypto.PublicKey, diag.Diagnostics) {
	if c.plan.PrivateKeyPEM.IsNull() {
		certificate, diags := current(c.state.CertPEM)
		if diags.HasError() {
			return nil, diags
		}
		return certificate.PublicKey, diags
	}
	var diags diag.Diagnostics
	key, err := x509text.ParsePrivateKey(c.plan.PrivateKeyPEM.ValueString(), "")
	if err != nil {
		diags.AddAttributeError(path.Root("private_key_pem"), "The private key cannot be used", inputs.Sentence(err))
		return nil, diags
	}
	return key.Public(), diags
}
