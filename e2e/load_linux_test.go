package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pair is the generations of the two ends of a request. 0 is a daemon that no answer came from.
type pair struct{ client, daemon int }

// tally is what came of the requests that began during one step.
type tally struct {
	step    string
	count   map[pair]int
	failed  int
	slowest time.Duration
}

// load is a number of clients that send requests without pause.
type load struct {
	url     string
	quit    chan struct{}
	clients sync.WaitGroup
	once    sync.Once

	mu         sync.Mutex
	generation []int         // of each client
	identity   []*tls.Config // of each client
	daemons    map[string]int
	tallies    []*tally
	total      int
	failures   []failure
}

// startLoad starts the clients, all of generation 1. They stop with the test at the latest.
func startLoad(t *testing.T, address string, first map[string]material) *load {
	t.Helper()
	l := &load{url: "https://" + address + "/_ping", quit: make(chan struct{}), daemons: map[string]int{},
		generation: make([]int, rotationClients), identity: make([]*tls.Config, rotationClients), tallies: []*tally{{step: "start", count: map[pair]int{}}}}
	l.knows(t, 1, first["server"])
	l.update(t, rotationClients, 1, first["client"])
	for i := range rotationClients {
		l.clients.Go(func() { l.client(i) })
	}
	t.Cleanup(l.stop)
	return l
}

// client sends one request after the other until the load stops.
func (l *load) client(i int) {
	for {
		select {
		case <-l.quit:
			return
		default:
		}
		l.mu.Lock()
		config, ends, during := l.identity[i], pair{client: l.generation[i]}, l.tallies[len(l.tallies)-1]
		l.mu.Unlock()

		began := time.Now()
		_, daemon, err := get(context.Background(), config, l.url)
		took := time.Since(began)

		l.mu.Lock()
		l.total++
		during.slowest = max(during.slowest, took)
		if err != nil {
			during.failed++
			l.failures = append(l.failures, failure{during.step, ends.client, took, err})
		} else {
			ends.daemon = l.daemons[string(daemon.Raw)]
		}
		during.count[ends]++
		l.mu.Unlock()
	}
}

// knows tells the load which certificate a daemon of a generation has.
func (l *load) knows(t *testing.T, generation int, daemon material) {
	t.Helper()
	block, _ := pem.Decode([]byte(daemon.Cert))
	if block == nil {
		t.Fatal("the daemon's certificate is no PEM")
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.daemons[string(block.Bytes)] = generation
}

// update delivers new files to the first n clients. They use them from their next request on.
func (l *load) update(t *testing.T, n, generation int, m material) {
	t.Helper()
	config, err := m.config()
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range n {
		l.generation[i], l.identity[i] = generation, config
	}
}

// begin names the step that the requests from now on belong to.
func (l *load) begin(step string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tallies = append(l.tallies, &tally{step: step, count: map[pair]int{}})
}

// settle waits until the clients have made some more requests.
func (l *load) settle(t *testing.T) {
	t.Helper()
	target := l.ended() + requestsPerStep
	eventually(t, 2*time.Minute, fmt.Sprintf("%d more requests have ended", requestsPerStep), func() bool { return l.ended() >= target })
}

// ended counts the requests that have ended.
func (l *load) ended() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// stop lets the requests under way end, and starts no more.
func (l *load) stop() {
	l.once.Do(func() { close(l.quit) })
	l.clients.Wait()
}

// requests counts the answered requests between clients and daemons of given generations.
func (l *load) requests(p pair) (n int) {
	for _, tally := range l.tallies {
		n += tally.count[p]
	}
	return n
}

// report logs the counts of the whole rotation. It fails the test for a request that failed, but for so many that a
// restart of the daemon cut.
func (l *load) report(t *testing.T, mayCut int) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "\n%-28s %10s %10s %10s %10s %8s %10s\n", "requests, by step", "old→old", "old→new", "new→old", "new→new", "failed", "slowest")
	for _, s := range l.tallies {
		fmt.Fprintf(&b, "%-28s %10d %10d %10d %10d %8d %10s\n", s.step, s.count[pair{1, 1}], s.count[pair{1, 2}], s.count[pair{2, 1}], s.count[pair{2, 2}],
			s.failed, s.slowest.Round(time.Millisecond))
	}
	fmt.Fprintf(&b, "%d requests, %d failed (client → daemon, by the generation of the authority)", l.total, len(l.failures))
	t.Log(b.String())
	keepReport(t, b.String())
	var cut, refused []failure
	for _, f := range l.failures {
		if f.cut() {
			cut = append(cut, f)
		} else {
			refused = append(refused, f)
		}
	}
	if len(refused) > 0 {
		t.Errorf("%d requests failed, the first of them:\n%s", len(refused), list(refused))
	}
	if len(cut) > mayCut {
		t.Errorf("one restart of the daemon cut %d requests, want %d at most:\n%s", len(cut), mayCut, list(cut))
	}
	if l.total < requestsInAll {
		t.Errorf("only %d requests, want %d", l.total, requestsInAll)
	}
}

// keepReport appends a report to the file that E2E_REPORT names: go test shows the log of a test that passes only with -v.
func keepReport(t *testing.T, text string) {
	t.Helper()
	name := os.Getenv("E2E_REPORT")
	if name == "" {
		return
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(file, "%s%s\n\n", t.Name(), text); err != nil {
		t.Error(err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}

// failure is a request that had no answer.
type failure struct {
	step   string
	client int // generation
	took   time.Duration
	err    error
}

func (f failure) String() string {
	return fmt.Sprintf("%s, client of generation %d, after %s: %v", f.step, f.client, f.took.Round(time.Millisecond), f.err)
}

// list shows the first few failures.
func list(failures []failure) string {
	var b strings.Builder
	for _, f := range failures[:min(10, len(failures))] {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// cut reports whether the connection ended before the answer, without a word from TLS: neither side refused the other.
func (f failure) cut() bool {
	return errors.Is(f.err, io.EOF) || errors.Is(f.err, syscall.ECONNRESET) || errors.Is(f.err, syscall.EPIPE)
}
