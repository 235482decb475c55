package e2e

import (
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"testing"
)

// TestWholeWay goes from terraform apply to a client that asks a daemon for its version, with nothing made by hand in
// between: cloud-init sets up the host, dockerd starts from what is there, docker and its context come from outputs,
// and terraform looks at the live daemon.
func TestWholeWay(t *testing.T) {
	t.Parallel()
	docker := tool(t, "docker")
	forEachDockerd(t, func(t *testing.T, binary string) {
		w := workspace{terraform: findTerraform(t), dir: t.TempDir()}
		if err := w.write("wholeway.tf"); err != nil {
			t.Fatal(err)
		}
		h := newHost(t)
		// In the host's network, where no daemon listens yet: the check says so, and stops nothing.
		w.applyReaching(t, h, "fail")

		var userData string
		var client struct {
			Files   map[string]string `json:"files"`
			Env     map[string]string `json:"env"`
			Context string            `json:"context"`
		}
		for name, value := range map[string]any{"user_data": &userData, "client": &client} {
			if err := w.output(name, value); err != nil {
				t.Fatal(err)
			}
		}
		h.boot(t, userData)
		h.startDockerd(t, binary)

		home := t.TempDir()
		writeFiles(t, filepath.Join(home, ".docker"), client.Files)
		connects := func(name string, want bool, i invocation) {
			t.Helper()
			if r := h.reaching(i).run(); r.connected() != want {
				t.Errorf("%s: connected: %v, want %v (%v)\n%s", name, r.connected(), want, r.err, r.all())
			}
		}
		connects("~/.docker", true, dockerVersion(docker, append(environment(client.Env), "HOME="+home)))

		archive, err := base64.StdEncoding.DecodeString(client.Context)
		if err != nil {
			t.Fatal(err)
		}
		user := []string{"HOME=" + t.TempDir()}
		imported := invocation{path: docker, args: []string{"context", "import", "web1", "-"}, stdin: string(archive), env: user}.run()
		if imported.err != nil {
			t.Fatalf("docker context import: %v\n%s", imported.err, imported.all())
		}
		connects("context", true, dockerVersion(docker, user, "--context", "web1"))

		stranger := t.TempDir()
		writeFiles(t, filepath.Join(stranger, ".docker"), map[string]string{"ca.pem": client.Files["ca.pem"]})
		connects("no certificate", false, dockerVersion(docker, append(environment(client.Env), "HOME="+stranger)))

		w.applyReaching(t, h, "pass")
	})
}

// applyReaching applies the configuration in the network of a host, and expects the one check in it to end so.
func (w workspace) applyReaching(t *testing.T, h *host, check string) {
	t.Helper()
	r := h.reaching(w.command("apply", "-auto-approve", "-input=false")).run()
	if r.err != nil {
		t.Fatalf("terraform apply: %v\n%s", r.err, r.all())
	}
	shown, err := w.run("show", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Checks []struct{ Status string }
	}
	if err := json.Unmarshal([]byte(shown), &state); err != nil {
		t.Fatal(err)
	}
	if len(state.Checks) != 1 || state.Checks[0].Status != check {
		t.Errorf("the checks are %+v, want one with status %q\n%s", state.Checks, check, r.all())
	}
}
