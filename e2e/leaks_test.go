package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secretsConfig uses every secret in every way: keys that are made and stored, in clear and encrypted, keys that are
// given, a passphrase, and an ephemeral certificate.
const secretsConfig = providerSource + `
variable "keys" {
  type      = map(string)
  ephemeral = true
}
variable "passphrase" {
  type      = string
  ephemeral = true
}
variable "hours" {
  default = 1000
}

resource "docker_tls_ca" "managed" {
  private_key_passphrase_wo         = var.passphrase
  private_key_passphrase_wo_version = 1
}
resource "docker_tls_ca" "imported" {}
resource "docker_tls_ca" "own" {
  private_key_pem_wo         = var.keys["ca"]
  private_key_pem_wo_version = 1
}
resource "docker_tls_server_cert" "managed" {
  ca                    = merge(docker_tls_ca.managed, { private_key_passphrase = var.passphrase })
  dns_names             = ["web1.example.com"]
  validity_period_hours = var.hours
}
resource "docker_tls_client_cert" "own" {
  ca                         = merge(docker_tls_ca.own, { private_key_pem = var.keys["ca"] })
  subject                    = { common_name = "ci" }
  private_key_pem_wo         = var.keys["ci"]
  private_key_pem_wo_version = 1
  validity_period_hours      = var.hours
}
ephemeral "docker_tls_client_cert" "run" {
  ca      = merge(docker_tls_ca.managed, { private_key_passphrase = var.passphrase })
  subject = { common_name = "run" }
}
resource "terraform_data" "seen" {
  triggers_replace = var.hours
  provisioner "local-exec" {
    command     = "umask 077 && printenv KEY > ephemeral-key.pem"
    environment = { KEY = ephemeral.docker_tls_client_cert.run.private_key_pem }
  }
}
output "keys" {
  value     = [docker_tls_ca.managed.private_key_pem, docker_tls_server_cert.managed.private_key_pem]
  sensitive = true
}
`

