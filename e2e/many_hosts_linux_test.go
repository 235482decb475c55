package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const manyHostsGuide = "hundreds-of-hosts"

// TestGuideManyHosts follows the guide with three hosts that have Docker and sshd, in two waves, two of which fail later.
func TestGuideManyHosts(t *testing.T) {
	t.Parallel()
	tool(t, "ssh-keyscan")
	w := workspace{findTerraform(t), t.TempDir()} // which is HOME
	type host struct {
		Address string `json:"address"`
		Wave    int    `json:"wave"`
	}
	hosts, variable, addresses, key := map[string]*realHost{}, map[string]host{}, "", ""
	for name, wave := range map[string]int{"web1": 1, "web2": 2, "web3": 2} {
		h := newRealHost(t, "")
		h.boot(t)
		if key == "" {
			key = h.letIn(t)
		}
		h.write(t, "/root/.ssh/authorized_keys", readText(t, key+".pub"), 0o600)
		hosts[name], variable[name] = h, host{h.address, wave}
		addresses += h.address + "\n"
	}
	if err := os.Mkdir(filepath.Join(w.dir, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(w.dir, "addresses.txt"), addresses, 0o600)
	text, err := json.Marshal(variable)
	if err != nil {
		t.Fatal(err)
	}
	agent := startAgent(t)
	addKey(t, agent, key)
	env := []string{"SSH_AUTH_SOCK=" + agent, "TF_VAR_hosts=" + string(text)}

	printed := w.follow(t, manyHostsGuide, env...)
	for i, want := range []string{
		"",
		"5 added, 0 changed, 0 destroyed", // the authority, three certificates, one daemon
		"2 added, 0 changed, 0 destroyed",
		"0 added, 4 changed, 0 destroyed", // the second wave
	} {
		if !strings.Contains(printed[i], want) {
			t.Errorf("step %d does not say %q:\n%s", i+1, want, printed[i])
		}
	}
	for name, h := range hosts {
		if n := strings.Count(h.journal(t, "docker.service"), "]: Started docker.service") - 1; n != variable[name].Wave {
			t.Errorf("Docker was restarted %d times on %s, want %d", n, name, variable[name].Wave)
		}
	}

	// Two of three fail, so that one of these is the first, and the other is not attempted.
	writeFile(t, filepath.Join(w.dir, "provider.tf"), guideFiles(t, manyHostsGuide)["provider.tf"], 0o600)
	writeFile(t, filepath.Join(w.dir, "rounds_override.tf"), `locals { rounds = { 1 = "third", 2 = "third" } }`, 0o600)
	served, good := map[string]string{}, map[string]string{}
	for name, h := range hosts {
		served[name], good[name] = h.served(t), h.read(t, "/etc/docker/daemon.json")
		if name != "web1" {
			h.write(t, "/etc/docker/daemon.json", "// comment\n"+good[name], 0o644)
		}
	}
	apply := []string{"apply", "-auto-approve", "-input=false"}
	if r := w.runWith(env, apply...); r.err == nil || !says(r, "Not attempted: host tcp://") || !says(r, "is no JSON in line 1") {
		t.Errorf("two hosts fail: %v\n%s", r.err, r.all())
	}
	for name, h := range hosts {
		if name != "web1" && h.served(t) != served[name] {
			t.Errorf("%s serves another certificate", name)
		}
		h.write(t, "/etc/docker/daemon.json", good[name], 0o644)
	}
	if r := w.runWith(env, apply...); r.err != nil {
		t.Errorf("the rest: %v\n%s", r.err, r.all())
	}
	for name, h := range hosts {
		if h.served(t) == served[name] {
			t.Errorf("%s serves the former certificate", name)
		}
	}

	// A host that does not answer keeps nobody waiting for long.
	hosts["web3"].cut(t)
	for _, probe := range []string{"true", "false"} {
		began := time.Now()
		if r := w.runWith(env, "plan", "-input=false", "-detailed-exitcode", "-var=probe="+probe); r.err != nil {
			t.Errorf("a plan with probe = %s: %v\n%s", probe, r.err, r.all())
		}
		t.Logf("a plan with one of three hosts out of reach and probe = %s: %s", probe, time.Since(began).Round(100*time.Millisecond))
	}
}
