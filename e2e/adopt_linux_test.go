package e2e

import "testing"

// TestAdoptedRotationWithoutOutage takes over a daemon and its clients from Docker's guide while they are at work, and
// rotates the authority: not one request fails, with the daemon's new files first and the clients' last.
//
// The guide's edition of today: Go, which the clients are written in, refuses the daemon of 2014 whatever its authority.
func TestAdoptedRotationWithoutOutage(t *testing.T) {
	t.Parallel()
	e := editions[len(editions)-1]
	forEachDockerd(t, func(t *testing.T, binary string) {
		dir, w := e.run(t, "localhost"), e.workspace(t)
		server, client := e.files(t, dir)
		socket := listen(t)
		d := activatedDockerd(t, binary, server, socket)
		l := startLoad(t, socket.Addr().String(), map[string]material{"server": server, "client": client})
		l.settle(t)

		l.begin("import")
		e.importAll(t, w, dir)
		checkEmpty(t, w)
		if err := w.apply("issue=true"); err != nil { // rotates nothing, and records the triggers
			t.Fatal(err)
		}
		l.settle(t)

		l.begin("rotate the authority")
		if err := w.apply("issue=true", "generation=1"); err != nil {
			t.Fatal(err)
		}
		next, err := w.materials()
		if err != nil {
			t.Fatal(err)
		}
		l.knows(t, 2, next["server"])
		l.settle(t)

		l.begin("restart the daemon")
		release := holdConnections(t, socket)
		waitForNoConnection(t, d.port)
		d.restart(t, next["server"])
		release()
		l.settle(t)

		l.begin("update all clients")
		l.update(t, rotationClients, 2, next["client"])
		l.settle(t)
		l.stop()
		l.report(t, 0)
		const want = requestsPerStep - rotationClients // those under way at an update are of before it
		for _, met := range []pair{{1, 1}, {1, 2}, {2, 2}} {
			if n := l.requests(met); n < want {
				t.Errorf("only %d requests of clients of generation %d to a daemon of generation %d, want %d", n, met.client, met.daemon, want)
			}
		}
	})
}
