package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

const renewGuide = "renewing-unattended"

// printedBlock is a block of a guide, with its language.
var printedBlock = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

// printedBlocks are the blocks of a guide in one language, as the page shows them.
func printedBlocks(t *testing.T, guide, language string) (blocks []string) {
	t.Helper()
	text := strings.ReplaceAll(readText(t, filepath.Join("..", "templates", "guides", guide+".md.tmpl")), `{{ "{{" }}`, "{{")
	for _, block := range printedBlock.FindAllStringSubmatch(text, -1) {
		if block[1] == language {
			blocks = append(blocks, block[2])
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("the guide %s has no block in %s", guide, language)
	}
	return blocks
}

// renewConfig is what the script lies beside. A delivery hangs on the certificate, as many do.
const renewConfig = `
variable "passphrase" {
  type      = string
  ephemeral = true
  default   = null
}
variable "deliver" {
  default = "true"
}
resource "docker_tls_ca" "this" {}
resource "docker_tls_server_cert" "host" {
  ca        = docker_tls_ca.this
  dns_names = ["localhost"]
}
resource "terraform_data" "delivery" {
  triggers_replace = [docker_tls_server_cert.host.content_sha256]
  provisioner "local-exec" {
    command = var.deliver
  }
}
output "files" {
  sensitive = true
  value     = { ca = { ca = "", cert = docker_tls_ca.this.cert_pem, key = docker_tls_ca.this.private_key_pem } }
}
output "metrics" {
  value = nonsensitive(provider::docker::metrics(docker_tls_server_cert.host))
}
output "host" {
  value = "${docker_tls_server_cert.host.serial_number} ${docker_tls_server_cert.host.issue_reason}"
}
`

// renewer is a checkout with the guide's script, on a machine of its own.
type renewer struct {
	workspace
	env []string
	tmp string
	log string // what Terraform was called with, and who may read the plan then
}

// mirrored is the variable that leads Terraform to the provider in a mirror, so that `terraform init` finds it.
func mirrored(t *testing.T) string {
	t.Helper()
	mirror := t.TempDir()
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		dir := filepath.Join(mirror, host, "seed-2716f8bf", "docker-tls", "0.1.0", runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(providerBuild, "terraform-provider-docker-tls"), filepath.Join(dir, "terraform-provider-docker-tls_v0.1.0")); err != nil {
			t.Fatal(err)
		}
	}
	settings := filepath.Join(t.TempDir(), "terraform.rc")
	writeFile(t, settings, fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror), 0o600)
	return "TF_CLI_CONFIG_FILE=" + settings
}

