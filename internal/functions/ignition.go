package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

type ignition struct{}

func newIgnition() function.Function { return ignition{} }

func (ignition) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "ignition"
}

func (ignition) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Ignition configuration that makes a host serve Docker over TLS",
		MarkdownDescription: "Returns an Ignition 3.4.0 configuration (JSON) for Flatcar and Fedora CoreOS: the certificates, `daemon.json`, " +
			"the socket unit, enabled, and a drop-in for `docker.service`. The files are the same as with `cloud_init`.\n\n" +
			"To combine the result with other configuration, merge it: `ignition.config.merge` in Ignition, or a `merge` with `inline` in Butane.\n\n" +
			"`listen = \"hosts\"` is an error here: both systems start Docker with `-H fd://`, which clashes with it. " +
			"Without `private_key_pem`, a comment in the drop-in says where the host's own private key must lie.",
		Parameters:        []function.Parameter{identityParameter("server", "The host's certificate, as in `docker_tls_server_cert.example`.")},
		VariadicParameter: hostOptions(),
		Return:            function.StringReturn{},
	}
}

func (ignition) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	runWithOptions(ctx, req, resp, docker.NewIgnitionOptions, docker.Ignition)
}
