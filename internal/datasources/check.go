package datasources

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// check makes a validator of a function that parses. description completes the
// sentence "value …"; accept's error says what is wrong, and is shown as is, so
// it must not quote secrets.
func check(description string, accept func(string) error) validator.String {
	return stringCheck{description, accept}
}

type stringCheck struct {
	description string
	accept      func(string) error
}

func (c stringCheck) Description(context.Context) string         { return "value " + c.description }
func (c stringCheck) MarkdownDescription(context.Context) string { return "value " + c.description }

func (c stringCheck) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := c.accept(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid "+req.Path.String(), err.Error())
	}
}
