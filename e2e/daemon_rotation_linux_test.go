package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// fleetSize is the number of hosts whose authority is rotated.
const fleetSize = 3

// TestDaemonRotation rotates the authority of a fleet by applies alone, while clients with old and with new files send
// requests to each host. None fails but those that a restart of Docker cuts, as TestRotationWithoutOutage has it. Then the
// old root is cut off at once, in two applies.
func TestDaemonRotation(t *testing.T) {
	t.Parallel()
	forEachRealDockerd(t, func(t *testing.T, dockerd string) {
		k := keepHosts(t, dockerd, fleetSize)
		old := k.client(t)
		var loads []*load
		for _, h := range k.hosts {
			first := map[string]material{"client": old, "server": k.server(t, h)}
			loads = append(loads, startLoad(t, h.address+":2376", first))
		}
		each := func(do func(l *load, h *realHost)) {
			for i, l := range loads {
				do(l, k.hosts[i])
			}
		}
		begin := func(step string) { each(func(l *load, _ *realHost) { l.begin(step) }) }
		settle := func() { each(func(l *load, _ *realHost) { l.settle(t) }) }
		settle()

		begin("rotate and deliver")
		k.deliver(t, "generation=2")
		each(func(l *load, h *realHost) { l.knows(t, 2, k.server(t, h)) })
		begin("old clients, new hosts")
		settle()
		begin("half of the clients")
		each(func(l *load, _ *realHost) { l.update(t, rotationClients/2, 2, k.client(t)) })
		settle()
		begin("all clients")
		each(func(l *load, _ *realHost) { l.update(t, rotationClients, 2, k.client(t)) })
		settle()
		// Now nobody has the old files any more, and the old root may go.
		begin("cut the old root off")
		k.deliver(t, "generation=2", "overlap_hours=0")
		settle()
		each(func(l *load, _ *realHost) {
			l.stop()
			l.report(t, 2*rotationClients) // two restarts
			for _, met := range []pair{{1, 1}, {1, 2}, {2, 2}} {
				if n := l.requests(met); n < requestsPerStep {
					t.Errorf("only %d requests of clients of generation %d to a daemon of generation %d, want %d", n, met.client, met.daemon, requestsPerStep)
				}
			}
		})
		docker := tool(t, "docker")
		for i, h := range k.hosts {
			if r := dockerVersion(docker, []string{"HOME=" + t.TempDir()}, fullDocker(h.address+":2376", old.write(t))...).run(); r.connected() {
				t.Errorf("%s still lets in a client of the old root", h.name)
			}
			h.serves(t, k.client(t))
			k.workloads[i].known(t)
			h.hasNoVisitor(t)
		}
		k.cutInOne(t)
	})
}

// cutInOne rotates the authority and cuts the old root off in one apply: the visit cannot get in. The first host fails, no
// other is visited, and all serve what they served.
func (k *kept) cutInOne(t *testing.T) {
	t.Helper()
	before := map[string]string{}
	for _, h := range k.hosts {
		before[h.name] = h.served(t)
	}
	r := <-k.begin(t, "generation=3", "overlap_hours=0")
	if r.err == nil || !says(r, "rotate and deliver while both are trusted, then cut and deliver again") {
		t.Errorf("the hard cut in one apply: %v\n%s", r.err, r.all())
	}
	if n := strings.Count(r.all(), "Error: Not attempted"); n != fleetSize-1 {
		t.Errorf("%d hosts were not attempted, want %d:\n%s", n, fleetSize-1, r.all())
	}
	// Told to, the provider visits all at once, whatever comes of it.
	r = <-k.begin(t, "generation=3", "overlap_hours=0", "rollout={parallel=3,stop_on_failure=false}")
	if n := strings.Count(r.all(), "Error: Nothing was delivered"); n != fleetSize {
		t.Errorf("%d hosts failed, want %d:\n%s", n, fleetSize, r.all())
	}
	for _, h := range k.hosts {
		if got := h.served(t); got != before[h.name] {
			t.Errorf("%s serves another certificate after a delivery that failed", h.name)
		}
	}
}

// client is what the client of testdata/daemon.tf reads.
func (k *kept) client(t *testing.T) material {
	t.Helper()
	return clientMaterial(output[map[string]string](t, k.workspace, "client_files"))
}

// server is what a host reads.
func (k *kept) server(t *testing.T, h *realHost) material {
	t.Helper()
	files, ok := output[map[string]map[string]string](t, k.workspace, "server_files")[h.name]
	if !ok {
		t.Fatal(fmt.Errorf("there is no host %s", h.name))
	}
	return material{CA: files["ca.pem"], Cert: files["server-cert.pem"], Key: files["server-key.pem"]}
}
