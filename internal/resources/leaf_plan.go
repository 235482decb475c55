package resources

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// leafChange is what one call of Terraform asks of a leaf, parsed once.
type leafChange struct {
	profile pki.Profile
	now     time.Time
	keys    *pki.Keyring

	config, plan *leafModel
	state        *leafModel // nil of a certificate that does not exist yet

	authority inputs.CA
	trusted   bool                     // the authority's roots are known and sound
	ignored   bool                     // lifecycle.ignore_changes names `ca`: Terraform gives none
	request   *x509.CertificateRequest // nil while there is none, or it is not known
	names     names                    // of the configuration

	certificate   *x509.Certificate        // of the state; nil if there is none, or it cannot be read
	formerRequest *x509.CertificateRequest // of the state
	former        names                    // of the state
	adopted       bool                     // see adoptedKey
}

// damaged reports a state whose certificate cannot be read.
func (c *leafChange) damaged() bool { return c.state != nil && c.certificate == nil }

// names are the names of a server, in canonical form.
type names struct {
	pki.Names
	known bool
}

// newChange parses what belongs to a change.
func (r *leaf) newChange(config, plan, state *leafModel) (*leafChange, diag.Diagnostics) {
	c := &leafChange{profile: r.profile, now: r.now(), keys: r.keys, config: config, plan: plan, state: state}
	var diags diag.Diagnostics
	var err error
	if c.request, err = config.request(); err != nil {
		diags.AddAttributeError(path.Root("cert_request_pem"), "Invalid certificate request", inputs.Sentence(err))
		return nil, diags
	}
	if diags.Append(checkVersion(config.PrivateKeyPEMWO, config.PrivateKeyPEMWOVersion, "private_key_pem_wo")...); diags.HasError() {
		return nil, diags
	}
	c.authority, c.trusted = inputs.ReadCA(config.CA)
	c.ignored = config.CA.IsNull() && state != nil
	if state != nil {
		c.certificate, _ = current(state.CertPEM)
		c.formerRequest, _ = state.request()
	}
	if r.profile == pki.Client {
		return c, diags // a client has no names, whatever its request asks for
	}
	c.names = config.names(c.request)
	if state != nil {
		c.former = state.names(c.formerRequest)
	}
	return c, diags
}

// names are the configured names or, if there are none, those of the certificate
// request.
func (m *leafModel) names(request *x509.CertificateRequest) names {
	var parsed pki.Names
	var err error
	switch {
	case noElements(m.DNSNames) && noElements(m.IPAddresses) && !m.CertRequestPEM.IsNull():
		if request == nil {
			return names{}
		}
		parsed, err = pki.RequestedNames(request)
	case !inputs.FullyKnown(m.DNSNames) || !inputs.FullyKnown(m.IPAddresses):
		return names{}
	default:
		parsed, err = pki.ParseNames(inputs.Strings(m.DNSNames), inputs.Strings(m.IPAddresses))
	}
	return names{parsed, err == nil}
}

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
	c, diags := r.newChange(config, plan, state)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	c.adopted, diags = isAdopted(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	c.setDefaults()
	if resp.Diagnostics.Append(checkLifetime(plan.ValidityPeriodHours, plan.EarlyRenewalHours, c.now)...); resp.Diagnostics.HasError() {
		return
	}
	decision, diags := c.decide()
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	logDecision(ctx, decision)
	plan.mark(decision)
	plan.digest()
	resp.Diagnostics.Append(c.checkUnder(decision)...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(plan.write(ctx, &resp.Plan)...)
	}
}

// setDefaults fills the arguments that are not configured.
func (c *leafChange) setDefaults() {
	var state *certificateModel
	if c.state != nil {
		state = &c.state.certificateModel
	}
	m := c.plan
	m.setDefaults(&c.config.certificateModel, state, leafValidityHours)
	m.Subject = c.config.Subject
	if c.config.Subject.IsNull() && c.state != nil {
		m.Subject = c.state.Subject
	}
	switch {
	case m.Subject.IsUnknown() || !inputs.CommonNameOf(c.config.Subject).IsNull():
	case c.profile == pki.Server:
		m.Subject = inputs.WithCommonName(m.Subject, c.defaultCommonName())
	case !c.config.CertRequestPEM.IsNull():
		m.Subject = inputs.WithCommonName(m.Subject, c.requestedCommonName())
	}
}

