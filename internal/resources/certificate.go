package resources

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
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

	outputs
}

// issueReasons is the documentation of issue_reason; the reasons are those of
// package lifecycle.
const issueReasons = "Why the current certificate was issued: `created`, `imported`, `moved` (from hashicorp/tls), the arguments that changed, `the authority has a new key`, `the certificate in the state was damaged` or `renewal_time`. " +
	"Several reasons are separated by commas. A plan that issues a certificate shows the reason here. If the authority changes in the same plan, the reason is known after apply. Certificates of releases that had no such attribute have `not recorded`."

// kept ends the description of an argument whose default holds for a new
// certificate only.
const kept = " If you remove it from the configuration, it keeps its value."

// certificateAttributes is the schema of [certificateModel], without `subject`
// and `cert_pem`, which each resource describes in its own words.
//
// The parameters are what differs between the resources: the default validity,
// and the texts of reuse_private_key, private_key_pem and private_key_pem_wo.
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
				"`ED25519` works with Docker, Go and OpenSSL, but not with docker-java, mbedTLS, NSS and older LibreSSL. A change makes a new private key and a new certificate." + kept,
			Validators: []validator.String{stringvalidator.OneOf(algorithms...)},
		},
		"validity_period_hours": schema.Int64Attribute{
			CustomType:          inputs.WholeNumber{},
			Optional:            true,
			Computed:            true,
			MarkdownDescription: fmt.Sprintf("How long the certificate is valid from its issue, in hours. Default %d. A change reissues the certificate.", validityHours) + kept,
		},
		"early_renewal_hours": schema.Int64Attribute{
			CustomType:          inputs.WholeNumber{},
			Optional:            true,
			Computed:            true,
			MarkdownDescription: "How long before its end the certificate is due for renewal, in hours. The first `terraform apply` from then on renews it. Less than `validity_period_hours`. Default: one third of it." + kept + " If `validity_period_hours` then changes, it is the default again.",
			Validators:          []validator.Int64{int64validator.AtLeast(0)},
		},
		"reuse_private_key": schema.BoolAttribute{
			Optional:            true,
			MarkdownDescription: reuse,
		},
		"rotation_triggers": schema.MapAttribute{
			ElementType:         types.StringType,
			Optional:            true,
			MarkdownDescription: "Arbitrary values. Any change of this map makes a new private key and a new certificate now, in place. After an import, or a move from hashicorp/tls, the first apply that changes the resource records `rotation_triggers` and does not act on them: no file says what they were. A warning says so; to rotate, change them once more.",
		},
		"private_key_pem_wo": schema.StringAttribute{
			Optional:            true,
			WriteOnly:           true, // and so not Sensitive: it is neither stored nor shown
			MarkdownDescription: ownKey,
			Validators:          []validator.String{ownKeyCheck},
		},
		"private_key_pem_wo_version": schema.Int64Attribute{
			CustomType:          inputs.WholeNumber{},
			Optional:            true,
			MarkdownDescription: "Version of `private_key_pem_wo`: any number, required with it. Write-only arguments are not stored, so this number says that there is a private key of your own, also in runs that are not given it. A change says that there is another private key.",
		},
		"private_key_pem":     schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: privateKey},
		"serial_number":       computed("Serial number of the certificate, in lower-case hex."),
		"fingerprint_sha256":  computed("SHA-256 fingerprint of the certificate, in lower-case hex."),
		"validity_start_time": computed("Start of the certificate's validity (RFC 3339, UTC): one hour before its issue, for hosts whose clock is not yet set."),
		"validity_end_time":   computed("End of the certificate's validity (RFC 3339, UTC)."),
		"renewal_time":        computed("Moment from which the certificate is due for renewal (RFC 3339, UTC): `early_renewal_hours` before its end. If the end of its authority makes the certificate shorter than that, it is due in the last third of its life."),
		"ready_for_renewal":   schema.BoolAttribute{Computed: true, MarkdownDescription: "Whether `renewal_time` has passed: the next `terraform apply` renews the certificate."},
		"issue_reason":        computed(issueReasons),
	}
}

// subjectAttribute is the attribute `subject` of a certificate that is stored.
func subjectAttribute(commonName string) schema.SingleNestedAttribute {
	attribute := inputs.SubjectAttribute(commonName)
	attribute.MarkdownDescription += kept + " An attribute that you remove from `subject` is removed from the certificate."
	return attribute
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

// setDefaults fills the arguments that are not configured: with what the state
// has, or at first with the default. So a later release with other defaults
// never touches a certificate.
func (m *certificateModel) setDefaults(config, state *certificateModel, validityHours int64) {
	if config.KeyAlgorithm.IsNull() {
		m.KeyAlgorithm = types.StringValue(string(x509text.KeyAlgorithms()[0]))
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
		m.EarlyRenewalHours = m.defaultEarlyRenewal(state)
	}
}

func (m *certificateModel) defaultEarlyRenewal(state *certificateModel) types.Int64 {
	switch {
	case state != nil && !state.EarlyRenewalHours.IsNull() && m.ValidityPeriodHours.Equal(state.ValidityPeriodHours):
		return state.EarlyRenewalHours
	case m.ValidityPeriodHours.IsUnknown():
		return types.Int64Unknown()
	}
	return types.Int64Value(m.ValidityPeriodHours.ValueInt64() / 3)
}

// damaged is the summary of all diagnostics about a certificate in the state that
// cannot be read.
const damaged = "Damaged state"

// current is the first certificate of a PEM text from the state.
func current(certPEM types.String) (*x509.Certificate, diag.Diagnostics) {
	var diags diag.Diagnostics
	certificates, err := x509text.ParseCertificates(certPEM.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("cert_pem"), damaged, "The certificate in the state cannot be read: "+err.Error()+". The next plan says what becomes of it.")
		return nil, diags
	}
	return certificates[0], diags
}

// damagedRefresh makes warnings of what a refresh finds damaged. An error there
// would forbid every plan, also the one that mends it.
func damagedRefresh(diags diag.Diagnostics) diag.Diagnostics {
	var warnings diag.Diagnostics
	for _, d := range diags {
		warnings.AddAttributeWarning(path.Root("cert_pem"), d.Summary(), d.Detail())
	}
	return warnings
}
