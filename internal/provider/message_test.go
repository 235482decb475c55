package provider_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
)

// TestWholeNumbers gives fractions to all arguments that are whole numbers, and
// numbers that are too large.
func TestWholeNumbers(t *testing.T) {
	t.Parallel()
	tested := 0
	for _, name := range tfsim.Order {
		for _, attribute := range newWorld(t).Schemas[name].Block.Attributes {
			if attribute.Type == nil || !attribute.Type.Is(tftypes.Number) || !attribute.Optional {
				continue
			}
			tested++
			for number, want := range map[string]string{"1.5": "whole number, not 1.5", "-0.25": "whole number, not -0.25", "1e30": "fits into 64 bits, not 1e+30"} {
				value, _, err := big.ParseFloat(number, 10, 512, big.ToNearestEven)
				if err != nil {
					t.Fatal(err)
				}
				w := newWorld(t)
				w.Set(name, tfsim.Values{attribute.Name: tftypes.NewValue(tftypes.Number, value)})
				_, err = w.Plan()
				if err == nil || !strings.Contains(err.Error(), "Invalid "+attribute.Name) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "error in the provider") {
					t.Errorf("%s.%s = %s: the error is %v", name, attribute.Name, number, err)
				}
			}
		}
	}
	if tested < 11 {
		t.Errorf("only %d arguments are tested", tested)
	}
}
