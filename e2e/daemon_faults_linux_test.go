package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// daemonFault is something that goes wrong while a renewed certificate is delivered to a host.
type daemonFault struct {
	name   string
	before func(t *testing.T, h *realHost) // brings it about
	during func(t *testing.T, k *kept)     // while terraform apply runs
	after  func(t *testing.T, h *realHost) // ends it
	vars   []string                        // of the apply
	says   func(debian bool) []string      // sentences of the error; nil if there is none
	power  bool                            // the workload ends with it
	either bool                            // the renewed certificate may be served
}

// staged waits until the host has one of a visit's files.
func (h *realHost) staged(t *testing.T, name string) {
	t.Helper()
	eventually(t, time.Minute, "the visit has come so far: "+name, func() bool {
		_, err := os.Stat(h.file("/run/docker-tls/" + name))
		return err == nil
	})
}

// phase waits until the host says that it has come so far.
func (h *realHost) phase(t *testing.T, word string) {
	t.Helper()
	eventually(t, time.Minute, "the host says "+word, func() bool {
		text, _ := os.ReadFile(h.file("/run/docker-tls/phase")) // it is not there at first
		return strings.TrimSpace(string(text)) == word
	})
}

// killProvider ends the provider of a workspace without a word.
func (k *kept) killProvider(t *testing.T) {
	t.Helper()
	for _, pid := range k.programs(t, providerProgram) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func always(sentences ...string) func(bool) []string {
	return func(bool) []string { return sentences }
}

const isBack = "The files that it had are back, and Docker serves the certificate that it served before."

const killedLate = "a provider that is killed after the restart"

// killedAt is the fault of a provider that is killed once the host has come so far.
func killedAt(name string, reached func(t *testing.T, h *realHost)) daemonFault {
	return daemonFault{
		name: name, vars: []string{"timeout=5s"},
		during: func(t *testing.T, k *kept) {
			t.Helper()
			reached(t, k.hosts[0])
			k.killProvider(t)
		},
		says:   always("plugin"),
		either: name == killedLate, // it may have confirmed by then
	}
}

// daemonFaults end with the former certificate served, a workload that does not notice, and nothing left on the host.
func daemonFaults() []daemonFault {
	return []daemonFault{
		{
			name: "a key that does not match", vars: []string{"keeps_key=true"},
			says: func(debian bool) []string {
				if debian {
					return []string{"Docker did not start again", "private key does not match public key", isBack}
				}
				return []string{"refused the new files, and nothing was changed there", "private key does not match public key"}
			},
		},
		{
			name: "daemon.json is no JSON",
			before: func(t *testing.T, h *realHost) {
				t.Helper()
				h.must(t, "/bin/sh", "-c", "cp -p /etc/docker/daemon.json /root/daemon.json && sed -i '1a // a comment' /etc/docker/daemon.json")
			},
			after: restoreDaemonJSON,
			says:  always("daemon.json is no JSON in line 2", "Nothing was changed"),
		},
		{
			name: "daemon.json has a key that dockerd does not know",
			before: func(t *testing.T, h *realHost) {
				t.Helper()
				h.must(t, "/bin/sh", "-c", `cp -p /etc/docker/daemon.json /root/daemon.json && sed -i '1a "live-restored": true,' /etc/docker/daemon.json`)
			},
			after: restoreDaemonJSON,
			says: func(debian bool) []string {
				if debian {
					return []string{`has the key "live-restored", which dockerd does not know`, "Nothing was changed"}
				}
				return []string{"refused the new files, and nothing was changed there", "live-restored"}
			},
		},
		{
			name: "a disk that is full",
			before: func(t *testing.T, h *realHost) {
				t.Helper()
				h.must(t, "/bin/sh", "-c", "cd /etc/docker && cp -a tls /root/tls && mount -t tmpfs -o size=32k tmpfs tls && cp -a /root/tls/. tls/ && ! dd if=/dev/zero of=tls/fill 2>/dev/null")
			},
			after: func(t *testing.T, h *realHost) {
				t.Helper()
				h.must(t, "/bin/sh", "-c", "umount --lazy /etc/docker/tls && rm -r /root/tls")
			},
			says: always("refused the new files, and nothing was changed there", "No space left on device"),
		},
		{
			name: "a dockerd that dies at start",
			before: func(t *testing.T, h *realHost) {
				t.Helper()
				h.write(t, "/etc/systemd/system/docker.service.d/50-dies.conf", "[Service]\nExecStartPre=/usr/bin/sha256sum --check /root/sums\n", 0o644)
				h.must(t, "/bin/sh", "-c", "sha256sum /etc/docker/tls/server-cert.pem >/root/sums && systemctl daemon-reload")
			},
			after: func(t *testing.T, h *realHost) {
				t.Helper()
				h.must(t, "/bin/sh", "-c", "rm /etc/systemd/system/docker.service.d/50-dies.conf && systemctl daemon-reload")
			},
			says: always("Docker did not start again", "1 computed checksum did NOT match", isBack),
		},
		{
			name: "a network that is cut after the restart", vars: []string{"timeout=5s"},
			during: func(t *testing.T, k *kept) {
				t.Helper()
				h := k.hosts[0]
				h.staged(t, "switching")
				h.cut(t)
				h.phase(t, "undone")
				h.restore(t)
			},
			says: always("did not prove within 5s that it serves the new certificate", isBack),
		},
		{
			name: "a host that loses its power in the middle", power: true,
			during: func(t *testing.T, k *kept) {
				t.Helper()
				h := k.hosts[0]
				h.staged(t, "switching")
				h.kill(t)
				h.boot(t)
			},
			says: always("has rebooted before the new certificate was proved", isBack),
		},
		{
			name: "a user who interrupts",
			during: func(t *testing.T, k *kept) {
				t.Helper()
				k.hosts[0].staged(t, "switching")
				for _, pid := range k.programs(t, filepath.Base(k.terraform)) {
					_ = syscall.Kill(pid, syscall.SIGINT)
				}
			},
			says: always("was interrupted before the new certificate was proved", isBack),
		},
		killedAt("a provider that is killed before the restart", func(t *testing.T, h *realHost) { t.Helper(); h.staged(t, "") }),
		killedAt("a provider that is killed during the restart", func(t *testing.T, h *realHost) { t.Helper(); h.staged(t, "switching") }),
		killedAt(killedLate, func(t *testing.T, h *realHost) { t.Helper(); h.phase(t, "restarted") }),
	}
}

func restoreDaemonJSON(t *testing.T, h *realHost) {
	t.Helper()
	h.must(t, "mv", "/root/daemon.json", "/etc/docker/daemon.json")
}

// TestDaemonFaults has each fault hit a delivery. The host ends with the former certificate, and the next apply delivers.
func TestDaemonFaults(t *testing.T) {
	t.Parallel()
	forEachRealDockerd(t, func(t *testing.T, dockerd string) {
		k := keepHosts(t, dockerd, 1)
		for i, fault := range daemonFaults() {
			t.Run(fault.name, func(t *testing.T) { k.suffer(t, fault, i+2, dockerd == "") })
		}
		t.Run("two applies at once", func(t *testing.T) { k.twice(t) })
	})
}

// suffer renews the host's certificate while a fault lasts, and again after it.
func (k *kept) suffer(t *testing.T, fault daemonFault, renewal int, debian bool) {
	t.Helper()
	h := k.hosts[0]
	former := h.served(t)
	if fault.before != nil {
		fault.before(t, h)
	}
	vars := append([]string{fmt.Sprintf("renewal=%d", renewal)}, fault.vars...)
	applied := k.begin(t, vars...)
	if fault.during != nil {
		fault.during(t, k)
	}
	r := <-applied
	sentences := fault.says(debian)
	if r.err == nil {
		t.Errorf("terraform apply ended well:\n%s", r.all())
	} else if missing := saysAll(r, sentences); len(missing) > 0 {
		t.Errorf("terraform apply does not say %q:\n%s", missing, r.all())
	}
	if strings.Contains(r.all(), "PRIVATE KEY") {
		t.Error("terraform apply shows a key")
	}
	h.hasNoVisitor(t)
	renewed := fault.either && h.served(t) == output[map[string]string](t, k.workspace, "fingerprints")[h.name]
	if got := h.served(t); got != former && !renewed {
		t.Errorf("the host serves %s, want the former certificate %s", got, former)
	}
	switch w := k.workloads[0]; {
	case fault.power:
		k.workloads[0] = startWorkload(t, h)
	default:
		w.known(t)
	}
	if fault.after != nil {
		fault.after(t, h)
	}
	k.deliver(t, fmt.Sprintf("renewal=%d", renewal))
	h.hasNoVisitor(t)
	if got, want := h.served(t), output[map[string]string](t, k.workspace, "fingerprints")[h.name]; got != want {
		t.Errorf("after the fault the host serves %s, want %s", got, want)
	}
}

// twice has two applies deliver to one host at the same time, each its own certificate: one waits for the other.
func (k *kept) twice(t *testing.T) {
	t.Helper()
	h := k.hosts[0]
	other := &kept{workspace: workspace{k.terraform, t.TempDir()}, hosts: k.hosts}
	if err := os.CopyFS(other.dir, os.DirFS(k.dir)); err != nil {
		t.Fatal(err)
	}
	former := h.served(t)
	visits := h.visits(t)
	one, two := k.begin(t, "renewal=100"), other.begin(t, "renewal=100")
	for _, r := range []result{<-one, <-two} {
		if r.err != nil {
			t.Errorf("terraform apply: %v\n%s", r.err, r.all())
		}
	}
	h.hasNoVisitor(t)
	if n := h.visits(t); n != visits+2 {
		t.Errorf("the host worked for %d visits, want 2", n-visits)
	}
	served := h.served(t)
	for _, w := range []workspace{k.workspace, other.workspace} {
		if served != former && served == output[map[string]string](t, w, "fingerprints")[h.name] {
			k.workloads[0].known(t)
			return
		}
	}
	t.Error("the host serves the certificate of neither")
}
