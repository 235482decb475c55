package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

type daemonJSON struct{}

func newDaemonJSON() function.Function { return daemonJSON{} }

func (daemonJSON) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "daemon_json"
}

func (daemonJSON) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The daemon.json of a host that serves Docker over TLS",
		MarkdownDescription: "Returns the text of `/etc/docker/daemon.json`, with sorted keys, for hosts that get their files in another way than by `cloud_init` or `ignition`. " +
			"It names the files `ca.pem`, `server-cert.pem` and `server-key.pem` in the directory of the options. " +
			"Of the options, `address` matters only with `listen = \"hosts\"`, and `clients` only in `ca.pem`. Both are checked all the same, so that one object serves all functions.\n\n" +
			"With mode `tlsverify` there is always an absolute `tlscacert`. Without it, Docker would trust every authority that the host's system trusts.",
		VariadicParameter: hostOptions(),
		Return:            function.StringReturn{},
	}
}

func (daemonJSON) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var options []types.Dynamic
	if resp.Error = req.Arguments.Get(ctx, &options); resp.Error != nil {
		return
	}
	o, known, failure := newOptions(ctx, options, 0, docker.NewOptions)
	if failure != nil {
		resp.Error = failure
		return
	}
	if !known {
		resp.Error = setUnknown(ctx, &resp.Result)
		return
	}
	text, err := docker.DaemonJSON(o)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, text)
}
