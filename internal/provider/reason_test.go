package provider_test

import (
	"maps"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// TestIssueReason changes something, and expects the reason at plan already.
func TestIssueReason(t *testing.T) {
	_, own := makeKey(t, x509text.ECDSAP256)
	requester, _ := makeKey(t, x509text.ECDSAP256)
	for _, test := range []struct {
		name   string
		change func(w *tfsim.World)
		want   string
	}{
		{tfsim.CA, func(w *tfsim.World) { w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")}) }, "rotation_triggers"},
		{tfsim.CA, func(w *tfsim.World) { w.Set(tfsim.CA, tfsim.Values{"key_algorithm": tfsim.String("ED25519")}) }, "key_algorithm"},
		{tfsim.CA, func(w *tfsim.World) {
			w.Set(tfsim.CA, tfsim.Values{"subject": w.Object(tfsim.CA, "subject", tfsim.Values{"common_name": tfsim.String("Other")})})
		}, "subject"},
		{tfsim.CA, func(w *tfsim.World) {
			w.Set(tfsim.CA, tfsim.Values{"name_constraints": w.Object(tfsim.CA, "name_constraints", tfsim.Values{"permitted_dns_domains": tfsim.List("example.com")})})
		}, "name_constraints"},
		{tfsim.CA, func(w *tfsim.World) {
			w.Set(tfsim.CA, tfsim.Values{"private_key_pem_wo": own, "private_key_pem_wo_version": tfsim.Int(1)})
			w.Secrets = tfsim.Values{"private_key_pem": own}
		}, "private_key_pem_wo"},
		{tfsim.CA, func(w *tfsim.World) { w.Now = w.Now.Add(29200 * time.Hour) }, "renewal_time"},
		{tfsim.Server, func(w *tfsim.World) { w.Set(tfsim.Server, tfsim.Values{"dns_names": tfsim.Set("other.example.com")}) }, "subject, dns_names"},
		{tfsim.Server, func(w *tfsim.World) { w.Set(tfsim.Server, tfsim.Values{"ip_addresses": tfsim.Set("10.0.0.5")}) }, "ip_addresses"},
		{tfsim.Server, func(w *tfsim.World) { w.Set(tfsim.Server, tfsim.Values{"validity_period_hours": tfsim.Int(2000)}) }, "validity_period_hours"},
		{tfsim.Server, func(w *tfsim.World) {
			w.Set(tfsim.Server, tfsim.Values{"rotation_triggers": tfsim.Trigger("1"), "validity_period_hours": tfsim.Int(2000)})
		}, "rotation_triggers, validity_period_hours"},
		{tfsim.Server, func(w *tfsim.World) {
			w.Set(tfsim.Server, tfsim.Values{"private_key_pem_wo": own, "private_key_pem_wo_version": tfsim.Int(1)})
		}, "private_key_pem_wo"},
		{tfsim.Client, func(w *tfsim.World) {
			w.Set(tfsim.Client, tfsim.Values{"cert_request_pem": makeRequest(t, requester, "ci")})
		}, "cert_request_pem"},
		{tfsim.Client, func(w *tfsim.World) { w.Now = w.Now.Add(5840 * time.Hour) }, "renewal_time"},
	} {
		t.Run(test.name+" "+test.want, func(t *testing.T) {
			w := created(t, nil, nil)
			w.MustReason(t, test.name, "created")
			test.change(w)
			p := w.MustPlan(t)
			if got := tfsim.Text(w.Planned(p, test.name)["issue_reason"]); got != test.want {
				t.Errorf("the plan says %q, not %q", got, test.want)
			}
			w.MustApply(t, p)
			w.MustReason(t, test.name, test.want)
			w.MustBeEmpty(t)
		})
	}
}

// TestIssueReasonOfLeaves rotates the authority. Its next key is not known at
// plan, so neither is whether a leaf has to follow.
func TestIssueReasonOfLeaves(t *testing.T) {
	w := created(t, nil, nil)
	w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
	p := w.MustPlan(t)
	w.MustBeUnknown(t, p, tfsim.Server, "issue_reason")
	w.MustApply(t, p)
	w.MustReason(t, tfsim.Server, "the authority has a new key")
	w.MustReason(t, tfsim.Client, "the authority has a new key")

	// What is only recorded changes no reason.
	w.Set(tfsim.Server, tfsim.Values{"early_renewal_hours": tfsim.Int(100)})
	w.MustPlanAndApply(t)
	w.MustReason(t, tfsim.Server, "the authority has a new key")
}

// TestReadDerivesOutputs refreshes states that lack outputs, as those of an
// earlier release do: what the certificate says is there again.
func TestReadDerivesOutputs(t *testing.T) {
	w := created(t, nil, nil)
	derived := []string{"serial_number", "fingerprint_sha256", "validity_start_time", "validity_end_time", "renewal_time", "ready_for_renewal", "issue_reason"}
	for _, name := range tfsim.Order {
		before := w.State[name]
		attributes := derived
		if name != tfsim.CA {
			attributes = append(attributes, "content_sha256")
		}
		for _, attribute := range attributes {
			want := before
			if attribute == "issue_reason" {
				want = with(before, attribute, tfsim.String("not recorded"))
			}
			w.State[name] = with(before, attribute, tfsim.Null(w.Fields(name)[attribute].Type()))
			if err := w.RefreshOnly(); err != nil {
				t.Fatal(err)
			}
			if !w.State[name].Equal(want) {
				t.Errorf("%s.%s is not derived again", name, attribute)
			}
		}
	}
	w.MustBeEmpty(t)
}

// with is an object with another value of an attribute.
func with(object tftypes.Value, attribute string, value tftypes.Value) tftypes.Value {
	values := tfsim.Values{}
	if err := object.As(&values); err != nil {
		panic(err)
	}
	values = maps.Clone(values) // tftypes shares its map
	values[attribute] = value
	return tftypes.NewValue(object.Type(), values)
}
