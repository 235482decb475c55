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
		MarkdownDescription: "Returns `#cloud-config` text with the certificates, `daemon.json` and the systemd units, and restarts a Docker that already runs. " +
			"Docker may come with the image, from a package or from a later script: it finds its configuration in place.\n\n" +
			"- The files are `ca.pem`, `server-cert.pem` (mode 0444) and `server-key.pem` (0400), owned by root, in the directory of the options. " +
			"A `daemon.json` that the image has is overwritten: put its settings into `settings`.\n" +
			"- A server certificate without `private_key_pem` (made from the host's own request, or with a write-only key) leaves out `server-key.pem`; " +
			"a comment in the text says where the key must lie.\n" +
			"- The files are literal text, so it compresses: where a cloud takes base64, `base64gzip(cloud_init(…))` will do too.\n" +
			"- Another version of the provider may write other text for the same host, and most clouds replace an instance whose user data changes: set `ignore_changes = [user_data]`.\n" +
			"- The text carries a `merge_how` that appends its lists to those of earlier parts, so in a `cloudinit_config` put it last.\n" +
			"- With `listen = \"socket\"`, `docker.service` refuses to start once `daemon.json` no longer turns TLS on, since systemd would still hand it the port. " +
			"It refuses too, and names the cause in `journalctl -u docker`, where its unit lacks `-H fd://`, and where the unit, or a variable of it, has a flag that `settings` has as well.\n" +
			"- Whatever on the host can reach the cloud's metadata service can read user data, and the key in it. Where containers can, let the host make its own key and sign its request.",
		Parameters:        []function.Parameter{identityParameter("server", "The host's certificate, as in `docker_tls_server_cert.example`.")},
		VariadicParameter: hostOptions(),
		Return:            function.StringReturn{},
	}
}

func (cloudInit) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	runWithOptions(ctx, req, resp, docker.NewOptions, docker.CloudConfig)
}
