package e2e

import (
	"encoding/pem"
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
	makeKey(t, key)
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, "/root/.ssh/authorized_keys", string(public), 0o600)
	return key
}

// makeKey makes an SSH key, and beside it the file .pub.
func makeKey(t *testing.T, path string) {
	t.Helper()
	if r := (invocation{path: tool(t, "ssh-keygen"), args: []string{"-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path}}).run(); r.err != nil {
		t.Fatalf("ssh-keygen: %v: %s", r.err, r.all())
	}
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

// certificateDirectory is where a host keeps its certificate unless it is told otherwise.
const certificateDirectory = "/etc/docker/tls"

// serves calls the daemon, which must present the certificate that was delivered, and returns what the host has.
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
		t.Error("the daemon serves another certificate than the one that was delivered")
	}
	return has
}

// otherHostKey is a public key that no host has.
const otherHostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// delivered reads what a host has got, and looks at the modes.
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
