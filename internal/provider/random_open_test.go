package provider_test

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// argument is a write-only argument that a plan does not know.
type argument struct {
	name, attribute string
	value           tftypes.Value // what it turns out to be
}

// planStep plans. Now and then the plan does not know a write-only argument.
// The function that it returns puts the configuration back, after apply.
func (r *history) planStep() (*tfsim.Plan, func(), error) {
	plan := r.PlanWithoutRefresh
	if r.refresh {
		plan = r.Plan
	}
	keep := func() {}
	open, ok := r.drawOpen()
	if !ok {
		p, err := plan()
		return p, keep, err
	}
	configured, wasSet := r.Config[open.name][open.attribute]
	restore := func() {
		r.Unset(open.name, open.attribute)
		if wasSet {
			r.Set(open.name, tfsim.Values{open.attribute: configured})
		}
	}
	// What it turns out to be must be good enough for what is to be done.
	r.Set(open.name, tfsim.Values{open.attribute: open.value})
	if _, err := plan(); err != nil {
		restore()
		p, err := plan()
		return p, keep, err
	}
	r.late = false // later, it may be needed
	r.Set(open.name, tfsim.Values{open.attribute: tfsim.Unknown(tftypes.String)})
	p, err := plan()
	if err != nil {
		return nil, restore, fmt.Errorf("%s.%s is unknown: %w", open.name, open.attribute, err)
	}
	r.TurnsOut(p, open.name, open.attribute, open.value)
	r.note("%s.%s is unknown at plan, and turns out %s", open.name, open.attribute, r.tell(open, configured))
	return p, restore, nil
}

// tell says what an argument turns out to be, without its secret.
func (r *history) tell(open argument, configured tftypes.Value) string {
	switch {
	case open.value.IsNull():
		return "null"
	case open.value.Equal(configured):
		return "the same"
	}
	return "another"
}

// drawOpen draws an argument to be unknown, and what it turns out to be: what
// is configured, nothing, or another value.
func (r *history) drawOpen() (argument, bool) {
	if r.rand.IntN(4) > 0 {
		return argument{}, false
	}
	open := argument{name: tfsim.CA, attribute: [...]string{
		"private_key_pem_wo", "private_key_pem_wo", "private_key_pem_wo",
		"previous_private_key_pem_wo", "private_key_passphrase_wo", "previous_private_key_passphrase_wo",
	}[r.rand.IntN(6)]}
	if open.attribute == "private_key_pem_wo" {
		open.name = tfsim.Order[r.rand.IntN(len(tfsim.Order))]
	}
	config := r.Config[open.name]
	if excluded(config, open.attribute) {
		return open, false
	}
	var configured bool
	if open.value, configured = config[open.attribute]; !configured {
		open.value = tfsim.Null(tftypes.String)
		return open, true
	}
	switch way := r.rand.IntN(3); {
	case way == 0 && open.attribute != "previous_private_key_pem_wo": // without it there is no cross certificate
		open.value = tfsim.Null(tftypes.String)
	case way == 1 && !r.changed[open.name]: // otherwise it would be taken
		open.value = r.another(open)
	}
	return open, true
}

// excluded reports whether an argument may not be set beside those of a
// configuration.
func excluded(config tfsim.Values, attribute string) bool {
	for _, pair := range [][2]string{ // of which only one may be set
		{"private_key_pem_wo", "cert_request_pem"}, {"private_key_pem_wo", "private_key_passphrase_wo"}, {"private_key_passphrase_wo", "private_key_pem_wo"},
	} {
		if _, other := config[pair[1]]; attribute == pair[0] && other {
			return true
		}
	}
	return false
}

// another is a value that is sound, and not the one that is configured.
func (r *history) another(open argument) tftypes.Value {
	if open.attribute == "private_key_pem_wo" || open.attribute == "previous_private_key_pem_wo" {
		_, text := makeKey(r.tb, x509text.ECDSAP256)
		return text
	}
	return tfsim.String("another passphrase")
}
