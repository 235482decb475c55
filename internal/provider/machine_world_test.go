package provider_test

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
)

const (
	machineCA     = "docker_tls_ca"
	machineServer = "docker_tls_server_cert"
	machineClient = "docker_tls_client_cert"
)

// machineOrder is the order of the dependencies.
var machineOrder = []string{machineCA, machineServer, machineClient}

// machineWorld is one authority with a server and a client certificate, their
// configuration and state, and a clock. It speaks to the provider as Terraform
// does.
type machineWorld struct {
	ctx      context.Context
	server   tfprotov6.ProviderServer
	schemas  map[string]*tfprotov6.Schema
	now      time.Time
	config   map[string]machineValues // what is not null; `ca` follows the authority
	state    map[string]tftypes.Value
	secrets  machineValues            // merged into `ca`
	keys     map[string]crypto.Signer // that are configured, and not in the state
	given    []crypto.Signer          // all of them so far
	tb       testing.TB
	warnings []string // of the last plan or apply
}

func newMachineWorld(tb testing.TB) *machineWorld {
	tb.Helper()
	w := &machineWorld{ctx: tb.Context(), tb: tb, keys: map[string]crypto.Signer{}, now: time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC), state: map[string]tftypes.Value{}}
	w.server = providerserver.NewProtocol6(provider.New("test", func() time.Time { return w.now })())()
	schema, err := w.server.GetProviderSchema(w.ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		tb.Fatal(err)
	}
	w.schemas = schema.ResourceSchemas
	w.config = map[string]machineValues{
		machineCA:     {},
		machineServer: {"dns_names": machineSet("host.example.com")},
		machineClient: {"subject": w.object(machineClient, "subject", machineValues{"common_name": machineString("ci")})},
	}
	for _, name := range machineOrder {
		w.state[name] = tftypes.NewValue(w.schemas[name].ValueType(), nil)
	}
	return w
}

func (w *machineWorld) attributes(name string) []*tfprotov6.SchemaAttribute {
	return w.schemas[name].Block.Attributes
}

// object makes the value of a nested attribute from what is not null in it.
func (w *machineWorld) object(name, attribute string, set machineValues) tftypes.Value {
	for _, a := range w.attributes(name) {
		if a.Name == attribute {
			values := machineFields(a.NestedType.Attributes, tftypes.NewValue(a.ValueType(), nil))
			for key := range values {
				if value, ok := set[key]; ok {
					values[key] = value
				}
			}
			return tftypes.NewValue(a.ValueType(), values)
		}
	}
	panic("no attribute " + attribute)
}

// configure evaluates a configuration: `ca = docker_tls_ca.this`.
func (w *machineWorld) configure(name string, config machineValues, authority tftypes.Value) tftypes.Value {
	values := machineFields(w.attributes(name), tftypes.NewValue(w.schemas[name].ValueType(), nil))
	maps.Copy(values, config)
	if _, isLeaf := values["ca"]; isLeaf {
		ca := maps.Clone(machineFields(w.attributes(machineCA), authority)) // tftypes shares its map
		maps.Copy(ca, w.secrets)
		values["ca"] = w.object(name, "ca", ca)
	}
	return tftypes.NewValue(w.schemas[name].ValueType(), values)
}

func (w *machineWorld) encode(name string, value tftypes.Value) *tfprotov6.DynamicValue {
	encoded, err := tfprotov6.NewDynamicValue(w.schemas[name].ValueType(), value)
	if err != nil {
		panic(err)
	}
	return &encoded
}

func (w *machineWorld) decode(name string, value *tfprotov6.DynamicValue) (tftypes.Value, error) {
	if value == nil {
		return tftypes.Value{}, errors.New("no value")
	}
	return value.Unmarshal(w.schemas[name].ValueType())
}

func (w *machineWorld) report(diagnostics []*tfprotov6.Diagnostic, err error) error {
	errs := []error{err}
	for _, d := range diagnostics {
		if text := d.Summary + ": " + d.Detail; d.Severity == tfprotov6.DiagnosticSeverityError {
			errs = append(errs, errors.New(text))
		} else {
			w.warnings = append(w.warnings, text)
		}
	}
	return errors.Join(errs...)
}

func (w *machineWorld) read(name string, state tftypes.Value) (tftypes.Value, error) {
	if state.IsNull() {
		return state, nil
	}
	resp, err := w.server.ReadResource(w.ctx, &tfprotov6.ReadResourceRequest{TypeName: name, CurrentState: w.encode(name, state)})
	if err != nil {
		return state, err
	}
	if err := w.report(resp.Diagnostics, nil); err != nil {
		return state, err
	}
	return w.decode(name, resp.NewState)
}

// planOne validates and plans one resource, and checks the answer.
func (w *machineWorld) planOne(name string, prior, config tftypes.Value) (tftypes.Value, error) {
	validated, err := w.server.ValidateResourceConfig(w.ctx, &tfprotov6.ValidateResourceConfigRequest{
		TypeName: name, Config: w.encode(name, config),
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
	})
	if err != nil {
		return prior, err
	}
	if err := w.report(validated.Diagnostics, nil); err != nil {
		return prior, err
	}
	attributes := w.attributes(name)
	oldFields, configFields := machineFields(attributes, prior), machineFields(attributes, config)
	proposed := tftypes.NewValue(w.schemas[name].ValueType(), machinePropose(attributes, oldFields, configFields))
	resp, err := w.server.PlanResourceChange(w.ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: name, PriorState: w.encode(name, prior), Config: w.encode(name, config), ProposedNewState: w.encode(name, proposed),
	})
	if err != nil {
		return prior, err
	}
	if err := w.report(resp.Diagnostics, nil); err != nil {
		return prior, err
	}
	if len(resp.RequiresReplace) > 0 && !prior.IsNull() {
		return prior, fmt.Errorf("%s would be replaced", name)
	}
	planned, err := w.decode(name, resp.PlannedState)
	if err != nil {
		return prior, err
	}
	return planned, machineCheckPlan(attributes, oldFields, configFields, machineFields(attributes, planned))
}

