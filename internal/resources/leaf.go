package resources

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
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

const leafValidityHours = 8760 // 365 days

// leaf is both docker_tls_server_cert and docker_tls_client_cert.
type leaf struct {
	profile pki.Profile
	now     func() time.Time
	keys    *pki.Keyring // of authorities
}

var (
	_ resource.ResourceWithModifyPlan     = (*leaf)(nil)
	_ resource.ResourceWithValidateConfig = (*leaf)(nil)
)

// NewServerCert is the resource docker_tls_server_cert.
func NewServerCert(now func() time.Time, keys *pki.Keyring) resource.Resource {
	return &leaf{pki.Server, now, keys}
}

// NewClientCert is the resource docker_tls_client_cert.
func NewClientCert(now func() time.Time, keys *pki.Keyring) resource.Resource {
	return &leaf{pki.Client, now, keys}
}

func (r *leaf) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = map[pki.Profile]string{pki.Server: "docker_tls_server_cert", pki.Client: "docker_tls_client_cert"}[r.profile]
}

func (r *leaf) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	config, diags := r.read(ctx, req.Config)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	validity := config.ValidityPeriodHours
	if validity.IsNull() {
		validity = types.Int64Value(leafValidityHours)
	}
	resp.Diagnostics.Append(checkLifetime(validity, config.EarlyRenewalHours, r.now())...)
	switch {
	case !config.CertRequestPEM.IsNull():
		resp.Diagnostics.Append(r.checkRequest(config)...)
	case r.profile == pki.Server && noElements(config.DNSNames) && noElements(config.IPAddresses):
		resp.Diagnostics.AddAttributeError(path.Root("dns_names"), "No name", inputs.Sentence(pki.ErrNoNames)+" Set dns_names, ip_addresses or both.")
	case r.profile == pki.Client && inputs.CommonNameOf(config.Subject).IsNull():
		resp.Diagnostics.AddAttributeError(path.Root("subject").AtName("common_name"), "No common name", inputs.Sentence(pki.ErrNoCommonName)+" Set subject = { common_name = \"…\" }.")
	}
	if authority, ok := inputs.ReadCA(ctx, config.CA); ok {
		resp.Diagnostics.Append(authority.Check(r.keys, r.now())...)
	}
}

func noElements(set types.Set) bool { return !set.IsUnknown() && len(set.Elements()) == 0 }

func (r *leaf) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return // destroy
	}
	config, diags := r.read(ctx, req.Config)
	plan, moreDiags := r.read(ctx, req.Plan)
	resp.Diagnostics.Append(append(diags, moreDiags...)...)
	var state *leafModel
	if !req.State.Raw.IsNull() {
		state, diags = r.read(ctx, req.State)
		resp.Diagnostics.Append(diags...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	plan.settle(ctx, r.profile, config, state)
	if resp.Diagnostics.Append(checkLifetime(plan.ValidityPeriodHours, plan.EarlyRenewalHours, r.now())...); resp.Diagnostics.HasError() {
		return
	}
	authority, caKnown := inputs.ReadCA(ctx, config.CA)
	if state == nil {
		plan.expectIssue(true)
		resp.Diagnostics.Append(r.planFirstKey(plan, config)...)
	} else {
		resp.Diagnostics.Append(r.planUpdate(ctx, plan, state, config, authority, caKnown && config.inputsKnown(ctx), req.State)...)
	}
	if caKnown {
		resp.Diagnostics.Append(r.checkUnder(ctx, plan, authority)...)
	}
	plan.digest(authority)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(r.write(ctx, &resp.Plan, plan)...)
	}
}

// settle fills the inputs that are not configured.
func (m *leafModel) settle(ctx context.Context, profile pki.Profile, config, state *leafModel) {
	var base *certificateModel
	if state != nil {
		base = &state.certificateModel
	}
	m.certificateModel.settle(&config.certificateModel, base, leafValidityHours)
	m.Subject = config.Subject
	if config.Subject.IsNull() && state != nil {
		m.Subject = state.Subject
	}
	switch {
	case m.Subject.IsUnknown() || !inputs.CommonNameOf(config.Subject).IsNull():
		return
	case profile == pki.Client:
		if !m.CertRequestPEM.IsNull() {
			m.Subject = inputs.WithCommonName(m.Subject, m.requestedCommonName())
		}
		return
	}
	m.Subject = inputs.WithCommonName(m.Subject, m.defaultCommonName(ctx, state))
}

