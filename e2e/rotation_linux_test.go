package e2e

import (
	"fmt"
	"net"
	"testing"
)

const (
	rotationClients = 4    // send requests all the time
	requestsPerStep = 200  // at least, after each of the five steps
	requestsInAll   = 1000 // at least, in one rotation
)

// TestRotationWithoutOutage rotates an authority with terraform apply while clients send requests without pause, each
// on a new connection with a full handshake, to a real daemon that is restarted with its new files in between.
//
// The daemon's listening socket outlives the daemon, as with systemd socket activation: a request that comes while no
// daemon runs waits for the next one. Not one may fail for a certificate, whichever side gets its files first.
//
// A restart has a gap of its own, whatever the certificates. Since Docker 24 (moby/moby#45314) a daemon stops with
// http.Server.Shutdown, which closes the connections that it has accepted but not yet read a request from
// (golang/go#75591). So the rotation is run twice: once with nothing but a restart, where each client may lose the
// one request it has under way and no more, and once with a restart that holds new connections back until the open
// ones are served, where no request may fail at all.
func TestRotationWithoutOutage(t *testing.T) {
	t.Parallel()
	terraform := findTerraform(t)
	forEachDockerd(t, func(t *testing.T, binary string) {
		for _, order := range []struct {
			name  string
			steps []string
			meet  pair // old and new, by this order
		}{
			{"authority, daemon, clients", []string{"rotate the authority", "restart the daemon", "update half of the clients", "update all clients"}, pair{client: 1, daemon: 2}},
			{"authority, clients, daemon", []string{"rotate the authority", "update half of the clients", "update all clients", "restart the daemon"}, pair{client: 2, daemon: 1}},
		} {
			for _, restart := range []struct {
				name string
				hold bool
				lose int // requests that the restart may cut
			}{
				{"plain restart", false, rotationClients},
				{"restart without open connections", true, 0},
			} {
				t.Run(order.name+", "+restart.name, func(t *testing.T) {
					t.Parallel()
					w := workspace{terraform, t.TempDir()}
					if err := w.write("rotation.tf"); err != nil {
						t.Fatal(err)
					}
					old, next := w.generation(t, 1), map[string]material(nil)

					socket := listen(t)
					d := activatedDockerd(t, binary, old["server"], socket)

					l := startLoad(t, socket.Addr().String(), old)
					steps := map[string]func(){
						"rotate the authority": func() {
							next = w.generation(t, 2)
							l.knows(t, 2, next["server"])
						},
						"restart the daemon": func() {
							if restart.hold {
								release := holdConnections(t, socket)
								defer release()
								waitForNoConnection(t, d.port)
							}
							d.restart(t, next["server"])
						},
						"update half of the clients": func() { l.update(t, rotationClients/2, 2, next["client"]) },
						"update all clients":         func() { l.update(t, rotationClients, 2, next["client"]) },
					}
					l.settle(t)
					for _, step := range order.steps {
						l.begin(step)
						steps[step]()
						l.settle(t)
					}
					l.stop()
					l.report(t, restart.lose)
					for _, met := range []pair{{1, 1}, order.meet, {2, 2}} {
						if n := l.requests(met); n < requestsPerStep {
							t.Errorf("only %d requests of clients of generation %d to a daemon of generation %d, want %d", n, met.client, met.daemon, requestsPerStep)
						}
					}
				})
			}
		}
	})
}

// listen opens a socket for daemons to inherit. It is plain TCP, as systemd's are: Go would take Multipath TCP.
func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	socket, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return socket.(*net.TCPListener)
}

// generation applies testdata/rotation.tf for a generation of the authority and returns what it made.
func (w workspace) generation(t *testing.T, n int) map[string]material {
	t.Helper()
	if err := w.apply(fmt.Sprintf("generation=%d", n)); err != nil {
		t.Fatal(err)
	}
	files, err := w.materials()
	if err != nil {
		t.Fatal(err)
	}
	return files
}
