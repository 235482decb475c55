package provider_test

import (
	"context"
	"fmt"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
)

// isKnown checks that a plan knows an attribute.
type isKnown struct{ address, name string }

func (c isKnown) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	change := changeOf(req.Plan, c.address)
	if change == nil {
		resp.Error = fmt.Errorf("%s is not in the plan", c.address)
		return
	}
	// Where an object has unknown parts, they stand there as an object.
	unknowns, _ := change.AfterUnknown.(map[string]any)
	if unknown, _ := unknowns[c.name].(bool); unknown {
		resp.Error = fmt.Errorf("%s.%s is unknown in the plan", c.address, c.name)
	}
}

func changeOf(plan *tfjson.Plan, address string) *tfjson.Change {
	for _, change := range plan.ResourceChanges {
		if change.Address == address {
			return change.Change
		}
	}
	return nil
}

// certificates checks how many certificates an attribute holds.
func certificates(address, name string, want int) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		value, err := attribute(state, address, name)
		if got := strings.Count(value, "BEGIN CERTIFICATE"); err == nil && got != want {
			err = fmt.Errorf("%s.%s holds %d certificates, not %d", address, name, got, want)
		}
		return err
	}
}
