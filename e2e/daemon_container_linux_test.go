package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// containerPKI is what the guide's daemon in a container is given.
const containerPKI = `
variable "address" { type = string }

resource "docker_tls_ca" "this" {}

resource "docker_tls_server_cert" "dind" {
  ca           = docker_tls_ca.this
  ip_addresses = [var.address]
}

output "server_files" {
  sensitive = true
  value     = provider::docker::server_files(docker_tls_server_cert.dind)
}
`

// startInContainer begins dockerd as the first process of a container, which has the host's programs and no systemd. Its
// own containers need a cgroup beside that of dockerd.
const startInContainer = `set -e
mount -o remount,rw /sys/fs/cgroup
mkdir /sys/fs/cgroup/dockerd
echo $$ >/sys/fs/cgroup/dockerd/cgroup.procs
exec dockerd`

const containerDaemonJSON = `{
  "hosts": ["unix:///run/docker.sock", "tcp://0.0.0.0:2376"],
  "tlsverify": true,
  "tlscacert": "/etc/docker/tls/ca.pem",
  "tlscert": "/etc/docker/tls/server-cert.pem",
  "tlskey": "/etc/docker/tls/server-key.pem"
}
`

// TestDaemonInContainer renews the certificate of a daemon that runs in a container, whose owner restarts it.
func TestDaemonInContainer(t *testing.T) {
	t.Parallel()
	h := newRealHost(t, "")
	h.boot(t)
	guide := guideText(t, existingHostGuide)
	_, printed, _ := strings.Cut(guide, "```terraform\n")
	printed, _, found := strings.Cut(printed, "```\n")
	if !found {
		t.Fatal("the guide has no daemon in a container")
	}
	w := writeWorkspace(t, map[string]string{"main.tf": providerSource + containerPKI, "daemon.tf": printed})
	address := "address=" + h.address
	if _, err := w.run("apply", "-auto-approve", "-input=false", "-var="+address, "-target=docker_tls_server_cert.dind"); err != nil {
		t.Fatal(err)
	}
	const dir = "/srv/dind"
	for name, text := range output[map[string]string](t, w, "server_files") {
		h.write(t, filepath.Join(dir, "tls", filepath.Base(name)), text, 0o400)
	}
	h.write(t, dir+"/daemon.json", containerDaemonJSON, 0o644)
	// This is --privileged, but for what the kernel of a test may not give.
	const capabilities = "--cap-add=SYS_ADMIN --cap-add=NET_ADMIN --cap-add=SYS_PTRACE --security-opt=seccomp=unconfined --security-opt=apparmor=unconfined --security-opt=systempaths=unconfined --cgroupns=private"
	run := "tar --create --files-from=/dev/null | docker import - nothing && docker run --detach --name=dind " + capabilities + " --publish=2376:2376 " +
		"--volume=/usr:/usr:ro --volume=/bin:/bin:ro --volume=/sbin:/sbin:ro --volume=/lib:/lib:ro --volume=/lib64:/lib64:ro " +
		"--volume=/etc/alternatives:/etc/alternatives:ro --volume=" + dir + ":/etc/docker --volume=/var/lib/docker --tmpfs=/run --tmpfs=/tmp --env=PATH=/usr/sbin:/usr/bin:/sbin:/bin nothing /bin/sh -c '" + startInContainer + "'"
	h.must(t, "/bin/sh", "-c", run)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(h.on(invocation{path: "docker", args: []string{"logs", "--tail=40", "dind"}}).run().all())
		}
	})
	if err := w.apply(address); err != nil {
		t.Fatal(err)
	}
	before := h.served(t)
	renew := []string{"apply", "-auto-approve", "-input=false", "-var=" + address, "-replace=docker_tls_server_cert.dind"}
	writeFile(t, filepath.Join(w.dir, "daemon.tf"), strings.Replace(printed, `restart = "none"`, "", 1), 0o600)
	if r := w.command(renew...).run(); r.err == nil || !says(r, "is not run by systemd") {
		t.Errorf("a restart by systemd: %v\n%s", r.err, r.all())
	}
	writeFile(t, filepath.Join(w.dir, "daemon.tf"), printed, 0o600)
	if _, err := w.run(renew...); err != nil {
		t.Fatal(err)
	}
	if h.served(t) != before {
		t.Error("the daemon serves another certificate before its restart")
	}
	h.must(t, "docker", "restart", "dind")
	in := func(script string) result {
		pid := h.must(t, "docker", "inspect", "--format={{.State.Pid}}", "dind")
		return h.on(invocation{path: "nsenter", args: []string{"--target=" + pid, "--mount", "/bin/sh", "-c", "export DOCKER_HOST=unix:///run/docker.sock; " + script}}).run()
	}
	eventually(t, bootTimeout, "the daemon is up again", func() bool { return in("docker info").err == nil })
	if h.served(t) == before {
		t.Error("the daemon serves the former certificate after its restart")
	}
	if err := w.apply(address); err != nil {
		t.Error(err)
	}
	if r := in("docker ps --all --quiet; docker images --all --quiet; ls -A /run | grep docker-tls; true"); r.all() != "" {
		t.Errorf("the visit has left %s", r.all())
	}
}
