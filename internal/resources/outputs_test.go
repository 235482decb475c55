package resources

import (
	"reflect"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
)

// TestModels has a field of each attribute's type for each attribute.
func TestModels(t *testing.T) {
	for name, test := range map[string]struct {
		resource resource.Resource
		model    any
	}{
		"docker_tls_ca":          {NewCA(nil, nil), caModel{}},
		"docker_tls_server_cert": {NewServerCert(nil, nil), leafModel{}},
		"docker_tls_client_cert": {NewClientCert(nil, nil), leafModel{}},
		"docker_tls_daemon":      {NewDaemon(nil, nil, nil, nil), daemonModel{}},
	} {
		var resp resource.SchemaResponse
		test.resource.Schema(t.Context(), resource.SchemaRequest{}, &resp)
		fields := fieldsOf(reflect.TypeOf(test.model))
		for attribute, definition := range resp.Schema.Attributes {
			index, ok := fields[attribute]
			if !ok {
				t.Errorf("%s: no field for %s", name, attribute)
				continue
			}
			want := reflect.TypeOf(definition.GetType().ValueType(t.Context()))
			if got := reflect.TypeOf(test.model).FieldByIndex(index).Type; got != want {
				t.Errorf("%s: the field for %s is a %s, want %s", name, attribute, got, want)
			}
		}
	}
}

// TestRecord has every argument that is stored, and what is delivered: a change
// of any must be seen where nothing else differs.
func TestRecord(t *testing.T) {
	// Never stored, or derived from what is recorded.
	notRecorded := []string{
		"ca", "private_key_pem_wo", "previous_private_key_pem_wo", "private_key_passphrase_wo", "previous_private_key_passphrase_wo",
		"private_key_pem", "serial_number", "fingerprint_sha256", "validity_start_time", "validity_end_time", "renewal_time",
		"ready_for_renewal", "issue_reason", "content_sha256", "generation", "cross_signed_cert_pem",
	}
	leaf, authority := &leafModel{}, &caModel{}
	for _, model := range []struct {
		value  reflect.Value
		record func() []attr.Value
	}{{reflect.ValueOf(leaf).Elem(), leaf.record}, {reflect.ValueOf(authority).Elem(), authority.record}} {
		fields := fieldsOf(model.value.Type())
		for _, index := range fields { // a collection of no type equals nothing
			field := model.value.FieldByIndex(index)
			if null, ok := nulls[field.Type()]; ok {
				field.Set(reflect.ValueOf(null))
			}
		}
		for name, index := range fields {
			field := model.value.FieldByIndex(index)
			before := model.record()
			field.Set(reflect.ValueOf(unknownOf(t, field.Interface())))
			different := !slices.EqualFunc(before, model.record(), func(a, b attr.Value) bool { return a.Equal(b) })
			if want := !slices.Contains(notRecorded, name); different != want {
				t.Errorf("%s: a change is recorded: %t, want %t", name, different, want)
			}
		}
	}
}

var nulls = map[reflect.Type]attr.Value{
	reflect.TypeFor[types.Map]():    types.MapNull(types.StringType),
	reflect.TypeFor[types.Set]():    types.SetNull(types.StringType),
	reflect.TypeFor[types.Object](): types.ObjectNull(inputs.SubjectTypes),
}

func unknownOf(t *testing.T, value any) attr.Value {
	t.Helper()
	switch value.(type) {
	case types.String:
		return types.StringUnknown()
	case types.Int64:
		return types.Int64Unknown()
	case types.Bool:
		return types.BoolUnknown()
	case types.Map:
		return types.MapUnknown(types.StringType)
	case types.Set:
		return types.SetUnknown(types.StringType)
	case types.Object:
		return types.ObjectUnknown(inputs.SubjectTypes)
	}
	t.Fatalf("a model has a field of type %T", value)
	return nil
}

// TestOrdersAreTheMarks marks decisions in a plan, and reads them back as apply
// does.
func TestOrdersAreTheMarks(t *testing.T) {
	stored := outputs{SerialNumber: types.StringValue("01"), PrivateKeyPEM: types.StringValue("stored"), IssueReason: types.StringValue("created")}
	for name, test := range map[string]struct {
		facts lifecycle.Facts
		want  orders
	}{
		"stays":             {lifecycle.Facts{}, orders{}},
		"recomposed":        {lifecycle.Facts{Record: lifecycle.Changed}, orders{}},
		"new key":           {lifecycle.Facts{Triggers: lifecycle.Changed}, orders{issue: true, key: lifecycle.Generate, store: true}},
		"same key":          {lifecycle.Facts{Ready: true, Reuse: true}, orders{issue: true}},
		"own key":           {lifecycle.Facts{Key: lifecycle.Changed, Source: lifecycle.Provided, FormerSource: lifecycle.Provided}, orders{issue: true, key: lifecycle.CertifyGiven}},
		"own key, renewed":  {lifecycle.Facts{Ready: true, Source: lifecycle.Provided, FormerSource: lifecycle.Provided}, orders{issue: true}},
		"request":           {lifecycle.Facts{Key: lifecycle.Changed, Source: lifecycle.Requested}, orders{issue: true, key: lifecycle.CertifyGiven}},
		"leaves the state":  {lifecycle.Facts{Storage: lifecycle.Changed, Source: lifecycle.Provided}, orders{}},
		"from own to made":  {lifecycle.Facts{Key: lifecycle.Changed, FormerSource: lifecycle.Provided}, orders{issue: true, key: lifecycle.Generate, store: true}},
		"due, then renewed": {lifecycle.Facts{Due: true}, orders{issue: true, key: lifecycle.Generate, store: true}},
	} {
		t.Run(name, func(t *testing.T) {
			decision := lifecycle.Decide(test.facts)
			plan := certificateModel{outputs: stored}
			plan.mark(decision)
			if got := plan.ordersOf(test.facts.Source, test.facts.Key == lifecycle.Changed); got != test.want {
				t.Errorf("got %+v, want %+v of %+v", got, test.want, decision)
			}
			if reason := plan.IssueReason.ValueString(); decision.Issues() != (reason == decision.Reasons.String()) {
				t.Errorf("the plan says %q", reason)
			}
		})
	}
}
