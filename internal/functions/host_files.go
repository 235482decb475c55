package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

type hostFiles struct{}

func newHostFiles() function.Function { return hostFiles{} }

func (hostFiles) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "host_files"
}

func (hostFiles) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "The files of a host that serves Docker over TLS",
		MarkdownDescription: "Returns all files that `cloud_init` writes, for another way to deliver them: a map from absolute path to an object with `content` and `permissions`. " +
			"`permissions` are four octal digits such as `\"0400\"`. All files belong to root.\n\n" +
			"The map is as sensitive as the private key in it, and Terraform refuses sensitive values in `for_each`: iterate over `nonsensitive(keys(…))` and index the map.\n\n" +
			"Also run what `cloud_init` runs: `systemctl daemon-reload` and `systemctl enable docker-tls.socket`. If Docker runs already, also run " +
			"`systemctl stop docker-tls.socket` and `systemctl restart docker`.",
		Parameters:        []function.Parameter{identityParameter("server", "The host's certificate, as in `docker_tls_server_cert.example`.")},
		VariadicParameter: hostOptions(),
		Return: function.MapReturn{ElementType: types.ObjectType{AttrTypes: map[string]attr.Type{
			"content": types.StringType, "permissions": types.StringType,
		}}},
	}
}

func (hostFiles) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	runWithOptions(ctx, req, resp, docker.NewOptions, hostFileObjects)
}

// hostFile is one file as Terraform has it.
type hostFile struct {
	Content     string `tfsdk:"content"`
	Permissions string `tfsdk:"permissions"`
}

func hostFileObjects(server docker.Identity, o docker.Options) (map[string]hostFile, error) {
	files, err := docker.HostFiles(server, o)
	objects := make(map[string]hostFile, len(files))
	for path, f := range files {
		objects[path] = hostFile(f)
	}
	return objects, err
}
