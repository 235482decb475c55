package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// met are hosts that are booted with Docker and sshd, and nothing else.
type met struct {
	workspace
	hosts []*realHost
	users map[string]string // by host; root if there is none
	keys  map[string]string // that hosts are to have, by host; their own if there is none
	key   string            // file of the private key that lets in
}

// meetHosts boots hosts that let in one key as root.
func meetHosts(t *testing.T, dockerd string, n int) *met {
	t.Helper()
	m := &met{workspace: workspace{terraform: findTerraform(t), dir: t.TempDir()}, users: map[string]string{}, keys: map[string]string{}}
	if err := m.write("first_contact.tf"); err != nil {
		t.Fatal(err)
	}
	for range n {
		h := newRealHost(t, dockerd)
		h.boot(t)
		if m.key == "" {
			m.key = h.letIn(t)
		} else {
			h.write(t, "/root/.ssh/authorized_keys", m.hosts[0].read(t, "/root/.ssh/authorized_keys"), 0o600)
		}
		m.hosts = append(m.hosts, h)
	}
	return m
}

func (m *met) args(t *testing.T, vars ...string) []string {
	t.Helper()
	type host struct {
		Address string `json:"address"`
		User    string `json:"user,omitempty"`
		HostKey string `json:"host_key,omitempty"`
	}
	hosts := map[string]host{}
	for _, h := range m.hosts {
		key, given := m.keys[h.name]
		if !given {
			key = h.hostKey(t)
		}
		hosts[h.name] = host{h.address, m.users[h.name], key}
	}
	return applyArgs(hosts, append(vars, "private_key_file="+m.key)...)
}

func (m *met) apply(t *testing.T, vars ...string) result {
	t.Helper()
	return <-m.beginApply(m.args(t, vars...))
}

// mustBeSettled checks that there is nothing to do.
func (m *met) mustBeSettled(t *testing.T, vars ...string) {
	t.Helper()
	if err := m.planIsEmpty(m.args(t, vars...)...); err != nil {
		t.Errorf("with %q: %v", vars, err)
	}
}

// setup is all that a visit may change on a host.
func (h *realHost) setup(t *testing.T) string {
	t.Helper()
	return h.must(t, "/bin/sh", "-c", "find /etc/docker /etc/systemd/system -not -type d -not -path "+daemonID+" | sort | xargs sha256sum; find /etc/docker /etc/systemd/system; ls -A /run | grep docker-tls; true")
}