// newRenewer applies the configuration once.
func newRenewer(t *testing.T) renewer {
	t.Helper()
	w := writeWorkspace(t, map[string]string{"main.tf": providerSource + renewConfig})
	writeFile(t, filepath.Join(w.dir, "renew.sh"), printedBlocks(t, renewGuide, "sh")[0], 0o755)
	elsewhere := t.TempDir()
	r := renewer{workspace: w, tmp: filepath.Join(elsewhere, "tmp"), log: filepath.Join(elsewhere, "log")}
	for _, dir := range []string{"tmp", "bin"} {
		if err := os.Mkdir(filepath.Join(elsewhere, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Terraform, and beside it a note of each call: the last argument of an apply is the plan.
	wrapper := fmt.Sprintf("#!/bin/sh\nfor last; do :; done\ncase \"$1\" in apply) stat -c 'plan %%a' \"$last\" \"$(dirname \"$last\")\" >> %[1]q ;; *) echo \"$1\" >> %[1]q ;; esac\nexec %[2]q \"$@\"\n", r.log, w.terraform)
	writeFile(t, filepath.Join(elsewhere, "bin", "terraform"), wrapper, 0o755)
	r.env = []string{
		"HOME=" + w.dir, mirrored(t), "CHECKPOINT_DISABLE=1", "TF_CLI_ARGS=-no-color", "TMPDIR=" + r.tmp,
		"PATH=" + filepath.Join(elsewhere, "bin") + ":" + os.Getenv("PATH"),
	}
	for _, line := range []string{"terraform init -input=false", "terraform apply -auto-approve -input=false"} {
		if code, said := r.sh(t, line); code != 0 {
			t.Fatalf("%s: %d\n%s", line, code, said)
		}
	}
	return r
}

// sh runs commands as a step of a CI system does, and returns their exit code and what they said.
func (r renewer) sh(t *testing.T, commands string, env ...string) (code int, said string) {
	t.Helper()
	result := invocation{path: tool(t, "bash"), args: []string{"-e", "-c", commands}, dir: r.dir, env: slices.Concat(r.env, env)}.run()
	if exit := (*exec.ExitError)(nil); errors.As(result.err, &exit) {
		return exit.ExitCode(), result.all()
	} else if result.err != nil {
		t.Fatal(result.err)
	}
	return 0, result.all()
}

// renew runs commands that run the script, and checks its exit code, what it said, and that it leaves no plan.
func (r renewer) renew(t *testing.T, commands string, want int, text string, env ...string) {
	t.Helper()
	code, said := r.sh(t, commands, env...)
	if code != want || !strings.Contains(said, text) {
		t.Fatalf("%q ends with %d, want %d and %q:\n%s", commands, code, want, text, said)
	}
	if strings.Contains(said, "PRIVATE KEY") {
		t.Error("the log has a private key")
	}
	r.leavesNothing(t)
}

func (r renewer) leavesNothing(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(r.tmp)
	left = slices.DeleteFunc(left, func(entry os.DirEntry) bool { return entry.Type() == os.ModeSocket }) // of a provider that was stopped
	if err != nil || len(left) > 0 {
		t.Errorf("the script leaves %v (%v)", left, err)
	}
	plans, err := filepath.Glob(filepath.Join(r.dir, "*plan*"))
	if err != nil || len(plans) > 0 {
		t.Errorf("the script leaves %v (%v)", plans, err)
	}
}

// host is the serial number and the issue_reason of the server's certificate.
func (r renewer) host(t *testing.T) string { t.Helper(); return output[string](t, r.workspace, "host") }

// expire puts a certificate that has expired in the place of the host's: by import, as no clock moves here.
func (r renewer) expire(t *testing.T) {
	t.Helper()
	files, err := r.materials()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(files["ca"].Cert))
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	block, _ = pem.Decode([]byte(files["ca"].Key))
	signer, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(4711), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.Add(-time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, root, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		writeFile(t, path, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})), 0o600)
		return path
	}
	id := write("cert.pem", "CERTIFICATE", der) + "," + write("key.pem", "PRIVATE KEY", pkcs8) + "," + write("ca.pem", "CERTIFICATE", root.Raw)
	if code, said := r.sh(t, "terraform state rm docker_tls_server_cert.host && terraform import docker_tls_server_cert.host "+id); code != 0 {
		t.Fatal(said)
	}
}

// TestGuideRenew runs the script of the guide in every situation that it has an answer to.
func TestGuideRenew(t *testing.T) {
	t.Parallel()
	r := newRenewer(t)
	const script = "./renew.sh"
	before := r.host(t)

	r.renew(t, script, 0, "renew: nothing is due")
	if got := r.host(t); got != before {
		t.Errorf("with nothing due, %s became %s", before, got)
	}

	r.expire(t)
	r.renew(t, script, 0, "renew: done")
	if got := r.host(t); !strings.HasSuffix(got, " renewal_time") {
		t.Errorf("what was due is %s", got)
	}
	if log := readText(t, r.log); !strings.HasSuffix(log, "plan 600\nplan 700\n") {
		t.Errorf("others may read the plan: %s", log)
	}

	// A delivery that fails, and the run after it.
	r.expire(t)
	r.renew(t, script, 1, "Error: local-exec provisioner error", "TF_VAR_deliver=false")
	r.renew(t, script, 1, "flag provided but not defined", "TF_CLI_ARGS_plan=-no-such-flag")
	r.renew(t, script, 0, "renew: done")
	r.renew(t, script, 0, "renew: nothing is due")

	r.isCutOff(t, script)
	r.stops(t, script)
}

