package tfsim

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Plan is a saved plan: it holds the configuration and the refreshed state it
// was made from.
type Plan struct {
	config         map[string]Values
	prior, planned map[string]tftypes.Value
	private        map[string][]byte // that belongs to prior
	applied        []string          // what apply has changed
}

// Applied are the resources that apply has changed, even if it failed later.
func (p *Plan) Applied() []string { return p.applied }

// Changes reports whether the plan changes a resource.
func (p *Plan) Changes(name string) bool {
	planned, configured := p.planned[name]
	return configured && !planned.Equal(p.prior[name])
}

// Changed are the resources that the plan changes.
func (p *Plan) Changed() []string {
	return slices.DeleteFunc(append(slices.Clone(Order), Daemon), func(name string) bool { return !p.Changes(name) })
}

// Planned are the attributes of a resource as they are planned.
func (w *World) Planned(p *Plan, name string) Values {
	return fields(w.attributes(name), p.planned[name])
}

// WasReady is ready_for_renewal of the state that the plan was made from.
func (w *World) WasReady(p *Plan, name string) bool {
	return ready(fields(w.attributes(name), p.prior[name]))
}

// TurnsOut says what an argument becomes at apply that was unknown at plan.
func (w *World) TurnsOut(p *Plan, name, argument string, value tftypes.Value) {
	if p.config[name][argument].IsFullyKnown() {
		panic(name + "." + argument + " is known at plan")
	}
	p.config[name][argument] = value
	w.Set(name, Values{argument: value})
}

// Plan is `terraform plan`.
func (w *World) Plan() (*Plan, error) {
	prior, private := maps.Clone(w.State), maps.Clone(w.private)
	w.Warnings = nil
	for _, name := range w.order() {
		var err error
		if prior[name], private[name], err = w.read(name, prior[name], private[name]); err != nil {
			return nil, fmt.Errorf("refreshing %s: %w", name, err)
		}
	}
	return w.planFrom(prior, private)
}

// PlanWithoutRefresh is `terraform plan -refresh=false`.
func (w *World) PlanWithoutRefresh() (*Plan, error) {
	w.Warnings = nil
	return w.planFrom(maps.Clone(w.State), maps.Clone(w.private))
}

func (w *World) planFrom(prior map[string]tftypes.Value, private map[string][]byte) (*Plan, error) {
	p := &Plan{config: map[string]Values{}, prior: prior, private: private, planned: map[string]tftypes.Value{}}
	for _, name := range w.order() {
		p.config[name] = maps.Clone(w.Config[name])
		var err error
		config := w.configure(name, p.config[name], p.planned)
		if p.planned[name], _, err = w.planOne(name, prior[name], private[name], config); err != nil {
			return nil, fmt.Errorf("planning %s: %w", name, err)
		}
	}
	return p, nil
}

// Apply is `terraform apply` of a saved plan: it stores what the plan's refresh
// found, even where there is nothing to do. What was applied before an error stays.
func (w *World) Apply(p *Plan) error {
	w.Warnings = nil
	w.State, w.private = maps.Clone(p.prior), maps.Clone(p.private)
	for _, name := range p.Changed() {
		if err := w.applyOne(p, name); err != nil {
			return err
		}
	}
	return nil
}

// applyOne plans once more with what has become known, and applies that. The
// second plan sees the private state of before the first; what the second plan
// makes of it goes into apply.
func (w *World) applyOne(p *Plan, name string) error {
	config := w.configure(name, p.config[name], w.State)
	final, private, err := w.planOne(name, p.prior[name], p.private[name], config)
	if err != nil {
		return fmt.Errorf("planning %s again: %w", name, err)
	}
	if err := checkPromise(p.planned[name], final); err != nil {
		return fmt.Errorf("inconsistent final plan of %s: %w", name, err)
	}
	if final.Equal(p.prior[name]) {
		return nil
	}
	resp, err := w.server.ApplyResourceChange(w.ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: name, PriorState: w.encode(name, p.prior[name]), PlannedState: w.encode(name, final),
		Config: w.encode(name, config), PlannedPrivate: private,
	})
	if err != nil {
		return err
	}
	if err := w.report(resp.Diagnostics); err != nil {
		return fmt.Errorf("applying %s: %w", name, err)
	}
	result, err := w.decode(name, resp.NewState)
	if err != nil {
		return err
	}
	if err := checkPromise(final, result); err != nil {
		return fmt.Errorf("inconsistent result of %s: %w", name, err)
	}
	if !result.IsFullyKnown() {
		return fmt.Errorf("%s has unknown values after apply", name)
	}
	if err := checkWriteOnly(w.attributes(name), fields(w.attributes(name), result)); err != nil {
		return err
	}
	w.State[name], w.private[name] = result, resp.Private
	p.applied = append(p.applied, name)
	return nil
}

// RefreshOnly is `terraform apply -refresh-only`.
func (w *World) RefreshOnly() error {
	for _, name := range w.order() {
		state, private, err := w.read(name, w.State[name], w.private[name])
		if err != nil {
			return err
		}
		w.State[name], w.private[name] = state, private
	}
	return nil
}

