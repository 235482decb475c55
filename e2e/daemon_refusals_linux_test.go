package e2e

import (
	"regexp"
	"strings"
	"testing"
)

// refusal is a host to which no certificate can be delivered as it is.
type refusal struct {
	name   string
	change string   // script that makes the host so; Docker restarts after it
	vars   []string // of the apply
	at     string   // argument that the error points at
	says   []string // sentences of the error
	hidden bool     // nobody can see the host's certificate
}

const (
	// withoutTLS takes TLS out of daemon.json, and removes the drop-in that checks it.
	withoutTLS = `echo '{"live-restore": true}' >/etc/docker/daemon.json && rm /etc/systemd/system/docker.service.d/10-tls.conf`

	// withFlags has the certificates in flags of the unit instead.
	withFlags = withoutTLS + ` && printf '[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --tlsverify --tlscacert=/etc/docker/tls/ca.pem` +
		` --tlscert=/etc/docker/tls/server-cert.pem --tlskey=/etc/docker/tls/server-key.pem\n' >/etc/systemd/system/docker.service.d/50-flags.conf`
)

func refusals() []refusal {
	return []refusal{
		{
			name:   "userns-remap",
			change: `sed -i '1a "userns-remap": "default",' /etc/docker/daemon.json`,
			at:     "host", says: []string{"remaps the users of its containers (userns-remap)", "Deliver its certificates by other means. Nothing was changed there."},
		},
		{
			name:   "no TLS",
			change: withoutTLS, hidden: true,
			at: "host", says: []string{"serves Docker without TLS, or something else.", "whatever were sent there could be read: nothing was. Close that port, and bring TLS first: over SSH (via), or by cloud_init or host_files."},
		},
		{
			name:   "another authority for clients",
			change: "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -out /etc/docker/tls/ca.pem -subj /CN=other",
			at:     "ca", says: []string{"does not let the visit in: tls: ", "Its daemon trusts other authorities than the one that has signed the visit's certificate", "Nothing was changed there."},
		},
		{
			name:   "certificates in flags",
			change: withFlags,
			at:     "options", says: []string{"daemon.json names no tlscert and tlskey. Set options, so that they are written there; where they are flags of Docker's unit, take them out of it first. Nothing was changed on the host."},
		},
		{
			name:   "certificates in flags, and options",
			change: withFlags, vars: []string{"options=true"},
			at: "options", says: []string{"docker.service starts dockerd with --tls", "so that dockerd would not start: take one of them out. Nothing was changed there."},
		},
		{
			name: "another daemon.json",
			change: `cp -a /etc/docker/tls /etc/docker/other && sed 's|/etc/docker/tls/|/etc/docker/other/|' /etc/docker/daemon.json >/etc/docker/other.json` +
				` && printf '[Service]\nExecStart=\nExecStart=/usr/sbin/dockerd -H fd:// --config-file=/etc/docker/other.json\n' >/etc/systemd/system/docker.service.d/50-other.conf`,
			at: "options", says: []string{"serves another certificate than the one in /etc/docker/tls/server-cert.pem", isBack},
		},
	}
}

// TestDaemonRefusals has the same renewal refused by one host after the other, each for a reason of its own. All are the same
// machine.
func TestDaemonRefusals(t *testing.T) {
	t.Parallel()
	k := keepHosts(t, "", 1)
	for _, r := range refusals() {
		t.Run(r.name, func(t *testing.T) {
			defer k.hosts[0].change(t, r.change)()
			k.refused(t, r)
		})
	}
	t.Run("an authorization plugin", func(t *testing.T) { k.guarded(t) })
	t.Run("a visit that was killed", func(t *testing.T) { k.orphaned(t) })
	t.Run("no restart", func(t *testing.T) { k.unrestarted(t) })
	k.workloads[0].known(t)
}

// change has Docker run on a host with another configuration. undo takes that back: the host then serves what it served.
func (h *realHost) change(t *testing.T, script string) (undo func()) {
	t.Helper()
	const (
		keep    = "cp -a /etc/docker /root/docker && cp -a /etc/systemd/system/docker.service.d /root/docker.service.d && "
		restore = "rm -r /etc/docker /etc/systemd/system/docker.service.d && mv /root/docker /etc/docker && mv /root/docker.service.d /etc/systemd/system/docker.service.d"
		restart = " && systemctl daemon-reload && systemctl reset-failed && systemctl restart docker"
	)
	former := h.served(t)
	h.must(t, "/bin/sh", "-c", keep+script+restart)
	return func() {
		t.Helper()
		h.must(t, "/bin/sh", "-c", restore+restart)
		if got := h.served(t); got != former {
			t.Errorf("the host serves %s, want the former certificate %s", got, former)
		}
	}
}

