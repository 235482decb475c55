package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestDockerUnit changes docker.service of a host as distributions and operators do. Docker serves its client, or says
// why it cannot start, and so does the data source as far as it can know.
func TestDockerUnit(t *testing.T) {
	t.Parallel()
	h := newRealHost(t, "")
	w := workspace{terraform: findTerraform(t), dir: t.TempDir()}
	if err := w.write("wholeway.tf"); err != nil {
		t.Fatal(err)
	}
	vars := []string{"address=" + h.address, "options={settings={live-restore=true}}"}
	w.applyChecked(t, "fail", append(vars, "daemon=tcp://127.0.0.1:"+freePort(t))...)
	h.seed(t, output[string](t, w, "user_data"))
	h.boot(t)
	client := wholeWayCalls(t, w)[0]

	const (
		noSocket = "docker-tls: no -H fd:// in ExecStart, so its port would not answer: add it, or use listen = hosts"
		clash    = "docker-tls: live-restore is set in /etc/docker/daemon.json and by --live-restore in ExecStart or its variables: remove one"
	)
	for _, test := range []struct {
		name, command, variables, says string
	}{
		{"Docker's own packages", "/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock", "", ""},
		{"openSUSE", "/usr/sbin/dockerd --add-runtime oci=/usr/sbin/runc $DOCKER_NETWORK_OPTIONS $DOCKER_OPTS", "", noSocket},
		{"the usual drop-in", "/usr/sbin/dockerd", "", noSocket},
		{"a flag", "/usr/sbin/dockerd -H fd:// --live-restore", "", clash},
		{"Debian's variable", "", "DOCKER_OPTS=--live-restore\n", clash},
		{"Fedora's variable", "/usr/sbin/dockerd -H fd:// $OPTIONS", "OPTIONS='--selinux-enabled=false --live-restore'\n", clash},
		{"variables without a clash", "/usr/sbin/dockerd -H fd:// $OPTIONS", "OPTIONS='--log-level=warn'\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.setDockerUnit(t, test.command, test.variables)
			earlier := h.said(t, test.says)
			started := h.on(invocation{path: "systemctl", args: []string{"restart", "docker"}}).run().err == nil
			if started != (test.says == "") {
				t.Errorf("started: %v, want %v", started, !started)
			}
			if started {
				if r := client.run(); !r.connected() {
					t.Errorf("the client is not served: %v\n%s", r.err, r.all())
				}
				w.applyChecked(t, "pass", vars...)
				return
			}
			h.saysWhy(t, test.says, earlier)
			said := strings.Join(strings.Fields(w.applyChecked(t, "fail", vars...)), " ")
			if !strings.Contains(said, "nothing listens on "+h.address+":2376: Docker is not running there (systemctl status docker says why)") {
				t.Errorf("the data source says:\n%s", said)
			}
		})
	}
}

// setDockerUnit gives docker.service another command and more variables, or its own ones.
func (h *realHost) setDockerUnit(t *testing.T, command, variables string) {
	t.Helper()
	unit := "[Service]\n"
	if command != "" {
		unit += "ExecStart=\nExecStart=" + command + "\n"
	}
	h.write(t, "/etc/systemd/system/docker.service.d/50-e2e.conf", unit, 0o644)
	h.write(t, "/etc/default/docker", variables, 0o644)
	h.must(t, "systemctl", "daemon-reload")
	h.must(t, "systemctl", "reset-failed")
}

// tooQuickly is what systemd says when it gives up.
const tooQuickly = "docker.service: Start request repeated too quickly."

// failedCheck is the line of systemctl status about a command whose failure keeps a service from its start.
var failedCheck = regexp.MustCompile(`(?m)^ *Process: \d+ ExecStartPre=(.*) \(code=exited, status=1/FAILURE\)$`)

// saysWhy waits until systemd gives up, and looks for a sentence where the operator of the host does. systemctl status
// then shows the command that has the sentence; the journal has it since earlier times, as often as that says.
func (h *realHost) saysWhy(t *testing.T, sentence string, earlier int) {
	t.Helper()
	var status string
	eventually(t, time.Minute, "systemd gives up", func() bool {
		status = h.on(invocation{path: "systemctl", args: []string{"status", "--no-pager", "--full", "docker"}}).run().stdout
		return strings.Contains(status, "Active: failed")
	})
	check := failedCheck.FindStringSubmatch(status)
	if check == nil || !strings.Contains(strings.ReplaceAll(check[1], "$f", "live-restore"), sentence) {
		t.Errorf("systemctl status does not say why:\n%s", status)
	}
	h.must(t, "journalctl", "--sync")
	if said := h.said(t, sentence); said <= earlier {
		t.Errorf("the journal does not say why:\n%s", tail(h.journal(t, "docker"), 20))
	}
	if h.said(t, tooQuickly) == 0 {
		t.Errorf("systemd does not say %q:\n%s", tooQuickly, tail(h.journal(t, "docker"), 20))
	}
}

// said counts how often docker.service has logged a sentence since the boot.
func (h *realHost) said(t *testing.T, sentence string) int {
	t.Helper()
	return strings.Count(h.journal(t, "docker")+"\n", "]: "+sentence+"\n")
}
