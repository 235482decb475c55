package resources

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
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

// clientModel is the schema of docker_tls_client_cert.
type clientModel struct {
	certificateModel
	CA             types.Object `tfsdk:"ca"`
	CertRequestPEM types.String `tfsdk:"cert_request_pem"`
	ContentSHA256  types.String `tfsdk:"content_sha256"`
}

// leafModel is the schema of docker_tls_server_cert, and serves for both in the
// code: a client has no names.
type leafModel struct {
	clientModel
	DNSNames    types.Set `tfsdk:"dns_names"`
	IPAddresses types.Set `tfsdk:"ip_addresses"`
}

func (r *leaf) read(ctx context.Context, from interface {
	Get(context.Context, any) diag.Diagnostics
}) (*leafModel, diag.Diagnostics) {
	model := leafModel{DNSNames: types.SetNull(types.StringType), IPAddresses: types.SetNull(types.StringType)}
	if r.profile == pki.Client {
		diags := from.Get(ctx, &model.clientModel)
		return &model, diags
	}
	diags := from.Get(ctx, &model)
	return &model, diags
}

func (r *leaf) write(ctx context.Context, to interface {
	Set(context.Context, any) diag.Diagnostics
}, model *leafModel) diag.Diagnostics {
	stored := *model
	stored.CA = inputs.WithoutSecrets(model.CA)
	if r.profile == pki.Client {
		return to.Set(ctx, &stored.clientModel)
	}
	return to.Set(ctx, &stored)
}

// names are the canonical names, and whether all of them are known. Those of a
// certificate request count where none are configured.
func (m *leafModel) names(ctx context.Context) (pki.Names, bool) {
	if noElements(m.DNSNames) && noElements(m.IPAddresses) && !m.CertRequestPEM.IsNull() {
		request, err := m.request()
		if request == nil || err != nil {
			return pki.Names{}, false
		}
		names, err := pki.RequestedNames(request)
		return names, err == nil
	}
	if !inputs.FullyKnown(ctx, m.DNSNames) || !inputs.FullyKnown(ctx, m.IPAddresses) {
		return pki.Names{}, false
	}
	var dnsNames, ipAddresses []string
	diags := m.DNSNames.ElementsAs(ctx, &dnsNames, false)
	diags.Append(m.IPAddresses.ElementsAs(ctx, &ipAddresses, false)...)
	names, err := pki.ParseNames(dnsNames, ipAddresses)
	return names, err == nil && !diags.HasError()
}

// sameNames compares what would stand in the certificate, not how it is
// written. Unknown names are different until they are known.
func (m *leafModel) sameNames(ctx context.Context, state *leafModel) bool {
	planned, ok := m.names(ctx)
	current, _ := state.names(ctx)
	return ok && planned.Equal(current)
}

func (r *leaf) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := certificateAttributes(leafValidityHours,
		"Whether a renewal keeps the private key. Default false: every new certificate has a new key. A key of your own, or a host's, is always kept.",
		"Private key, unencrypted PKCS#8 in PEM: the exact content of the key file that Docker reads. Null with `private_key_pem_wo` or `cert_request_pem`.",
		"A private key of your own in PEM, unencrypted: from a secret store, for instance. Write-only: it is never stored, and `private_key_pem` is null. It is certified at first and whenever `private_key_pem_wo_version` changes; a renewal certifies the same key again.")
	attributes["cert_request_pem"] = schema.StringAttribute{
		Optional: true,
		MarkdownDescription: "A certificate request (PKCS#10) in PEM, made where the private key stays: no private key exists here then. Its signature is checked and its public key certified; " +
			"names are taken from it only where none are configured, and nothing else. A renewal signs the same request again.",
		Validators: []validator.String{
			inputs.NewCheck("a certificate request in PEM", func(text string) error { _, err := pki.ParseCertificateRequest(text); return err }),
			stringvalidator.ConflictsWith(path.MatchRoot("private_key_pem_wo"), path.MatchRoot("private_key_pem_wo_version")),
		},
	}
	attributes["ca"] = inputs.CAAttribute(true)
	attributes["content_sha256"] = schema.StringAttribute{
		Computed:            true,
		MarkdownDescription: "SHA-256 hash over the files to deliver. It changes whenever any of them does: what to hang a restart on, as in `triggers_replace = [docker_tls_server_cert.host.content_sha256]`.",
	}
	if r.profile == pki.Client {
		attributes["subject"] = inputs.SubjectAttribute("Required: it is the user name that Docker's authorization plugins see.")
		attributes["cert_pem"] = schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "The certificate in PEM: the exact content of the client's `cert.pem`. While roots overlap, the chain to the previous ones follows.",
		}
		resp.Schema = schema.Schema{
			Version:             stateVersion,
			MarkdownDescription: "A certificate for a client of Docker daemons (extended key usage clientAuth only): what `docker --tlsverify` reads as `cert.pem` and `key.pem`.",
			Attributes:          attributes,
		}
		return
	}
	attributes["subject"] = inputs.SubjectAttribute("Default: the first of the names in sort order, wildcards after other names and addresses last. Clients do not compare it.")
	attributes["cert_pem"] = schema.StringAttribute{
		Computed:            true,
		MarkdownDescription: "The certificate in PEM: the exact content of the daemon's `server-cert.pem`. While roots overlap, the chain to the previous ones follows.",
	}
	attributes["dns_names"] = schema.SetAttribute{
		ElementType:         types.StringType,
		Optional:            true,
		MarkdownDescription: "Host names by which clients reach the daemon. One leading wildcard label is allowed, as in `*.example.com`. At least one name or address is needed.",
		Validators: []validator.Set{setvalidator.ValueStringsAre(inputs.NewCheck(
			"a DNS name", func(text string) error { _, err := pki.ParseDNSName(text); return err },
		))},
	}
	attributes["ip_addresses"] = schema.SetAttribute{
		ElementType:         types.StringType,
		Optional:            true,
		MarkdownDescription: "IPv4 and IPv6 addresses by which clients reach the daemon.",
		Validators: []validator.Set{setvalidator.ValueStringsAre(inputs.NewCheck(
			"an IP address", func(text string) error { _, err := pki.ParseIPAddress(text); return err },
		))},
	}
	resp.Schema = schema.Schema{
		Version:             stateVersion,
		MarkdownDescription: "A certificate for a Docker daemon (extended key usage serverAuth only): what `dockerd --tlsverify` reads as `--tlscert` and `--tlskey`.",
		Attributes:          attributes,
	}
}