// refused applies what a host refuses, and changes nothing there.
func (k *kept) refused(t *testing.T, r refusal) {
	t.Helper()
	h := k.hosts[0]
	look := func() (string, string) {
		if r.hidden {
			return "", h.configuration(t)
		}
		return h.served(t), h.configuration(t)
	}
	served, configuration := look()
	applied := <-k.begin(t, append([]string{"renewal=2"}, r.vars...)...)
	if applied.err == nil {
		t.Errorf("terraform apply ended well:\n%s", applied.all())
	} else if missing := saysAll(applied, r.says); len(missing) > 0 {
		t.Errorf("terraform apply does not say %q:\n%s", missing, applied.all())
	}
	if !regexp.MustCompile(`(?m)^[│ ]*\d+: +` + r.at + ` +=`).MatchString(applied.all()) {
		t.Errorf("the error does not point at %s:\n%s", r.at, applied.all())
	}
	if strings.Contains(applied.all(), "PRIVATE KEY") {
		t.Error("terraform apply shows a key")
	}
	h.hasNoVisitor(t)
	if nowServed, now := look(); nowServed != served || now != configuration {
		t.Errorf("the host serves %s and has\n%s\nwant %s and\n%s", nowServed, now, served, configuration)
	}
}

// configuration is the hashes and modes of all files that a delivery may write.
func (h *realHost) configuration(t *testing.T) string {
	t.Helper()
	return h.must(t, "/bin/sh", "-c", "find /etc/docker /etc/systemd/system -type f -exec sha256sum {} + -exec stat --format='%a %n' {} + | sort")
}

// guard is an authorization plugin that forbids the requests that a regular expression finds (METHOD PATH). See
// docs.docker.com/engine/extend/plugins_authorization.
const guard = `import http.server, json, re

class Guard(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        answer = {"Implements": ["authz"], "Allow": True}
        if self.path == "/AuthZPlugin.AuthZReq":
            with open("/run/guard") as f:
                forbids = f.read()
            if forbids and re.search(forbids, request["RequestMethod"] + " " + request["RequestUri"]):
                answer = {"Allow": False, "Msg": "not here"}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

http.server.ThreadingHTTPServer(("127.0.0.1", 2999), Guard).serve_forever()
`

// guarded has a plugin forbid one step after the other. Without that, the certificate is delivered under its eyes.
func (k *kept) guarded(t *testing.T) {
	t.Helper()
	h := k.hosts[0]
	h.write(t, "/usr/local/lib/guard.py", guard, 0o644)
	h.write(t, "/run/guard", "", 0o644)
	h.must(t, "systemd-run", "--quiet", "--unit=guard", "python3", "/usr/local/lib/guard.py")
	const change = `mkdir /etc/docker/plugins && echo tcp://127.0.0.1:2999 >/etc/docker/plugins/guard.spec && sed -i '1a "authorization-plugins": ["guard"],' /etc/docker/daemon.json`
	defer h.change(t, change)()
	for _, step := range []struct {
		name, forbids, says string
		vars                []string
	}{
		{"version", `^GET .*/version`, "ask the daemon for its version", nil},
		{"info", `^GET .*/info`, "ask the daemon what it is", nil},
		{"import", `^POST .*/images/create`, "import an image of nothing", nil},
		{"create", `^POST .*/containers/create`, "create a container", nil},
		{"read", `^GET .*/archive`, "read /etc/docker/daemon.json", nil},
		{"start", `^POST .*/start`, "start a container with the host's own programs", nil},
		{"wait", `^POST .*/wait`, "wait for a container", nil},
		{"write", `^PUT .*/archive`, "take the new files", nil},
		{"write, without a restart", `^PUT .*/archive`, "take the new files", []string{"restart=none"}},
	} {
		t.Run(step.name, func(t *testing.T) {
			h.write(t, "/run/guard", step.forbids, 0o644)
			k.refused(t, refusal{
				vars: step.vars, at: "host",
				says: []string{
					"An authorization plugin of tcp://" + h.address + ":2376 forbids a step of the visit, to " + step.says + ": ",
					"authorization denied by plugin guard: not here. Have it allow the subject of the visit's certificate what SECURITY.md lists. Nothing was changed there.",
				},
			})
		})
	}
}

// orphaned finds what a visit has left whose provider and whose host have ended at once.
func (k *kept) orphaned(t *testing.T) {
	t.Helper()
	h := k.hosts[0]
	images := func() string { return h.must(t, "docker", "images", "--all", "--quiet") }
	former := images()
	h.must(t, "/bin/sh", "-c", "head -c 1024 /dev/zero | docker import - docker-tls-visit && docker create --name=docker-tls-visit --network=none docker-tls-visit x")
	k.deliver(t, "renewal=2")
	h.hasNoVisitor(t)
	if left := images(); left != former {
		t.Errorf("the host has the images\n%s\nwant\n%s", left, former)
	}
}

// unrestarted has the files written, and restarts Docker by hand.
func (k *kept) unrestarted(t *testing.T) {
	t.Helper()
	h := k.hosts[0]
	former, starts := h.served(t), h.starts(t)
	vars := []string{"renewal=3", "restart=none"}
	k.deliver(t, vars...)
	h.hasNoVisitor(t)
	if got := h.served(t); got != former {
		t.Errorf("without a restart the host serves %s, want the former certificate %s", got, former)
	}
	if n := h.starts(t); n != starts {
		t.Errorf("Docker was started %d times, want %d", n, starts)
	}
	h.must(t, "systemctl", "restart", "docker")
	h.serves(t, clientMaterial(output[map[string]string](t, k.workspace, "client_files")))
	if got, want := h.served(t), output[map[string]string](t, k.workspace, "fingerprints")[h.name]; got != want {
		t.Errorf("after a restart the host serves %s, want %s", got, want)
	}
	k.mustBeSettled(t, vars...)
}
