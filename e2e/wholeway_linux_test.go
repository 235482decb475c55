package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// TestRealHost goes from terraform apply to a client that asks a daemon for its version, with nothing made by hand in
// between: cloud-init sets up a host at its first boot, docker and its context come from outputs, and terraform looks at
// the live daemon. It is so again after a reboot, and at no time for strangers.
func TestRealHost(t *testing.T) {
	t.Parallel()
	forEachRealDockerd(t, func(t *testing.T, dockerd string) {
		h := newRealHost(t, dockerd)
		w := workspace{terraform: findTerraform(t), dir: t.TempDir()}
		if err := w.write("wholeway.tf"); err != nil {
			t.Fatal(err)
		}
		// The host is not there yet, so the check looks where no daemon listens: it says so, and stops nothing.
		w.applyChecked(t, "fail", "address="+h.address, "daemon=tcp://127.0.0.1:"+freePort(t))
		h.seed(t, output[string](t, w, "user_data"))
		calls := wholeWayCalls(t, w)
		first := calls[0]

		began := time.Now()
		h.switchOn(t)
		eventually(t, bootTimeout, "a client is answered", func() bool { return h.listens("2376") && first.run().connected() })
		answered := time.Since(began)
		h.booted(t)
		report := fmt.Sprintf("\nfirst boot: a client was answered after %.1f s, all was done after %.1f s\n", answered.Seconds(), time.Since(began).Seconds())
		check := func() {
			t.Helper()
			if units := h.failed(t); units != nil {
				t.Errorf("%q failed", units)
			}
			for _, call := range calls {
				if r := call.run(); r.connected() != call.connects {
					t.Errorf("%s: connected: %v, want %v (%v)\n%s", call.name, r.connected(), call.connects, r.err, r.all())
				}
			}
			w.applyChecked(t, "pass", "address="+h.address)
		}
		check()

		began = time.Now()
		h.reboot(t)
		report += fmt.Sprintf("reboot: all was done after %.1f s", time.Since(began).Seconds())
		check()
		t.Log(report)
		keepReport(t, report)
	})
}

// wholeWayCalls are calls of the daemon by the client of wholeway.tf, first as the guide has it, and by strangers.
func wholeWayCalls(t *testing.T, w workspace) []guideCall {
	t.Helper()
	docker := tool(t, "docker")
	var client struct {
		Files   map[string]string `json:"files"`
		Env     map[string]string `json:"env"`
		Context string            `json:"context"`
	}
	if err := w.output("client", &client); err != nil {
		t.Fatal(err)
	}
	// as calls with files of ~/.docker.
	as := func(name string, connects bool, files map[string]string) guideCall {
		home := t.TempDir()
		writeFiles(t, filepath.Join(home, ".docker"), files)
		return guideCall{name, dockerVersion(docker, append(environment(client.Env), "HOME="+home)), connects}
	}
	// One who knows the right authority, and has a certificate of another.
	imposter := output[map[string]string](t, w, "stranger")
	imposter["ca.pem"] = client.Files["ca.pem"]

	archive, err := base64.StdEncoding.DecodeString(client.Context)
	if err != nil {
		t.Fatal(err)
	}
	user := []string{"HOME=" + t.TempDir()}
	imported := invocation{path: docker, args: []string{"context", "import", "web1", "-"}, stdin: string(archive), env: user}.run()
	if imported.err != nil {
		t.Fatalf("docker context import: %v\n%s", imported.err, imported.all())
	}
	return []guideCall{
		as("~/.docker", true, client.Files),
		{"context", dockerVersion(docker, user, "--context", "web1"), true},
		as("no certificate", false, map[string]string{"ca.pem": client.Files["ca.pem"]}),
		as("a certificate of another authority", false, imposter),
	}
}

// listens reports whether a port of the host takes connections, which is cheap to ask.
func (h *realHost) listens(port string) bool {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(h.address, port), time.Second)
	return err == nil && conn.Close() == nil
}

// applyChecked applies the configuration with the given variables, and expects the one check in it to end so. It
// returns what terraform said.
func (w workspace) applyChecked(t *testing.T, check string, vars ...string) string {
	t.Helper()
	args := []string{"apply", "-auto-approve", "-input=false"}
	for _, v := range vars {
		args = append(args, "-var="+v)
	}
	said, err := w.run(args...)
	if err != nil {
		t.Fatal(err)
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
		t.Errorf("the checks are %+v, want one with status %q\n%s", state.Checks, check, said)
	}
	return said
}
