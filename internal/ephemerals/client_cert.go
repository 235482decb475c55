// Package ephemerals has the ephemeral resource docker_tls_client_cert: a
// certificate for one run of Terraform, which is stored nowhere.
package ephemerals

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// validityHours is long enough for a run.
const validityHours = 1

type clientCert struct {
	now  func() time.Time
	keys *pki.Keyring
}

var _ ephemeral.EphemeralResourceWithValidateConfig = (*clientCert)(nil)

// NewClientCert is the ephemeral resource docker_tls_client_cert.
func NewClientCert(now func() time.Time, keys *pki.Keyring) ephemeral.EphemeralResource {
	return &clientCert{now, keys}
}

type clientCertModel struct {
	CA                  types.Object `tfsdk:"ca"`
	Subject             types.Object `tfsdk:"subject"`
	KeyAlgorithm        types.String `tfsdk:"key_algorithm"`
	ValidityPeriodHours types.Int64  `tfsdk:"validity_period_hours"`

	CACertPEM         types.String `tfsdk:"ca_cert_pem"`
	CertPEM           types.String `tfsdk:"cert_pem"`
	PrivateKeyPEM     types.String `tfsdk:"private_key_pem"`
	SerialNumber      types.String `tfsdk:"serial_number"`
	FingerprintSHA256 types.String `tfsdk:"fingerprint_sha256"`
	ValidityStartTime types.String `tfsdk:"validity_start_time"`
	ValidityEndTime   types.String `tfsdk:"validity_end_time"`
}

func (r *clientCert) Metadata(_ context.Context, _ ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = "docker_tls_client_cert"
}

func (r *clientCert) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	algorithms := inputs.KeyAlgorithms()
	computed := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A client certificate for one run of Terraform (extended key usage clientAuth only), with a private key of its own. It is for provider configurations and write-only arguments. It is made anew whenever it is needed. Neither the plan nor the state ever holds it.",
		Attributes: map[string]schema.Attribute{
			// A schema of a resource is one of an ephemeral resource too.
			"ca":      inputs.CAAttribute(false),
			"subject": inputs.SubjectAttribute("Required: it is the user name that Docker's authorization plugins see."),
			"key_algorithm": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Algorithm and size of the private key: `" + strings.Join(algorithms, "`, `") + "`. Default `" + algorithms[0] + "`.",
				Validators:          []validator.String{stringvalidator.OneOf(algorithms...)},
			},
			"validity_period_hours": schema.Int64Attribute{
				CustomType:          inputs.WholeNumber{},
				Optional:            true,
				MarkdownDescription: fmt.Sprintf("How long the certificate is valid from its issue, in hours. Default %d.", validityHours),
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
			"ca_cert_pem":         computed("The roots to trust, in PEM, as the authority has them: the exact content of the client's `ca.pem`."),
			"cert_pem":            computed("The certificate in PEM: the exact content of the client's `cert.pem`. While roots overlap, the chain to the previous roots follows."),
			"private_key_pem":     schema.StringAttribute{Computed: true, Sensitive: true, MarkdownDescription: "Private key, unencrypted PKCS#8 in PEM: the exact content of the client's `key.pem`."},
			"serial_number":       computed("Serial number of the certificate, in lower-case hex."),
			"fingerprint_sha256":  computed("SHA-256 fingerprint of the certificate, in lower-case hex."),
			"validity_start_time": computed("Start of the certificate's validity (RFC 3339, UTC): one hour before its issue."),
			"validity_end_time":   computed("End of the certificate's validity (RFC 3339, UTC)."),
		},
	}
}

func (r *clientCert) ValidateConfig(ctx context.Context, req ephemeral.ValidateConfigRequest, resp *ephemeral.ValidateConfigResponse) {
	var config clientCertModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &config)...); resp.Diagnostics.HasError() {
		return
	}
	if inputs.CommonNameOf(config.Subject).IsNull() {
		resp.Diagnostics.AddAttributeError(path.Root("subject").AtName("common_name"), "No common name", inputs.Sentence(pki.ErrNoCommonName)+" Set subject = { common_name = \"…\" }.")
	}
	if inputs.Known(config.ValidityPeriodHours) {
		if err := pki.CheckValidity(config.ValidityPeriodHours.ValueInt64(), r.now()); err != nil {
			resp.Diagnostics.AddAttributeError(path.Root("validity_period_hours"), "Invalid validity", inputs.Sentence(err))
		}
	}
	if authority, ok := inputs.ReadCA(config.CA); ok {
		resp.Diagnostics.Append(authority.Check(r.keys)...)
	}
}

// Open makes a key and certifies it. Terraform defers it while an argument is
// not known.
func (r *clientCert) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var model clientCertModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &model)...); resp.Diagnostics.HasError() {
		return
	}
	now := r.now()
	input, _ := inputs.ReadCA(model.CA)
	if !inputs.Known(input.Roots) {
		resp.Diagnostics.AddAttributeError(path.Root("ca"), "Unknown authority", "The authority is not known yet. Please report this as a defect: Terraform opens an ephemeral resource when all is known.")
		return
	}
	if resp.Diagnostics.Append(input.Check(r.keys)...); resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(input.CheckIssue(pki.Client, now)...); resp.Diagnostics.HasError() {
		return
	}
	authority, diags := input.Authority(r.keys)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	algorithm := x509text.KeyAlgorithms()[0]
	if !model.KeyAlgorithm.IsNull() {
		algorithm = x509text.KeyAlgorithm(model.KeyAlgorithm.ValueString())
	}
	key, err := algorithm.Generate()
	if err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("key_algorithm"), "The private key cannot be made", inputs.Sentence(err))
		return
	}
	request := pki.LeafRequest{Profile: pki.Client, Subject: inputs.SubjectOf(model.Subject), ValidityHours: validityHours, PublicKey: key.Public()}
	if !model.ValidityPeriodHours.IsNull() {
		request.ValidityHours = model.ValidityPeriodHours.ValueInt64()
	}
	certificate, err := authority.Issue(request, now)
	if err == nil {
		err = pki.CheckChain(certificate, input.Crosses())
	}
	if err != nil {
		resp.Diagnostics.AddError("The certificate cannot be issued", inputs.Sentence(err))
		return
	}
	text, err := x509text.EncodePrivateKey(key)
	if err != nil {
		resp.Diagnostics.AddError("The private key cannot be encoded", inputs.Sentence(err))
		return
	}
	tflog.Info(ctx, "issued an ephemeral certificate", map[string]any{"serial_number": x509text.SerialNumber(certificate)})
	model.CACertPEM = input.Roots
	model.CertPEM, model.PrivateKeyPEM = input.Chain(certificate), types.StringValue(text)
	model.SerialNumber, model.FingerprintSHA256 = types.StringValue(x509text.SerialNumber(certificate)), types.StringValue(x509text.Fingerprint(certificate))
	model.ValidityStartTime = types.StringValue(certificate.NotBefore.UTC().Format(time.RFC3339))
	model.ValidityEndTime = types.StringValue(certificate.NotAfter.UTC().Format(time.RFC3339))
	resp.Diagnostics.Append(resp.Result.Set(ctx, &model)...)
}
