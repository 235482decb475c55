package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// restoreConfig has rotation_triggers of an earlier rotation.
const restoreConfig = providerSource + `
variable "triggers" {
  default = ""
}
variable "fail" {
  default = false
}
resource "terraform_data" "first" {
  count = var.fail ? 1 : 0
  provisioner "local-exec" {
    command = "false"
  }
}
resource "docker_tls_ca" "this" {
  depends_on        = [terraform_data.first]
  rotation_triggers = var.triggers == "" ? null : { n = var.triggers }
}
resource "docker_tls_server_cert" "host" {
  ca                = docker_tls_ca.this
  dns_names         = ["localhost"]
  rotation_triggers = var.triggers == "" ? null : { n = var.triggers }
}
output "files" {
  sensitive = true
  value = {
    ca   = { ca = "", cert = docker_tls_ca.this.cert_pem, key = docker_tls_ca.this.private_key_pem }
    host = { ca = docker_tls_ca.this.cert_pem, cert = docker_tls_server_cert.host.cert_pem, key = docker_tls_server_cert.host.private_key_pem }
  }
}
`

// restoreBlocks import what restoreWorkspace has put into files.
const restoreBlocks = `
import {
  to = docker_tls_ca.this
  id = "ca/cert.pem,ca/key.pem"
}
import {
  to = docker_tls_server_cert.host
  id = "host/cert.pem,host/key.pem,host/ca.pem"
}
`

// restoreWorkspace is a workspace whose state is lost. What it had is in files.
func restoreWorkspace(t *testing.T) (workspace, map[string]material) {
	t.Helper()
	w := writeWorkspace(t, map[string]string{"main.tf": restoreConfig})
	if err := w.apply("triggers=1"); err != nil {
		t.Fatal(err)
	}
	files, err := w.materials()
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range files {
		dir := filepath.Join(w.dir, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		m.writeTo(t, dir)
	}
	if err := os.Remove(filepath.Join(w.dir, "terraform.tfstate")); err != nil {
		t.Fatal(err)
	}
	return w, files
}

// TestRestoreKeepsTriggers imports into a configuration, in both ways, and does much before an apply changes what was
// imported: Terraform itself stores the mark of it. The triggers of that apply are recorded, and a change of them rotates.
func TestRestoreKeepsTriggers(t *testing.T) {
	t.Parallel()
	importAll := func(t *testing.T, w workspace, triggers string) {
		t.Helper()
		for address, id := range map[string]string{"docker_tls_ca.this": "ca/cert.pem,ca/key.pem", "docker_tls_server_cert.host": "host/cert.pem,host/key.pem,host/ca.pem"} {
			if _, err := w.run("import", "-var=triggers="+triggers, address, id); err != nil {
				t.Fatal(err)
			}
		}
	}
	writeBlocks := func(t *testing.T, w workspace, _ string) {
		t.Helper()
		writeFile(t, filepath.Join(w.dir, "import.tf"), restoreBlocks, 0o600)
	}
	for _, test := range []struct {
		name     string
		bring    func(*testing.T, workspace, string)
		triggers string   // at the import
		before   []string // commands of Terraform, with the triggers of the import
	}{
		{"import", importAll, "1", nil},
		{"import, refreshes", importAll, "1", []string{"apply -refresh-only", "apply -refresh-only", "refresh"}},
		{"import, applies that fail", importAll, "1", []string{"apply -var=fail=true", "apply -var=fail=true"}},
		{"import, applies of nothing", importAll, "", []string{"apply", "apply"}},
		{"import, applies of nothing without refresh", importAll, "", []string{"apply -refresh=false", "apply -refresh=false"}},
		{"import blocks", writeBlocks, "1", nil},
		{"import blocks, applies of nothing", writeBlocks, "", []string{"apply", "apply"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, before := restoreWorkspace(t)
			test.bring(t, w, test.triggers)
			for _, line := range test.before {
				args := append(strings.Fields(line), "-input=false", "-var=triggers="+test.triggers)
				if args[0] == "apply" {
					args = append(args, "-auto-approve")
				}
				if _, err := w.run(args...); (err != nil) != strings.Contains(line, "fail") {
					t.Fatalf("terraform %s: %v", line, err)
				}
			}
			out, err := w.run("apply", "-auto-approve", "-input=false", "-var=triggers=2")
			if err != nil || strings.Count(out, "Warning: Recorded, and nothing rotates") == 0 {
				t.Errorf("the first triggers are not recorded: %v\n%s", err, out)
			}
			after, err := w.materials()
			if err != nil {
				t.Fatal(err)
			}
			if after["ca"] != before["ca"] || after["host"] != before["host"] {
				t.Error("the restored certificates are not those of the files")
			}
			out, err = w.run("plan", "-input=false", "-var=triggers=3")
			if err != nil || !reasonOfRotation.MatchString(out) || strings.Contains(out, "Recorded, and nothing rotates") {
				t.Errorf("a change of the triggers does not rotate: %v\n%s", err, out)
			}
		})
	}
}

// TestRestoreSaysSo shows that the plan says what it does.
func TestRestoreSaysSo(t *testing.T) {
	t.Parallel()
	w, _ := restoreWorkspace(t)
	if err := os.WriteFile(filepath.Join(w.dir, "import.tf"), []byte(restoreBlocks), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := w.run("plan", "-input=false", "-var=triggers=1")
	if err != nil || !strings.Contains(out, "Plan: 2 to import, 0 to add, 2 to change, 0 to destroy.") || !strings.Contains(out, "Warning: Recorded, and nothing rotates") || strings.Contains(out, "known after apply") {
		t.Errorf("the plan is: %v\n%s", err, out)
	}
}