// TestNoSecretLeaks runs commands that succeed, fail and crash with everything logged at level TRACE, and looks for
// every secret in all that they print and in all files that they leave, but for the state and the plan.
func TestNoSecretLeaks(t *testing.T) {
	t.Parallel()
	terraform := findTerraform(t)
	panicking := t.TempDir()
	if err := buildProvider(panicking, "./testdata/panicking"); err != nil {
		t.Fatal(err)
	}
	w := writeWorkspace(t, map[string]string{"main.tf": secretsConfig})
	temporary := filepath.Join(w.dir, "tmp")
	if err := os.Mkdir(temporary, 0o700); err != nil {
		t.Fatal(err)
	}
	w.terraform = terraform
	keys := makeKeys(t)
	secrets := []string{secretPassphrase}
	for _, key := range keys {
		secrets = append(secrets, key)
	}
	var said strings.Builder
	env := []string{
		"TF_LOG=TRACE", "TF_LOG_PATH=" + filepath.Join(w.dir, "trace.log"), "TMPDIR=" + temporary,
		"TF_VAR_passphrase=" + secretPassphrase,
		fmt.Sprintf("TF_VAR_keys={ca=%q,ci=%q}", keys["ca"], keys["ci"]),
	}
	run := func(fails bool, more []string, args ...string) {
		t.Helper()
		r := w.runWith(append(env, more...), args...)
		said.WriteString(r.all())
		if (r.err != nil) != fails {
			t.Fatalf("terraform %s: %v, want a failure: %v\n%s", args[0], r.err, fails, r.all())
		}
	}
	importable(t, w, keys["web1"])
	run(true, []string{"DOCKER_TLS_IMPORT_PASSPHRASE=" + secretPassphrase + "!"}, "import", "-input=false", "docker_tls_ca.imported", "ca.pem,ca-key.pem")
	run(false, []string{"DOCKER_TLS_IMPORT_PASSPHRASE=" + secretPassphrase}, "import", "-input=false", "docker_tls_ca.imported", "ca.pem,ca-key.pem")
	crash := "TF_CLI_CONFIG_FILE=" + filepath.Join(panicking, "terraform.rc")
	run(false, nil, "apply", "-auto-approve", "-input=false")
	first, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	run(false, nil, "plan", "-input=false", "-detailed-exitcode")
	if !w.isOpenTofu(t) { // which says "Invalid refresh-only plan. This is a bug in OpenTofu" of resources with write-only arguments
		run(false, nil, "apply", "-refresh-only", "-auto-approve", "-input=false")
	}
	run(false, nil, "plan", "-input=false", "-out=saved.plan", "-var=hours=2000")
	run(false, nil, "show", "saved.plan")
	for call := range 6 { // while it plans once more, and while it applies
		run(true, []string{crash, fmt.Sprintf("PANIC_AT_CALL=%d", call+1)}, "plan", "-input=false", "-var=hours=2000")
	}
	run(true, []string{crash, "PANIC_AT_CALL=2"}, "apply", "-input=false", "-auto-approve", "-var=hours=2000")
	run(true, []string{"TF_VAR_passphrase=" + secretPassphrase + secretPassphrase}, "apply", "-input=false", "-auto-approve", "-var=hours=3000")
	run(true, []string{fmt.Sprintf("TF_VAR_keys={ca=%q,ci=%q}", keys["ci"], keys["ca"])}, "apply", "-input=false", "-auto-approve", "-var=hours=4000")
	run(true, []string{fmt.Sprintf("TF_VAR_keys={ca=%q,ci=%q}", strings.Replace(keys["ca"], "A", "B", 3), "")}, "apply", "-input=false", "-auto-approve", "-var=hours=4000")
	run(false, nil, "apply", "-input=false", "-auto-approve", "-var=hours=5000")

	state, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	ephemeral, err := os.ReadFile(filepath.Join(w.dir, "ephemeral-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if holdsSecret(state, string(ephemeral)) {
		t.Error("the state holds the ephemeral key")
	}
	stored := privateKeyBlock.FindAllString(strings.ReplaceAll(string(first)+string(state), `\n`, "\n"), -1)
	if len(stored) < 4 {
		t.Fatalf("%d keys in the state", len(stored))
	}
	secrets = append(append(secrets, stored...), string(ephemeral))

	if !strings.Contains(said.String(), w.crashSign(t)) {
		t.Error("no command has crashed")
	}
	files := map[string][]byte{"what was printed": []byte(said.String())}
	err = filepath.WalkDir(w.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() { // a crash leaves a socket
			return err
		}
		switch name := entry.Name(); name {
		case "terraform.tfstate", "terraform.tfstate.backup", "saved.plan", "ephemeral-key.pem":
			return nil
		default:
			files[name], err = os.ReadFile(path)
			return err
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(files["trace.log"]), "issued an authority") {
		t.Error("nothing that the provider logs is in the log")
	}
	for name, content := range files {
		content = inLine(content)
		for i, secret := range secrets {
			if holdsInLine(content, secret) {
				t.Errorf("secret %d is in %s", i, name)
			}
		}
	}
}

// importable writes the files of an authority whose key is encrypted.
func importable(t *testing.T, w workspace, key string) {
	t.Helper()
	openssl := tool(t, "openssl")
	for _, args := range [][]string{
		{"req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=Imported", "-days", "3650", "-out", "ca.pem"},
		{"pkcs8", "-topk8", "-v2", "aes256", "-passout", "env:PASSPHRASE", "-out", "ca-key.pem"},
	} {
		if r := (invocation{path: openssl, args: args, dir: w.dir, env: []string{"PASSPHRASE=" + secretPassphrase}, stdin: key}).run(); r.err != nil {
			t.Fatalf("%v\n%s", r.err, r.all())
		}
	}
}
