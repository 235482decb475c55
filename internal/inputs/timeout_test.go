package inputs

import (
	"strings"
	"testing"
	"time"
)

func FuzzParseTimeout(f *testing.F) {
	for _, seed := range []string{"", "10s", "1m0.5s", "-1s", "+1s", "0", "1h", "9223372036854775807ns", "1e9s", ".5m", "5m0.0000000001s", "5m1ns"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseTimeout(text, "5m")
		if err != nil {
			if !strings.Contains(err.Error(), `at most "5m"`) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if d <= 0 || d > 5*time.Minute {
			t.Errorf("%q is %s", text, d)
		}
		if again, err := ParseTimeout(d.String(), "5m"); err != nil || again != d {
			t.Errorf("%q is %s, which is %s, %v", text, d, again, err)
		}
	})
}
