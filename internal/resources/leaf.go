package resources

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

const leafValidityHours = 8760 // 365 days

// leaf is what docker_tls_server_cert and docker_tls_client_cert share: all but
// their name and schema.
type leaf struct {
	profile pki.Profile
	now     func() time.Time
	keys    *pki.Keyring // of authorities
}

// leafModel is the schema of docker_tls_server_cert. A client has no names.
type leafModel struct {
	certificateModel
	CA             types.Object `tfsdk:"ca"`
	CertRequestPEM types.String `tfsdk:"cert_request_pem"`
	DNSNames       types.Set    `tfsdk:"dns_names"`
	IPAddresses    types.Set    `tfsdk:"ip_addresses"`

	CACertPEM     types.String `tfsdk:"ca_cert_pem"`
	ContentSHA256 types.String `tfsdk:"content_sha256"`
}

// leafAttributes is the schema of [leafModel], without `subject`, `cert_pem` and
// the names.
func leafAttributes() map[string]schema.Attribute {
	attributes := certificateAttributes(leafValidityHours,
		"Whether the next certificate keeps the private key. Default false: every certificate has a private key of its own. `rotation_triggers` and `key_algorithm` make a new private key all the same. A private key of your own, or of a host, is always kept.",
		"Private key, unencrypted PKCS#8 in PEM: the exact content of the key file that Docker reads. Null with `private_key_pem_wo` or `cert_request_pem`.",
		"A private key of your own in PEM, unencrypted, for instance from a secret store. Write-only: it is never stored, and `private_key_pem` is null. It is certified at first and whenever `private_key_pem_wo_version` changes. A renewal certifies the same key again.")
	attributes["cert_request_pem"] = schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "A certificate request (PKCS#10) in PEM, made where the private key stays. No private key exists here then. The provider checks the signature of the request and certifies its public key. " +
			"It takes names from the request only if none are configured, and nothing else. A renewal signs the same request again.",
		Validators: []validator.String{
			inputs.NewCheck("a certificate request in PEM", func(text string) error { _, err := pki.ParseCertificateRequest(text); return err }),
			stringvalidator.ConflictsWith(path.MatchRoot("private_key_pem_wo"), path.MatchRoot("private_key_pem_wo_version")),
		},
	}
	attributes["ca"] = inputs.CAAttribute(true)
	attributes["ca_cert_pem"] = schema.StringAttribute{
		Computed:            true,
		Sensitive:           true, // no secret, but many lines in a plan
		MarkdownDescription: "The roots to trust, in PEM, as the authority has them: the exact content of the `ca.pem` that is delivered with the certificate. It is no secret. Plans hide it because it is long.",
	}
	attributes["content_sha256"] = schema.StringAttribute{
		Computed:            true,
		MarkdownDescription: "SHA-256 hash over the files to deliver. It changes whenever any of them does. Let it trigger a restart, as in `triggers_replace = [docker_tls_server_cert.host.content_sha256]`.",
	}
	return attributes
}

func (r *leaf) read(ctx context.Context, from getter) (*leafModel, diag.Diagnostics) {
	model := leafModel{DNSNames: types.SetNull(types.StringType), IPAddresses: types.SetNull(types.StringType)}
	return &model, decode(ctx, from, &model)
}

// write stores a model without what is write-only.
func (m *leafModel) write(ctx context.Context, to setter) diag.Diagnostics {
	stored := *m
	stored.CA, stored.PrivateKeyPEMWO = inputs.NoCA, types.StringNull()
	return encode(ctx, to, &stored)
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
	resp.Diagnostics.Append(checkVersion(config.PrivateKeyPEMWO, config.PrivateKeyPEMWOVersion, "private_key_pem_wo")...)
	switch {
	case !config.CertRequestPEM.IsNull():
		resp.Diagnostics.Append(r.checkRequest(config)...)
	case r.profile == pki.Server && noElements(config.DNSNames) && noElements(config.IPAddresses):
		resp.Diagnostics.AddAttributeError(path.Root("dns_names"), "No name", inputs.Sentence(pki.ErrNoNames)+" Set dns_names, ip_addresses or both.")
	case r.profile == pki.Client && inputs.CommonNameOf(config.Subject).IsNull():
		resp.Diagnostics.AddAttributeError(path.Root("subject").AtName("common_name"), "No common name", inputs.Sentence(pki.ErrNoCommonName)+" Set subject = { common_name = \"…\" }.")
	}
	if request, err := config.request(); err == nil && r.profile == pki.Server {
		resp.Diagnostics.Append(config.checkSize(config.names(request), nil)...)
	}
	if authority, ok := inputs.ReadCA(config.CA); ok {
		resp.Diagnostics.Append(authority.Check(r.keys)...)
	}
}

// noElements reports a set that has nothing but nulls in it. An element that is
// not known yet counts.
func noElements(set types.Set) bool { return inputs.FullyKnown(set) && len(inputs.Strings(set)) == 0 }

// Read derives the outputs from the certificate again, and says whether it is
// due. It never issues.
func (r *leaf) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state, diags := r.read(ctx, req.State)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	certificate, diags := current(state.CertPEM)
	if diags.HasError() {
		resp.Diagnostics.Append(damagedRefresh(diags)...)
		return // the state stays as it is
	}
	before, delivered := state.outputs, state.ContentSHA256
	state.refresh(certificate, r.now())
	state.digest()
	if state.outputs != before || state.ContentSHA256 != delivered {
		resp.Diagnostics.Append(state.write(ctx, &resp.State)...)
	}
}

// Delete has nothing to do: the state is all there is.
func (r *leaf) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