func (w *World) read(name string, state tftypes.Value, private []byte) (tftypes.Value, []byte, error) {
	if state.IsNull() {
		return state, private, nil
	}
	resp, err := w.server.ReadResource(w.ctx, &tfprotov6.ReadResourceRequest{TypeName: name, CurrentState: w.encode(name, state), Private: private})
	if err != nil {
		return state, private, err
	}
	if err := w.report(resp.Diagnostics); err != nil {
		return state, private, err
	}
	fresh, err := w.decode(name, resp.NewState)
	if err == nil {
		err = checkWriteOnly(w.attributes(name), fields(w.attributes(name), fresh))
	}
	return fresh, resp.Private, err
}

// Validate is what `terraform validate` asks about one resource.
func (w *World) Validate(name string) error {
	return w.validate(name, w.configure(name, w.Config[name], w.State))
}

func (w *World) validate(name string, config tftypes.Value) error {
	resp, err := w.server.ValidateResourceConfig(w.ctx, &tfprotov6.ValidateResourceConfigRequest{
		TypeName: name, Config: w.encode(name, config),
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true},
	})
	if err != nil {
		return err
	}
	return w.report(resp.Diagnostics)
}

// PlanDestroy is what `terraform plan -destroy` asks about one resource.
func (w *World) PlanDestroy(name string) error {
	w.Warnings = nil
	nothing := w.encode(name, Null(w.kind(name)))
	resp, err := w.server.PlanResourceChange(w.ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: name, PriorState: w.encode(name, w.State[name]), Config: nothing, ProposedNewState: nothing, PriorPrivate: w.private[name],
	})
	if err != nil {
		return err
	}
	return w.report(resp.Diagnostics)
}

// planOne validates and plans one resource, and checks the answer.
func (w *World) planOne(name string, prior tftypes.Value, private []byte, config tftypes.Value) (tftypes.Value, []byte, error) {
	if err := w.validate(name, config); err != nil {
		return prior, nil, err
	}
	attributes := w.attributes(name)
	if w.Ignoring[name] && !prior.IsNull() {
		config = without(config, "ca")
	}
	oldFields, configFields := fields(attributes, prior), fields(attributes, config)
	proposed := tftypes.NewValue(w.kind(name), propose(attributes, oldFields, configFields))
	resp, err := w.server.PlanResourceChange(w.ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: name, PriorState: w.encode(name, prior), Config: w.encode(name, config),
		ProposedNewState: w.encode(name, proposed), PriorPrivate: private,
	})
	if err != nil {
		return prior, nil, err
	}
	if err := w.report(resp.Diagnostics); err != nil {
		return prior, nil, err
	}
	if len(resp.RequiresReplace) > 0 && !prior.IsNull() {
		return prior, nil, fmt.Errorf("%s would be replaced", name)
	}
	planned, err := w.decode(name, resp.PlannedState)
	if err != nil {
		return prior, nil, err
	}
	return planned, resp.PlannedPrivate, checkPlan(attributes, oldFields, configFields, fields(attributes, planned))
}

// Import is `terraform import`: import, then refresh.
func (w *World) Import(name, id string) error {
	resp, err := w.server.ImportResourceState(w.ctx, &tfprotov6.ImportResourceStateRequest{TypeName: name, ID: id})
	if err != nil {
		return err
	}
	if err := w.report(resp.Diagnostics); err != nil {
		return err
	}
	if len(resp.ImportedResources) != 1 {
		return errors.New("not one resource is imported")
	}
	return w.take(name, resp.ImportedResources[0].State, resp.ImportedResources[0].Private)
}

// Move is what Terraform does for a moved block: move, then refresh.
func (w *World) Move(name, provider, source string, version int64, state []byte) error {
	resp, err := w.server.MoveResourceState(w.ctx, &tfprotov6.MoveResourceStateRequest{
		SourceProviderAddress: provider, SourceTypeName: source, SourceSchemaVersion: version,
		SourceState: &tfprotov6.RawState{JSON: state}, TargetTypeName: name,
	})
	if err != nil {
		return err
	}
	if err := w.report(resp.Diagnostics); err != nil {
		return err
	}
	return w.take(name, resp.TargetState, resp.TargetPrivate)
}

// take refreshes what was imported or moved, and takes it into the state.
func (w *World) take(name string, value *tfprotov6.DynamicValue, private []byte) error {
	state, err := w.decode(name, value)
	if err != nil {
		return err
	}
	w.State[name], w.private[name], err = w.read(name, state, private)
	return err
}

// Upgrade reads a state in JSON that some version of the provider has written.
func (w *World) Upgrade(name string, version int64, state []byte) error {
	resp, err := w.server.UpgradeResourceState(w.ctx, &tfprotov6.UpgradeResourceStateRequest{
		TypeName: name, Version: version, RawState: &tfprotov6.RawState{JSON: state},
	})
	if err != nil {
		return err
	}
	if err := w.report(resp.Diagnostics); err != nil {
		return err
	}
	w.State[name], err = w.decode(name, resp.UpgradedState)
	return err
}
