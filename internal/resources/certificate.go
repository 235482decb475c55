package resources

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// certificateModel is what all three resources share.
type certificateModel struct {
	Subject             types.Object `tfsdk:"subject"`
	KeyAlgorithm        types.String `tfsdk:"key_algorithm"`
	ValidityPeriodHours types.Int64  `tfsdk:"validity_period_hours"`
	EarlyRenewalHours   types.Int64  `tfsdk:"early_renewal_hours"`
	ReusePrivateKey     types.Bool   `tfsdk:"reuse_private_key"`
	RotationTriggers    types.Map    `tfsdk:"rotation_triggers"`

	PrivateKeyPEMWO        types.String `tfsdk:"private_key_pem_wo"`
	PrivateKeyPEMWOVersion types.Int64  `tfsdk:"private_key_pem_wo_version"`

	CertPEM           types.String `tfsdk:"cert_pem"`
	PrivateKeyPEM     types.String `tfsdk:"private_key_pem"`
	SerialNumber      types.String `tfsdk:"serial_number"`
	FingerprintSHA256 types.String `tfsdk:"fingerprint_sha256"`
	ValidityStartTime types.String `tfsdk:"validity_start_time"`
	ValidityEndTime   types.String `tfsdk:"validity_end_time"`
	RenewalTime       types.String `tfsdk:"renewal_time"`
	ReadyForRenewal   types.Bool   `tfsdk:"ready_for_renewal"`
}

// certificateAttributes is the schema of [certificateModel], without `subject`
// and `cert_pem`, which each resource describes in its own words.
//
// The texts describe what differs: reuse_private_key, private_key_pem and
// private_key_pem_wo.
func certificateAttributes(validityHours int64, reuse, privateKey, ownKey string) map[string]schema.Attribute {
	algorithms := inputs.KeyAlgorithms()
	computed := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	return map[string]schema.Attribute{
		"key_algorithm": schema.StringAttribute{
			Optional: true,
			Computed: true,
			MarkdownDescription: "Algorithm and size of the private key: `" + strings.Join(algorithms, "`, `") + "`. Default `ECDSA_P256`. " +
				"`ED25519` works with Docker, Go and OpenSSL, but not with docker-java, mbedTLS, NSS and older LibreSSL. A change makes a new key and a new certificate.",
			Validators: []validator.String{stringvalidator.OneOf(algorithms...)},
		},
		"validity_period_hours": schema.Int64Attribute{
			Optional:            true,
			Computed:            true,
			MarkdownDescription: fmt.Sprintf("How long the certificate is valid from its issue, in hours. Default %d. A change reissues the certificate.", validityHours),
		},
		"early_renewal_hours": schema.Int64Attribute{
			Optional:            true,
			Computed:            true,
			MarkdownDescription: "How long before its end the certificate is due for renewal, in hours; the first `terraform apply` from then on renews it. Less than `validity_period_hours`; default one third of it.",
			Validators:          []validator.Int64{int64validator.AtLeast(0)},
		},
		"reuse_private_key": schema.BoolAttribute{
			Optional:            true,
			MarkdownDescription: reuse,
		},
		"rotation_triggers": schema.MapAttribute{
			ElementType:         types.StringType,
			Optional:            true,
			MarkdownDescription: "Any change of this map of arbitrary values rotates now: a new private key and a new certificate, in place.",
		},
		"private_key_pem_wo": schema.StringAttribute{
			Optional:            true,
			Sensitive:           true,
			WriteOnly:           true,
			MarkdownDescription: ownKey,
			Validators:          []validator.String{ownKeyCheck},
		},
		"private_key_pem_wo_version": schema.Int64Attribute{
			Optional:            true,
			MarkdownDescription: "Version of `private_key_pem_wo`, any number. Write-only arguments are not stored, so a change of this number is what says that there is a new key. It also says that there is a key of your own in runs that are not given it.",
		},
		"private_key_pem":     schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: privateKey},
		"serial_number":       computed("Serial number of the certificate, in lower-case hex."),
		"fingerprint_sha256":  computed("SHA-256 fingerprint of the certificate, in lower-case hex."),
		"validity_start_time": computed("Start of the certificate's validity (RFC 3339, UTC): one hour before its issue, for hosts whose clock is not yet set."),
		"validity_end_time":   computed("End of the certificate's validity (RFC 3339, UTC)."),
		"renewal_time":        computed("Moment from which the certificate is due for renewal (RFC 3339, UTC): `early_renewal_hours` before its end. A certificate that its authority's end has shortened to less than that is due in the last third of its life."),
		"ready_for_renewal":   schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether `renewal_time` has passed: the next `terraform apply` renews the certificate."},
	}
}

