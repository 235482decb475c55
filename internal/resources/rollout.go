package resources

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Rollout is how the deliveries of one run follow one another: some at once, in
// the order in which they arrive, and none after one has failed.
type Rollout struct {
	probe bool // refresh asks hosts what they serve

	mu            sync.Mutex
	free          int // deliveries that may begin
	waiting       []chan struct{}
	stopOnFailure bool
	failed        string // the host that ended the rollout
}

// NewRollout makes the rollout of one run. probe says whether a refresh dials.
func NewRollout(parallel int, stopOnFailure, probe bool) *Rollout {
	return &Rollout{free: parallel, stopOnFailure: stopOnFailure, probe: probe}
}

// errNotAttempted is wrapped by the error about a host whose turn never comes.
var errNotAttempted = errors.New("not attempted")

// run delivers to a host when it is its turn. Waiting for that ends with ctx.
func (r *Rollout) run(ctx context.Context, host string, deliver func() error) error {
	if err := r.enter(ctx); err != nil {
		return err
	}
	err := deliver()
	r.leave(host, err)
	return err
}

func (r *Rollout) enter(ctx context.Context) error {
	r.mu.Lock()
	if r.failed != "" || r.free > 0 {
		defer r.mu.Unlock()
		if r.failed == "" {
			r.free--
		}
		return r.stopped()
	}
	turn := make(chan struct{})
	r.waiting = append(r.waiting, turn)
	r.mu.Unlock()
	select {
	case <-turn:
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.stopped()
	case <-ctx.Done():
		r.giveUp(turn)
		return ctx.Err()
	}
}

// stopped says why no more deliveries begin.
func (r *Rollout) stopped() error {
	if r.failed == "" {
		return nil
	}
	return fmt.Errorf("%w: host %s failed", errNotAttempted, r.failed)
}

// giveUp takes one out of those that wait, or hands on the turn that it has got
// meanwhile.
func (r *Rollout) giveUp(turn chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.waiting, turn); i >= 0 {
		r.waiting = slices.Delete(r.waiting, i, i+1)
		return
	}
	r.next()
}

func (r *Rollout) leave(host string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && r.stopOnFailure && r.failed == "" {
		r.failed = host
	}
	r.next()
	for r.failed != "" && len(r.waiting) > 0 {
		r.next() // to be told so
	}
}

// next gives a turn to who has waited longest.
func (r *Rollout) next() {
	if len(r.waiting) == 0 {
		r.free++
		return
	}
	close(r.waiting[0])
	r.waiting = r.waiting[1:]
}
