package inputs

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Check is a validator of strings on top of a function of package pki.
type Check struct {
	description string
	valid       func(string) error
}

var _ validator.String = Check{}

// NewCheck makes a validator that describes the values that valid accepts.
func NewCheck(description string, valid func(string) error) Check { return Check{description, valid} }

// Description is that of the validator.
func (c Check) Description(context.Context) string { return c.description }

// MarkdownDescription is the same.
func (c Check) MarkdownDescription(context.Context) string { return c.description }

// ValidateString reports a known value that is not valid.
func (c Check) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if !Known(req.ConfigValue) {
		return
	}
	if err := c.valid(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid "+attribute(req.Path), Sentence(err))
	}
}

// attribute is the name of what a path leads to, such as subject.country: of
// an attribute in an object, Terraform shows the line of the resource only.
func attribute(p path.Path) string {
	var names []string
	for _, step := range p.Steps() {
		if name, ok := step.(path.PathStepAttributeName); ok {
			names = append(names, string(name))
		}
	}
	return strings.Join(names, ".")
}

// Known reports whether a value is there to be read.
func Known(value attr.Value) bool { return !value.IsNull() && !value.IsUnknown() }

// FullyKnown reports whether neither a value nor anything in it is unknown.
func FullyKnown(value attr.Value) bool {
	if value.IsUnknown() {
		return false
	}
	switch value := value.(type) {
	case types.Object:
		return allKnown(maps.Values(value.Attributes()))
	case types.Map:
		return allKnown(maps.Values(value.Elements()))
	case interface{ Elements() []attr.Value }: // lists and sets
		return allKnown(slices.Values(value.Elements()))
	}
	return true
}

func allKnown(values iter.Seq[attr.Value]) bool {
	for value := range values {
		if !FullyKnown(value) {
			return false
		}
	}
	return true
}

// Strings are the elements of a list or set of strings that is fully known.
// Null elements are left out: a host without a public address has such a one.
func Strings(collection interface{ Elements() []attr.Value }) []string {
	var texts []string
	for _, element := range collection.Elements() {
		if text, ok := element.(types.String); ok && Known(text) {
			texts = append(texts, text.ValueString())
		}
	}
	return texts
}

// Values is the reverse of [Strings].
func Values(texts []string) []attr.Value {
	var values []attr.Value
	for _, text := range texts {
		values = append(values, types.StringValue(text))
	}
	return values
}

// text is a string among the attributes of an object.
func text(attributes map[string]attr.Value, name string) types.String {
	if value, ok := attributes[name].(types.String); ok {
		return value
	}
	return types.StringNull()
}

// Sentence turns an error into the detail of a diagnostic.
func Sentence(err error) string {
	text := []rune(err.Error())
	text[0] = unicode.ToUpper(text[0])
	return string(text) + "."
}
