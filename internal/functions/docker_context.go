package functions

import (
	"context"
	"encoding/base64"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

type dockerContext struct{}

func newDockerContext() function.Function { return dockerContext{} }

func (dockerContext) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "docker_context"
}

func (dockerContext) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "An archive for docker context import",
		MarkdownDescription: "Returns a tar archive, base64-encoded, with a daemon's address and a client's certificates. " +
			"Write the archive with `local_sensitive_file`, its `content_base64` and `file_permission = \"0600\"`, then run `docker context import web1 web1.dockercontext`.\n\n" +
			"If `private_key_pem` of the client is null, that is an error, because Docker would silently connect without a certificate.\n\n" +
			"!> **Danger:** The archive holds the private key: whoever has it is root on the daemon's host.",
		Parameters: []function.Parameter{
			function.StringParameter{
				Name:                "name",
				AllowUnknownValues:  true,
				MarkdownDescription: "Name of the context, by Docker's rule: at least two characters out of letters, digits and `_` `.` `+` `-`. The first is a letter or digit. The name is not `default`.",
			},
			hostParameter(),
			identityParameter("client", "The client's certificate, as in `docker_tls_client_cert.example`."),
		},
		VariadicParameter: optionsParameter(daemonsOption),
		Return:            function.StringReturn{},
	}
}

func (dockerContext) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var name, host types.String
	var client types.Object
	var options []types.Dynamic
	if resp.Error = req.Arguments.Get(ctx, &name, &host, &client, &options); resp.Error != nil {
		return
	}
	if err := docker.CheckContextName(name.ValueString()); err != nil && !name.IsUnknown() {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	endpoint, err := docker.ParseEndpoint(host.ValueString())
	if err != nil && !host.IsUnknown() {
		resp.Error = function.NewArgumentFuncError(1, err.Error())
		return
	}
	o, optionsKnown, failure := newOptions(ctx, options, 3, docker.NewContextOptions)
	if failure != nil {
		resp.Error = failure
		return
	}
	id, known, failure := newIdentity(client, 2)
	if failure != nil {
		resp.Error = failure
		return
	}
	if !known || !optionsKnown || name.IsUnknown() || host.IsUnknown() {
		resp.Error = setUnknown(ctx, &resp.Result)
		return
	}
	archive, err := docker.ContextArchive(name.ValueString(), endpoint, id, o)
	if err != nil {
		resp.Error = argumentError(err, 2, 3)
		return
	}
	resp.Error = resp.Result.Set(ctx, base64.StdEncoding.EncodeToString(archive))
}