// stops is asked for more than a renewal: a job destroys nothing, and replaces nothing but what runs commands.
func (r renewer) stops(t *testing.T, script string) {
	t.Helper()
	before := r.host(t)
	write := func(more string) {
		writeFile(t, filepath.Join(r.dir, "more.tf"), more, 0o600)
	}
	write(`
resource "docker_tls_ca" "extra" {}
resource "terraform_data" "instance" {}
module "more" {
  source   = "./more"
  for_each = toset(["a.b"])
}
`)
	if err := os.Mkdir(filepath.Join(r.dir, "more"), 0o700); err != nil {
		t.Fatal(err)
	}
	const command = "variable \"n\" {\n  default = 1\n}\nresource \"terraform_data\" \"command\" {\n  triggers_replace = var.n\n}\n"
	writeFile(t, filepath.Join(r.dir, "more", "main.tf"), command, 0o600)
	if code, said := r.sh(t, "terraform init -input=false"); code != 0 {
		t.Fatal(said)
	}
	r.renew(t, script, 0, "renew: done")
	writeFile(t, filepath.Join(r.dir, "more", "main.tf"), strings.Replace(command, "= 1", "= 2", 1), 0o600)
	r.renew(t, script, 0, `module.more["a.b"].terraform_data.command must be replaced`)

	all := readText(t, filepath.Join(r.dir, "more.tf"))
	write(strings.Replace(all, `resource "docker_tls_ca" "extra" {}`, "", 1))
	r.renew(t, script, 3, "docker_tls_ca.extra will be destroyed")
	write(strings.Replace(all, `resource "docker_tls_ca" "extra" {}`, "removed {\n  from = docker_tls_ca.extra\n  lifecycle {\n    destroy = false\n  }\n}", 1))
	r.renew(t, script, 3, "renew: the plan destroys, replaces or forgets something.")
	write(all)
	r.renew(t, script, 3, "docker_tls_server_cert.host will be replaced, as requested", "TF_CLI_ARGS_plan=-replace=docker_tls_server_cert.host")
	r.renew(t, script, 0, "renew: nothing is due")
	if got := r.host(t); got != before {
		t.Errorf("%s became %s", before, got)
	}
}

// TestGuideRenewStops gives the script plans of what it must stop at, and what it may apply: of clouds, whose resources
// no test has here.
func TestGuideRenewStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "renew.sh"), printedBlocks(t, renewGuide, "sh")[0], 0o755)
	writeFile(t, filepath.Join(dir, "terraform"), "#!/bin/sh\ncase \"$1\" in plan) exit 2 ;; show) echo \"$PLAN\" ;; esac\n", 0o755)
	for plan, want := range map[string]int{
		"  # azurerm_linux_virtual_machine.web1 must be replaced":                                  3,
		"  # module.fleet[\"a\"].hcloud_server.web[\"x.terraform_data.y\"] must be replaced":       3,
		"  # aws_instance.terraform_data will be destroyed":                                        3,
		"  # docker_tls_ca.this is tainted, so must be replaced":                                   3,
		"  # docker_tls_ca.this (deposed object 12345678) will be destroyed":                       3,
		" # docker_tls_ca.this will no longer be managed by Terraform, but will not be destroyed":  3,
		"  # docker_tls_ca.this will be removed from the OpenTofu state but will not be destroyed": 3,
		"  # terraform_data.delivery must be replaced":                                             0,
		"  # module.a[0].module.b[\"x.y\"].null_resource.deliver[\"z\"] will be destroyed":         0,
		"  # docker_tls_server_cert.host will be updated in-place":                                 0,
	} {
		r := invocation{path: filepath.Join(dir, "renew.sh"), dir: dir, env: []string{"TERRAFORM=" + filepath.Join(dir, "terraform"), "PLAN=" + plan, "PATH=" + os.Getenv("PATH")}}.run()
		code := 0
		if exit := (*exec.ExitError)(nil); errors.As(r.err, &exit) {
			code = exit.ExitCode()
		}
		if code != want {
			t.Errorf("%q ends with %d, want %d: %v\n%s", plan, code, want, r.err, r.all())
		}
	}
}