// TestFirstContact has one apply bring TLS to hosts that have Docker and sshd and nothing else; and the next ones renew it
// through the port that the first has opened.
func TestFirstContact(t *testing.T) {
	t.Parallel()
	forEachRealDockerd(t, func(t *testing.T, dockerd string) {
		m := meetHosts(t, dockerd, 3)
		// One host lets in a user who is not root.
		m.hosts[1].admit(t, "ops", "--groups=docker")
		m.users[m.hosts[1].name] = "ops"
		// And one has a unit that does not say where to listen, so that daemon.json has to.
		m.hosts[2].write(t, "/etc/systemd/system/docker.service.d/50-no-hosts.conf", "[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd\n", 0o644)
		m.hosts[2].must(t, "systemctl", "daemon-reload")
		var workloads []workload
		for _, h := range m.hosts {
			// daemon.json of a user is kept.
			h.write(t, "/etc/docker/daemon.json", "{\n  \"max-concurrent-uploads\": 3,\n  \"live-restore\": true\n}\n", 0o644)
			h.must(t, "systemctl", "restart", "docker")
			workloads = append(workloads, startWorkload(t, h))
		}
		began := time.Now()
		if r := m.apply(t); r.err != nil {
			t.Fatalf("terraform apply: %v\n%s", r.err, r.all())
		}
		took := time.Since(began)
		client := clientMaterial(output[map[string]string](t, m.workspace, "client_files"))
		docker, curl := tool(t, "docker"), tool(t, "curl")
		for i, h := range m.hosts {
			h.serves(t, client)
			workloads[i].known(t)
			h.hasNoVisitor(t)
			if i < 2 {
				h.checkUnits(t)
			} else {
				h.absent(t, socketUnits[0])
			}
			if text := h.read(t, "/etc/docker/daemon.json"); !strings.HasPrefix(text, "{\n  \"max-concurrent-uploads\": 3,\n  \"live-restore\": true,\n") {
				t.Errorf("daemon.json is:\n%s", text)
			}
			dir := client.write(t)
			if r := dockerVersion(docker, []string{"HOME=" + t.TempDir()}, fullDocker(h.address+":2376", dir)...).run(); !r.connected() {
				t.Errorf("a client does not get in: %s", r.all())
			}
			if r := curlVersion(curl, h.address+":2376", "--cacert", dir+"/ca.pem").run(); r.connected() {
				t.Error("a stranger gets in")
			}
		}
		m.mustBeSettled(t)
		m.mustBeSettled(t, "ssh=false")

		// sshd is not needed any more.
		for _, h := range m.hosts {
			h.must(t, "systemctl", "stop", "ssh")
		}
		if r := m.apply(t, "ssh=false", "renewal=2"); r.err != nil {
			t.Fatalf("terraform apply: %v\n%s", r.err, r.all())
		}
		for i, h := range m.hosts {
			if got, want := h.served(t), output[map[string]string](t, m.workspace, "fingerprints")[h.name]; got != want {
				t.Errorf("%s serves %s, want %s", h.name, got, want)
			}
			workloads[i].known(t)
			h.hasNoVisitor(t)
			h.must(t, "systemctl", "start", "ssh")
		}
		// And it works through SSH where the port is out of reach.
		for _, h := range m.hosts {
			h.must(t, "iptables", "--wait", "--insert", "INPUT", "--in-interface", "host0", "--protocol", "tcp", "--dport", "2376", "--jump", "DROP")
		}
		if r := m.apply(t, "renewal=3"); r.err != nil {
			t.Fatalf("terraform apply: %v\n%s", r.err, r.all())
		} else if strings.Contains(r.all(), "Warning: Host") {
			t.Errorf("a port out of reach is worth a warning:\n%s", r.all())
		}
		for i, h := range m.hosts {
			h.must(t, "iptables", "--wait", "--flush", "INPUT")
			if got, want := h.served(t), output[map[string]string](t, m.workspace, "fingerprints")[h.name]; got != want {
				t.Errorf("%s serves %s, want %s", h.name, got, want)
			}
			workloads[i].known(t)
			h.hasNoVisitor(t)
		}
		report := fmt.Sprintf("\nfirst contact with 3 hosts, one after the other: %.1f s", took.Seconds())
		t.Log(report)
		keepReport(t, report)
	})
}

// admit makes a user of the host who lets in the same key as root.
func (h *realHost) admit(t *testing.T, user string, options ...string) {
	t.Helper()
	h.must(t, "useradd", append(append([]string{"--create-home", "--shell=/bin/sh"}, options...), user)...)
	h.must(t, "/bin/sh", "-c", fmt.Sprintf("mkdir -m 700 /home/%[1]s/.ssh && cp /root/.ssh/authorized_keys /home/%[1]s/.ssh/ && chown -R %[1]s: /home/%[1]s/.ssh", user))
}