// defaultCommonName is what the state has, unless that was the default for
// names that have changed.
func (c *leafChange) defaultCommonName() types.String {
	if c.state != nil {
		name := inputs.CommonNameOf(c.state.Subject)
		chosen := !name.IsNull() && name.ValueString() != c.former.CommonName()
		if chosen || c.names.known && c.names.Equal(c.former.Names) {
			return name
		}
	}
	switch {
	case !c.names.known:
		return types.StringUnknown()
	case c.names.CommonName() == "":
		return types.StringNull()
	}
	return types.StringValue(c.names.CommonName())
}

// decide gathers the facts and returns the decision about them. It also copies
// into the plan what stays of the certificate.
func (c *leafChange) decide() (lifecycle.Decision, diag.Diagnostics) {
	plan := c.plan
	plan.CACertPEM = c.authority.Roots
	if c.certificate == nil {
		key, diags := c.firstKeyFacts()
		diags.Append(plan.fitAlgorithm(&c.config.certificateModel, key)...)
		return c.first(key), diags
	}
	key, diags := c.keyFacts()
	if diags.HasError() {
		return lifecycle.Decision{}, diags
	}
	diags.Append(plan.fitAlgorithm(&c.config.certificateModel, key)...)
	plan.keep(&c.state.certificateModel, c.certificate)
	if c.ignored {
		plan.CACertPEM = c.state.CACertPEM
	} else {
		plan.CertPEM = c.authority.Chain(c.certificate)
	}
	facts := c.facts(key)
	diags.Append(c.stopClock(&facts)...)
	decision := lifecycle.Decide(facts)
	diags.Append(warnTriggers(decision, facts)...)
	diags.Append(c.checkIgnored(decision)...)
	return decision, append(diags, checkKept(decision, key, c.certificate)...)
}

// facts gathers what is to be known about an existing certificate.
func (c *leafChange) facts(key keyFacts) lifecycle.Facts {
	plan := c.plan
	facts := plan.facts(&c.state.certificateModel, key)
	facts.DNSNames, facts.IPAddresses = c.nameDifferences()
	facts.Issuer, facts.Adopted = c.issuerDifference(), c.adopted
	facts.Record = recordDifference(plan.record(), c.state.record())
	facts.Storage = differenceOf((key.source == lifecycle.Managed) == (key.former == lifecycle.Managed))
	plan.addClock(&facts, &c.state.certificateModel, c.certificate, c.now)
	return facts
}

// stopClock takes the clock out of the facts while the authority is ignored, and
// warns if it asks for a certificate.
func (c *leafChange) stopClock(facts *lifecycle.Facts) diag.Diagnostics {
	var diags diag.Diagnostics
	if c.ignored && (facts.Ready || facts.Due) {
		facts.Ready, facts.Due = false, false
		diags.AddAttributeWarning(path.Root("ca"), "The certificate is due and is not renewed",
			"lifecycle.ignore_changes keeps the authority from this certificate, so nothing can be issued. Remove ca, or all, from ignore_changes: a changed authority reissues a certificate only where its key is another one.")
	}
	return diags
}

// checkIgnored reports any other reason for a certificate while the authority is
// ignored.
func (c *leafChange) checkIgnored(d lifecycle.Decision) diag.Diagnostics {
	var diags diag.Diagnostics
	if c.ignored && d.Certain() {
		diags.AddAttributeError(path.Root("ca"), "No authority",
			"A new certificate is asked for ("+d.Reasons.String()+"), and lifecycle.ignore_changes keeps the authority from it. Remove ca, or all, from ignore_changes.")
	}
	return diags
}

// first decides about a certificate that does not exist, or no longer does: one
// that is damaged in the state.
func (c *leafChange) first(key keyFacts) lifecycle.Decision {
	d := lifecycle.First(key.source, key.sourceUnknown)
	if c.damaged() {
		d.Reasons = lifecycle.Reasons{lifecycle.Damaged}
	}
	return d
}

// record adds the arguments that only a leaf has, and the roots.
func (m *leafModel) record() []attr.Value {
	return append(m.certificateModel.record(), m.CertRequestPEM, m.DNSNames, m.IPAddresses, m.CACertPEM)
}