// TestGuideRenewMetrics writes the metrics of the guide to alarms after a run with nothing due: node_exporter can read them.
func TestGuideRenewMetrics(t *testing.T) {
	t.Parallel()
	r := newRenewer(t)
	for _, block := range printedBlocks(t, "knowing-before-it-expires", "sh") {
		if strings.Contains(block, "write metrics") {
			block = regexp.MustCompile(`(?m)^(terraform apply|write targets|write ca) .*$`).ReplaceAllString(block, "")
			writeFile(t, filepath.Join(r.dir, "metrics.sh"), "#!/bin/sh\nset -eu\n"+block, 0o755)
		}
	}
	path := regexp.MustCompile("`(\\./renew\\.sh && [^`]+)`").FindStringSubmatch(guideText(t, renewGuide))
	if path == nil {
		t.Fatal("the guide has no command for both scripts")
	}
	r.renew(t, path[1], 0, "renew: nothing is due")
	file := filepath.Join(r.dir, "textfile", "docker-tls.prom")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o044 != 0o044 {
		t.Fatalf("node_exporter cannot read the file: %v, %v", info, err)
	}
	if text := readText(t, file); !strings.Contains(text, "x509_cert_not_after{") {
		t.Errorf("the file has no certificate:\n%s", text)
	}
}

// isCutOff stops the script, as a cancelled job does, while it delivers.
func (r renewer) isCutOff(t *testing.T, script string) {
	t.Helper()
	r.expire(t)
	under := filepath.Join(filepath.Dir(r.tmp), "under-way")
	cmd := exec.Command(filepath.Join(r.dir, script))
	cmd.Dir, cmd.SysProcAttr = r.dir, &syscall.SysProcAttr{Setpgid: true}
	cmd.Env = slices.Concat(r.env, []string{"TF_VAR_deliver=touch " + under + " && exec sleep 100"})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }()
	eventually(t, commandTimeout, "the delivery is under way", func() bool { _, err := os.Stat(under); return err == nil })
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("a run that was cut off ends well")
	}
	r.leavesNothing(t)
	r.renew(t, script, 0, "renew: done") // the state was written and is not locked
}

// TestGuideRenewJobs runs what the CI systems and cron are told to run.
func TestGuideRenewJobs(t *testing.T) {
	t.Parallel()
	r := newRenewer(t)
	var jobs []string
	for _, text := range printedBlocks(t, renewGuide, "yaml") {
		var job any
		if err := yaml.Unmarshal([]byte(text), &job); err != nil {
			t.Fatalf("%v:\n%s", err, text)
		}
		jobs = append(jobs, commandsOf(job)...)
	}
	if len(jobs) != 2 {
		t.Fatalf("the jobs run %q, not one command of each of two", jobs)
	}
	for _, command := range jobs {
		r.expire(t)
		r.renew(t, command, 0, "renew: done", "TF_VAR_passphrase=unused")
	}
	table := printedBlocks(t, renewGuide, "cron")[0]
	line := regexp.MustCompile(`(?m)^17 3 \* \* \* terraform (.*)$`).FindStringSubmatch(table)
	if line == nil {
		t.Fatal("the guide has no line for cron")
	}
	for _, want := range []string{"\nPATH=/usr/local/bin:/usr/bin:/bin\n", "\nTF_VAR_passphrase="} { // cron has neither by itself
		if !strings.Contains(table, want) {
			t.Errorf("cron's file has no line %q", want)
		}
	}
	command := strings.ReplaceAll(line[1], "/srv/pki", r.dir)
	r.expire(t)
	if code, said := r.sh(t, command, "TF_VAR_deliver=false"); code != 0 || !strings.Contains(said, "Error: local-exec") {
		t.Errorf("cron does not mail a failure: %d\n%s", code, said)
	}
	if code, said := r.sh(t, command); code != 0 || said != "" {
		t.Errorf("cron mails what is no failure: %d\n%s", code, said)
	}
	r.leavesNothing(t)
}

// commandsOf are the commands of a job of GitHub Actions (run) or GitLab CI (script).
func commandsOf(node any) (commands []string) {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			switch text, isText := value.(string); {
			case key == "run" && isText:
				commands = append(commands, text)
			case key == "script":
				lines, _ := value.([]any)
				for _, line := range lines {
					commands = append(commands, fmt.Sprint(line))
				}
			default:
				commands = append(commands, commandsOf(value)...)
			}
		}
	case []any:
		for _, value := range node {
			commands = append(commands, commandsOf(value)...)
		}
	}
	return commands
}
