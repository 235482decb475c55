package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

type clientFiles struct{}

func newClientFiles() function.Function { return clientFiles{} }

func (clientFiles) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "client_files"
}

func (clientFiles) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The files of a Docker client's directory",
		MarkdownDescription: "Returns a map from file name to content: `ca.pem`, `cert.pem` and `key.pem`, as Docker reads them from `~/.docker` or `DOCKER_CERT_PATH`. " +
			"`key.pem` is left out if `private_key_pem` is null, because the holder then keeps the private key.\n\n" +
			"The map is as sensitive as the private key in it, and Terraform refuses sensitive values in `for_each`: " +
			"iterate over `toset([\"ca.pem\", \"cert.pem\", \"key.pem\"])` and index the map.",
		Parameters: []function.Parameter{identityParameter("client", "The client's certificate, as in `docker_tls_client_cert.example`.")},
		VariadicParameter: optionsParameter(daemonsOption +
			"  - `layout`: the program that reads the files. `\"docker\"` (default): the names above. " +
			"`\"dind\"`: `client/ca.pem`, `client/cert.pem` and `client/key.pem`, below `DOCKER_TLS_CERTDIR` of docker:dind. " +
			"`\"buildx\"`: as `\"docker\"`, for `cacert`, `cert` and `key` of the driver `remote`. " +
			"`\"registry\"`: `ca.crt`, `client.cert` and `client.key`, for a directory of `/etc/docker/certs.d`. " +
			"`\"podman\"`: `ca.pem`, `cert.pem` and `key.pem`, for `--tls-ca`, `--tls-cert` and `--tls-key`.\n"),
		Return: function.MapReturn{ElementType: types.StringType},
	}
}

func (clientFiles) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	runWithOptions(ctx, req, resp, docker.NewClientFileOptions, docker.ClientFiles)
}
