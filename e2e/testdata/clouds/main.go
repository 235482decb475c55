// Command clouds stands in for the providers of AWS, Google, Azure and Hetzner Cloud, which the tests cannot have. Its
// resources have the names and the arguments that the guide "Clouds" uses, as the documentation of those providers has
// them, and make nothing: what is computed is made up. So it can show what Terraform makes of the guide's
// configuration, and not what a cloud makes of it.
package main

import (
	"cmp"
	"context"
	"log"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// kinds are the types of resources. An argument is required; with ? it is optional, with = an attribute is computed. A
// change of one with ! replaces the resource. Behind : is the type, if it is not a string. A block is below its name.
var kinds = map[string]block{
	"aws_instance": {attributes: "ami instance_type subnet_id? vpc_security_group_ids?:list user_data? user_data_base64? private_ip= public_ip=", blocks: map[string]block{
		"primary_network_interface": {attributes: "network_interface_id"},
		"metadata_options":          {attributes: "http_tokens? http_put_response_hop_limit?:number"},
	}},
	"aws_network_interface":               {attributes: "subnet_id security_groups?:list private_ip="},
	"aws_security_group":                  {attributes: "vpc_id?"},
	"aws_vpc_security_group_egress_rule":  {attributes: "security_group_id cidr_ipv4? from_port?:number to_port?:number ip_protocol"},
	"aws_vpc_security_group_ingress_rule": {attributes: "security_group_id cidr_ipv4? from_port?:number to_port?:number ip_protocol"},
	"aws_route53_record":                  {attributes: "zone_id name type ttl?:number records?:list"},
	"google_compute_address":              {attributes: "name address="},
	"google_compute_instance": {attributes: "name machine_type zone? metadata?:map", blocks: map[string]block{
		"boot_disk":         {blocks: map[string]block{"initialize_params": {attributes: "image?"}}},
		"network_interface": {attributes: "network?", blocks: map[string]block{"access_config": {attributes: "nat_ip?"}}},
	}},
	"azurerm_public_ip": {attributes: "name resource_group_name location allocation_method ip_address="},
	"azurerm_network_interface": {attributes: "name resource_group_name location", blocks: map[string]block{
		"ip_configuration": {attributes: "name subnet_id? private_ip_address_allocation public_ip_address_id?"},
	}},
	"azurerm_linux_virtual_machine": {attributes: "name resource_group_name location size admin_username custom_data?! network_interface_ids:list", blocks: map[string]block{
		"admin_ssh_key":          {attributes: "username public_key"},
		"os_disk":                {attributes: "caching storage_account_type"},
		"source_image_reference": {attributes: "publisher offer sku version"},
	}},
	"hcloud_primary_ip": {attributes: "name type location? assignee_type auto_delete:bool ip_address="},
	"hcloud_server": {attributes: "name server_type image? location? user_data?! firewall_ids?:list ipv4_address=", blocks: map[string]block{
		"public_net": {attributes: "ipv4?:number"},
	}},
	"hcloud_firewall": {attributes: "name", blocks: map[string]block{
		"rule": {attributes: "direction protocol port? source_ips?:list"},
	}},
}

// block is what stands in a resource or in a block.
type block struct {
	attributes string
	blocks     map[string]block
}

// schemas are the attributes and blocks as the framework has them.
func (b block) schemas() (map[string]schema.Attribute, map[string]schema.Block) {
	attributes, blocks := map[string]schema.Attribute{}, map[string]schema.Block{}
	for _, field := range strings.Fields(b.attributes) {
		field, kind, _ := strings.Cut(field, ":")
		name := strings.TrimRight(field, "?=!")
		attributes[name] = attribute(kind, strings.TrimPrefix(field, name))
	}
	for name, inner := range b.blocks {
		attributes, blocksOf := inner.schemas()
		blocks[name] = schema.ListNestedBlock{NestedObject: schema.NestedBlockObject{Attributes: attributes, Blocks: blocksOf}}
	}
	return attributes, blocks
}

func attribute(kind, marks string) schema.Attribute {
	computed, optional := strings.Contains(marks, "="), strings.Contains(marks, "?")
	required := !computed && !optional
	switch kind {
	case "number":
		return schema.Int64Attribute{Optional: optional, Required: required}
	case "bool":
		return schema.BoolAttribute{Optional: optional, Required: required}
	case "list":
		return schema.ListAttribute{ElementType: types.StringType, Optional: optional, Required: required}
	case "map":
		return schema.MapAttribute{ElementType: types.StringType, Optional: optional, Required: required}
	}
	text := schema.StringAttribute{Computed: computed, Optional: optional, Required: required}
	if computed {
		text.PlanModifiers = []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	}
	if strings.Contains(marks, "!") {
		text.PlanModifiers = []planmodifier.String{stringplanmodifier.RequiresReplace()}
	}
	return text
}

// made is a resource that is what its configuration says.
type made struct{ kind string }

func (m made) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = m.kind
}

func (m made) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema.Attributes, resp.Schema.Blocks = kinds[m.kind].schemas()
	resp.Schema.Attributes["id"] = attribute("", "=")
}

// makeUp fills in what is computed: a number as the id, and addresses, which CLOUD_ADDRESS may say.
func makeUp(plan tftypes.Value) (tftypes.Value, error) {
	return tftypes.Transform(plan, func(path *tftypes.AttributePath, v tftypes.Value) (tftypes.Value, error) {
		if v.IsKnown() {
			return v, nil
		}
		if path.LastStep() == tftypes.AttributeName("id") {
			return tftypes.NewValue(tftypes.String, "10"), nil
		}
		return tftypes.NewValue(tftypes.String, cmp.Or(os.Getenv("CLOUD_ADDRESS"), "192.0.2.5")), nil
	})
}

func (m made) Create(_ context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	value, err := makeUp(req.Plan.Raw)
	if err != nil {
		resp.Diagnostics.AddError("make up", err.Error())
	}
	resp.State.Raw = value
}

func (made) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (made) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}

func (made) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// clouds is all of the providers in one: Terraform asks each only for its own resources.
type clouds struct{}

func (clouds) Metadata(context.Context, provider.MetadataRequest, *provider.MetadataResponse) {}

func (clouds) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (clouds) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}

func (clouds) DataSources(context.Context) []func() datasource.DataSource { return nil }

func (clouds) Resources(context.Context) []func() resource.Resource {
	var list []func() resource.Resource
	for kind := range kinds {
		list = append(list, func() resource.Resource { return made{kind} })
	}
	return list
}

func main() {
	err := providerserver.Serve(context.Background(), func() provider.Provider { return clouds{} }, providerserver.ServeOpts{Address: "registry.terraform.io/test/clouds"})
	if err != nil {
		log.Fatal(err)
	}
}