// machinePlan is a saved plan: it holds the configuration and the refreshed
// state it was made from.
type machinePlan struct {
	config         map[string]machineValues
	prior, planned map[string]tftypes.Value
}

func (p *machinePlan) changes(name string) bool { return !p.planned[name].Equal(p.prior[name]) }

func (p *machinePlan) changed() []string {
	return slices.DeleteFunc(slices.Clone(machineOrder), func(name string) bool { return !p.changes(name) })
}

// plan is `terraform plan`, or with false `terraform plan -refresh=false`.
func (w *machineWorld) plan(refresh bool) (*machinePlan, error) {
	w.warnings = nil
	p := &machinePlan{config: map[string]machineValues{}, prior: maps.Clone(w.state), planned: map[string]tftypes.Value{}}
	for _, name := range machineOrder {
		p.config[name] = maps.Clone(w.config[name])
		if !refresh {
			continue
		}
		var err error
		if p.prior[name], err = w.read(name, w.state[name]); err != nil {
			return nil, fmt.Errorf("refreshing %s: %w", name, err)
		}
	}
	for _, name := range machineOrder {
		var err error
		if p.planned[name], err = w.planOne(name, p.prior[name], w.configure(name, p.config[name], p.planned[machineCA])); err != nil {
			return nil, fmt.Errorf("planning %s: %w", name, err)
		}
	}
	return p, nil
}

// apply is `terraform apply` of a saved plan. What was applied before an error
// stays.
func (w *machineWorld) apply(p *machinePlan) error {
	w.warnings = nil
	if len(p.changed()) == 0 {
		return nil
	}
	w.state = maps.Clone(p.prior)
	for _, name := range p.changed() {
		config := w.configure(name, p.config[name], w.state[machineCA])
		final, err := w.planOne(name, p.prior[name], config)
		if err != nil {
			return fmt.Errorf("planning %s again: %w", name, err)
		}
		if err := machineCompatible(p.planned[name], final); err != nil {
			return fmt.Errorf("inconsistent final plan of %s: %w", name, err)
		}
		if final.Equal(p.prior[name]) {
			continue
		}
		resp, err := w.server.ApplyResourceChange(w.ctx, &tfprotov6.ApplyResourceChangeRequest{
			TypeName: name, PriorState: w.encode(name, p.prior[name]), PlannedState: w.encode(name, final), Config: w.encode(name, config),
		})
		if err != nil {
			return err
		}
		result, err := w.decode(name, resp.NewState)
		if err != nil {
			return err
		}
		if err := w.report(resp.Diagnostics, nil); err != nil {
			return fmt.Errorf("applying %s: %w", name, err)
		}
		if err := machineCompatible(final, result); err != nil {
			return fmt.Errorf("inconsistent result of %s: %w", name, err)
		}
		if err := w.checkResult(name, result); err != nil {
			return err
		}
		w.state[name] = result
	}
	return nil
}

func (w *machineWorld) checkResult(name string, result tftypes.Value) error {
	if !result.IsFullyKnown() {
		return fmt.Errorf("%s has unknown values after apply", name)
	}
	return machineCheckWriteOnly(w.attributes(name), machineFields(w.attributes(name), result))
}

// refreshOnly is `terraform apply -refresh-only`.
func (w *machineWorld) refreshOnly() error {
	for _, name := range machineOrder {
		state, err := w.read(name, w.state[name])
		if err != nil {
			return err
		}
		w.state[name] = state
	}
	return nil
}

func (w *machineWorld) text(name, attribute string) string {
	return machineText(machineFields(w.attributes(name), w.state[name])[attribute])
}

func (w *machineWorld) ready(name string) bool {
	var ready bool
	if err := machineFields(w.attributes(name), w.state[name])["ready_for_renewal"].As(&ready); err != nil {
		panic(err)
	}
	return ready
}

// machineText is a string, or nothing where there is none.
func machineText(value tftypes.Value) string {
	if !value.IsKnown() || value.IsNull() || !value.Type().Is(tftypes.String) {
		return ""
	}
	var text string
	if err := value.As(&text); err != nil {
		panic(err)
	}
	return text
}

func machineString(text string) tftypes.Value { return tftypes.NewValue(tftypes.String, text) }
func machineInt(number int64) tftypes.Value   { return tftypes.NewValue(tftypes.Number, number) }
func machineBool(yes bool) tftypes.Value      { return tftypes.NewValue(tftypes.Bool, yes) }

func machineSet(texts ...string) tftypes.Value {
	var values []tftypes.Value
	for _, text := range texts {
		values = append(values, machineString(text))
	}
	return tftypes.NewValue(tftypes.Set{ElementType: tftypes.String}, values)
}

func machineTrigger(text string) tftypes.Value {
	return tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, machineValues{"n": machineString(text)})
}
