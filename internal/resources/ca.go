package resources

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

const (
	caValidityHours = 43800 // 5 years
	caCommonName    = "Docker TLS CA"
)

type ca struct {
	now  func() time.Time
	keys *pki.Keyring
}

var (
	_ resource.ResourceWithModifyPlan     = (*ca)(nil)
	_ resource.ResourceWithValidateConfig = (*ca)(nil)
)

// NewCA is the resource docker_tls_ca.
func NewCA(now func() time.Time, keys *pki.Keyring) resource.Resource { return &ca{now, keys} }

func (r *ca) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "docker_tls_ca"
}

func (r *ca) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config caModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &config)...); resp.Diagnostics.HasError() {
		return
	}
	validity := config.ValidityPeriodHours
	if validity.IsNull() {
		validity = types.Int64Value(caValidityHours)
	}
	resp.Diagnostics.Append(checkLifetime(validity, config.EarlyRenewalHours, r.now())...)
	if inputs.Known(config.NameConstraints) && inputs.FullyKnown(ctx, config.NameConstraints) {
		constraints, diags := constraintsOf(ctx, config.NameConstraints)
		resp.Diagnostics.Append(diags...)
		if err := constraints.CheckNotEmpty(); err != nil && !diags.HasError() {
			resp.Diagnostics.AddAttributeError(path.Root("name_constraints"), "Empty name constraints", inputs.Sentence(err))
		}
	}
}

