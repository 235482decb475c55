package tfsim

import (
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Here is what Terraform itself does around a provider: which values it
// proposes, and which answers it refuses.

// fields are the attributes of an object; of a null one, all null.
func fields(attributes []*tfprotov6.SchemaAttribute, object tftypes.Value) Values {
	values := Values{}
	if object.IsKnown() && !object.IsNull() {
		if err := object.As(&values); err != nil {
			panic(err)
		}
		return values
	}
	for _, attribute := range attributes {
		values[attribute.Name] = Null(attribute.ValueType())
	}
	return values
}

// propose is the proposed new state: the configuration, and for what it
// leaves to the provider the prior value. Write-only arguments are null.
func propose(attributes []*tfprotov6.SchemaAttribute, prior, config Values) Values {
	proposed := Values{}
	for _, attribute := range attributes {
		name := attribute.Name
		old, configured := prior[name], config[name]
		switch {
		case attribute.WriteOnly:
			proposed[name] = Null(attribute.ValueType())
		case attribute.Computed && configured.IsNull():
			proposed[name] = old
			if attribute.NestedType != nil && hasConfigured(attribute.NestedType.Attributes, old) {
				proposed[name] = configured // it must have been configured before, and is no longer
			}
		case attribute.NestedType != nil && configured.IsKnown() && !configured.IsNull():
			nested := attribute.NestedType.Attributes
			proposed[name] = tftypes.NewValue(attribute.ValueType(),
				propose(nested, fields(nested, old), fields(nested, configured)))
		default:
			proposed[name] = configured
		}
	}
	return proposed
}

// hasConfigured reports whether an object has values that no provider
// can have computed.
func hasConfigured(attributes []*tfprotov6.SchemaAttribute, object tftypes.Value) bool {
	values := fields(attributes, object)
	for _, attribute := range attributes {
		if !attribute.Computed && !values[attribute.Name].IsNull() {
			return true
		}
	}
	return false
}

// checkPlan refuses plans that contradict the configuration.
func checkPlan(attributes []*tfprotov6.SchemaAttribute, prior, config, planned Values) error {
	errs := []error{checkWriteOnly(attributes, planned)}
	for _, attribute := range attributes {
		name := attribute.Name
		old, configured, value := prior[name], config[name], planned[name]
		switch {
		case attribute.WriteOnly:
		case value.Equal(configured), attribute.Computed && configured.IsNull():
		case !configured.IsNull() && !old.IsNull() && value.Equal(old): // the provider takes them for the same
		case attribute.NestedType != nil && !isLeaf(configured) && !isLeaf(value):
			nested := attribute.NestedType.Attributes
			if err := checkPlan(nested, fields(nested, old), fields(nested, configured), fields(nested, value)); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		default:
			errs = append(errs, fmt.Errorf("invalid plan: %s differs from its configuration", name))
		}
	}
	return errors.Join(errs...)
}

// checkWriteOnly refuses write-only values in plans and states.
func checkWriteOnly(attributes []*tfprotov6.SchemaAttribute, values Values) error {
	var errs []error
	for _, attribute := range attributes {
		value := values[attribute.Name]
		switch {
		case attribute.WriteOnly && !value.IsNull():
			errs = append(errs, fmt.Errorf("the write-only %s is not null", attribute.Name))
		case attribute.NestedType != nil:
			errs = append(errs, checkWriteOnly(attribute.NestedType.Attributes, fields(attribute.NestedType.Attributes, value)))
		}
	}
	return errors.Join(errs...)
}

// checkPromise refuses a value that is not what an earlier one promised:
// what was known stays, what was unknown may become anything.
func checkPromise(promised, actual tftypes.Value) error {
	differences, err := promised.Diff(actual)
	if err != nil {
		return err
	}
	var errs []error
	for _, difference := range differences {
		if difference.Value1 == nil || covered(promised, difference.Path) {
			continue
		}
		if difference.Value2 != nil && !isLeaf(*difference.Value1) && !isLeaf(*difference.Value2) {
			continue // the differences inside follow
		}
		errs = append(errs, fmt.Errorf("%s was promised otherwise (a known value changed, or became unknown)", difference.Path))
	}
	return errors.Join(errs...)
}

func isLeaf(value tftypes.Value) bool {
	if !value.IsKnown() || value.IsNull() {
		return true
	}
	_, isObject := value.Type().(tftypes.Object)
	return !isObject
}

// covered reports whether the value at a path, or one around it, is
// unknown.
func covered(value tftypes.Value, path *tftypes.AttributePath) bool {
	if !value.IsKnown() {
		return true
	}
	for _, step := range path.Steps() {
		next, err := value.ApplyTerraform5AttributePathStep(step)
		if err != nil {
			return false
		}
		inner, ok := next.(tftypes.Value)
		if !ok {
			return false
		}
		if value = inner; !value.IsKnown() {
			return true
		}
	}
	return false
}
