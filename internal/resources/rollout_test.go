package resources

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// queue runs deliveries to hosts through a rollout: each begins to wait when the
// one before it does, and ends when the test says how.
type queue struct {
	t       *testing.T
	rollout *Rollout
	began   chan string
	ends    map[string]chan error
	results map[string]chan error
}

func newQueue(t *testing.T, rollout *Rollout) *queue {
	return &queue{t, rollout, make(chan string), map[string]chan error{}, map[string]chan error{}}
}

// receive waits for what is to come at once.
func receive[T any](t *testing.T, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing happens")
	}
	return value
}

// arrive starts a delivery, and returns when it has begun or waits.
func (q *queue) arrive(ctx context.Context, host string) {
	q.t.Helper()
	end, result := make(chan error), make(chan error, 1)
	q.ends[host], q.results[host] = end, result
	ahead := q.waiting()
	go func() {
		result <- q.rollout.run(ctx, host, func() error {
			q.began <- host
			return <-end
		})
	}()
	for q.waiting() == ahead {
		select {
		case began := <-q.began:
			if began != host {
				q.t.Errorf("%s begins when %s arrives", began, host)
			}
			return
		case err := <-result:
			result <- err
			return
		case <-q.t.Context().Done():
			q.t.Fatalf("%s neither begins nor waits", host)
		default:
		}
	}
}

func (q *queue) waiting() int {
	q.rollout.mu.Lock()
	defer q.rollout.mu.Unlock()
	return len(q.rollout.waiting)
}

// end ends the delivery to a host, and checks who begins then.
func (q *queue) end(host string, err error, next string) {
	q.t.Helper()
	select {
	case q.ends[host] <- err:
	case <-time.After(10 * time.Second):
		q.t.Fatalf("%s has not begun", host)
	}
	if got := receive(q.t, q.results[host]); !errors.Is(got, err) {
		q.t.Errorf("%s: %v, not %v", host, got, err)
	}
	if next == "" {
		return
	}
	if began := receive(q.t, q.began); began != next {
		q.t.Errorf("%s begins after %s, not %s", began, host, next)
	}
}

func (q *queue) notAttempted(failed string, hosts ...string) {
	q.t.Helper()
	for _, host := range hosts {
		err := receive(q.t, q.results[host])
		if want := fmt.Sprintf("not attempted: host %s failed", failed); err == nil || err.Error() != want || !errors.Is(err, errNotAttempted) {
			q.t.Errorf("%s: %v, not %s", host, err, want)
		}
	}
}

func TestRolloutIsInOrder(t *testing.T) {
	q := newQueue(t, NewRollout(1, true, true))
	for _, host := range []string{"web1", "web2", "web3"} {
		q.arrive(t.Context(), host)
	}
	q.end("web1", nil, "web2")
	q.arrive(t.Context(), "web4")
	q.end("web2", nil, "web3")
	q.end("web3", nil, "web4")
	q.end("web4", nil, "")
	q.arrive(t.Context(), "web5") // begins at once
	q.end("web5", nil, "")
}

func TestRolloutStops(t *testing.T) {
	failure := errors.New("it does not start")
	q := newQueue(t, NewRollout(2, true, true))
	for _, host := range []string{"web1", "web2", "web3", "web4"} {
		q.arrive(t.Context(), host)
	}
	q.end("web2", failure, "")
	q.notAttempted("web2", "web3", "web4")
	q.end("web1", errors.New("another"), "") // it has begun, and is not the first to fail
	q.arrive(t.Context(), "web5")
	q.notAttempted("web2", "web5")
}

func TestRolloutGoesOn(t *testing.T) {
	q := newQueue(t, NewRollout(1, false, true))
	for _, host := range []string{"web1", "web2", "web3"} {
		q.arrive(t.Context(), host)
	}
	q.end("web1", errors.New("it does not start"), "web2")
	q.end("web2", nil, "web3")
	q.end("web3", nil, "")
}

// One that gives up while it waits is passed over.
func TestRolloutWaitsNoLongerThanItsContext(t *testing.T) {
	q := newQueue(t, NewRollout(1, true, true))
	ctx, cancel := context.WithCancel(t.Context())
	q.arrive(t.Context(), "web1")
	q.arrive(ctx, "web2")
	q.arrive(t.Context(), "web3")
	cancel()
	if err := receive(t, q.results["web2"]); !errors.Is(err, context.Canceled) {
		t.Errorf("web2: %v", err)
	}
	q.end("web1", nil, "web3")
	q.end("web3", nil, "")
}

// A turn is not lost where it is given to one that gives up at that moment.
func TestRolloutLosesNoTurn(t *testing.T) {
	r := NewRollout(3, true, true)
	var all sync.WaitGroup
	var mu sync.Mutex
	running, most := 0, 0
	for i := range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		all.Add(2)
		go func() {
			defer all.Done()
			_ = r.run(ctx, fmt.Sprint(i), func() error {
				mu.Lock()
				defer mu.Unlock()
				running++
				most = max(most, running)
				running--
				return nil
			})
		}()
		go func() {
			defer all.Done()
			if i%2 == 0 {
				cancel()
			}
		}()
		defer cancel()
	}
	all.Wait()
	if r.free != 3 || len(r.waiting) > 0 || most > 3 {
		t.Errorf("%d may begin, %d wait, %d were at once", r.free, len(r.waiting), most)
	}
}

// The same, where it is certain that the turn came first.
func TestRolloutHandsOnATurn(t *testing.T) {
	r := NewRollout(0, true, true)
	given, behind := make(chan struct{}), make(chan struct{})
	r.waiting = []chan struct{}{given, behind}
	r.next()
	r.giveUp(given)
	receive(t, behind)
}

// As many as are allowed run at once, and no more.
func TestRolloutIsParallel(t *testing.T) {
	for _, parallel := range []int{1, 3} {
		q := newQueue(t, NewRollout(parallel, true, true))
		hosts := []string{"web1", "web2", "web3", "web4", "web5"}
		for _, host := range hosts {
			q.arrive(t.Context(), host)
		}
		if waiting := q.waiting(); waiting != len(hosts)-parallel {
			t.Errorf("of %d at most, %d wait", parallel, waiting)
		}
		for i, host := range hosts {
			next := ""
			if i+parallel < len(hosts) {
				next = hosts[i+parallel]
			}
			q.end(host, nil, next)
		}
	}
}
