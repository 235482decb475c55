package resources

import (
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
)

// TestDaemonDecision is the specification: what differs, and what comes of it.
func TestDaemonDecision(t *testing.T) {
	const same, changed, unknown = lifecycle.Same, lifecycle.Changed, lifecycle.Unknown
	for name, test := range map[string]struct {
		facts daemonFacts
		want  daemonVerdict
	}{
		"nothing differs":                          {daemonFacts{}, hostStays},
		"nothing was delivered":                    {daemonFacts{New: true}, hostDelivered},
		"nothing was delivered, or is known":       {daemonFacts{New: true, Host: unknown, Content: unknown, Served: unknown, Restart: unknown}, hostDelivered},
		"the content":                              {daemonFacts{Content: changed}, hostDelivered},
		"the content, perhaps":                     {daemonFacts{Content: unknown}, hostUndecided},
		"the address":                              {daemonFacts{Host: changed}, hostDelivered},
		"the address, perhaps":                     {daemonFacts{Host: unknown}, hostUndecided},
		"what is served":                           {daemonFacts{Served: changed}, hostDelivered},
		"what is served, perhaps":                  {daemonFacts{Served: unknown}, hostUndecided},
		"served, and the content perhaps":          {daemonFacts{Served: changed, Content: unknown}, hostDelivered},
		"the content perhaps, and the address":     {daemonFacts{Content: unknown, Host: changed}, hostDelivered},
		"served, without a restart":                {daemonFacts{Served: changed, Restart: changed}, hostStays},
		"served perhaps, without a restart":        {daemonFacts{Served: unknown, Restart: changed}, hostStays},
		"served, and perhaps no restart":           {daemonFacts{Served: changed, Restart: unknown}, hostUndecided},
		"served, a restart or not":                 {daemonFacts{Served: same, Restart: unknown}, hostStays},
		"served and the content, without restart":  {daemonFacts{Served: changed, Content: changed, Restart: changed}, hostDelivered},
		"the content perhaps, without a restart":   {daemonFacts{Served: changed, Content: unknown, Restart: changed}, hostUndecided},
		"the address, and perhaps without restart": {daemonFacts{Served: changed, Host: changed, Restart: unknown}, hostDelivered},
	} {
		if got := test.facts.decide(); got != test.want {
			t.Errorf("%s: %s, not %s", name, got, test.want)
		}
	}
}
