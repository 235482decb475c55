package inputs

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

// maxExponent, of 2, bounds the digits of a number.
const maxExponent = 1 << 12

// Raw turns a value of any type into what encoding/json would decode it to,
// with numbers as [json.Number]. What is not known is [docker.Unknown].
func Raw(value tftypes.Value) (any, error) {
	if !value.IsKnown() {
		return docker.Unknown, nil
	}
	if value.IsNull() {
		return nil, nil
	}
	kind := value.Type()
	switch {
	case kind.Is(tftypes.String):
		var s string
		err := value.As(&s)
		return s, err
	case kind.Is(tftypes.Bool):
		var b bool
		err := value.As(&b)
		return b, err
	case kind.Is(tftypes.Number):
		var f big.Float
		err := value.As(&f)
		if e := f.MantExp(nil); f.IsInf() || e > maxExponent || e < -maxExponent {
			return nil, errors.New("a number in the options has too many digits to be written out")
		}
		return json.Number(f.Text('f', -1)), err
	case kind.Is(tftypes.List{}), kind.Is(tftypes.Set{}), kind.Is(tftypes.Tuple{}):
		var elements []tftypes.Value
		if err := value.As(&elements); err != nil {
			return nil, err
		}
		list := make([]any, len(elements))
		for i, e := range elements {
			var err error
			if list[i], err = Raw(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	case kind.Is(tftypes.Map{}), kind.Is(tftypes.Object{}):
		var attributes map[string]tftypes.Value
		if err := value.As(&attributes); err != nil {
			return nil, err
		}
		object := make(map[string]any, len(attributes))
		for k, v := range attributes {
			var err error
			if object[k], err = Raw(v); err != nil {
				return nil, err
			}
		}
		return object, nil
	}
	return nil, fmt.Errorf("the options cannot hold a value of type %s", kind)
}