// defaultCommonName is what the state has, unless that was the default for
// names that have changed.
func (m *leafModel) defaultCommonName(ctx context.Context, state *leafModel) types.String {
	names, ok := m.names(ctx)
	if state != nil {
		old, _ := state.names(ctx)
		if name := inputs.CommonNameOf(state.Subject); ok && names.Equal(old) || !name.IsNull() && name.ValueString() != old.CommonName() {
			return name
		}
	}
	switch {
	case !ok:
		return types.StringUnknown()
	case names.CommonName() == "":
		return types.StringNull()
	}
	return types.StringValue(names.CommonName())
}

// inputsKnown reports whether no argument that is stored is unknown.
func (m *leafModel) inputsKnown(ctx context.Context) bool {
	return m.certificateModel.inputsKnown(ctx) && inputs.FullyKnown(ctx, inputs.WithoutSecrets(m.CA)) &&
		!m.CertRequestPEM.IsUnknown() && inputs.FullyKnown(ctx, m.DNSNames) && inputs.FullyKnown(ctx, m.IPAddresses)
}

// planUpdate decides what becomes of an existing certificate. While inputs are
// not known, it may still turn out that nothing but the clock asks for a change.
func (r *leaf) planUpdate(ctx context.Context, plan, state, config *leafModel, authority inputs.CA, inputsKnown bool, prior tfsdk.State) diag.Diagnostics {
	certificate, diags := current(state.CertPEM)
	if diags.HasError() {
		return diags
	}
	replaced, decided, diags := r.planKey(plan, state, config, certificate)
	if diags.HasError() {
		return diags
	}
	inputsKnown = inputsKnown && decided
	plan.keep(&state.certificateModel, certificate)
	plan.ContentSHA256 = state.ContentSHA256
	// A key can leave the state without anything else in the plan that tells.
	staysInState := (config.source() == managedKey) == !state.PrivateKeyPEM.IsNull()
	unchanged := func() bool {
		return staysInState && equals(prior, func(state *tfsdk.State) diag.Diagnostics { return r.write(ctx, state, plan) })
	}
	newKey := replaced || plan.triggered(&state.certificateModel)
	reissue := newKey ||
		!plan.Subject.Equal(state.Subject) ||
		r.profile == pki.Server && !plan.sameNames(ctx, state) ||
		!plan.ValidityPeriodHours.Equal(state.ValidityPeriodHours) ||
		!inputsKnown || !pki.IssuedBy(certificate, authority.Certificate) ||
		plan.due(&state.certificateModel, certificate, unchanged, r.now())
	if config.source() == managedKey {
		newKey = newKey || !plan.ReusePrivateKey.ValueBool()
		if reissue && newKey {
			plan.expectAlgorithm(inputsKnown)
		}
	} else {
		plan.PrivateKeyPEM, newKey = types.StringNull(), false
		if !inputsKnown {
			plan.PrivateKeyPEM = config.withoutKey()
		}
	}
	switch {
	case !inputsKnown:
		plan.expectPossibleIssue(&state.certificateModel, newKey)
		return diags
	case reissue:
		plan.expectIssue(newKey)
		return diags
	}
	plan.CertPEM = authority.Chain(certificate)
	return diags
}

// checkUnder reports what this authority cannot issue, where it will have to.
func (r *leaf) checkUnder(ctx context.Context, plan *leafModel, authority inputs.CA) diag.Diagnostics {
	diags := authority.Check(r.keys, time.Time{})
	if diags.HasError() || !plan.SerialNumber.IsUnknown() {
		return diags
	}
	diags.Append(authority.CheckIssue(r.now())...)
	if inputs.FullyKnown(ctx, plan.Subject) {
		subject, moreDiags := inputs.SubjectOf(ctx, plan.Subject)
		diags.Append(moreDiags...)
		if err := pki.CheckSubjectUnder(subject, authority.Certificate); err != nil {
			diags.AddAttributeError(path.Root("subject"), "The subject is the authority's", inputs.Sentence(err))
		}
	}
	if names, ok := plan.names(ctx); ok && r.profile == pki.Server {
		if err := pki.ConstraintsOf(authority.Certificate).Check(names); err != nil {
			diags.AddAttributeError(path.Root("dns_names"), "Name not allowed", inputs.Sentence(err))
		}
	}
	return diags
}

