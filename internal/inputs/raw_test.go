package inputs

import (
	"encoding/json"
	"math"
	"math/big"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

func TestRawRefusesWhatJSONCannotHold(t *testing.T) {
	for name, number := range map[string]*big.Float{
		"infinite": new(big.Float).SetInf(false), "minus infinite": new(big.Float).SetInf(true),
		"too long": new(big.Float).SetMantExp(big.NewFloat(1), 1<<20), "too small": new(big.Float).SetMantExp(big.NewFloat(1), -1<<20),
	} {
		if value, err := Raw(tftypes.NewValue(tftypes.Number, number)); err == nil {
			t.Errorf("%s: %v", name, value)
		}
	}
}

// Options of any type become what encoding/json writes and reads back, except for
// what is not known yet.
func FuzzRaw(f *testing.F) {
	for _, seed := range [][]byte{{}, {0}, {1, 'a'}, {2}, {3, 5}, {4, 9}, {5, 2, 1, 'a', 3, 7}, {6, 2, 1, 'k', 6, 1, 2}, {7, 2, 1, 3}, {8, 3, 0}, {9}} {
		f.Add(seed, "sesame", 1.5)
	}
	f.Fuzz(func(t *testing.T, shape []byte, text string, number float64) {
		if math.IsNaN(number) {
			return // Terraform has no such number
		}
		value := draw(&shape, text, number, 0)
		raw, err := Raw(value)
		if err != nil || !value.IsFullyKnown() {
			return
		}
		written, err := json.Marshal(raw)
		if err != nil {
			t.Fatalf("%v is no JSON: %v", raw, err)
		}
		if len(written) > 16*(len(text)+1<<12)*1024 {
			t.Errorf("%d octets", len(written))
		}
		if object, is := raw.(map[string]any); is {
			if o, err := docker.NewOptions(object); err == nil {
				if _, err := docker.DaemonJSON(o); err != nil {
					t.Errorf("accepted, and not written: %v", err)
				}
			}
		}
	})
}

// keys are those of options and of settings.
var keys = []string{"settings", "port", "labels", "log-opts", "mtu", "x"}

// draw makes a value of the shape that octets stand for.
func draw(shape *[]byte, text string, number float64, depth int) tftypes.Value {
	next := func() byte {
		if len(*shape) == 0 {
			return 0
		}
		first := (*shape)[0]
		*shape = (*shape)[1:]
		return first
	}
	elements := func() (values []tftypes.Value, types []tftypes.Type) {
		for range next() % 4 {
			if depth > 4 {
				break
			}
			value := draw(shape, text, number, depth+1)
			values, types = append(values, value), append(types, value.Type())
		}
		return values, types
	}
	switch next() % 8 {
	case 0:
		return tftypes.NewValue(tftypes.String, text)
	case 1:
		return tftypes.NewValue(tftypes.Bool, next()%2 == 0)
	case 2:
		return tftypes.NewValue(tftypes.Number, new(big.Float).SetMantExp(big.NewFloat(number), int(next())*int(next())))
	case 3:
		return tftypes.NewValue(tftypes.Number, nil)
	case 4:
		return tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	case 5:
		values, types := elements()
		return tftypes.NewValue(tftypes.Tuple{ElementTypes: types}, values)
	case 6:
		values := map[string]tftypes.Value{}
		for range next() % 4 {
			values[keys[int(next())%len(keys)]] = tftypes.NewValue(tftypes.String, text)
		}
		return tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, values)
	}
	list, _ := elements()
	values, types := map[string]tftypes.Value{}, map[string]tftypes.Type{}
	for _, value := range list {
		key := keys[int(next())%len(keys)]
		values[key], types[key] = value, value.Type()
	}
	return tftypes.NewValue(tftypes.Object{AttributeTypes: types}, values)
}
