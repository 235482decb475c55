package e2e

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_4"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/vincent-petithory/dataurl"
)

// copyOfExamples copies examples/ and modules/ side by side, as they lead to each other, and returns the directory.
func copyOfExamples(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, tree := range []string{"examples", "modules"} {
		if err := os.CopyFS(filepath.Join(dir, tree), os.DirFS(filepath.Join("..", tree))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// configuration returns the workspace of a directory, with its modules installed. `terraform get` does that without
// asking a registry for the provider, as `terraform init` would.
func configuration(t *testing.T, path ...string) workspace {
	t.Helper()
	w := workspace{findTerraform(t), filepath.Join(path...)}
	if _, err := w.run("get"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.run("validate"); err != nil {
		t.Fatal(err)
	}
	return w
}

// example returns the workspace of a copy of one example.
func example(t *testing.T, name string) workspace {
	t.Helper()
	return configuration(t, copyOfExamples(t), "examples", name)
}

// output returns an output of a workspace.
func output[T any](t *testing.T, w workspace, name string) (value T) {
	t.Helper()
	if err := w.output(name, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// writeFile writes a file that a test needs beside an example.
func writeFile(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// clientMaterial takes a client's files by their names.
func clientMaterial(files map[string]string) material {
	return material{CA: files["ca.pem"], Cert: files["cert.pem"], Key: files["key.pem"]}
}

// TestCloudInitExample has cloud-init itself read the user data of each host.
func TestCloudInitExample(t *testing.T) {
	t.Parallel()
	cloudInit := tool(t, "cloud-init")
	w := example(t, "cloud-init")
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	userData := output[map[string]string](t, w, "user_data")
	if got := slices.Sorted(maps.Keys(userData)); !slices.Equal(got, []string{"web1", "web2"}) {
		t.Errorf("user data of %q, want web1 and web2", got)
	}
	for name, text := range userData {
		if want := map[string]string{"web1": "ListenStream=10.0.0.5:2376\n", "web2": "ListenStream=10.0.0.6:2376\n"}[name]; !strings.Contains(text, want) {
			t.Errorf("%s does not listen on its private address", name)
		}
		path := filepath.Join(t.TempDir(), name+".yaml")
		writeFile(t, path, text, 0o600)
		if r := (invocation{path: cloudInit, args: []string{"schema", "--config-file", path}}).run(); r.err != nil {
			t.Errorf("%s: %v: %s", name, r.err, r.all())
		}
	}
	if out, err := w.run("plan", `-var=running=["web1"]`); err != nil || !strings.Contains(out, "Plan: 1 to add, 0 to change, 0 to destroy.") || !strings.Contains(out, `"tcp://10.0.0.5:2376"`) {
		t.Errorf("the plan does not add the daemon of web1: %v\n%s", err, out)
	}
	if out, err := w.run("plan", "-var=user_data_limit=3000"); err == nil || !regexp.MustCompile(`web1 has\s+3\d\d\d\s+bytes, web2 has\s+3\d\d\d\s+bytes`).MatchString(err.Error()) {
		t.Errorf("the limit is not kept: %v\n%s", err, out)
	}
}

// TestFlatcarExample parses both Ignition configurations of each host, the example's own and the one that it merges.
func TestFlatcarExample(t *testing.T) {
	t.Parallel()
	w := example(t, "flatcar")
	if err := w.apply(`ssh_authorized_keys=["ssh-ed25519 AAAA core"]`); err != nil {
		t.Fatal(err)
	}
	for name, text := range output[map[string]string](t, w, "user_data") {
		own, report, err := v3_4.ParseCompatibleVersion([]byte(text))
		if err != nil || len(report.Entries) > 0 {
			t.Fatalf("%s: Ignition rejects it: %v\n%s", name, err, report.String())
		}
		if len(own.Ignition.Config.Merge) != 1 || len(own.Passwd.Users) != 1 {
			t.Fatalf("%s merges %d configurations and has %d users, want one each", name, len(own.Ignition.Config.Merge), len(own.Passwd.Users))
		}
		source, err := dataurl.DecodeString(*own.Ignition.Config.Merge[0].Source)
		if err != nil {
			t.Fatal(err)
		}
		merged, report, err := v3_4.ParseCompatibleVersion(source.Data)
		if err != nil || len(report.Entries) > 0 {
			t.Fatalf("%s: Ignition rejects what it merges: %v\n%s", name, err, report.String())
		}
		if len(merged.Storage.Files) != 4 || len(merged.Systemd.Units) != 2 {
			t.Errorf("%s: %d files and %d units, want 4 and 2", name, len(merged.Storage.Files), len(merged.Systemd.Units))
		}
	}
}

// completeFiles are what the test needs to play the hosts of the complete example.
const completeFiles = `
output "files" {
  sensitive = true
  value     = { for name, files in module.docker.server_files : name => { ca = files["ca.pem"], cert = files["server-cert.pem"], key = files["server-key.pem"] } }
}
`

// withFiles has the module return them.
const withFiles = `module "docker" {
  host_files = true
}
`

// endsSoon has the clients of the complete example end within a week.
const endsSoon = `module "docker" {
  client_validity_period_hours = 100
  client_early_renewal_hours   = 10
}
`

const passphraseOfExample = "passphrase=correct horse battery staple"

// TestCompleteExample applies the example before its hosts are on, and plays two of them.
func TestCompleteExample(t *testing.T) {
	t.Parallel()
	w := example(t, "complete")
	writeFile(t, filepath.Join(w.dir, "files.tf"), completeFiles, 0o600)
	writeFile(t, filepath.Join(w.dir, "files_override.tf"), withFiles, 0o600)
	if err := w.apply(passphraseOfExample); err != nil {
		t.Fatal(err)
	}
	for name, begin := range map[string]string{"web1": "#cloud-config", "web2": "{", "db1": "#cloud-config"} {
		if text := output[map[string]string](t, w, "user_data")[name]; !strings.HasPrefix(text, begin) {
			t.Errorf("the user data of %s does not begin with %s", name, begin)
		}
	}
	if found := strings.Count(w.stateText(t), "BEGIN ENCRYPTED PRIVATE KEY"); found != 1 {
		t.Errorf("the state has %d encrypted keys, want that of the authority", found)
	}
	renewal := output[struct {
		After struct {
			Authority *string           `json:"authority"`
			Hosts     map[string]string `json:"hosts"`
		} `json:"after"`
	}](t, w, "renewal")
	if renewal.After.Authority == nil || len(renewal.After.Hosts) != 3 || renewal.After.Hosts["db1"] <= renewal.After.Hosts["web1"] {
		t.Errorf("the renewals are %v", renewal)
	}
	if listed := len(output[[]any](t, w, "inventory")); listed != 7 {
		t.Errorf("the inventory lists %d certificates, want 7", listed)
	}
	if r := w.runWith(nil, "plan", "-input=false", "-var="+passphraseOfExample, "-var=deliver=true"); r.err != nil || !says(r, "Plan: 3 to add, 0 to change, 0 to destroy.") {
		t.Errorf("the switch does not add three daemons: %v\n%s", r.err, r.all())
	}
	if r := w.runWith(nil, "destroy", "-auto-approve", "-input=false", "-var="+passphraseOfExample); r.err == nil || !says(r, "prevent_destroy") {
		t.Errorf("the authority must be protected: %s", r.all())
	}
	curl := tool(t, "curl")
	files, err := w.materials()
	if err != nil {
		t.Fatal(err)
	}
	clients := output[map[string]map[string]string](t, w, "client_files")
	forEachDockerd(t, func(t *testing.T, binary string) {
		for host, mayEnter := range map[string]map[string]bool{"web1": {"ci": true, "dba": false}, "db1": {"ops": true, "dba": true}} {
			address := host + ".example.com:" + startDockerd(t, binary, daemonTLSVerify, files[host]).port
			for client, want := range mayEnter {
				r := curlVersion(curl, address, append(fullCurl(clientMaterial(clients[client]).write(t)), "--resolve", address+":127.0.0.1")...).run()
				if r.connected() != want {
					t.Errorf("%s entered %s: %v, want %v (%v)\n%s", client, host, r.connected(), want, r.err, r.all())
				}
			}
		}
	})
	writeFile(t, filepath.Join(w.dir, "ends_override.tf"), endsSoon, 0o600)
	if r := w.runWith(nil, "apply", "-auto-approve", "-input=false", "-var="+passphraseOfExample); r.err != nil || !says(r, "Certificates end within a week: client monitor, client ops.") {
		t.Errorf("the check does not warn: %v\n%s", r.err, r.all())
	}
}

// zoneDaemon gives the first zone of the client example a daemon on loopback.
const zoneDaemon = `
resource "docker_tls_server_cert" "zone1" {
  ca           = docker_tls_ca.zone["zone1"]
  ip_addresses = ["127.0.0.1"]
}

output "files" {
  sensitive = true
  value = {
    zone1 = { ca = docker_tls_ca.zone["zone1"].cert_pem, cert = docker_tls_server_cert.zone1.cert_pem, key = docker_tls_server_cert.zone1.private_key_pem }
  }
}
`

// TestClientExample calls a daemon with the directories and the contexts of two zones. Only its own gets through.
func TestClientExample(t *testing.T) {
	t.Parallel()
	docker := tool(t, "docker")
	forEachDockerd(t, func(t *testing.T, binary string) {
		w := example(t, "client")
		writeFile(t, filepath.Join(w.dir, "daemon.tf"), zoneDaemon, 0o600)
		if err := w.apply(); err != nil {
			t.Fatal(err)
		}
		files, err := w.materials()
		if err != nil {
			t.Fatal(err)
		}
		address := "tcp://127.0.0.1:" + startDockerd(t, binary, daemonTLSVerify, files["zone1"]).port
		zones := fmt.Sprintf("zones={zone1=%q,zone2=%q}", address, address)
		before := readZone(t, w, "zone1")
		// A renewed certificate replaces files that are read-only.
		if _, err := w.run("apply", "-auto-approve", "-input=false", "-var="+zones, `-replace=docker_tls_client_cert.zone["zone1"]`); err != nil {
			t.Fatal(err)
		}
		if err := w.apply(zones); err != nil {
			t.Fatal(err)
		}
		if after := readZone(t, w, "zone1"); after.Cert == before.Cert || after.CA != before.CA {
			t.Error("zone1 must have a new certificate of the same authority")
		}

		environments := output[map[string]map[string]string](t, w, "environments")
		contexts := output[map[string]string](t, w, "contexts")
		for zone, want := range map[string]bool{"zone1": true, "zone2": false} {
			t.Run(zone, func(t *testing.T) {
				env := []string{"HOME=" + t.TempDir()}
				for name, value := range environments[zone] {
					env = append(env, name+"="+value)
				}
				if r := dockerVersion(docker, env).run(); r.connected() != want {
					t.Errorf("with its directory, connected: %v (%v), want %v\n%s", r.connected(), r.err, want, r.all())
				}

				home := []string{"HOME=" + t.TempDir(), "ARCHIVE=" + contexts[zone]}
				imported := invocation{path: "/bin/sh", env: home, args: []string{"-c", `printf %s "$ARCHIVE" | base64 -d | docker context import "$0" -`, zone}}.run()
				if imported.err != nil {
					t.Fatalf("docker context import: %v: %s", imported.err, imported.all())
				}
				if r := dockerVersion(docker, home, "--context", zone).run(); r.connected() != want {
					t.Errorf("with its context, connected: %v (%v), want %v\n%s", r.connected(), r.err, want, r.all())
				}
			})
		}
	})
}

// readZone reads the directory of a zone, whose files must have the modes of Docker's guide, and be alone. The state
// must hold the key once: in the certificate.
func readZone(t *testing.T, w workspace, zone string) material {
	t.Helper()
	dir := filepath.Join(w.dir, "out", zone)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files, modes := map[string]string{}, map[string]fs.FileMode{}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()], modes[entry.Name()] = string(text), info.Mode()
	}
	if want := (map[string]fs.FileMode{"ca.pem": 0o444, "cert.pem": 0o444, "key.pem": 0o400}); !maps.Equal(modes, want) {
		t.Errorf("%s holds %v, want %v", dir, modes, want)
	}
	state, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	if found := strings.Count(string(state), strings.Split(files["key.pem"], "\n")[1]); found != 1 {
		t.Errorf("the state holds the key of %s %d times, want once", zone, found)
	}
	return clientMaterial(files)
}

// checkFiles are what the test needs to play the hosts of the check example.
const checkFiles = `
output "files" {
  sensitive = true
  value     = { for name, cert in docker_tls_server_cert.host : name => { ca = docker_tls_ca.this.cert_pem, cert = cert.cert_pem, key = cert.private_key_pem } }
}
`

// TestCheckExample looks at a daemon that verifies its clients, and at one that does not.
func TestCheckExample(t *testing.T) {
	t.Parallel()
	forEachDockerd(t, func(t *testing.T, binary string) {
		w := example(t, "check")
		writeFile(t, filepath.Join(w.dir, "files.tf"), checkFiles, 0o600)
		// No daemon runs yet: the checks warn, and stop nothing.
		nowhere := "tcp://127.0.0.1:" + freePort(t)
		if _, err := w.run("apply", "-auto-approve", "-input=false", fmt.Sprintf("-var=hosts={web1=%q,web2=%q}", nowhere, nowhere)); err != nil {
			t.Fatal(err)
		}
		files, err := w.materials()
		if err != nil {
			t.Fatal(err)
		}
		web1 := startDockerd(t, binary, daemonTLSVerify, files["web1"])
		web2 := startDockerd(t, binary, daemonTLS, files["web2"])
		daemons := fmt.Sprintf(`-var=hosts={web1="tcp://127.0.0.1:%s",web2="tcp://127.0.0.1:%s"}`, web1.port, web2.port)
		if _, err := w.run("apply", "-auto-approve", "-input=false", daemons); err != nil {
			t.Fatal(err)
		}
		// Not quite empty: Terraform plans to read again what a check reads (hashicorp/terraform#35226).
		plan, err := w.run("plan", "-input=false", daemons)
		if err != nil || !strings.Contains(plan, "Plan: 0 to add, 0 to change, 0 to destroy.") {
			t.Errorf("the plan right after apply changes something: %v\n%s", err, plan)
		}
		text, err := w.run("show", "-json")
		if err != nil {
			t.Fatal(err)
		}
		var state tfjson.State
		if err := state.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		got := map[string]tfjson.CheckStatus{}
		for _, check := range state.Checks {
			for _, instance := range check.Instances {
				got[instance.Address.ToDisplay] = instance.Status
			}
		}
		want := map[string]tfjson.CheckStatus{
			`module.check["web1"].check.stranger`: tfjson.CheckStatusPass,
			`module.check["web1"].check.client`:   tfjson.CheckStatusPass,
			`module.check["web2"].check.stranger`: tfjson.CheckStatusFail,
			`module.check["web2"].check.client`:   tfjson.CheckStatusPass,
		}
		if !maps.Equal(got, want) {
			t.Errorf("the checks say\n%v, want\n%v", got, want)
		}
		if !strings.Contains(text, "web2 lets strangers in: its mode is tls") {
			t.Error("no message says that web2 lets strangers in")
		}
	})
}
