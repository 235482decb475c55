// Command plainest is the plainest provider that there is: one resource that
// stores a map of texts, on the framework and the protocol of the real one.
package main

import (
	"context"
	"crypto/rand"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func main() {
	err := providerserver.Serve(context.Background(), func() provider.Provider { return plainest{} }, providerserver.ServeOpts{
		Address: "registry.terraform.io/seed-2716f8bf/plainest",
	})
	if err != nil {
		log.Fatal(err)
	}
}

type plainest struct{}

func (plainest) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "plainest"
}

func (plainest) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (plainest) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}

func (plainest) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return stored{} }}
}

func (plainest) DataSources(context.Context) []func() datasource.DataSource { return nil }

// stored is the resource plainest_map.
type stored struct{}

func (stored) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "plainest_map"
}

func (stored) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id": schema.StringAttribute{Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}},
		"triggers": schema.MapAttribute{
			Optional: true, ElementType: types.StringType, PlanModifiers: []planmodifier.Map{mapplanmodifier.RequiresReplace()},
		},
	}}
}

func (stored) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	resp.State.Raw = req.Plan.Raw
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), rand.Text())...)
}

func (stored) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (stored) Update(context.Context, resource.UpdateRequest, *resource.UpdateResponse) {}

func (stored) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
