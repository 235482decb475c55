package resources

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// clientModel is the schema of docker_tls_client_cert.
type clientModel struct {
	certificateModel
	CA            types.Object `tfsdk:"ca"`
	ContentSHA256 types.String `tfsdk:"content_sha256"`
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
	model.CA = withoutSecrets(model.CA)
	if r.profile == pki.Client {
		return to.Set(ctx, &model.clientModel)
	}
	return to.Set(ctx, model)
}

// names are the canonical names, and whether all of them are known.
func (m *leafModel) names(ctx context.Context) (pki.Names, bool) {
	if !fullyKnown(ctx, m.DNSNames) || !fullyKnown(ctx, m.IPAddresses) {
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
	attributes := certificateAttributes(leafValidityHours, "Whether a renewal keeps the private key. Default false: every new certificate has a new key.")
	attributes["ca"] = caAttribute()
	attributes["content_sha256"] = schema.StringAttribute{
		Computed:            true,
		MarkdownDescription: "SHA-256 hash over the files to deliver. It changes whenever any of them does: what to hang a restart on, as in `triggers_replace = [docker_tls_server_cert.host.content_sha256]`.",
	}
	if r.profile == pki.Client {
		attributes["subject"] = subjectAttribute("Required: it is the user name that Docker's authorization plugins see.")
		attributes["cert_pem"] = schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "The certificate in PEM: the exact content of the client's `cert.pem`. While roots overlap, the chain to the previous ones follows.",
		}
		resp.Schema = schema.Schema{
			MarkdownDescription: "A certificate for a client of Docker daemons (extended key usage clientAuth only): what `docker --tlsverify` reads as `cert.pem` and `key.pem`.",
			Attributes:          attributes,
		}
		return
	}
	attributes["subject"] = subjectAttribute("Default: the first of the names in sort order, wildcards after other names and addresses last. Clients do not compare it.")
	attributes["cert_pem"] = schema.StringAttribute{
		Computed:            true,
		MarkdownDescription: "The certificate in PEM: the exact content of the daemon's `server-cert.pem`. While roots overlap, the chain to the previous ones follows.",
	}
	attributes["dns_names"] = schema.SetAttribute{
		ElementType:         types.StringType,
		Optional:            true,
		MarkdownDescription: "Host names by which clients reach the daemon. One leading wildcard label is allowed, as in `*.example.com`. At least one name or address is needed.",
		Validators: []validator.Set{setvalidator.ValueStringsAre(check{
			"a DNS name", func(text string) error { _, err := pki.ParseDNSName(text); return err },
		})},
	}
	attributes["ip_addresses"] = schema.SetAttribute{
		ElementType:         types.StringType,
		Optional:            true,
		MarkdownDescription: "IPv4 and IPv6 addresses by which clients reach the daemon.",
		Validators: []validator.Set{setvalidator.ValueStringsAre(check{
			"an IP address", func(text string) error { _, err := pki.ParseIPAddress(text); return err },
		})},
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "A certificate for a Docker daemon (extended key usage serverAuth only): what `dockerd --tlsverify` reads as `--tlscert` and `--tlskey`.",
		Attributes:          attributes,
	}
}
