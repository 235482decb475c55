package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

type clientEnv struct{}

func newClientEnv() function.Function { return clientEnv{} }

func (clientEnv) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "client_env"
}

func (clientEnv) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Environment variables that point Docker clients at a daemon",
		MarkdownDescription: "Returns a map with `DOCKER_HOST`, `DOCKER_TLS_VERIFY` and, if given, `DOCKER_CERT_PATH`, " +
			"as the `environment` of a `local-exec` provisioner takes it.",
		Parameters: []function.Parameter{hostParameter()},
		VariadicParameter: function.StringParameter{
			Name:               "cert_path",
			AllowNullValue:     true,
			AllowUnknownValues: true,
			MarkdownDescription: "At most one: the directory with `ca.pem`, `cert.pem` and `key.pem`. Without it, Docker reads `~/.docker`. " +
				"No shell expands a leading `~` here: write `pathexpand(\"~/.docker/zone1\")`.",
		},
		Return: function.MapReturn{ElementType: types.StringType},
	}
}

// hostParameter is the address of a daemon.
func hostParameter() function.StringParameter {
	return function.StringParameter{
		Name:                "host",
		AllowUnknownValues:  true,
		MarkdownDescription: "The daemon's address: `tcp://host:port`, `host:port`, or `host` for port 2376. An IPv6 address with a port goes in brackets.",
	}
}

func (clientEnv) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var host types.String
	var certPaths []types.String
	if resp.Error = req.Arguments.Get(ctx, &host, &certPaths); resp.Error != nil {
		return
	}
	endpoint, err := docker.ParseEndpoint(host.ValueString())
	if err != nil && !host.IsUnknown() {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	given, _, failure := optional(certPaths, 1, "cert_path")
	if failure != nil {
		resp.Error = failure
		return
	}
	certPath := given.ValueString() // "" if it is null
	if !given.IsNull() && !given.IsUnknown() {
		if err := docker.CheckCertPath(certPath); err != nil {
			resp.Error = function.NewArgumentFuncError(1, err.Error())
			return
		}
	}
	if host.IsUnknown() || given.IsUnknown() {
		resp.Error = setUnknown(ctx, &resp.Result)
		return
	}
	resp.Error = resp.Result.Set(ctx, docker.ClientEnv(endpoint, certPath))
}
