package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/deploy"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

// kept are hosts that docker_tls_daemon keeps on their certificates, by testdata/daemon.tf.
type kept struct {
	workspace
	hosts     []*realHost
	workloads []workload
}

// keepHosts makes hosts, and switches each on when one terraform apply has its user data ready. The apply ends when all
// serve.
func keepHosts(t *testing.T, dockerd string, n int) *kept {
	t.Helper()
	k := &kept{workspace: workspace{terraform: findTerraform(t), dir: t.TempDir()}}
	if err := k.write("daemon.tf"); err != nil {
		t.Fatal(err)
	}
	for range n {
		k.hosts = append(k.hosts, newRealHost(t, dockerd))
	}
	applied := k.begin(t)
	for _, h := range k.hosts {
		userData := filepath.Join(k.dir, h.name+".user-data")
		eventually(t, bootTimeout, "the user data is there", func() bool {
			select {
			case r := <-applied:
				t.Fatalf("terraform apply ended before the machines were on: %s", r.all())
			default:
			}
			_, err := os.Stat(userData)
			return err == nil
		})
		text, err := os.ReadFile(userData)
		if err != nil {
			t.Fatal(err)
		}
		h.seed(t, string(text))
		h.boot(t)
	}
	if r := <-applied; r.err != nil {
		t.Fatalf("terraform apply: %v\n%s", r.err, r.all())
	}
	for _, h := range k.hosts {
		k.workloads = append(k.workloads, startWorkload(t, h))
	}
	k.mustBeSettled(t)
	return k
}

// args are those of terraform apply, with variables ("name=value").
func (k *kept) args(vars ...string) []string {
	addresses := map[string]string{}
	for _, h := range k.hosts {
		addresses[h.name] = h.address
	}
	return applyArgs(addresses, vars...)
}

// applyArgs are the arguments of terraform apply with a variable of hosts and others ("name=value").
func applyArgs(hosts any, vars ...string) []string {
	text, _ := json.Marshal(hosts) //nolint:errchkjson // texts can always be written
	args := []string{"-input=false", "-var=hosts=" + string(text)}
	for _, v := range vars {
		args = append(args, "-var="+v)
	}
	return args
}

// begin starts terraform apply.
func (k *kept) begin(t *testing.T, vars ...string) <-chan result {
	t.Helper()
	return k.beginApply(k.args(vars...))
}

// beginApply starts terraform apply with arguments.
func (w workspace) beginApply(args []string) <-chan result {
	command := w.command(append([]string{"apply", "-auto-approve"}, args...)...)
	ended := make(chan result, 1)
	go func() { ended <- command.run() }()
	return ended
}

// deliver runs terraform apply, which must end well, and has nothing to do after it.
func (k *kept) deliver(t *testing.T, vars ...string) {
	t.Helper()
	if r := <-k.begin(t, vars...); r.err != nil {
		t.Fatalf("terraform apply: %v\n%s", r.err, r.all())
	}
	k.mustBeSettled(t, vars...)
}

func (k *kept) mustBeSettled(t *testing.T, vars ...string) {
	t.Helper()
	if err := k.planIsEmpty(k.args(vars...)...); err != nil {
		t.Error(err)
	}
}

