package e2e

import (
	"fmt"
	"testing"
)

// TestStacksAcrossGenerations lets daemon and clients of different generations of the authority talk, with every TLS
// library at hand. A party is of one generation when it has that generation's roots, certificate, and key.
//
// The counter-check strips the cross certificates from the newer party's certificate. Then every library must refuse:
// it shows that the cross certificates are what makes the others connect.
func TestStacksAcrossGenerations(t *testing.T) {
	t.Parallel()
	all, list := generations(t), clients(t)
	bare := func(m material) material { return material{m.CA, split(t, m.Cert)[0], m.Key} }
	old, new, newest := all[0], all[1], all[2]
	daemons := []struct {
		name    string
		m       material
		clients []generationCase
	}{
		{"old daemon", old["server"], []generationCase{
			{"old client", old["client"], true},
			{"new client", new["client"], true},
			{"newest client, which skipped a generation", newest["client"], true},
			{"new client without cross certificate", bare(new["client"]), false},
		}},
		{"new daemon", new["server"], []generationCase{
			{"old client", old["client"], true},
			{"new client", new["client"], true},
			{"newest client", newest["client"], true},
		}},
		{"newest daemon, which skipped a generation", newest["server"], []generationCase{
			{"old client", old["client"], true},
			{"newest client", newest["client"], true},
		}},
		{"new daemon without cross certificate", bare(new["server"]), []generationCase{
			{"old client", old["client"], false},
			{"new client", new["client"], true},
		}},
	}
	forEachDockerd(t, func(t *testing.T, binary string) {
		for _, daemon := range daemons {
			t.Run(daemon.name, func(t *testing.T) {
				d := startDockerd(t, binary, daemonTLSVerify, daemon.m)
				for _, party := range daemon.clients {
					party.try(t, d, list)
				}
			})
		}
	})
}

// TestCutOff rotates an authority whose key has leaked: with no overlap, the new daemon trusts nothing of the old
// authority after the one apply, and the new client does not trust an old daemon.
func TestCutOff(t *testing.T) {
	t.Parallel()
	all, list := cutOff.get(t), clients(t)
	old, new := all[0], all[1]
	for role, m := range new {
		if roots, chain := len(split(t, m.CA)), len(split(t, m.Cert)); roots != 1 || chain != 1 {
			t.Errorf("the %s trusts %d roots and presents %d certificates, want one each", role, roots, chain)
		}
	}
	forEachDockerd(t, func(t *testing.T, binary string) {
		for _, daemon := range []struct {
			name     string
			m        material
			old, new bool // which clients it may serve
		}{
			{"new daemon", new["server"], false, true},
			{"old daemon", old["server"], true, false},
		} {
			t.Run(daemon.name, func(t *testing.T) {
				d := startDockerd(t, binary, daemonTLSVerify, daemon.m)
				for _, party := range []generationCase{{"old client", old["client"], daemon.old}, {"new client", new["client"], daemon.new}} {
					party.try(t, d, list)
				}
			})
		}
	})
}

// generationCase is a client and whether it must get through.
type generationCase struct {
	name     string
	m        material
	connects bool
}

// try has every client call the daemon with the party's material.
func (party generationCase) try(t *testing.T, d *dockerd, list []client) {
	t.Helper()
	for _, c := range list {
		t.Run(fmt.Sprintf("%s, %s", party.name, c.name), func(t *testing.T) {
			if r := c.get(d.port, party.m); r.connected() != party.connects {
				t.Errorf("connected: %v, want %v (%v)\n%s", r.connected(), party.connects, r.err, r.all())
			}
		})
	}
}
