package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

type serverFiles struct{}

func newServerFiles() function.Function { return serverFiles{} }

func (serverFiles) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "server_files"
}

func (serverFiles) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The certificates that a daemon reads",
		MarkdownDescription: "Returns a map from file name to content, as `client_files` does for a client: `ca.pem`, `server-cert.pem` and `server-key.pem`, named as in `cloud_init` " +
			"or as another program reads them. The private key is left out if `private_key_pem` is null, because the holder then keeps it.\n\n" +
			"The map is as sensitive as the private key in it. A hash of the map tells when to deliver again, also with `clients`: `nonsensitive(sha256(jsonencode(provider::docker::server_files(…))))`.",
		Parameters: []function.Parameter{identityParameter("server", "The daemon's certificate, as in `docker_tls_server_cert.example`.")},
		VariadicParameter: optionsParameter(clientsOption +
			"  - `layout`: the program that reads the files. `\"docker\"` (default): the names above. " +
			"`\"dind\"`: `server/ca.pem`, `server/cert.pem` and `server/key.pem`, below `DOCKER_TLS_CERTDIR` of docker:dind, and `ca/cert.pem`, without which older images make their own authority. " +
			"`\"buildkitd\"`: `ca.pem`, `cert.pem` and `key.pem`, for `--tlscacert`, `--tlscert` and `--tlskey`. " +
			"`\"registry\"`: `ca.crt`, `domain.crt` and `domain.key`, for `clientcas`, `certificate` and `key` in `http.tls` of a registry. " +
			"`\"podman\"`: `client-ca.pem`, `cert.pem` and `key.pem`, for `--tls-client-ca`, `--tls-cert` and `--tls-key`.\n"),
		Return: function.MapReturn{ElementType: types.StringType},
	}
}

func (serverFiles) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	runWithOptions(ctx, req, resp, docker.NewServerFileOptions, docker.ServerFiles)
}