// checkLifetime reports a validity or a renewal window that cannot be, at the
// attribute that is to blame.
func checkLifetime(validity, early types.Int64, now time.Time) diag.Diagnostics {
	var diags diag.Diagnostics
	if inputs.Known(validity) {
		if err := pki.CheckValidity(validity.ValueInt64(), now); err != nil {
			diags.AddAttributeError(path.Root("validity_period_hours"), "Invalid validity", inputs.Sentence(err))
			return diags
		}
	}
	if inputs.Known(validity) && inputs.Known(early) && early.ValueInt64() >= validity.ValueInt64() {
		diags.AddAttributeError(path.Root("early_renewal_hours"), "Invalid renewal window", fmt.Sprintf(
			"A certificate that is valid for %d hours cannot be renewed %d hours before its end: it would be due as soon as it is issued. Use less than validity_period_hours.",
			validity.ValueInt64(), early.ValueInt64()))
	}
	return diags
}

// settle fills the inputs that are not configured: with what the state has,
// or at first with the default. So a later release with other defaults never
// touches a certificate.
func (m *certificateModel) settle(config, state *certificateModel, validityHours int64) {
	if config.KeyAlgorithm.IsNull() {
		m.KeyAlgorithm = types.StringValue(string(pki.KeyAlgorithms()[0]))
		if state != nil && !state.KeyAlgorithm.IsNull() {
			m.KeyAlgorithm = state.KeyAlgorithm
		}
	}
	if config.ValidityPeriodHours.IsNull() {
		m.ValidityPeriodHours = types.Int64Value(validityHours)
		if state != nil && !state.ValidityPeriodHours.IsNull() {
			m.ValidityPeriodHours = state.ValidityPeriodHours
		}
	}
	if config.EarlyRenewalHours.IsNull() {
		switch {
		case state != nil && !state.EarlyRenewalHours.IsNull() && m.ValidityPeriodHours.Equal(state.ValidityPeriodHours):
			m.EarlyRenewalHours = state.EarlyRenewalHours
		case m.ValidityPeriodHours.IsUnknown():
			m.EarlyRenewalHours = types.Int64Unknown()
		default:
			m.EarlyRenewalHours = types.Int64Value(m.ValidityPeriodHours.ValueInt64() / 3)
		}
	}
}

// inputsKnown reports whether no argument is unknown. While one is, it may yet
// turn out to be what it was, and then the clock counts.
func (m *certificateModel) inputsKnown(ctx context.Context) bool {
	for _, input := range []attr.Value{m.Subject, m.KeyAlgorithm, m.ValidityPeriodHours, m.EarlyRenewalHours, m.ReusePrivateKey, m.RotationTriggers, m.PrivateKeyPEMWOVersion} {
		if !inputs.FullyKnown(ctx, input) {
			return false
		}
	}
	return true
}

// triggered reports whether a change asks for a new key, whatever
// reuse_private_key says.
func (m *certificateModel) triggered(state *certificateModel) bool {
	return !m.KeyAlgorithm.Equal(state.KeyAlgorithm) || !sameMap(m.RotationTriggers, state.RotationTriggers)
}

// due is the rule for renewal by the clock. Terraform plans once more during
// apply, perhaps much later, and both plans must agree: what the clock alone
// says counts only where it is the only reason to act. The refresh before the
// first plan writes ready_for_renewal, which both plans see.
//
// Whether it is the only reason is costly to find out, and asked only where it
// matters.
func (m *certificateModel) due(state *certificateModel, certificate *x509.Certificate, unchanged func() bool, now time.Time) bool {
	return state.ReadyForRenewal.ValueBool() || pki.Due(certificate, m.EarlyRenewalHours.ValueInt64(), now) && unchanged()
}