// served is the fingerprint of the certificate that a host serves.
func (h *realHost) served(t *testing.T) string {
	t.Helper()
	endpoint, err := docker.ParseEndpoint(h.address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	fingerprint, err := deploy.Host{Endpoint: endpoint, Now: time.Now}.Served(ctx)
	if err != nil {
		t.Error(err)
	}
	return fingerprint
}

// hasNoVisitor checks that nothing is left of a visit on a host, and that Docker runs.
func (h *realHost) hasNoVisitor(t *testing.T) {
	t.Helper()
	eventually(t, time.Minute, "the host has ended its part of the visit", func() bool {
		return h.on(invocation{path: "systemctl", args: []string{"is-active", "--quiet", "docker-tls-visit.service"}}).run().err != nil
	})
	const leftovers = "docker ps --all --quiet --filter name=docker-tls; docker images --quiet --filter dangling=true; find /run /etc -name '*docker-tls-*' -not -path '/run/systemd/*'; " +
		"ls -d /run/docker-tls 2>/dev/null; systemctl list-units --all --plain --no-legend 'docker-tls-*'"
	if left := h.must(t, "/bin/sh", "-c", leftovers+"; true"); left != "" {
		t.Errorf("a visit has left on %s:\n%s", h.name, left)
	}
	h.must(t, "systemctl", "is-active", "--quiet", "docker.service")
}

// visits counts how often the host has worked for a visit since its boot.
func (h *realHost) visits(t *testing.T) int {
	t.Helper()
	return strings.Count(h.journal(t, "docker-tls-visit.service"), "]: Started docker-tls-visit.service")
}

// TestDaemon has one apply make a machine and end when its Docker answers, and the next ones renew its certificate.
func TestDaemon(t *testing.T) {
	t.Parallel()
	forEachRealDockerd(t, func(t *testing.T, dockerd string) {
		k := keepHosts(t, dockerd, 1)
		h, w := k.hosts[0], k.workloads[0]
		if n := h.visits(t); n != 0 {
			t.Errorf("a host that serves what it should was changed %d times", n)
		}
		starts := h.starts(t)
		first := h.serves(t, clientMaterial(output[map[string]string](t, k.workspace, "client_files")))

		began := time.Now()
		k.deliver(t, "renewal=2")
		took := time.Since(began)
		second := h.serves(t, clientMaterial(output[map[string]string](t, k.workspace, "client_files")))
		if second.Cert == first.Cert || second.Key == first.Key || second.CA != first.CA {
			t.Error("the host must have a new certificate and key of the same authority")
		}
		if n := h.starts(t); n != starts+1 {
			t.Errorf("Docker was started %d times, want %d", n, starts+1)
		}
		h.hasNoVisitor(t)
		w.known(t)
		if info, err := os.Stat(h.file("/etc/docker/tls/server-key.pem")); err != nil || info.Mode().Perm() != 0o400 {
			t.Errorf("the key has mode %v (%v), want 0400", info.Mode(), err)
		}
		k.hasNoMaterial(t)

		// What others have changed is put right: another certificate, and files of a daemon that was not restarted.
		k.drift(t, "renewal=2")

		// daemon.json and the units are the host's own, and stay but for what is asked for.
		h.write(t, "/etc/docker/daemon.json", strings.Replace(h.read(t, "/etc/docker/daemon.json"), "{", "{\n  \"max-concurrent-uploads\": 3,", 1), 0o644)
		k.deliver(t, "renewal=2", "options=true", `settings={live-restore="true",max-concurrent-downloads="2"}`)
		if text := h.read(t, "/etc/docker/daemon.json"); !strings.HasPrefix(text, "{\n  \"max-concurrent-uploads\": 3,\n") || !strings.Contains(text, `"max-concurrent-downloads": 2`) {
			t.Errorf("daemon.json is:\n%s", text)
		}
		k.deliver(t, "renewal=3", "options=true")
		if text := h.read(t, "/etc/docker/daemon.json"); strings.Contains(text, "downloads") || !strings.Contains(text, "uploads") {
			t.Errorf("daemon.json is:\n%s", text)
		}
		h.hasNoVisitor(t)
		w.known(t)

		report := fmt.Sprintf("\nan apply that renews one host's certificate, and an empty plan: %.1f s", took.Seconds())
		t.Log(report)
		keepReport(t, report)
	})
}

// hasNoMaterial checks that the state has no key and no certificate for a daemon.
func (k *kept) hasNoMaterial(t *testing.T) {
	t.Helper()
	text, err := k.run("state", "show", fmt.Sprintf("docker_tls_daemon.host[%q]", k.hosts[0].name))
	if err != nil || strings.Contains(text, "BEGIN") || !strings.Contains(text, "content_sha256") {
		t.Errorf("the state of the daemon is (%v):\n%s", err, text)
	}
}

// drift gives the host another certificate behind Terraform's back.
func (k *kept) drift(t *testing.T, vars ...string) {
	t.Helper()
	h := k.hosts[0]
	want := h.served(t)
	h.must(t, "/bin/sh", "-c", "cd /etc/docker/tls && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /root/key -out /root/cert -subj /CN=other 2>/dev/null"+
		" && cp /root/key server-key.pem && cp /root/cert server-cert.pem && systemctl restart docker")
	r := k.command(append([]string{"plan"}, k.args(vars...)...)...).run()
	if r.err != nil || !strings.Contains(r.stdout, "1 to change") {
		t.Errorf("the plan does not show that the host serves another certificate: %v\n%s", r.err, r.all())
	}
	// It is nobody that the provider knows.
	if r := <-k.begin(t, append(vars, "timeout=5s")...); r.err == nil || !says(r, "man in the middle") {
		t.Errorf("the host of another certificate was not refused: %s", r.all())
	}
	files := output[map[string]map[string]string](t, k.workspace, "server_files")[h.name]
	h.write(t, "/etc/docker/tls/server-cert.pem", files["server-cert.pem"], 0o444)
	h.write(t, "/etc/docker/tls/server-key.pem", files["server-key.pem"], 0o400)
	h.must(t, "systemctl", "restart", "docker")
	k.deliver(t, append(vars, "timeout=5s")...)
	if got := h.served(t); got != want {
		t.Errorf("the host serves %s, want %s", got, want)
	}
	k.deliver(t, vars...)
}

// saysAll lists the sentences that Terraform has not written.
func saysAll(r result, sentences []string) (missing []string) {
	return slices.DeleteFunc(slices.Clone(sentences), func(s string) bool { return says(r, s) })
}
