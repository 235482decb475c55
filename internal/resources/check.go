package resources

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// check is a validator of strings on top of a function of package pki.
type check struct {
	description string
	valid       func(string) error
}

var _ validator.String = check{}

func (c check) Description(context.Context) string         { return c.description }
func (c check) MarkdownDescription(context.Context) string { return c.description }

func (c check) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := c.valid(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid value", sentence(err))
	}
}