func (r *leaf) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan, diags := r.read(ctx, req.Plan)
	config, moreDiags := r.read(ctx, req.Config)
	resp.Diagnostics.Append(append(diags, moreDiags...)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.apply(ctx, plan, nil, config)...); !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(r.write(ctx, &resp.State, plan)...)
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
	if resp.Diagnostics.Append(r.apply(ctx, plan, state, config)...); !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(r.write(ctx, &resp.State, plan)...)
	}
}

// apply carries out what the plan left unknown.
func (r *leaf) apply(ctx context.Context, plan, state, config *leafModel) diag.Diagnostics {
	now := r.now()
	authority, ok := inputs.ReadCA(ctx, config.CA)
	if !ok {
		var diags diag.Diagnostics
		diags.AddAttributeError(path.Root("ca"), "Unknown authority", "The authority is not known at apply. Please report this as a defect of the provider.")
		return diags
	}
	diags := authority.Check(r.keys, time.Time{})
	if diags.HasError() {
		return diags
	}
	var certificate *x509.Certificate
	var moreDiags diag.Diagnostics
	if plan.SerialNumber.IsUnknown() {
		certificate, moreDiags = r.issue(ctx, plan, state, config, authority, now)
	} else {
		certificate, moreDiags = current(state.CertPEM)
	}
	if diags.Append(moreDiags...); diags.HasError() {
		return diags
	}
	plan.CertPEM = authority.Chain(certificate)
	plan.describe(certificate, now)
	plan.digest(authority)
	return diags
}

func (r *leaf) issue(ctx context.Context, plan, state, config *leafModel, input inputs.CA, now time.Time) (*x509.Certificate, diag.Diagnostics) {
	diags := input.CheckIssue(now)
	subject, moreDiags := inputs.SubjectOf(ctx, plan.Subject)
	if diags.Append(moreDiags...); diags.HasError() {
		return nil, diags
	}
	var names pki.Names
	if r.profile == pki.Server { // what a client's request asks for does not matter
		names, _ = plan.names(ctx)
	}
	authority, moreDiags := input.Authority(r.keys)
	if diags.Append(moreDiags...); diags.HasError() {
		return nil, diags
	}
	publicKey, moreDiags := r.publicKey(plan, state, config)
	if diags.Append(moreDiags...); diags.HasError() {
		return nil, diags
	}
	certificate, err := authority.Issue(pki.LeafRequest{
		Profile:       r.profile,
		Subject:       subject,
		Names:         names,
		ValidityHours: plan.ValidityPeriodHours.ValueInt64(),
		PublicKey:     publicKey,
	}, now)
	switch {
	case errors.Is(err, pki.ErrNoNames):
		diags.AddAttributeError(path.Root("dns_names"), "No name", inputs.Sentence(err))
	case errors.Is(err, pki.ErrNoCommonName):
		diags.AddAttributeError(path.Root("subject").AtName("common_name"), "No common name", inputs.Sentence(err))
	case errors.Is(err, pki.ErrAuthorityName):
		diags.AddAttributeError(path.Root("subject"), "The subject is the authority's", inputs.Sentence(err))
	case err != nil:
		diags.AddError("The certificate cannot be issued", inputs.Sentence(err))
	default:
		tflog.Info(ctx, "issued a certificate", map[string]any{"serial_number": pki.SerialNumber(certificate)})
	}
	return certificate, diags
}

// Read only says whether the certificate is due.
func (r *leaf) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state, diags := r.read(ctx, req.State)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(state.refresh(r.now())...)
	resp.Diagnostics.Append(r.write(ctx, &resp.State, state)...)
}

// Delete has nothing to do: the state is all there is.
func (r *leaf) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// digest is the hash over the files that are delivered: ca.pem, and the
// certificate with its chain, which names the public half of the key file.
func (m *leafModel) digest(authority inputs.CA) {
	if m.CertPEM.IsUnknown() || authority.Roots.IsUnknown() || authority.Roots.IsNull() {
		m.ContentSHA256 = types.StringUnknown()
		return
	}
	hash := sha256.New()
	for _, text := range []string{authority.Roots.ValueString(), m.CertPEM.ValueString()} {
		sum := sha256.Sum256([]byte(text))
		hash.Write(sum[:])
	}
	m.ContentSHA256 = types.StringValue(hex.EncodeToString(hash.Sum(nil)))
}
