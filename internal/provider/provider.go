// Package provider lists what the provider offers.
package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/datasources"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/deploy"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/ephemerals"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/functions"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/resources"
)

// Address is where the registry has this provider.
const Address = "registry.terraform.io/seed-2716f8bf/docker-tls"

type dockerTLS struct {
	version string
	now     func() time.Time
	keys    pki.Keyring                      // of authorities, for as long as this process serves
	reach   func(deploy.Host) resources.Host // nil but in tests
	open    resources.OpenFunc               // nil but in tests
}

var (
	_ provider.ProviderWithEphemeralResources = (*dockerTLS)(nil)
	_ provider.ProviderWithFunctions          = (*dockerTLS)(nil)
)

// New makes the provider. now is its only clock.
func New(version string, now func() time.Time) func() provider.Provider {
	return func() provider.Provider { return &dockerTLS{version: version, now: now} }
}

// Metadata gives the type name whose first part, docker, is the local name that
// Terraform derives from `docker_tls_…`.
func (p *dockerTLS) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "docker_tls"
	resp.Version = p.version
}

func (p *dockerTLS) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The PKI of `dockerd --tlsverify` as infrastructure code: the authority, the certificates of daemons and clients, their delivery and their rotation.",
		Attributes:          map[string]schema.Attribute{"rollout": rolloutAttribute()},
	}
}

// Configure makes the rollout that all hosts of a run share.
func (p *dockerTLS) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var rollout types.Object
	if resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("rollout"), &rollout)...); !resp.Diagnostics.HasError() {
		resp.ResourceData = newRollout(rollout)
	}
}

func (p *dockerTLS) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		func() resource.Resource { return resources.NewCA(p.now, &p.keys) },
		func() resource.Resource { return resources.NewServerCert(p.now, &p.keys) },
		func() resource.Resource { return resources.NewClientCert(p.now, &p.keys) },
		func() resource.Resource { return resources.NewDaemon(p.now, &p.keys, p.reach, p.open) },
	}
}

func (p *dockerTLS) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{
		func() ephemeral.EphemeralResource { return ephemerals.NewClientCert(p.now, &p.keys) },
	}
}

func (p *dockerTLS) DataSources(context.Context) []func() datasource.DataSource {
	return datasources.All(p.now)
}

func (p *dockerTLS) Functions(context.Context) []func() function.Function { return functions.All() }
