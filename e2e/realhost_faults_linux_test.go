package e2e

import (
	"net"
	"strings"
	"testing"
	"time"
)

// TestRealHostFaults does to hosts what other tests do to theirs, and looks whether it is so.
func TestRealHostFaults(t *testing.T) {
	t.Parallel()
	forEachRealDockerd(t, realHostFaults)
}

func realHostFaults(t *testing.T, dockerd string) {
	h, other := newRealHost(t, dockerd), newRealHost(t, "")
	h.write(t, "/etc/docker/daemon.json", `{"live-restore": true}`, 0o644)
	h.seed(t, "#cloud-config\nruncmd: [touch /root/seeded]\n")
	h.boot(t)
	other.boot(t)
	for _, h := range []*realHost{h, other} {
		if units := h.failed(t); units != nil {
			t.Errorf("%s: %q failed", h.name, units)
		}
		if name := h.must(t, "hostname"); name != h.name {
			t.Errorf("the hostname is %q, want %q", name, h.name)
		}
	}
	h.read(t, "/root/seeded")
	if text := h.journal(t, "docker"); !strings.Contains(text, "API listen on") {
		t.Errorf("the journal of docker.service is:\n%s", text)
	}

	answers := func(want bool, who string, i invocation) {
		t.Helper()
		if r := i.run(); (r.err == nil) != want {
			t.Errorf("%s reaches sshd: %v, want %v (%s)", who, r.err == nil, want, r.all())
		}
	}
	scan := invocation{path: tool(t, "ssh-keyscan"), args: []string{"-T", "2", h.address}}
	reach := func(want bool) {
		t.Helper()
		answers(want, "this machine", scan)
		answers(want, "another host", other.reaching(scan))
	}
	reach(true)
	conn, err := net.Dial("tcp", net.JoinHostPort(h.address, "22"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	h.cut(t)
	reach(false)
	h.restore(t)
	reach(true)
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Read(make([]byte, 4)); err != nil {
		t.Errorf("a connection did not outlive a cut: %v", err)
	}

	w := startWorkload(t, h)
	h.must(t, "systemctl", "restart", "docker")
	w.known(t)
	h.must(t, "systemctl", "stop", "docker.socket", "docker")
	if !w.alive() {
		t.Error("the workload ended with its daemon, which is to leave it alone")
	}

	for _, restart := range []struct {
		name    string
		restart func(*testing.T)
	}{
		{"reboot", h.reboot},
		{"power loss", func(t *testing.T) { t.Helper(); h.kill(t); h.boot(t) }},
	} {
		h.write(t, "/root/before", restart.name, 0o600)
		restart.restart(t)
		if text := h.read(t, "/root/before"); text != restart.name {
			t.Errorf("after a %s, the disk has %q", restart.name, text)
		}
		if w.alive() {
			t.Errorf("a process is alive after a %s", restart.name)
		}
		if h.must(t, "docker", "inspect", "--format={{.State.Running}}", w.id) != "false" {
			t.Errorf("the container that nothing restarts runs after a %s", restart.name)
		}
		reach(true)
	}
	h.shutdown(t)
	h.read(t, "/root/before")
}