func (r *ca) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return // destroy
	}
	var config, plan caModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	var state *caModel
	if !req.State.Raw.IsNull() {
		state = &caModel{}
		resp.Diagnostics.Append(req.State.Get(ctx, state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	plan.settle(&config, state)
	if resp.Diagnostics.Append(checkLifetime(plan.ValidityPeriodHours, plan.EarlyRenewalHours, r.now())...); resp.Diagnostics.HasError() {
		return
	}
	if state == nil {
		plan.expectIssue(true)
		plan.CrossSignedCertPEM = types.StringValue("")
		plan.Generation = types.Int64Value(1)
		resp.Diagnostics.Append(r.planFirstKey(&plan, &config)...)
	} else {
		resp.Diagnostics.Append(r.planUpdate(ctx, &plan, state, &config, config.inputsKnown(ctx), req.State)...)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
	}
}

// settle fills the inputs that are not configured.
func (m *caModel) settle(config, state *caModel) {
	var base *certificateModel
	if state != nil {
		base = &state.certificateModel
	}
	m.certificateModel.settle(&config.certificateModel, base, caValidityHours)
	switch {
	case config.Subject.IsUnknown():
		m.Subject = config.Subject
	case config.Subject.IsNull() && state != nil && !state.Subject.IsNull():
		m.Subject = state.Subject
	case inputs.CommonNameOf(config.Subject).IsNull():
		name := types.StringValue(caCommonName)
		if state != nil && !state.Subject.IsNull() {
			name = inputs.CommonNameOf(state.Subject)
		}
		m.Subject = inputs.WithCommonName(config.Subject, name)
	default:
		m.Subject = config.Subject
	}
}

// planUpdate decides what becomes of an existing authority. While inputs are
// not known, it may still turn out that nothing but the clock asks for a change.
func (r *ca) planUpdate(ctx context.Context, plan, state, config *caModel, inputsKnown bool, prior tfsdk.State) diag.Diagnostics {
	var diags diag.Diagnostics
	trust, err := pki.ParseTrust(state.CertPEM.ValueString(), state.CrossSignedCertPEM.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("cert_pem"), "Damaged state", inputs.Sentence(err))
		return diags
	}
	root, now := trust.Roots[0], r.now()
	replaced, decided, diags := r.planKey(ctx, plan, state, config, root)
	if diags.HasError() {
		return diags
	}
	inputsKnown = inputsKnown && decided
	plan.keep(&state.certificateModel, root)
	plan.CrossSignedCertPEM, plan.Generation = state.CrossSignedCertPEM, state.Generation
	unchanged := equals(prior, func(state *tfsdk.State) diag.Diagnostics { return state.Set(ctx, plan) }) && !plan.storesOtherwise(state, config)
	newKey := replaced || !config.ownKey() && (plan.triggered(&state.certificateModel) || !plan.Subject.Equal(state.Subject))
	reissue := newKey ||
		!plan.ValidityPeriodHours.Equal(state.ValidityPeriodHours) ||
		!sameConstraints(ctx, plan.NameConstraints, state.NameConstraints) ||
		!inputsKnown ||
		plan.due(&state.certificateModel, root, func() bool { return unchanged && !plan.overlapEndsFirst(trust) }, now)
	newKey = newKey || reissue && !config.ownKey() && !plan.ReusePrivateKey.ValueBool()

	switch {
	case reissue:
		if newKey && !config.ownKey() {
			plan.expectAlgorithm(inputsKnown)
		}
		plan.expectIssue(newKey)
		switch {
		case !inputsKnown:
			plan.expectPossibleIssue(&state.certificateModel, newKey)
			plan.Generation = types.Int64Unknown()
		case newKey:
			plan.Generation = types.Int64Value(state.Generation.ValueInt64() + 1)
		}
		switch {
		case plan.OverlapHours.Equal(types.Int64Value(0)):
			plan.CrossSignedCertPEM = types.StringValue("")
		case newKey || state.CrossSignedCertPEM.ValueString() != "":
			plan.CrossSignedCertPEM = types.StringUnknown()
		}
		if newKey && !plan.OverlapHours.Equal(types.Int64Value(0)) {
			diags.Append(r.checkCross(state, config, root, now)...)
		}
	case unchanged || plan.OverlapHours.Equal(types.Int64Value(0)):
		plan.endOverlaps(trust, now)
	}
	diags.Append(r.planStoredKey(plan, state, config, root, reissue, newKey)...)
	return diags
}

// endOverlaps drops the roots whose overlap has ended. What is left is known,
// unless another root may leave between now and apply.
func (m *caModel) endOverlaps(trust pki.Trust, now time.Time) {
	left := trust.Trim(m.overlap(), now)
	switch {
	case len(left.Roots) == len(trust.Roots):
	case len(left.Roots) == 1:
		m.setTrust(left)
	default:
		m.CertPEM, m.CrossSignedCertPEM = types.StringUnknown(), types.StringUnknown()
	}
}

// overlapEndsFirst reports whether a previous root leaves before the current
// one is due. That is then all that the clock asks for, however late it is: a
// plan that drops a root must not become one that renews when it is applied.
func (m *caModel) overlapEndsFirst(trust pki.Trust) bool {
	end, ok := trust.NextEnd(m.overlap())
	return ok && end.Before(pki.RenewalTime(trust.Roots[0], m.EarlyRenewalHours.ValueInt64()))
}

// inputsKnown reports whether no argument is unknown.
func (m *caModel) inputsKnown(ctx context.Context) bool {
	return m.certificateModel.inputsKnown(ctx) && inputs.FullyKnown(ctx, m.NameConstraints) && !m.OverlapHours.IsUnknown() && !m.PrivateKeyPassphraseWOVersion.IsUnknown()
}

func (m *caModel) overlap() int64 {
	if m.OverlapHours.IsNull() {
		return pki.Forever
	}
	return m.OverlapHours.ValueInt64()
}

func (m *caModel) setTrust(trust pki.Trust) {
	roots, crosses := trust.PEM()
	m.CertPEM, m.CrossSignedCertPEM = types.StringValue(roots), types.StringValue(crosses)
}

func (r *ca) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config caModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.Append(req.Config.Get(ctx, &config)...); resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.apply(ctx, &plan, nil, &config)...); !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	}
}

func (r *ca) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state, config caModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.apply(ctx, &plan, &state, &config)...); !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
	}
}

