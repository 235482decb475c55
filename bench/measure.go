package main

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/bench/usage"
)

// The phases, as the report names them.
const (
	phaseApply     = "apply from nothing"
	phasePlan      = "plan without changes"
	phaseNoRefresh = "plan without changes, -refresh=false"
	phaseRotation  = "rotation of the authority: apply that reissues every certificate"
)

var phases = []string{phaseApply, phasePlan, phaseNoRefresh, phaseRotation}

// cell is what is measured several times.
type cell struct{ phase, backend, subject string }

// sample is one measurement.
type sample struct {
	usage.Command
	hostBytes int
}

// measure measures every subject in turns, so that what else the machine does hits
// them all alike.
func (b *bench) measure(ctx context.Context) error {
	for i := range b.runs {
		for _, backend := range b.backends {
			for _, s := range b.subjects {
				if err := b.measureOne(ctx, s, backend); err != nil {
					return err
				}
				_, _ = fmt.Fprintf(b.progress, "run %d of %d, %s, %s: apply %s, plan %s\n", i+1, b.runs, backend, s.name,
					b.last(phaseApply, backend, s).Round(10*time.Millisecond), b.last(phasePlan, backend, s).Round(10*time.Millisecond))
			}
		}
	}
	return nil
}

// last is the latest wall time.
func (b *bench) last(phase, backend string, s *subject) time.Duration {
	samples := b.results[cell{phase, backend, s.name}]
	return samples[len(samples)-1].Wall
}

// measureOne takes a subject through its phases.
func (b *bench) measureOne(ctx context.Context, s *subject, backend string) error {
	w, err := b.open(ctx, s, backend, b.hosts)
	if err != nil {
		return err
	}
	all := b.hosts*s.perHost + s.others
	steps := []struct {
		phase string
		run   func() (usage.Command, error)
	}{
		{phaseApply, func() (usage.Command, error) { return w.apply(ctx, all, 0) }},
		{phasePlan, func() (usage.Command, error) { return w.plan(ctx) }},
		{phaseNoRefresh, func() (usage.Command, error) { return w.plan(ctx, "-refresh=false") }},
		{phaseRotation, func() (usage.Command, error) {
			if err := w.vary("2"); err != nil {
				return usage.Command{}, err
			}
			return w.apply(ctx, 0, all)
		}},
	}
	if s.name != ours {
		steps = steps[:2]
	}
	for _, step := range steps {
		used, err := step.run()
		if err != nil {
			return err
		}
		state, err := w.state()
		if err != nil {
			return err
		}
		bytes, err := hostBytes(state, b.hosts)
		if err != nil {
			return err
		}
		at := cell{step.phase, backend, s.name}
		b.results[at] = append(b.results[at], sample{used, bytes})
	}
	return w.close()
}
