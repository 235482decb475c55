package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/resources"
)

// rolloutAttribute is the argument `rollout` of the provider.
func rolloutAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "How `docker_tls_daemon` treats many hosts in one run.",
		Attributes: map[string]schema.Attribute{
			"parallel": schema.Int64Attribute{
				CustomType:          inputs.WholeNumber{},
				Optional:            true,
				MarkdownDescription: "How many hosts are delivered to at once. Default 1: one after the other. Terraform's own `-parallelism` bounds it.",
				Validators:          []validator.Int64{int64validator.AtLeast(1)},
			},
			"stop_on_failure": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Whether a failed delivery stops the deliveries to the other hosts. Default true: the hosts that are left stay as they are, each with an error that names the host that failed, and the next apply goes on with them.",
			},
			"probe": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Whether a refresh asks each host which certificate it serves. Default true. Set false for plans that are made where the hosts cannot be reached. The plan then does not see that a host serves another certificate.",
			},
		},
	}
}

// newRollout reads the argument `rollout`. What is not known yet, which only a plan
// sees, has its default.
func newRollout(object types.Object) *resources.Rollout {
	attributes := object.Attributes()
	parallel, stopOnFailure, probe := 1, true, true
	if value, ok := attributes["parallel"].(types.Int64); ok && inputs.Known(value) {
		parallel = int(value.ValueInt64())
	}
	if value, ok := attributes["stop_on_failure"].(types.Bool); ok && inputs.Known(value) {
		stopOnFailure = value.ValueBool()
	}
	if value, ok := attributes["probe"].(types.Bool); ok && inputs.Known(value) {
		probe = value.ValueBool()
	}
	return resources.NewRollout(parallel, stopOnFailure, probe)
}
