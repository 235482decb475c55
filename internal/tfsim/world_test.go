package tfsim_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
)

// fake is a provider that plans what is proposed, and notes in the private
// state which calls it has come through.
type fake struct {
	tfprotov6.ProviderServer
	stores bool // it plans the write-only ca, which it must not
}

func fakeSchema() map[string]*tfprotov6.Schema {
	schema := func(attributes ...*tfprotov6.SchemaAttribute) *tfprotov6.Schema {
		return &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{Attributes: attributes}}
	}
	object := func(attributes ...*tfprotov6.SchemaAttribute) *tfprotov6.SchemaObject {
		return &tfprotov6.SchemaObject{Nesting: tfprotov6.SchemaObjectNestingModeSingle, Attributes: attributes}
	}
	return map[string]*tfprotov6.Schema{
		tfsim.CA: schema(&tfprotov6.SchemaAttribute{Name: "cert_pem", Type: tftypes.String, Optional: true}),
		tfsim.Server: schema(
			&tfprotov6.SchemaAttribute{Name: "dns_names", Type: tftypes.Set{ElementType: tftypes.String}, Optional: true},
			&tfprotov6.SchemaAttribute{Name: "ca", Required: true, WriteOnly: true, NestedType: object(
				&tfprotov6.SchemaAttribute{Name: "cert_pem", Type: tftypes.String, Required: true, WriteOnly: true})},
		),
		tfsim.Client: schema(&tfprotov6.SchemaAttribute{Name: "subject", Optional: true, NestedType: object(
			&tfprotov6.SchemaAttribute{Name: "common_name", Type: tftypes.String, Optional: true})}),
	}
}

func (f *fake) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	return &tfprotov6.GetProviderSchemaResponse{ResourceSchemas: fakeSchema()}, nil
}

func (f *fake) ValidateResourceConfig(context.Context, *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

func (f *fake) ReadResource(_ context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return &tfprotov6.ReadResourceResponse{NewState: req.CurrentState, Private: append(slices.Clone(req.Private), 'r')}, nil
}

func (f *fake) PlanResourceChange(_ context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	planned := req.ProposedNewState
	if f.stores {
		planned = req.Config
	}
	return &tfprotov6.PlanResourceChangeResponse{PlannedState: planned, PlannedPrivate: append(slices.Clone(req.PriorPrivate), 'p')}, nil
}

func (f *fake) ApplyResourceChange(_ context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	// The private state shows in the result, where cert_pem was left unknown.
	state := req.PlannedState
	if req.TypeName == tfsim.CA {
		kind := fakeSchema()[tfsim.CA].ValueType()
		private := tfsim.Values{"cert_pem": tfsim.String(string(req.PlannedPrivate))}
		encoded, err := tfprotov6.NewDynamicValue(kind, tftypes.NewValue(kind, private))
		if err != nil {
			return nil, err
		}
		state = &encoded
	}
	return &tfprotov6.ApplyResourceChangeResponse{NewState: state, Private: append(slices.Clone(req.PlannedPrivate), 'a')}, nil
}

func fakeWorld(t *testing.T, f *fake) *tfsim.World {
	t.Helper()
	w := tfsim.New(t, func(func() time.Time) tfprotov6.ProviderServer { return f })
	w.Set(tfsim.CA, tfsim.Values{"cert_pem": tfsim.Unknown(tftypes.String)})
	return w
}

// TestPrivateState follows the private state: both plans see that of the
// refreshed state, and apply sees what the second plan has made of it.
func TestPrivateState(t *testing.T) {
	w := fakeWorld(t, &fake{})
	for _, want := range []string{"p", "parp"} {
		w.MustPlanAndApply(t)
		if got := w.Text(tfsim.CA, "cert_pem"); got != want {
			t.Errorf("apply sees the private state %q, not %q", got, want)
		}
	}
}

// TestWriteOnlyObject has an object that is write-only as a whole: it is passed
// with the configuration, and null in the plan and the state.
func TestWriteOnlyObject(t *testing.T) {
	w := fakeWorld(t, &fake{})
	p := w.MustPlan(t)
	if !w.Planned(p, tfsim.Server)["ca"].IsNull() {
		t.Error("ca is planned")
	}
	w.MustApply(t, p)
	if !w.Fields(tfsim.Server)["ca"].IsNull() {
		t.Error("ca is in the state")
	}
	w = fakeWorld(t, &fake{stores: true})
	w.MustFail(t, "the write-only ca is not null")
}
