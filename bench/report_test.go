package main

import (
	"testing"
)

func TestSpread(t *testing.T) {
	for _, test := range []struct {
		values []float64
		digits int
		want   string
	}{
		{[]float64{3}, 2, "3.00"},
		{[]float64{3, 1, 2}, 1, "2.0 (1.0–3.0)"},
		{[]float64{4, 1, 2, 3}, 1, "2.5 (1.0–4.0)"},
		{[]float64{1.001, 1.002}, 2, "1.00"},
		{[]float64{60, 10, 20}, 0, "20 (10–60)"},
	} {
		if got := spreadOf(test.values).text(test.digits); got != test.want {
			t.Errorf("%v: got %s, want %s", test.values, got, test.want)
		}
	}
}

func TestTable(t *testing.T) {
	got := table([]string{"subject", "s"}, [][]string{{"a", "1"}, {"b", "2"}})
	want := "| subject | s |\n| --- | --- |\n| a | 1 |\n| b | 2 |\n"
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestRatios divides within each run, and hashicorp/tls at its best is chosen in each.
func TestRatios(t *testing.T) {
	if got := spreadOf(divide([]float64{2, 9}, []float64{1, 3})).text(1); got != "2.5 (2.0–3.0)" {
		t.Errorf("the ratio is %s", got)
	}
	if got := spreadOf(least([]float64{2, 9}, []float64{4, 3})).text(1); got != "2.5 (2.0–3.0)" {
		t.Errorf("the best is %s", got)
	}
	if got := divide(least([]float64{2}, nil), []float64{1}); got != nil {
		t.Errorf("the ratio of what was not measured is %v", got)
	}
}

func TestHostBytes(t *testing.T) {
	state := []byte(`{"resources": [
		{"name": "ca", "instances": [{"attributes": {"a": 1}}]},
		{"name": "host", "instances": [{"a":1}, {"a": 2}]},
		{"name": "host", "instances": [{"b":1}, {"b": 2}]}
	]}`)
	got, err := hostBytes(state, 2)
	if want := len(`{"a":1}`) + len(`{"b": 2}`); err != nil || got != want {
		t.Errorf("got %d (%v), want %d", got, err, want)
	}
	for _, hosts := range []int{3, 8} {
		if _, err := hostBytes(state, hosts); err == nil {
			t.Errorf("4 resources are those of %d hosts", hosts)
		}
	}
}
