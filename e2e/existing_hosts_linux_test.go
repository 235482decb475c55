package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const existingHostGuide = "a-host-that-exists"

var changedFile = regexp.MustCompile("(?m)^\\| `(/[^`]*)`")

// TestGuideExistingHost follows the guide with a host that has Docker and sshd, and the jump host is the host itself.
func TestGuideExistingHost(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"docker", "ssh-keyscan", "ssh-keygen"} {
		tool(t, name)
	}
	h := newRealHost(t, "")
	h.boot(t)
	key := h.letIn(t)
	h.admit(t, "ops", "--groups=docker")
	// As the guide says of containers that are to live through the first restart.
	h.write(t, "/etc/docker/daemon.json", `{"live-restore": true}`, 0o644)
	h.must(t, "systemctl", "reload", "docker")
	work := startWorkload(t, h)
	starts := h.starts(t)

	w := workspace{findTerraform(t), t.TempDir()} // which is HOME
	if err := os.Mkdir(filepath.Join(w.dir, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(w.dir, ".ssh", "id_ed25519"), readText(t, key), 0o600)
	agent := startAgent(t)
	addKey(t, agent, key)
	printed := w.follow(t, existingHostGuide, "SSH_AUTH_SOCK="+agent, "TF_VAR_address="+h.address, "TF_VAR_jump="+h.address)
	for i, want := range []string{
		"(ED25519)",
		"4 added, 0 changed, 0 destroyed",
		"Server:",
		"0 added, 1 changed, 0 destroyed", // settings
		"1 added, 1 changed, 1 destroyed", // a renewal, without SSH
	} {
		if !strings.Contains(printed[i], want) {
			t.Errorf("step %d does not say %q:\n%s", i+1, want, printed[i])
		}
	}
	if !strings.Contains(printed[4], "No changes.") {
		t.Errorf("without via, the plan is not empty:\n%s", printed[4])
	}
	if n := h.starts(t) - starts; n != 3 { // settings change the drop-in
		t.Errorf("Docker was started %d times, want 3", n)
	}
	for _, row := range changedFile.FindAllStringSubmatch(guideText(t, existingHostGuide), -1) {
		h.must(t, "test", "-e", row[1])
	}
	work.known(t)
	h.hasNoVisitor(t)
}

// TestExistingHosts brings TLS to a host by the example, which then leaves it alone.
func TestExistingHosts(t *testing.T) {
	t.Parallel()
	h := newRealHost(t, "")
	h.boot(t)
	w := example(t, "existing-hosts")
	starts := h.starts(t)
	variables := []string{fmt.Sprintf("hosts={%s={address=%q,host_key=%q}}", h.name, h.address, h.hostKey(t)), "private_key_file=" + h.letIn(t)}
	if err := w.apply(variables...); err != nil {
		t.Fatal(err)
	}
	h.serves(t, clientMaterial(output[map[string]string](t, w, "client_files")))
	h.hasNoVisitor(t)
	if n := h.starts(t) - starts; n != 1 {
		t.Errorf("Docker was started %d times, want once", n)
	}
	// Over SSH, one apply rotates the authority and cuts the old one off.
	writeFile(t, filepath.Join(w.dir, "cut_override.tf"), cutAtOnce, 0o600)
	if err := w.apply(variables...); err != nil {
		t.Fatal(err)
	}
	if has := h.serves(t, clientMaterial(output[map[string]string](t, w, "client_files"))); strings.Count(has.CA, "BEGIN CERTIFICATE") != 1 {
		t.Error("the old authority is still trusted")
	}
}

const cutAtOnce = `resource "docker_tls_ca" "this" {
  rotation_triggers = { incident = "1" }
  overlap_hours     = 0
}
`
