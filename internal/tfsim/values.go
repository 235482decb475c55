package tfsim

import (
	"maps"
	"math/big"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Values are those of attributes, by name.
type Values = map[string]tftypes.Value

// String is a text.
func String(text string) tftypes.Value { return tftypes.NewValue(tftypes.String, text) }

// Int is a whole number.
func Int(number int64) tftypes.Value { return tftypes.NewValue(tftypes.Number, number) }

// Bool is true or false.
func Bool(yes bool) tftypes.Value { return tftypes.NewValue(tftypes.Bool, yes) }

// Set is a set of texts.
func Set(texts ...string) tftypes.Value {
	return tftypes.NewValue(tftypes.Set{ElementType: tftypes.String}, textValues(texts))
}

// List is a list of texts.
func List(texts ...string) tftypes.Value {
	return tftypes.NewValue(tftypes.List{ElementType: tftypes.String}, textValues(texts))
}

func textValues(texts []string) []tftypes.Value {
	var values []tftypes.Value
	for _, text := range texts {
		values = append(values, String(text))
	}
	return values
}

// Trigger is a value of rotation_triggers.
func Trigger(text string) tftypes.Value {
	return tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, Values{"n": String(text)})
}

// without is an object whose attribute is null.
func without(object tftypes.Value, attribute string) tftypes.Value {
	values := Values{}
	if err := object.As(&values); err != nil {
		panic(err)
	}
	values = maps.Clone(values) // tftypes shares its map
	values[attribute] = Null(values[attribute].Type())
	return tftypes.NewValue(object.Type(), values)
}

// Null is an argument that is not set.
func Null(kind tftypes.Type) tftypes.Value { return tftypes.NewValue(kind, nil) }

// Unknown is a value that only apply knows.
func Unknown(kind tftypes.Type) tftypes.Value {
	return tftypes.NewValue(kind, tftypes.UnknownValue)
}

// Text is the text of a value, or nothing where it is not a known text.
func Text(value tftypes.Value) string {
	if !value.IsKnown() || value.IsNull() || !value.Type().Is(tftypes.String) {
		return ""
	}
	var text string
	if err := value.As(&text); err != nil {
		panic(err)
	}
	return text
}

// Number is the whole number of a value.
func Number(value tftypes.Value) int64 {
	number := new(big.Float)
	if err := value.As(number); err != nil {
		panic(err)
	}
	n, _ := number.Int64()
	return n
}