// apply carries out what the plan left unknown.
func (r *ca) apply(ctx context.Context, plan, state, config *caModel) diag.Diagnostics {
	var diags diag.Diagnostics
	now := r.now()
	var trust pki.Trust
	if state != nil {
		var err error
		if trust, err = pki.ParseTrust(state.CertPEM.ValueString(), state.CrossSignedCertPEM.ValueString()); err != nil {
			diags.AddAttributeError(path.Root("cert_pem"), "Damaged state", inputs.Sentence(err))
			return diags
		}
	}
	if plan.SerialNumber.IsUnknown() {
		if trust, diags = r.issue(ctx, plan, state, config, trust, now); diags.HasError() {
			return diags
		}
	} else if plan.PrivateKeyPEM.IsUnknown() { // another passphrase
		key, moreDiags := r.currentKey(state, config, trust.Roots[0])
		diags.Append(moreDiags...)
		diags.Append(plan.store(config, key)...)
		if diags.HasError() {
			return diags
		}
	}
	if plan.CertPEM.IsUnknown() {
		plan.setTrust(trust.Trim(plan.overlap(), now))
	}
	plan.describe(trust.Roots[0], now)
	return diags
}

// issue makes a new root and puts it at the head of the trust.
func (r *ca) issue(ctx context.Context, plan, state, config *caModel, trust pki.Trust, now time.Time) (pki.Trust, diag.Diagnostics) {
	subject, diags := inputs.SubjectOf(ctx, plan.Subject)
	constraints, moreDiags := constraintsOf(ctx, plan.NameConstraints)
	if diags.Append(moreDiags...); diags.HasError() {
		return trust, diags
	}
	request := pki.RootRequest{Subject: subject, NameConstraints: constraints, ValidityHours: plan.ValidityPeriodHours.ValueInt64()}
	newKey := state == nil || !plan.Generation.Equal(state.Generation)
	if newKey {
		request.Key, moreDiags = plan.newKey(config)
	} else {
		request.Predecessor = trust.Roots[0]
		request.Key, moreDiags = r.currentKey(state, config, trust.Roots[0])
	}
	if diags.Append(moreDiags...); diags.HasError() {
		return trust, diags
	}
	root, err := pki.IssueRoot(request, now)
	if err != nil {
		diags.AddError("The authority cannot be issued", inputs.Sentence(err))
		return trust, diags
	}
	if plan.PrivateKeyPEM.IsUnknown() {
		if diags.Append(plan.store(config, request.Key)...); diags.HasError() {
			return trust, diags
		}
	}
	tflog.Info(ctx, "issued an authority", map[string]any{"serial_number": pki.SerialNumber(root), "new_key": newKey})
	switch {
	case state == nil:
		return pki.Trust{}.Succeed(root, nil), diags
	case !newKey:
		return trust.Renew(root), diags
	case plan.overlap() == 0 || pki.CanCrossSign(trust.Roots[0], now) != nil || state.PrivateKeyPEM.IsNull() && config.PreviousPrivateKeyPEMWO.IsNull():
		return trust.Succeed(root, nil), diags
	}
	oldKey, moreDiags := r.previousKey(state, config, trust.Roots[0])
	if diags.Append(moreDiags...); diags.HasError() {
		return trust, diags
	}
	old, err := pki.NewAuthority(trust.Roots[0], oldKey)
	if err != nil {
		diags.AddAttributeError(path.Root("private_key_pem"), "The current private key cannot be used", inputs.Sentence(err))
		return trust, diags
	}
	cross, err := old.CrossSign(root, now)
	if err != nil {
		diags.AddError("The cross certificate cannot be issued", inputs.Sentence(err))
		return trust, diags
	}
	return trust.Succeed(root, cross), diags
}

// Read only says whether the certificate is due.
func (r *ca) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state caModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &state)...); resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(state.refresh(r.now())...)
	resp.Diagnostics.Append(resp.State.Set(ctx, &state)...)
}

// Delete has nothing to do: the state is all there is.
func (r *ca) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
