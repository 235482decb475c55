package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fromState reads a certificate, with its key and the roots to trust, from a state file.
func fromState(t *testing.T, state, address string) material {
	t.Helper()
	var content struct {
		Resources []struct {
			Type, Name string
			Instances  []struct {
				Attributes struct {
					CA   string `json:"ca_cert_pem"`
					Cert string `json:"cert_pem"`
					Key  string `json:"private_key_pem"`
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(readText(t, state)), &content); err != nil {
		t.Fatal(err)
	}
	for _, resource := range content.Resources {
		if resource.Type+"."+resource.Name == address {
			return material(resource.Instances[0].Attributes)
		}
	}
	t.Fatalf("the state has no %s", address)
	return material{}
}

// TestGuideRecovery follows the guide to backup and recovery beside a daemon that nobody touches: what is issued after a
// restore is accepted by it. With another authority, the old clients are let in, and accept the daemon.
func TestGuideRecovery(t *testing.T) {
	t.Parallel()
	docker := dockerCall(t)
	w := workspace{findTerraform(t), t.TempDir()}
	writeFile(t, filepath.Join(w.dir, "passphrase"), guidePassphrase+"\n", 0o600)
	state, exercise := filepath.Join(w.dir, "terraform.tfstate"), filepath.Join(w.dir, "exercise")
	settings := mirrored(t)
	var server, client, restored material
	printed := w.followWith(t, "backup-and-recovery", func(step int) {
		switch step {
		case 1:
			w.failsToSave(t, settings)
		case 4: // what the guide's reader copies from the host
			server, client = fromState(t, state, "docker_tls_server_cert.web1"), fromState(t, state, "docker_tls_client_cert.ops")
			writeFiles(t, filepath.Join(w.dir, "hosts", "web1"), map[string]string{"ca.pem": server.CA, "server-cert.pem": server.Cert, "server-key.pem": server.Key})
			if text := readText(t, state); strings.Contains(text, "authority_key") {
				t.Error("the state still has the output of the authority's key")
			}
		case 6:
			exercised := filepath.Join(exercise, "terraform.tfstate")
			if fromState(t, exercised, "docker_tls_server_cert.web1") != server {
				t.Error("the restored certificate is not that of the host")
			}
			restored = fromState(t, exercised, "docker_tls_client_cert.ops")
		case 7: // something is renewed after the backup
			if r := w.runWith([]string{settings}, "apply", "-auto-approve", "-replace=docker_tls_client_cert.ops"); r.err != nil {
				t.Fatalf("%v\n%s", r.err, r.all())
			}
		case 8:
			if fromState(t, state, "docker_tls_client_cert.ops") != client {
				t.Error("the state is not that of the backup")
			}
			if present := fromState(t, filepath.Join(w.dir, "present.tfstate"), "docker_tls_client_cert.ops"); present == client {
				t.Error("the state of before the restore is not saved")
			}
		}
	}, settings)
	for i, want := range []string{
		"3 added, 0 changed, 0 destroyed",
		"0 added, 0 changed, 0 destroyed",
		"",
		"0 added, 0 changed, 0 destroyed",
		"1 added, 1 changed, 0 destroyed", // the client is new, and the triggers are recorded
		"ops.pem: OK",
		"",
		"0 added, 0 changed, 0 destroyed",
		"",
		"3 added, 0 changed, 0 destroyed",
	} {
		if !strings.Contains(printed[i], want) {
			t.Errorf("step %d does not say %q:\n%s", i+1, want, printed[i])
		}
	}
	if printed[2] != "" {
		t.Errorf("the key is not that of the certificate: %s", printed[2])
	}
	if !strings.Contains(printed[4], "Recorded, and nothing rotates") || !strings.Contains(printed[4], "No changes.") {
		t.Errorf("the restore says:\n%s", printed[4])
	}
	if key := readText(t, filepath.Join(w.dir, "safe", "ca-key.pem")); !strings.Contains(key, "BEGIN ENCRYPTED PRIVATE KEY") {
		t.Error("the copy of the key is not encrypted")
	}
	for _, name := range []string{"state.enc", "safe/ca-key.pem"} {
		if info, err := os.Stat(filepath.Join(w.dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(w.dir, "[behop]*")); err != nil || len(left) != 1 { // the file passphrase
		t.Errorf("the guide leaves %q (%v)", left, err)
	}

	files := output[map[string]string](t, w, "web1_files")
	next := material{files["ca.pem"], files["server-cert.pem"], files["server-key.pem"]}
	nextClient := clientMaterial(output[map[string]string](t, w, "ops_files"))
	oldClient := material{nextClient.CA, client.Cert, client.Key} // after the guide's first step
	forEachDockerd(t, func(t *testing.T, binary string) {
		for name, test := range map[string]struct {
			server  material
			clients map[string]material
		}{
			"untouched host":    {server, map[string]material{"old client": client, "client of the restored authority": restored, "client with both roots": oldClient}},
			"another authority": {next, map[string]material{"new client": nextClient, "client with both roots": oldClient}},
		} {
			d := startDockerd(t, binary, daemonTLSVerify, test.server)
			for who, m := range test.clients {
				if r := docker.call(d.port, m.write(t)).run(); !r.connected() {
					t.Errorf("%s refuses the %s: %v\n%s", name, who, r.err, r.all())
				}
			}
		}
	})
}

// failsToSave saves the state again, as people paste it, while the state cannot be read, and while openssl is broken:
// the backup that there is stays.
func (w workspace) failsToSave(t *testing.T, settings string) {
	t.Helper()
	backup := readText(t, filepath.Join(w.dir, "state.enc"))
	broken := t.TempDir()
	writeFile(t, filepath.Join(broken, "openssl"), "#!/bin/sh\nfor last; do :; done\necho broken > \"$last\"\n", 0o755)
	for _, fault := range []string{"TF_CLI_ARGS_state_pull=-no-such-flag", strings.Replace(w.path(t), "=", "="+broken+":", 1)} {
		r := invocation{
			path: tool(t, "bash"), args: []string{"-c", printedBlocks(t, "backup-and-recovery", "sh")[0]}, dir: w.dir,
			env: slices.Concat(w.command().env, []string{w.path(t), settings, fault}),
		}.run()
		if r.err == nil {
			t.Errorf("with %s, the backup ends well", fault)
		}
		if readText(t, filepath.Join(w.dir, "state.enc")) != backup {
			t.Errorf("with %s, the backup is another one", fault)
		}
	}
	if left, err := filepath.Glob(filepath.Join(w.dir, "pulled*")); err != nil || len(left) > 0 {
		t.Errorf("the backup leaves %q (%v)", left, err)
	}
}
