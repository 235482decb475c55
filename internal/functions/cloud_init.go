package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

type cloudInit struct{}

func newCloudInit() function.Function { return cloudInit{} }

func (cloudInit) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "cloud_init"
}

func (cloudInit) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "User data that makes a host serve Docker over TLS",
		MarkdownDescription: "Returns `#cloud-config` text with the certificates, `daemon.json` and the systemd units. The text also restarts a Docker that already runs. " +
			"Docker may come with the image, from a package or from a later script. It finds its configuration in place.\n\n" +
			"- The files are `ca.pem`, `server-cert.pem` (mode 0444) and `server-key.pem` (0400), owned by root, in the directory of the options. " +
			"A `daemon.json` of the image is overwritten: put what it has into `settings`.\n" +
			"- If the server certificate has no `private_key_pem` (it is made from the host's own request, or with a write-only private key), `server-key.pem` is left out. " +
			"A comment in the text says where the private key must lie.\n" +
			"- The files are literal text, so the result compresses: if a cloud takes base64, use `base64gzip(cloud_init(…))`.\n" +
			"- Put the text last in a `cloudinit_config`: its `merge_how` appends its lists to those of earlier parts.\n" +
			"- With `listen = \"socket\"`, `docker.service` refuses to start if `daemon.json` no longer turns TLS on, because systemd would still hand it the port. " +
			"It also refuses if its unit lacks `-H fd://`, or if the unit, or a variable of it, has a flag that `settings` has as well. `journalctl -u docker` then names the cause.\n\n" +
			"!> **Danger:** Whatever on the host can reach the cloud's metadata service can read user data, and the private key in it. If containers can reach it, let the host make its own private key, and use `cert_request_pem`.\n\n" +
			"~> **Warning:** Another version of the provider may write other text for the same host, and most clouds replace an instance whose user data changes. Set `ignore_changes = [user_data]`.",
		Parameters:        []function.Parameter{identityParameter("server", "The host's certificate, as in `docker_tls_server_cert.example`.")},
		VariadicParameter: hostOptions(),
		Return:            function.StringReturn{},
	}
}

func (cloudInit) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	runWithOptions(ctx, req, resp, docker.NewOptions, docker.CloudConfig)
}
