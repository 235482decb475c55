package e2e

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// letIn lets the holder of a new SSH key log in as root, and returns the path of the private key.
func (h *realHost) letIn(t *testing.T) string {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if r := (invocation{path: tool(t, "ssh-keygen"), args: []string{"-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key}}).run(); r.err != nil {
		t.Fatalf("ssh-keygen: %v: %s", r.err, r.all())
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, "/root/.ssh/authorized_keys", string(public), 0o600)
	return key
}

// hostKey returns the public key that the host proves to have, in SSH.
func (h *realHost) hostKey(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(h.read(t, "/etc/ssh/ssh_host_ed25519_key.pub"))
}

// starts counts how often docker.service has started since the boot.
func (h *realHost) starts(t *testing.T) int {
	t.Helper()
	return strings.Count(h.journal(t, "docker.service"), "]: Started docker.service")
}

// absent fails the test if the host has a file of that path.
func (h *realHost) absent(t *testing.T, path string) {
	t.Helper()
	if r := h.on(invocation{path: "test", args: []string{"-e", path}}).run(); r.err == nil {
		t.Errorf("%s is on the host, want nothing there", path)
	}
}

// rollout is the example ssh-rollout for one host.
type rollout struct {
	workspace
	host      *realHost
	variables []string
}

// rollOutTo returns the example for a host that is on, and has to prove that it has the host key.
func rollOutTo(t *testing.T, w workspace, h *realHost, hostKey string) rollout {
	t.Helper()
	return rollout{w, h, []string{
		fmt.Sprintf(`hosts={%s={address=%q,host_key=%q}}`, h.name, h.address, hostKey),
		"private_key_file=" + h.letIn(t),
	}}
}

// staging is where the example copies files to first.
func (r rollout) staging() string { return "/root/.docker-tls-" + r.host.name }

// certificateDirectory is where the example has the host keep its certificate.
const certificateDirectory = "/etc/docker/tls"

// rolloutUserData makes the user data of the hosts of the example, as examples/cloud-init does.
const rolloutUserData = `output "user_data" {
  sensitive = true
  value     = { for name, host in docker_tls_server_cert.host : name => provider::docker::cloud_init(host) }
}
`

// TestSSHRollout copies certificates to a host over SSH when they are renewed, and only then, and docker.service serves
// them.
func TestSSHRollout(t *testing.T) {
	t.Parallel()
	forEachRealDockerd(t, func(t *testing.T, dockerd string) {
		h := newRealHost(t, dockerd)
		w := example(t, "ssh-rollout")
		writeFile(t, filepath.Join(w.dir, "user_data.tf"), rolloutUserData, 0o600)
		// Before there is a host, its user data.
		if _, err := w.run("apply", "-auto-approve", "-input=false", "-target=docker_tls_server_cert.host",
			fmt.Sprintf(`-var=hosts={%s={address=%q,host_key=""}}`, h.name, h.address)); err != nil {
			t.Fatal(err)
		}
		h.seed(t, output[map[string]string](t, w, "user_data")[h.name])
		h.boot(t)

		r := rollOutTo(t, w, h, h.hostKey(t))
		starts := h.starts(t)
		first := r.apply(t, starts+1)
		r.apply(t, starts+1) // Nothing has changed: nothing is copied.
		second := r.apply(t, starts+2, fmt.Sprintf("-replace=docker_tls_server_cert.host[%q]", h.name))
		if second.Cert == first.Cert || second.Key == first.Key || second.CA != first.CA {
			t.Error("the host must have a new certificate and key of the same authority")
		}
	})
}

// apply applies the example, and returns what the host has after it. Docker must have started so often, and serve the
// client.
func (r rollout) apply(t *testing.T, starts int, args ...string) material {
	t.Helper()
	args = append([]string{"apply", "-auto-approve", "-input=false"}, args...)
	for _, v := range r.variables {
		args = append(args, "-var="+v)
	}
	if _, err := r.run(args...); err != nil {
		t.Fatal(err)
	}
	if n := r.host.starts(t); n != starts {
		t.Errorf("Docker was started %d times, want %d", n, starts)
	}
	r.host.absent(t, r.staging())
	return r.host.serves(t, clientMaterial(output[map[string]string](t, r.workspace, "client_files")))
}

// serves calls the daemon, which must present the certificate that was copied, and returns what the host has.
func (h *realHost) serves(t *testing.T, client material) material {
	t.Helper()
	config, err := client.config()
	if err != nil {
		t.Fatal(err)
	}
	has := h.delivered(t)
	switch _, daemon, err := get(t.Context(), config, "https://"+h.address+":2376/version"); {
	case err != nil:
		t.Error(err)
	case string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: daemon.Raw})) != has.Cert:
		t.Error("the daemon serves another certificate than the one that was copied")
	}
	return has
}

// otherHostKey is a public key that no host has.
const otherHostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// TestSSHImpostor copies nothing to a host that does not prove to be the right one.
func TestSSHImpostor(t *testing.T) {
	t.Parallel()
	h := newRealHost(t, "")
	h.boot(t)
	w := example(t, "ssh-rollout")
	text, err := os.ReadFile(filepath.Join(w.dir, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	const timeout = `timeout     = "1m"`
	if !bytes.Contains(text, []byte(timeout)) {
		t.Fatalf("the example has no %s", timeout)
	}
	// Terraform tries again until its time is over.
	writeFile(t, filepath.Join(w.dir, "main.tf"), strings.Replace(string(text), timeout, `timeout = "2s"`, 1), 0o600)
	r := rollOutTo(t, w, h, otherHostKey)
	starts := h.starts(t)
	err = w.apply(r.variables...)
	if err == nil || !strings.Contains(err.Error(), "knownhosts: key mismatch") {
		t.Errorf("want an error that says that the key does not match, got %v", err)
	}
	h.absent(t, certificateDirectory)
	h.absent(t, r.staging())
	if n := h.starts(t); n != starts {
		t.Errorf("Docker was started %d times, want %d", n, starts)
	}
}

// delivered reads what a rollout has left on a host, and looks at the modes.
func (h *realHost) delivered(t *testing.T) material {
	t.Helper()
	files := map[string]string{}
	for name, mode := range map[string]fs.FileMode{"ca.pem": 0o444, "server-cert.pem": 0o444, "server-key.pem": 0o400} {
		path := filepath.Join(certificateDirectory, name)
		files[name] = h.read(t, path)
		info, err := os.Stat(h.file(path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("%s has the mode %s, want %s", name, info.Mode(), mode)
		}
	}
	return material{CA: files["ca.pem"], Cert: files["server-cert.pem"], Key: files["server-key.pem"]}
}
