package provider_test

import (
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
)

// withElement is a copy of a set, list or map of texts with one more element.
func withElement(collection, element tftypes.Value) tftypes.Value {
	if collection.Type().Is(tftypes.Map{}) {
		elements := tfsim.Values{}
		if err := collection.As(&elements); err != nil {
			panic(err)
		}
		return tftypes.NewValue(collection.Type(), tfsim.Values{"n": elements["n"], "more": element})
	}
	var elements []tftypes.Value
	if err := collection.As(&elements); err != nil {
		panic(err)
	}
	return tftypes.NewValue(collection.Type(), append(slices.Clone(elements), element))
}

// TestNullElement has a null in each collection, as of a host without a public
// address: at first, later, and where an unknown element turns out to be null.
// The null is left out of the certificate, and so it never issues one.
func TestNullElement(t *testing.T) {
	t.Parallel()
	null, unknown := tfsim.Null(tftypes.String), tfsim.Unknown(tftypes.String)
	for _, test := range []struct {
		resource, argument, inside string
		value                      tftypes.Value
	}{
		{tfsim.Server, "dns_names", "", tfsim.Set("host.example.com")},
		{tfsim.Server, "ip_addresses", "", tfsim.Set("10.0.0.5")},
		{tfsim.Server, "rotation_triggers", "", tfsim.Trigger("1")},
		{tfsim.CA, "rotation_triggers", "", tfsim.Trigger("1")},
		{tfsim.CA, "subject", "street_address", tfsim.List("Main Street 1")},
		{tfsim.Server, "subject", "street_address", tfsim.List("Main Street 1")},
		{tfsim.CA, "name_constraints", "permitted_dns_domains", tfsim.List("example.com")},
		{tfsim.CA, "name_constraints", "excluded_dns_domains", tfsim.List("example.org")},
		{tfsim.CA, "name_constraints", "permitted_ip_ranges", tfsim.List("10.0.0.0/8")},
		{tfsim.CA, "name_constraints", "excluded_ip_ranges", tfsim.List("192.0.2.0/24")},
	} {
		t.Run(test.resource+"."+test.argument+"."+test.inside, func(t *testing.T) {
			argument := func(w *tfsim.World, value tftypes.Value) tftypes.Value {
				if test.inside == "" {
					return value
				}
				return w.Object(test.resource, test.argument, tfsim.Values{test.inside: value})
			}
			set := func(w *tfsim.World, value tftypes.Value) {
				w.Set(test.resource, tfsim.Values{test.argument: argument(w, value)})
			}
			stays := func(t *testing.T, w *tfsim.World, change func()) {
				t.Helper()
				serial := w.Text(test.resource, "serial_number")
				change()
				w.MustKeep(t, test.resource, "serial_number", serial)
				if !w.Fields(test.resource)[test.argument].Equal(w.Config[test.resource][test.argument]) && test.argument != "subject" {
					t.Error("the state does not have what is configured")
				}
				w.MustBeEmpty(t)
				w.MustVerify(t, w.MustParse(t, tfsim.CA, "cert_pem")[0])
			}
			w := newWorld(t)
			set(w, withElement(test.value, null))
			w.MustPlanAndApply(t)
			w.MustBeEmpty(t)
			if test.argument == "ip_addresses" {
				if addresses := w.MustParse(t, tfsim.Server, "cert_pem")[0].IPAddresses; len(addresses) != 1 {
					t.Errorf("the certificate has the addresses %v", addresses)
				}
			}
			stays(t, w, func() { set(w, test.value); w.MustPlanAndApply(t) })
			stays(t, w, func() { set(w, withElement(test.value, null)); w.MustPlanAndApply(t) })
			if test.inside != "" {
				return // TurnsOut takes whole arguments
			}
			stays(t, w, func() {
				set(w, withElement(test.value, unknown))
				p := w.MustPlan(t)
				w.TurnsOut(p, test.resource, test.argument, withElement(test.value, null))
				w.MustApply(t, p)
			})
		})
	}
}

// TestNothingButNull has collections that hold nothing but null: the errors are
// those of empty ones.
func TestNothingButNull(t *testing.T) {
	t.Parallel()
	null, unknown := tfsim.Null(tftypes.String), tfsim.Unknown(tftypes.String)
	w := newWorld(t)
	for _, argument := range []string{"dns_names", "ip_addresses"} {
		w.Unset(tfsim.Server, "dns_names", "ip_addresses")
		w.Set(tfsim.Server, tfsim.Values{argument: withElement(tfsim.Set(), null)})
		w.MustFail(t, "at least one DNS name or IP address")
		w.Set(tfsim.Server, tfsim.Values{argument: withElement(tfsim.Set(), unknown)})
		p := w.MustPlan(t)
		w.TurnsOut(p, tfsim.Server, argument, withElement(tfsim.Set(), null))
		w.MustFailToApply(t, p, "at least one DNS name or IP address")
	}
	w = newWorld(t)
	w.Set(tfsim.CA, tfsim.Values{"name_constraints": w.Object(tfsim.CA, "name_constraints", tfsim.Values{"permitted_dns_domains": withElement(tfsim.List(), null)})})
	w.MustFail(t, "without any domain or range")

	// The names of a certificate request count where nothing but null is configured.
	w = newWorld(t)
	key, _ := makeKey(t, "ECDSA_P256")
	w.Set(tfsim.Server, tfsim.Values{"dns_names": withElement(tfsim.Set(), null), "cert_request_pem": makeRequest(t, key, "host", "asked.example.com")})
	w.MustPlanAndApply(t)
	if names := w.MustParse(t, tfsim.Server, "cert_pem")[0].DNSNames; !slices.Equal(names, []string{"asked.example.com"}) {
		t.Errorf("the certificate has the names %q", names)
	}
	w.MustBeEmpty(t)
}
