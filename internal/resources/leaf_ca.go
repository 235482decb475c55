package resources

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

var caTypes = map[string]attr.Type{
	"cert_pem":              types.StringType,
	"private_key_pem":       types.StringType,
	"cross_signed_cert_pem": types.StringType,
}

type caInputModel struct {
	CertPEM            types.String `tfsdk:"cert_pem"`
	PrivateKeyPEM      types.String `tfsdk:"private_key_pem"`
	CrossSignedCertPEM types.String `tfsdk:"cross_signed_cert_pem"`
}

func caAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Required:            true,
		MarkdownDescription: "The authority that issues the certificate: `ca = docker_tls_ca.this`, or an object with these attributes. Its private key is used and not stored.",
		Attributes: map[string]schema.Attribute{
			"cert_pem": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "The authority's certificate in PEM, as in `docker_tls_ca.this.cert_pem`. If there are several, the first one issues.",
				Validators: []validator.String{check{"the certificate of an authority in PEM", func(text string) error {
					_, err := pki.ParseAuthorityCertificate(text)
					return err
				}}},
			},
			"private_key_pem": schema.StringAttribute{
				Optional:            true,
				Sensitive:           true,
				WriteOnly:           true,
				MarkdownDescription: "The authority's private key in PEM. Write-only: it is never stored with this certificate.",
			},
			"cross_signed_cert_pem": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "The chain from the authority to its previous roots, as in `docker_tls_ca.this.cross_signed_cert_pem`. It is delivered behind the certificate.",
			},
		},
	}
}

// authorityInput is the argument `ca` as it is configured, with its secrets.
type authorityInput struct {
	roots         types.String
	crosses       types.String
	privateKeyPEM types.String
	certificate   *x509.Certificate // of roots, once they are known and sound
	crossChain    []*x509.Certificate
	err           error // of roots
	crossErr      error
}

// authority reads the argument `ca`, and whether the roots in it are known.
func (m *leafModel) authority(ctx context.Context) (authorityInput, bool) {
	if !known(m.CA) {
		return authorityInput{roots: types.StringUnknown()}, false
	}
	var model caInputModel
	if diags := m.CA.As(ctx, &model, basetypes.ObjectAsOptions{}); diags.HasError() {
		return authorityInput{roots: types.StringUnknown()}, false
	}
	input := authorityInput{roots: model.CertPEM, crosses: model.CrossSignedCertPEM, privateKeyPEM: model.PrivateKeyPEM}
	if !known(input.roots) {
		return input, false
	}
	input.certificate, input.err = pki.ParseAuthorityCertificate(input.roots.ValueString())
	if known(input.crosses) && input.crosses.ValueString() != "" {
		input.crossChain, input.crossErr = pki.ParseCertificates(input.crosses.ValueString())
		if input.crossErr == nil && input.err == nil {
			input.crossErr = pki.CheckCrosses(input.crossChain, input.certificate)
		}
	}
	return input, input.err == nil
}

// check reports what is wrong with the argument itself, and at a given time
// that it has expired.
func (a authorityInput) check(now time.Time) diag.Diagnostics {
	var diags diag.Diagnostics
	ca := path.Root("ca")
	if a.err != nil {
		diags.AddAttributeError(ca.AtName("cert_pem"), "Invalid authority", sentence(a.err))
		return diags
	}
	if a.crossErr != nil {
		diags.AddAttributeError(ca.AtName("cross_signed_cert_pem"), "Invalid chain", sentence(a.crossErr))
	}
	if !now.IsZero() {
		if err := pki.CheckAuthorityTime(a.certificate, now); err != nil {
			diags.AddAttributeError(ca.AtName("cert_pem"), "Expired authority", sentence(err))
		}
	}
	if known(a.privateKeyPEM) {
		if _, err := a.authority(); err != nil {
			diags.AddAttributeError(ca.AtName("private_key_pem"), "Invalid authority", sentence(err))
		}
	}
	return diags
}

var errNoAuthorityKey = errors.New("the authority's private key is needed to issue a certificate, and is not there: pass it with ca = merge(docker_tls_ca.this, { private_key_pem = … })")

// checkIssue reports why the authority cannot issue at now.
func (a authorityInput) checkIssue(now time.Time) diag.Diagnostics {
	var diags diag.Diagnostics
	ca := path.Root("ca")
	if err := pki.CheckAuthorityTime(a.certificate, now); err != nil {
		diags.AddAttributeError(ca.AtName("cert_pem"), "Expired authority", sentence(err))
	}
	if a.privateKeyPEM.IsNull() {
		diags.AddAttributeError(ca.AtName("private_key_pem"), "No private key", sentence(errNoAuthorityKey))
	}
	return diags
}

// authority joins the certificate with its key.
func (a authorityInput) authority() (*pki.Authority, error) {
	key, err := pki.ParsePrivateKey(a.privateKeyPEM.ValueString(), "")
	if err != nil {
		return nil, err
	}
	if err := pki.CheckKey(key.Public()); err != nil {
		return nil, err
	}
	return pki.NewAuthority(a.certificate, key)
}

// chain is the content of cert_pem: the leaf, then the chain to previous roots.
func (a authorityInput) chain(leaf *x509.Certificate) types.String {
	if a.crosses.IsUnknown() {
		return types.StringUnknown()
	}
	return types.StringValue(pki.EncodeCertificates(append([]*x509.Certificate{leaf}, a.crossChain...)...))
}

// withoutSecrets is the argument `ca` as it may be stored.
func withoutSecrets(object types.Object) types.Object {
	if !known(object) {
		return object
	}
	values := map[string]attr.Value{}
	for key, value := range object.Attributes() {
		values[key] = value
	}
	values["private_key_pem"] = types.StringNull()
	return types.ObjectValueMust(caTypes, values)
}
