// Command empty is a provider with the schemas of the real one that does nothing:
// its resources store what is configured, and for what is computed the values of
// another state. Its process is set up as the real one's. It says what the framework
// costs with these schemas.
//
// BENCH_EMPTY_STATE names that state.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/process"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/resources"
)

func main() {
	if err := process.Serve("registry.terraform.io/seed-2716f8bf/docker-tls", providerserver.NewProtocol6(empty{}), false); err != nil {
		log.Fatal(err)
	}
}

type empty struct{}

func (empty) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "docker_tls"
}

func (empty) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (empty) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}

func (empty) Resources(context.Context) []func() resource.Resource {
	keys := new(pki.Keyring)
	return []func() resource.Resource{
		func() resource.Resource { return idle{resources.NewCA(time.Now, keys)} },
		func() resource.Resource { return idle{resources.NewServerCert(time.Now, keys)} },
	}
}

func (empty) DataSources(context.Context) []func() datasource.DataSource { return nil }

// idle has the name and the schema of a resource.
type idle struct{ of resource.Resource }

func (r idle) Metadata(ctx context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	r.of.Metadata(ctx, req, resp)
}

func (r idle) Schema(ctx context.Context, req resource.SchemaRequest, resp *resource.SchemaResponse) {
	r.of.Schema(ctx, req, resp)
	resp.Schema.Attributes = unchecked(resp.Schema.Attributes)
}

// unchecked takes the validators off: they are the provider's work, not the framework's.
func unchecked(attributes map[string]schema.Attribute) map[string]schema.Attribute {
	for name, attribute := range attributes {
		switch a := attribute.(type) {
		case schema.StringAttribute:
			a.Validators = nil
			attributes[name] = a
		case schema.Int64Attribute:
			a.Validators = nil
			attributes[name] = a
		case schema.SetAttribute:
			a.Validators = nil
			attributes[name] = a
		case schema.ListAttribute:
			a.Validators = nil
			attributes[name] = a
		case schema.SingleNestedAttribute:
			a.Validators, a.Attributes = nil, unchecked(a.Attributes)
			attributes[name] = a
		}
	}
	return attributes
}

func (r idle) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var metadata resource.MetadataResponse
	r.Metadata(ctx, resource.MetadataRequest{}, &metadata)
	attributes, err := recorded()
	if err != nil {
		resp.Diagnostics.AddError("The recorded state cannot be read", err.Error())
		return
	}
	kind := req.Plan.Schema.Type().TerraformType(ctx)
	values, err := tfprotov6.RawState{JSON: attributes[metadata.TypeName]}.Unmarshal(kind)
	if err == nil {
		resp.State.Raw, err = fill(req.Plan.Raw, values)
	}
	if err != nil {
		resp.Diagnostics.AddError("The recorded state cannot be used", err.Error())
	}
}

// recorded are the attributes of the first instance of each type in the recorded state.
var recorded = sync.OnceValues(func() (map[string]json.RawMessage, error) {
	text, err := os.ReadFile(os.Getenv("BENCH_EMPTY_STATE"))
	if err != nil {
		return nil, err
	}
	var state struct {
		Resources []struct {
			Type      string
			Instances []struct{ Attributes json.RawMessage }
		}
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return nil, err
	}
	attributes := map[string]json.RawMessage{}
	for _, resource := range state.Resources {
		if len(resource.Instances) > 0 {
			attributes[resource.Type] = resource.Instances[0].Attributes
		}
	}
	return attributes, nil
})

// fill puts recorded values in the place of unknown ones.
func fill(plan, recorded tftypes.Value) (tftypes.Value, error) {
	return tftypes.Transform(plan, func(path *tftypes.AttributePath, value tftypes.Value) (tftypes.Value, error) {
		if value.IsKnown() {
			return value, nil
		}
		found, _, err := tftypes.WalkAttributePath(recorded, path)
		if err != nil {
			return value, fmt.Errorf("%s: %w", path, err)
		}
		if found, ok := found.(tftypes.Value); ok {
			return found, nil
		}
		return value, fmt.Errorf("%s is no value", path)
	})
}

func (idle) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (idle) Update(context.Context, resource.UpdateRequest, *resource.UpdateResponse) {}

func (idle) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
