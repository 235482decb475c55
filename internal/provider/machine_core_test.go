package provider_test

import (
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// What Terraform itself does around a provider: which values it proposes, and
// which answers it refuses.

type machineValues = map[string]tftypes.Value

// machineFields are the attributes of an object; of a null one, all null.
func machineFields(attributes []*tfprotov6.SchemaAttribute, object tftypes.Value) machineValues {
	fields := machineValues{}
	if object.IsKnown() && !object.IsNull() {
		if err := object.As(&fields); err != nil {
			panic(err)
		}
		return fields
	}
	for _, attribute := range attributes {
		fields[attribute.Name] = tftypes.NewValue(attribute.ValueType(), nil)
	}
	return fields
}

// machinePropose is the proposed new state: the configuration, and for what it
// leaves to the provider the prior value. Write-only arguments are null.
func machinePropose(attributes []*tfprotov6.SchemaAttribute, prior, config machineValues) machineValues {
	proposed := machineValues{}
	for _, attribute := range attributes {
		name := attribute.Name
		old, configured := prior[name], config[name]
		switch {
		case attribute.WriteOnly:
			proposed[name] = tftypes.NewValue(attribute.ValueType(), nil)
		case attribute.Computed && configured.IsNull():
			proposed[name] = old
			if attribute.NestedType != nil && machineHasConfigured(attribute.NestedType.Attributes, old) {
				proposed[name] = configured // it must have been configured before, and is no longer
			}
		case attribute.NestedType != nil && configured.IsKnown() && !configured.IsNull():
			nested := attribute.NestedType.Attributes
			proposed[name] = tftypes.NewValue(attribute.ValueType(),
				machinePropose(nested, machineFields(nested, old), machineFields(nested, configured)))
		default:
			proposed[name] = configured
		}
	}
	return proposed
}

// machineHasConfigured reports whether an object has values that no provider
// can have computed.
func machineHasConfigured(attributes []*tfprotov6.SchemaAttribute, object tftypes.Value) bool {
	fields := machineFields(attributes, object)
	for _, attribute := range attributes {
		if !attribute.Computed && !fields[attribute.Name].IsNull() {
			return true
		}
	}
	return false
}

// machineCheckPlan refuses plans that contradict the configuration.
func machineCheckPlan(attributes []*tfprotov6.SchemaAttribute, prior, config, planned machineValues) error {
	errs := []error{machineCheckWriteOnly(attributes, planned)}
	for _, attribute := range attributes {
		name := attribute.Name
		old, configured, value := prior[name], config[name], planned[name]
		switch {
		case attribute.WriteOnly:
		case value.Equal(configured), attribute.Computed && configured.IsNull():
		case !configured.IsNull() && !old.IsNull() && value.Equal(old):
		case attribute.NestedType != nil && configured.IsKnown() && !configured.IsNull() && value.IsKnown() && !value.IsNull():
			nested := attribute.NestedType.Attributes
			if err := machineCheckPlan(nested, machineFields(nested, old), machineFields(nested, configured), machineFields(nested, value)); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		default:
			errs = append(errs, fmt.Errorf("invalid plan: %s differs from its configuration", name))
		}
	}
	return errors.Join(errs...)
}

// machineCheckWriteOnly refuses write-only values in plans and states.
func machineCheckWriteOnly(attributes []*tfprotov6.SchemaAttribute, values machineValues) error {
	var errs []error
	for _, attribute := range attributes {
		value := values[attribute.Name]
		switch {
		case attribute.WriteOnly && !value.IsNull():
			errs = append(errs, fmt.Errorf("the write-only %s is not null", attribute.Name))
		case attribute.NestedType != nil:
			errs = append(errs, machineCheckWriteOnly(attribute.NestedType.Attributes, machineFields(attribute.NestedType.Attributes, value)))
		}
	}
	return errors.Join(errs...)
}

// machineCompatible refuses a value that is not what an earlier one promised:
// what was known stays, what was unknown may become anything.
func machineCompatible(promised, actual tftypes.Value) error {
	differences, err := promised.Diff(actual)
	if err != nil {
		return err
	}
	var errs []error
	for _, difference := range differences {
		if difference.Value1 == nil || machineCovered(promised, difference.Path) {
			continue
		}
		if difference.Value2 != nil && !machineIsLeaf(*difference.Value1) && !machineIsLeaf(*difference.Value2) {
			continue // the differences inside follow
		}
		errs = append(errs, fmt.Errorf("%s was promised otherwise (a known value changed, or became unknown)", difference.Path))
	}
	return errors.Join(errs...)
}

func machineIsLeaf(value tftypes.Value) bool {
	if !value.IsKnown() || value.IsNull() {
		return true
	}
	_, isObject := value.Type().(tftypes.Object)
	return !isObject
}

// machineCovered reports whether the value at a path, or one around it, is
// unknown.
func machineCovered(value tftypes.Value, path *tftypes.AttributePath) bool {
	if !value.IsKnown() {
		return true
	}
	for _, step := range path.Steps() {
		next, err := value.ApplyTerraform5AttributePathStep(step)
		if err != nil {
			return false
		}
		value = next.(tftypes.Value)
		if !value.IsKnown() {
			return true
		}
	}
	return false
}
