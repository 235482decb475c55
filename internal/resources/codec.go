package resources

import (
	"context"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// getter is a configuration, a plan or a state of the framework.
type getter interface {
	Get(ctx context.Context, target any) diag.Diagnostics
}

// setter is a plan or a state of the framework.
type setter interface {
	Set(ctx context.Context, value any) diag.Diagnostics
}

// decode reads the attributes into the fields of a model that bear their names; a
// field without an attribute stays as it is. The framework does the same with a
// struct, and compiles a regular expression for each field of each struct that
// it meets: half the time of a refresh.
func decode(ctx context.Context, from getter, model any) diag.Diagnostics {
	var object types.Object
	diags := from.Get(ctx, &object)
	if diags.HasError() {
		return diags
	}
	attributes := object.Attributes()
	value := reflect.ValueOf(model).Elem()
	for name, index := range modelFields[value.Type()] {
		if attribute, ok := attributes[name]; ok {
			value.FieldByIndex(index).Set(reflect.ValueOf(attribute))
		}
	}
	return diags
}

// encode writes the attributes of a plan or a state from the fields of a model.
func encode(ctx context.Context, to setter, model any) diag.Diagnostics {
	attributes := attributeTypes(to)
	value := reflect.ValueOf(model).Elem()
	fields := modelFields[value.Type()]
	values := make(map[string]attr.Value, len(attributes))
	for name := range attributes {
		values[name], _ = value.FieldByIndex(fields[name]).Interface().(attr.Value)
	}
	object, diags := types.ObjectValue(attributes, values)
	if diags.HasError() {
		return diags
	}
	return append(diags, to.Set(ctx, object)...)
}

func attributeTypes(to setter) map[string]attr.Type {
	var schema interface{ Type() attr.Type }
	switch to := to.(type) {
	case *tfsdk.Plan:
		schema = to.Schema
	case *tfsdk.State:
		schema = to.Schema
	}
	object, _ := schema.Type().(basetypes.ObjectType)
	return object.AttrTypes
}

// modelFields are the fields of the models by their attributes' names.
var modelFields = map[reflect.Type]map[string][]int{
	reflect.TypeFor[caModel]():     fieldsOf(reflect.TypeFor[caModel]()),
	reflect.TypeFor[leafModel]():   fieldsOf(reflect.TypeFor[leafModel]()),
	reflect.TypeFor[daemonModel](): fieldsOf(reflect.TypeFor[daemonModel]()),
}

// fieldsOf finds the fields that have a tag, those of embedded structs among them.
func fieldsOf(model reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for _, field := range reflect.VisibleFields(model) {
		if name := field.Tag.Get("tfsdk"); name != "" {
			fields[name] = field.Index
		}
	}
	return fields
}