// nameDifferences compare what would stand in the certificate, not how it is
// written.
func (c *leafChange) nameDifferences() (dnsNames, ipAddresses lifecycle.Difference) {
	switch {
	case c.profile == pki.Client:
		return lifecycle.Same, lifecycle.Same
	case !c.names.known:
		return lifecycle.Unknown, lifecycle.Unknown
	}
	return differenceOf(slices.Equal(c.names.DNSNames, c.former.DNSNames)), differenceOf(slices.Equal(c.names.IPAddresses, c.former.IPAddresses))
}

func (c *leafChange) issuerDifference() lifecycle.Difference {
	switch {
	case c.ignored:
		return lifecycle.Same
	case !c.trusted:
		return lifecycle.Unknown
	}
	return differenceOf(x509text.IssuedBy(c.certificate, c.authority.Certificate))
}

// checkUnder reports a certificate that is to be issued, and that this authority
// cannot issue, and names that it does not allow any more.
func (c *leafChange) checkUnder(d lifecycle.Decision) diag.Diagnostics {
	var diags diag.Diagnostics
	issued := d.Certain()
	if !c.trusted {
		if issued {
			diags.Append(c.authority.CheckKey()...)
		}
		return diags
	}
	if diags.Append(c.authority.Check(c.keys)...); diags.HasError() {
		return diags
	}
	if c.names.known {
		diags.Append(c.authority.CheckNames(c.names.Names, issued)...)
	}
	if !issued {
		return diags
	}
	diags.Append(c.authority.CheckIssue(c.profile, c.now)...)
	if hours := c.plan.ValidityPeriodHours; inputs.Known(hours) {
		diags.Append(c.authority.CheckEnd(hours.ValueInt64(), c.now)...)
	}
	diags.Append(c.checkKey(d.Key)...)
	diags.Append(c.config.checkSize(c.names, c.authority.Crosses())...)
	return append(diags, c.checkSubject()...)
}

// checkSubject reports a subject that this authority cannot certify.
func (c *leafChange) checkSubject() diag.Diagnostics {
	var diags diag.Diagnostics
	if !inputs.FullyKnown(c.plan.Subject) {
		return diags
	}
	subject := inputs.SubjectOf(c.plan.Subject)
	if err := pki.CheckSubjectUnder(subject, c.authority.Certificate); err != nil {
		diags.AddAttributeError(path.Root("subject"), "The subject is the authority's", inputs.Sentence(err))
	}
	if err := pki.CheckEmailUnder(subject.EmailAddress, c.authority.Certificate); err != nil {
		diags.AddAttributeError(path.Root("subject").AtName("email_address"), "E-mail address not allowed", inputs.Sentence(err))
	}
	return diags
}

// checkSize reports names that no handshake carries with the chain behind them.
func (m *leafModel) checkSize(n names, crosses []*x509.Certificate) diag.Diagnostics {
	var diags diag.Diagnostics
	if err := n.CheckSize(crosses); err != nil {
		diags.AddAttributeError(m.longest(n), "Too long for a handshake", inputs.Sentence(err))
	}
	return diags
}

// longest is the attribute that most of the names come from. Without a name, the
// chain of the authority is what is too long.
func (m *leafModel) longest(n names) path.Path {
	switch {
	case n.Empty():
		return path.Root("ca").AtName("cross_signed_cert_pem")
	case noElements(m.DNSNames) && noElements(m.IPAddresses):
		return path.Root("cert_request_pem")
	case len(n.IPAddresses) > len(n.DNSNames):
		return path.Root("ip_addresses")
	}
	return path.Root("dns_names")
}

// digest hashes the files that are delivered: ca.pem, and the certificate with
// its chain. The certificate stands for the key file: it has the public half.
//
// Imported without a CA_CERT_FILE, a certificate has no ca.pem to deliver until
// `ca` is recorded, which lifecycle.ignore_changes prevents.
func (m *leafModel) digest() {
	if m.CACertPEM.IsNull() {
		m.ContentSHA256 = types.StringNull()
		return
	}
	if !inputs.Known(m.CertPEM) || !inputs.Known(m.CACertPEM) {
		m.ContentSHA256 = types.StringUnknown()
		return
	}
	hash := sha256.New()
	for _, text := range []string{m.CACertPEM.ValueString(), m.CertPEM.ValueString()} {
		sum := sha256.Sum256([]byte(text))
		hash.Write(sum[:])
	}
	m.ContentSHA256 = types.StringValue(hex.EncodeToString(hash.Sum(nil)))
}