// expectIssue marks what a new certificate changes.
func (m *certificateModel) expectIssue(newKey bool) {
	if newKey {
		m.PrivateKeyPEM = types.StringUnknown()
	}
	for _, output := range []*types.String{&m.CertPEM, &m.SerialNumber, &m.FingerprintSHA256, &m.ValidityStartTime, &m.ValidityEndTime, &m.RenewalTime} {
		*output = types.StringUnknown()
	}
	m.ReadyForRenewal = types.BoolValue(false)
}

// expectPossibleIssue marks what a new certificate changes if there is to be
// one, which an input that is not known yet decides. If the certificate stays
// after all, a changed window may make it due.
func (m *certificateModel) expectPossibleIssue(state *certificateModel, newKey bool) {
	m.expectIssue(newKey)
	if !m.EarlyRenewalHours.Equal(state.EarlyRenewalHours) {
		m.ReadyForRenewal = types.BoolUnknown()
	}
}

// keep takes over the outputs of the certificate that stays. A changed window
// moves its renewal time; whether that has passed is for apply to say.
func (m *certificateModel) keep(state *certificateModel, certificate *x509.Certificate) {
	m.CertPEM, m.PrivateKeyPEM = state.CertPEM, state.PrivateKeyPEM
	m.SerialNumber, m.FingerprintSHA256 = state.SerialNumber, state.FingerprintSHA256
	m.ValidityStartTime, m.ValidityEndTime = state.ValidityStartTime, state.ValidityEndTime
	m.RenewalTime, m.ReadyForRenewal = state.RenewalTime, state.ReadyForRenewal
	if m.EarlyRenewalHours.Equal(state.EarlyRenewalHours) {
		return
	}
	m.ReadyForRenewal = types.BoolUnknown()
	m.RenewalTime = types.StringUnknown()
	if inputs.Known(m.EarlyRenewalHours) {
		m.RenewalTime = timeValue(pki.RenewalTime(certificate, m.EarlyRenewalHours.ValueInt64()))
	}
}

// describe writes what the current certificate says of itself.
func (m *certificateModel) describe(certificate *x509.Certificate, now time.Time) {
	m.SerialNumber = types.StringValue(pki.SerialNumber(certificate))
	m.FingerprintSHA256 = types.StringValue(pki.Fingerprint(certificate))
	m.ValidityStartTime = timeValue(certificate.NotBefore)
	m.ValidityEndTime = timeValue(certificate.NotAfter)
	m.RenewalTime = timeValue(pki.RenewalTime(certificate, m.EarlyRenewalHours.ValueInt64()))
	// A plan that is applied late may have promised that it is not due. The next
	// refresh tells.
	if m.ReadyForRenewal.IsUnknown() {
		m.ReadyForRenewal = types.BoolValue(pki.Due(certificate, m.EarlyRenewalHours.ValueInt64(), now))
	}
}

// current is the first certificate of a PEM text from the state.
func current(certPEM types.String) (*x509.Certificate, diag.Diagnostics) {
	var diags diag.Diagnostics
	certificates, err := pki.ParseCertificates(certPEM.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("cert_pem"), "Damaged state", "The certificate in the state cannot be read: "+err.Error()+
			". Restore the state from a backup, or replace this resource with `terraform apply -replace`.")
		return nil, diags
	}
	return certificates[0], diags
}

func timeValue(t time.Time) types.String { return types.StringValue(t.UTC().Format(time.RFC3339)) }

// sameMap compares two maps; no map is the same as an empty one.
func sameMap(a, b types.Map) bool {
	return a.Equal(b) || !a.IsUnknown() && !b.IsUnknown() && len(a.Elements()) == 0 && len(b.Elements()) == 0
}

// refresh says whether the certificate is due, which is all that time changes.
func (m *certificateModel) refresh(now time.Time) diag.Diagnostics {
	certificate, diags := current(m.CertPEM)
	if !diags.HasError() {
		m.ReadyForRenewal = types.BoolValue(pki.Due(certificate, m.EarlyRenewalHours.ValueInt64(), now))
	}
	return diags
}
