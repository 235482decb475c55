package resources

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

type serverCert struct{ leaf }

var (
	_ resource.ResourceWithModifyPlan     = (*serverCert)(nil)
	_ resource.ResourceWithValidateConfig = (*serverCert)(nil)
	_ resource.ResourceWithImportState    = (*serverCert)(nil)
	_ resource.ResourceWithMoveState      = (*serverCert)(nil)
	_ resource.ResourceWithUpgradeState   = (*serverCert)(nil)
)

// NewServerCert is the resource docker_tls_server_cert.
func NewServerCert(now func() time.Time, keys *pki.Keyring) resource.Resource {
	return &serverCert{leaf{pki.Server, now, keys}}
}

func (r *serverCert) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "docker_tls_server_cert"
}

func (r *serverCert) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := leafAttributes()
	attributes["subject"] = subjectAttribute("Default: the first of the names in sort order. Wildcards come after other names, and addresses last. Clients do not compare it.")
	attributes["cert_pem"] = schema.StringAttribute{
		Computed:            true,
		MarkdownDescription: "The certificate in PEM: the exact content of the daemon's `server-cert.pem`. While roots overlap, the chain to the previous roots follows.",
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
