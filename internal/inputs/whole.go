package inputs

import (
	"context"
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// WholeNumber is the type of every whole number that a user gives. It differs
// from [basetypes.Int64Type] in its error alone, which there blames the provider
// for a fraction.
type WholeNumber struct{ basetypes.Int64Type }

var _ basetypes.Int64Typable = WholeNumber{}

// Equal reports whether another type has the same values, which are those of
// [basetypes.Int64Type].
func (t WholeNumber) Equal(other attr.Type) bool {
	_, ok := other.(WholeNumber)
	return ok || t.Int64Type.Equal(other)
}

// String is the name of the type in messages of the framework.
func (t WholeNumber) String() string { return "inputs.WholeNumber" }

// ValueFromTerraform takes a number that is no whole one for unknown, because an
// error here has no words of its own. Validate reports it.
func (t WholeNumber) ValueFromTerraform(ctx context.Context, value tftypes.Value) (attr.Value, error) {
	if fault(value) != "" {
		return basetypes.NewInt64Unknown(), nil
	}
	return t.Int64Type.ValueFromTerraform(ctx, value)
}

// Validate reports a fraction, and a number that is too large.
func (t WholeNumber) Validate(_ context.Context, value tftypes.Value, at path.Path) diag.Diagnostics {
	var diags diag.Diagnostics
	if fault := fault(value); fault != "" {
		diags.AddAttributeError(at, "Invalid "+attribute(at), fault)
	}
	return diags
}

// fault says why a known number is not a whole one of 64 bits.
func fault(value tftypes.Value) string {
	var number *big.Float
	if !value.IsKnown() || value.IsNull() || value.As(&number) != nil {
		return ""
	}
	if !number.IsInt() {
		return "Must be a whole number, not " + number.Text('g', 10) + ": round it, with floor or ceil for instance."
	}
	if _, accuracy := number.Int64(); accuracy != big.Exact {
		return "Must be a whole number that fits into 64 bits, not " + number.Text('g', 10) + "."
	}
	return ""
}
