package resources

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

type clientCert struct{ leaf }

var (
	_ resource.ResourceWithModifyPlan     = (*clientCert)(nil)
	_ resource.ResourceWithValidateConfig = (*clientCert)(nil)
	_ resource.ResourceWithImportState    = (*clientCert)(nil)
	_ resource.ResourceWithMoveState      = (*clientCert)(nil)
	_ resource.ResourceWithUpgradeState   = (*clientCert)(nil)
)

// NewClientCert is the resource docker_tls_client_cert.
func NewClientCert(now func() time.Time, keys *pki.Keyring) resource.Resource {
	return &clientCert{leaf{pki.Client, now, keys}}
}

func (r *clientCert) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "docker_tls_client_cert"
}

func (r *clientCert) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := leafAttributes()
	attributes["subject"] = subjectAttribute("Required: it is the user name that Docker's authorization plugins see.")
	attributes["cert_pem"] = schema.StringAttribute{
		Computed:            true,
		MarkdownDescription: "The certificate in PEM: the exact content of the client's `cert.pem`. While roots overlap, the chain to the previous roots follows.",
	}
	resp.Schema = schema.Schema{
		Version:             stateVersion,
		MarkdownDescription: "A certificate for a client of Docker daemons (extended key usage clientAuth only): what `docker --tlsverify` reads as `cert.pem` and `key.pem`.",
		Attributes:          attributes,
	}
}
