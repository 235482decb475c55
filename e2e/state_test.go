package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

const stateConfig = `
terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}
resource "docker_tls_ca" "this" {}
resource "docker_tls_server_cert" "host" {
  ca        = docker_tls_ca.this
  dns_names = ["host.example.com"]
}
resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}
output "files" {
  sensitive = true
  value     = { ca = { ca = docker_tls_ca.this.cert_pem, cert = docker_tls_server_cert.host.cert_pem, key = docker_tls_ca.this.private_key_pem } }
}
`

// editState changes the state as text.
func (w workspace) editState(t *testing.T, edit func(string) string) {
	t.Helper()
	path := filepath.Join(w.dir, "terraform.tfstate")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := edit(string(text))
	if edited == string(text) {
		t.Fatal("the state is not changed")
	}
	writeFile(t, path, edited, 0o600)
}

// mustSay runs terraform, and looks in all that it prints, whose lines it breaks
// anywhere.
func (w workspace) mustSay(t *testing.T, fails bool, want string, env []string, args ...string) {
	t.Helper()
	r := w.runWith(env, args...)
	if (r.err != nil) != fails {
		t.Fatalf("terraform %s: %v\n%s", args[0], r.err, r.all())
	}
	said := strings.Join(strings.Fields(regexp.MustCompile(`[│╷╵]`).ReplaceAllString(r.all(), " ")), " ")
	if !strings.Contains(said, want) {
		t.Fatalf("terraform %s does not say %q:\n%s", args[0], want, said)
	}
}

// TestDamagedState damages certificates in a state. A host's is issued again, and
// the way that the error about an authority shows leads back to it.
func TestDamagedState(t *testing.T) {
	w := writeWorkspace(t, map[string]string{"main.tf": stateConfig})
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	before, err := w.materials()
	if err != nil {
		t.Fatal(err)
	}
	damage := func(certificate string) {
		quoted := strings.ReplaceAll(certificate, "\n", `\n`)
		attribute := regexp.MustCompile(`"cert_pem": ?"` + regexp.QuoteMeta(quoted)) // OpenTofu writes no blank
		w.editState(t, func(state string) string { return attribute.ReplaceAllString(state, `"cert_pem":"`+quoted[:100]) })
	}
	damage(before["ca"].Cert)
	w.mustSay(t, false, "1 to change, 0 to destroy", nil, "plan")
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}

	damage(before["ca"].CA)
	w.mustSay(t, true, "terraform state rm docker_tls_ca.this terraform import docker_tls_ca.this ca.pem,ca-key.pem", nil, "plan")
	w.mustSay(t, true, "every host and client needs new files", nil, "plan", "-replace=docker_tls_ca.this", "-refresh=false")
	writeFile(t, filepath.Join(w.dir, "ca.pem"), before["ca"].CA, 0o600)
	writeFile(t, filepath.Join(w.dir, "ca-key.pem"), before["ca"].Key, 0o600)
	for _, args := range [][]string{{"state", "rm", "docker_tls_ca.this"}, {"import", "docker_tls_ca.this", "ca.pem,ca-key.pem"}} {
		if _, err := w.run(args...); err != nil {
			t.Fatal(err)
		}
	}
	checkEmpty(t, w)
	after, err := w.materials()
	if err != nil {
		t.Fatal(err)
	}
	if after["ca"].CA != before["ca"].CA || after["ca"].Key != before["ca"].Key {
		t.Error("the authority is another one")
	}
	if leaf, err := x509text.ParseCertificates(after["ca"].Cert); err != nil || len(leaf) != 1 {
		t.Errorf("the certificate of the host: %v", err)
	}

	damage(after["ca"].Cert)
	w.mustSay(t, false, "3 to destroy", nil, "plan", "-destroy")
	// Without -refresh=false Terraform makes a plan that destroys nothing first.
	damage(before["ca"].CA)
	w.mustSay(t, false, "3 destroyed", nil, "destroy", "-auto-approve", "-refresh=false")
}

// TestMoveFromMirror moves all resources, of a state that a mirror of the provider
// has written, to new names. Terraform asks the provider for it, because the
// address of the provider differs; OpenTofu goes by the types. The authority was
// imported before, and what that means for its rotation_triggers goes with it.
func TestMoveFromMirror(t *testing.T) {
	w := writeWorkspace(t, map[string]string{"main.tf": stateConfig})
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	files, err := w.materials()
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(w.dir, "ca.pem"), files["ca"].CA, 0o600)
	writeFile(t, filepath.Join(w.dir, "ca-key.pem"), files["ca"].Key, 0o600)
	w.mustSay(t, false, "removed", nil, "state", "rm", "docker_tls_ca.this")
	w.mustSay(t, false, "Import successful!", nil, "import", "docker_tls_ca.this", "ca.pem,ca-key.pem")
	w.editState(t, func(state string) string {
		return strings.ReplaceAll(state, "/seed-2716f8bf/docker-tls", "/example/fork")
	})
	standIn := t.TempDir()
	if err := os.Symlink(filepath.Join(providerBuild, "terraform-provider-docker-tls"), filepath.Join(standIn, "terraform-provider-fork")); err != nil {
		t.Fatal(err)
	}
	settings := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"seed-2716f8bf/docker-tls\" = %q\n    \"example/fork\" = %q\n  }\n  direct {}\n}\n", providerBuild, standIn)
	writeFile(t, filepath.Join(standIn, "terraform.rc"), settings, 0o600)
	moved := stateConfig
	for _, address := range []string{"docker_tls_ca.this", "docker_tls_server_cert.host", "docker_tls_client_cert.ci"} {
		kind, _, _ := strings.Cut(address, ".")
		moved = strings.ReplaceAll(moved, address, kind+".moved") + fmt.Sprintf("\nmoved {\n  from = %s\n  to   = %s.moved\n}\n", address, kind)
	}
	moved = regexp.MustCompile(`" "(this|host|ci)" `).ReplaceAllString(moved, `" "moved" `)
	writeFile(t, filepath.Join(w.dir, "main.tf"), moved, 0o600)
	env := []string{"TF_CLI_CONFIG_FILE=" + filepath.Join(standIn, "terraform.rc")}
	w.mustSay(t, false, "docker_tls_server_cert.host has moved to docker_tls_server_cert.moved", env, "plan")
	w.mustSay(t, false, "Plan: 0 to add, 0 to change, 0 to destroy.", env, "plan")
	w.mustSay(t, false, "0 added, 0 changed, 0 destroyed", env, "apply", "-auto-approve")
	checkEmpty(t, w)
	writeFile(t, filepath.Join(w.dir, "main.tf"), strings.Replace(moved, `"docker_tls_ca" "moved" {`, `"docker_tls_ca" "moved" {`+"\n"+`rotation_triggers = { n = 1 }`+"\n", 1), 0o600)
	w.mustSay(t, false, "Recorded, and nothing rotates", nil, "plan")
}