// TestFirstContactRefusals meets hosts that something is wrong with. Each has a message of its own, and nothing is changed.
func TestFirstContactRefusals(t *testing.T) {
	t.Parallel()
	m := meetHosts(t, "", 1)
	h := m.hosts[0]
	h.admit(t, "guest")
	sh := func(script string) func() {
		return func() { h.must(t, "/bin/sh", "-c", script) }
	}
	const noDocker = "no Docker"
	const place = "/etc/systemd/system/docker.service.d/50-test.conf"
	dropIn := func(lines string) func() {
		return func() {
			h.write(t, place, "[Service]\n"+lines+"\n", 0o644)
			h.must(t, "systemctl", "daemon-reload")
		}
	}
	noDropIn := sh("rm -r " + filepath.Dir(place) + " && systemctl daemon-reload")
	as := func(user string) func() { return func() { m.users[h.name] = user } }
	with := func(key string) func() { return func() { m.keys[h.name] = key } }
	own := func() { delete(m.keys, h.name) }
	for _, test := range []struct {
		name          string
		before, after func()
		says          []string
	}{
		{"another host key", with(otherHostKey), own, []string{"ssh.host_key", "SHA256:"}},
		{"no host key", with(""), own, []string{"known_hosts", "SHA256:"}},
		{"no such user", as("nobody-here"), as("root"), []string{"nobody-here"}},
		{"a user without permission", as("guest"), as("root"), []string{"usermod -aG docker guest"}},
		{noDocker, sh("systemctl stop docker.socket docker && rm -f /run/docker.sock"), sh("systemctl start docker.socket docker"), []string{"/run/docker.sock"}},
		{"a port in use", sh("systemd-run --quiet --unit=squatter python3 -m http.server 2376"), sh("systemctl stop squatter"), []string{"listens on port 2376"}},
		{"daemon.json that is no JSON", sh(`printf '{ // comment\n}' >/etc/docker/daemon.json`), sh("rm /etc/docker/daemon.json"), []string{"daemon.json is no JSON in line 1"}},
		{"a full disk", sh("cp -a /etc/docker /root/docker; mount -t tmpfs -o size=8k tmpfs /etc/docker && ! dd if=/dev/zero of=/etc/docker/fill 2>/dev/null"), sh("umount --lazy /etc/docker"), []string{"No space left on device"}},
		{"a flag that is to be in daemon.json", dropIn("ExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --tlscert=/x"), noDropIn, []string{"starts dockerd with --tlscert"}},
		{"a unit that listens elsewhere", dropIn("ExecStart=\nExecStart=/usr/sbin/dockerd -H unix:///run/docker.sock"), noDropIn, []string{"without -H fd://", "take -H out of ExecStart"}},
		{"a dockerd that does not start with it", dropIn("ExecStartPre=/usr/bin/test ! -e /etc/docker/tls/server-cert.pem"), noDropIn, []string{"Docker did not start again", "The files that it had are back, and Docker is as it was before."}},
		{"sshd that forbids forwarding", sh("echo 'AllowStreamLocalForwarding no' >/etc/ssh/sshd_config.d/no.conf && systemctl restart ssh"), sh("rm /etc/ssh/sshd_config.d/no.conf && systemctl restart ssh"), []string{"AllowStreamLocalForwarding"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			clean := h.setup(t)
			test.before()
			before := h.setup(t)
			timeout := "timeout=20s"
			if test.name == noDocker { // which may be about to come
				timeout = "timeout=4s"
			}
			r := m.apply(t, timeout)
			if r.err == nil {
				t.Errorf("terraform apply ended well:\n%s", r.all())
			} else if missing := saysAll(r, test.says); len(missing) > 0 {
				t.Errorf("terraform apply does not say %q:\n%s", missing, r.all())
			}
			if after := h.setup(t); after != before {
				t.Errorf("the host was changed:\n%s\nnow:\n%s", before, after)
			}
			test.after()
			if after := h.setup(t); after != clean {
				t.Errorf("the test has left:\n%s\nwant:\n%s", after, clean)
			}
		})
	}
	t.Run("a power loss", func(t *testing.T) {
		before := h.setup(t)
		applied := m.beginApply(m.args(t))
		h.staged(t, "switching")
		h.kill(t)
		h.boot(t)
		if r := <-applied; r.err == nil || !says(r, "has rebooted before the new certificate was proved") {
			t.Errorf("terraform apply: %v\n%s", r.err, r.all())
		}
		h.hasNoVisitor(t)
		if after := h.setup(t); after != before {
			t.Errorf("the host was changed:\n%s\nnow:\n%s", before, after)
		}
		if h.listens("2376") {
			t.Error("the port is open")
		}
		h.must(t, "docker", "version")
	})
	if r := m.apply(t); r.err != nil {
		t.Errorf("terraform apply: %v\n%s", r.err, r.all())
	}
	h.serves(t, clientMaterial(output[map[string]string](t, m.workspace, "client_files")))
}
