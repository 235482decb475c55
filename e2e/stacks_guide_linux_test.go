package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const stacksGuide = "who-signs-who-reads"

// stack is the workspace of one stack of the guide.
func (w workspace) stack(name string) workspace {
	return workspace{w.terraform, filepath.Join(w.dir, name)}
}

// stackFiles are what the test needs to play the host of the guide.
const stackFiles = `
output "files" {
  sensitive = true
  value     = { web1 = { ca = docker_tls_server_cert.web1.ca_cert_pem, cert = docker_tls_server_cert.web1.cert_pem, key = docker_tls_server_cert.web1.private_key_pem } }
}
`

// TestGuideStacks follows the guide with Terraform, and with OpenTofu where it is on PATH: it counts the private keys in
// each state, has the app call a daemon before and after either side has the new authority, and reads what is encrypted.
func TestGuideStacks(t *testing.T) {
	t.Parallel()
	for _, terraform := range terraforms(t) {
		t.Run(filepath.Base(terraform), func(t *testing.T) {
			t.Parallel()
			forEachDockerd(t, func(t *testing.T, binary string) {
				w := workspace{terraform, t.TempDir()}
				followStacks(t, w, binary)
				w.checkModes(t)
				w.checkEncryption(t)
			})
		})
	}
}

// followStacks follows the guide.
func followStacks(t *testing.T, w workspace, binary string) {
	t.Helper()
	docker := tool(t, "docker")
	var d *dockerd
	connects := func(when string) {
		t.Helper()
		client := clientMaterial(output[map[string]string](t, w.stack("app"), "client_files"))
		if r := dockerVersion(docker, []string{"HOME=" + t.TempDir()}, fullDocker("127.0.0.1:"+d.port, client.write(t))...).run(); !r.connected() {
			t.Errorf("%s the app does not get in: %v\n%s", when, r.err, r.all())
		}
	}
	hosts := func() material {
		t.Helper()
		files, err := w.stack("hosts").materials()
		if err != nil {
			t.Fatal(err)
		}
		return files["web1"]
	}
	// What each step that has commands says, and what is looked at after it.
	after := []struct {
		says string
		look func()
	}{
		{"", func() {
			w.step(t, []string{"hcl", "# hosts/files.tf\n" + stackFiles})
			if mode := fileMode(t, w.stack("store").dir); mode != 0o700 {
				t.Errorf("a store that was there has mode %o, want 700", mode)
			}
		}},
		{"1 added", nil},
		{"1 added", nil},
		{"No changes.", nil},
		{"0 added", func() {
			w.checkKeys(t)
			d = startDockerd(t, binary, daemonTLSVerify, hosts())
			connects("at first,")
		}},
		{"1 changed", func() {
			env := []string{"TF_VAR_ca=" + readText(t, filepath.Join(w.stack("store").dir, "ca.json"))}
			w.stack("hosts").mustSay(t, true, "Error: No passphrase", env, "plan", "-input=false")
		}},
		{"1 changed", func() {
			d = startDockerd(t, binary, daemonTLSVerify, hosts())
			connects("with hosts ahead,")
		}},
		{"1 changed", func() { connects("in the end,") }},
		{"", nil},
		{"0 added", nil},
	}
	if err := os.Mkdir(w.stack("store").dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, step := range guideSteps(t, stacksGuide) {
		printed, did := w.step(t, step)
		if !did {
			continue
		}
		if !strings.Contains(printed, after[ran].says) {
			t.Errorf("step %d does not say %q:\n%s", ran+1, after[ran].says, printed)
		}
		if look := after[ran].look; look != nil {
			look()
		}
		ran++
	}
	if ran != len(after) {
		t.Errorf("the guide has %d steps with commands, want %d", ran, len(after))
	}
}

// checkModes looks for states and secrets that others may read.
func (w workspace) checkModes(t *testing.T) {
	t.Helper()
	read := 0
	for _, pattern := range []string{"store/*", "*/terraform.tfstate*"} {
		paths, err := filepath.Glob(filepath.Join(w.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			read++
			if mode := fileMode(t, path); mode&0o077 != 0 {
				t.Errorf("%s has mode %o: others may read it", path, mode)
			}
		}
	}
	if read < 8 {
		t.Errorf("%d files were looked at, want four states and four files of the store at least", read)
	}
}

func fileMode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

// checkKeys compares the private keys in each state with the guide's table. No state has the passphrase.
func (w workspace) checkKeys(t *testing.T) {
	t.Helper()
	rows := regexp.MustCompile(`(?m)^\| \[(\S+)\]\(#\S+\) \| (.*?) \| .* \|$`).FindAllStringSubmatch(guideText(t, stacksGuide), -1)
	if len(rows) != 4 {
		t.Fatalf("the guide's table has %d rows, want 4", len(rows))
	}
	passphrase := strings.TrimSpace(readText(t, filepath.Join(w.dir, "store", "passphrase")))
	for _, row := range rows {
		state := readThrough(t, filepath.Join(w.stack(row[1]).dir, "terraform.tfstate"))
		if count := countPrivateKeys(state); count != row[2] {
			t.Errorf("the state of %s holds %s private keys, and the guide says %s", row[1], count, row[2])
		}
		if holdsSecret(state, passphrase) {
			t.Errorf("the state of %s holds the passphrase", row[1])
		}
	}
}

// checkEncryption looks for keys in the encrypted states and in a saved plan. Terraform has encrypted none.
func (w workspace) checkEncryption(t *testing.T) {
	t.Helper()
	r := w.runWith(nil, "version")
	if r.err != nil {
		t.Fatal(r.err)
	}
	tofu := strings.HasPrefix(r.stdout, "OpenTofu")
	ca := "TF_VAR_ca=" + readText(t, filepath.Join(w.dir, "store", "ca.json"))
	encryption := "TF_ENCRYPTION=" + readText(t, filepath.Join(w.dir, "store", "encryption.hcl"))
	hosts := w.stack("hosts")
	for with, opens := range map[string]bool{encryption: true, "TF_ENCRYPTION=": !tofu} {
		if r := hosts.runWith([]string{ca, with}, "plan", "-out=saved.plan"); (r.err == nil) != opens {
			t.Errorf("the state opens: %v, want %v\n%s", r.err == nil, opens, r.stderr)
		}
	}
	if !tofu {
		return
	}
	for _, file := range []string{"authority/terraform.tfstate", "hosts/terraform.tfstate", "app-access/terraform.tfstate", "app/terraform.tfstate", "hosts/saved.plan"} {
		text := readText(t, filepath.Join(w.dir, file))
		if !strings.Contains(text, `"encrypted_data"`) || strings.Contains(text, "PRIVATE KEY") || strings.Contains(text, "CERTIFICATE") {
			t.Errorf("%s is not encrypted", file)
		}
	}
}
