package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// firstHCL is the first hcl block of a Markdown text.
var firstHCL = regexp.MustCompile("(?ms)^```hcl\n(.*?)^```$")

// providerSource is what a snippet of the documentation leaves out: where its provider comes from.
const providerSource = `
terraform {
  required_providers {
    docker = { source = "seed-2716f8bf/docker-tls" }
  }
}
`

// examplePKI declares what the examples of functions and data sources speak of.
const examplePKI = `
resource "docker_tls_ca" "this" {}

resource "docker_tls_server_cert" "host" {
  for_each  = toset(["web1"])
  ca        = docker_tls_ca.this
  dns_names = ["${each.key}.example.com"]
}

resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}
`

// firstShell is the first block of commands.
var firstShell = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// readmeExample returns the README's first example as printed.
func readmeExample(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := firstHCL.FindSubmatch(readme)
	if block == nil {
		t.Fatal("README.md has no hcl block")
	}
	return string(block[1])
}

// rotatable lets a variable rotate the authority of the README's first example. Terraform merges a file of this name
// into the example.
const rotatable = `
variable "rotation" {
  default = 0
}

resource "docker_tls_ca" "this" {
  rotation_triggers = var.rotation == 0 ? null : { n = var.rotation }
}
`

// TestReadme applies the README's first example as printed, and rotates its authority three times. The plan of each
// rotation says why it issues, and is short enough for a person to read: for each host too, and while roots overlap.
func TestReadme(t *testing.T) {
	t.Parallel()
	w := writeWorkspace(t, map[string]string{"main.tf": readmeExample(t)})
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(w.dir, "rotatable_override.tf"), rotatable, 0o600)
	writeFile(t, filepath.Join(w.dir, "rotation.tf"), "variable \"rotation\" {}\n", 0o600) // an override needs what it overrides
	for rotation := 1; rotation <= 3; rotation++ {
		variable := fmt.Sprintf("-var=rotation=%d", rotation)
		plan, err := w.run("plan", "-input=false", variable)
		if err != nil {
			t.Fatal(err)
		}
		if roots := strings.Count(output[map[string]string](t, w, "client_files")["ca.pem"], "BEGIN CERTIFICATE"); roots != rotation {
			t.Fatalf("%d roots overlap before rotation %d, want %d", roots, rotation, rotation)
		}
		checkRotationPlan(t, plan, rotation)
		if _, err := w.run("apply", "-auto-approve", "-input=false", variable); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReadmeClient lets a CI runner into a real dockerd with the commands of README.
func TestReadmeClient(t *testing.T) {
	t.Parallel()
	docker := filepath.Dir(tool(t, "docker"))
	tool(t, "jq")
	w := writeWorkspace(t, map[string]string{
		"main.tf": readmeExample(t),
		"host.tf": "output \"host\" {\n  value     = provider::docker::server_files(docker_tls_server_cert.host[\"web1\"])\n  sensitive = true\n}\n",
	})
	if err := w.apply("hosts={ web1 = \"127.0.0.1\" }"); err != nil {
		t.Fatal(err)
	}
	host := output[map[string]string](t, w, "host")
	files := material{CA: host["ca.pem"], Cert: host["server-cert.pem"], Key: host["server-key.pem"]}
	d := startDockerd(t, tool(t, "dockerd"), daemonTLSVerify, files)
	commands := firstShell.FindStringSubmatch(readAll(t, "../README.md"))
	if commands == nil {
		t.Fatal("README.md has no commands")
	}
	run := strings.ReplaceAll(commands[1], "10.0.0.5:2376", "127.0.0.1:"+d.port)
	r := invocation{path: tool(t, "bash"), args: []string{"-euc", run}, dir: w.dir, env: append(w.command().env, w.path(t)+":"+docker)}.run()
	if r.err != nil || !strings.Contains(r.stdout, "Server:") {
		t.Errorf("the runner is not let in: %v\n%s", r.err, r.all())
	}
	if info, err := os.Stat(filepath.Join(w.dir, "docker-certs", "key.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key.pem: %v, %v", info, err)
	}
}

// How many lines of a plan a person has to read for one host, and for each cross certificate that it has.
const (
	planLinesPerHost             = 28
	planLinesPerCrossCertificate = 13
)

// reasonOfRotation is how a plan shows why the authority's certificate is issued.
var reasonOfRotation = regexp.MustCompile(`(?m)^ +~ issue_reason += ".+" -> "rotation_triggers"$`)

// checkRotationPlan checks what a person sees of the plan of a rotation.
func checkRotationPlan(t *testing.T, plan string, rotation int) {
	t.Helper()
	// What a rotation leaves as it was is not shown: the second one has the reason of the first.
	if authority := planOf(t, plan, "docker_tls_ca.this"); rotation == 1 && !reasonOfRotation.MatchString(authority) {
		t.Errorf("the plan of rotation %d does not show its reason:\n%s", rotation, authority)
	}
	for _, host := range []string{"web1", "web2"} {
		shown := planOf(t, plan, fmt.Sprintf("docker_tls_server_cert.host[%q]", host))
		lines := strings.Count(shown, "\n")
		t.Logf("rotation %d, %s: %d lines of plan", rotation, host, lines)
		limit := planLinesPerHost + planLinesPerCrossCertificate*(rotation-1)
		if strings.Contains(plan, "= (write-only attribute)") {
			limit += 2 // OpenTofu lists ca and private_key_pem_wo in each update
		}
		if lines > limit {
			t.Errorf("the plan of rotation %d has %d lines for %s, want %d at most:\n%s", rotation, lines, host, limit, shown)
		}
	}
}

// planOf returns the part of a plan that updates a resource, from its headline to its closing brace.
func planOf(t *testing.T, plan, address string) string {
	t.Helper()
	_, part, found := strings.Cut(plan, "\n  # "+address+" will be updated in-place\n")
	part, _, closed := strings.Cut(part, "\n    }\n")
	if !found || !closed {
		t.Fatalf("the plan does not update %s:\n%s", address, plan)
	}
	return "  # " + address + " will be updated in-place\n" + part + "\n    }\n"
}

// stateBytesPerHost is how much one host may add to the state: a thousand hosts are then 3.7 MB.
const stateBytesPerHost = 3700

// TestStateSize measures what one host adds to the state: the certificate of the README's first example, without its
// outputs.
func TestStateSize(t *testing.T) {
	t.Parallel()
	example, _, found := strings.Cut(readmeExample(t), "\n# User data of each host")
	if !found {
		t.Fatal("the README's example has no outputs")
	}
	w := writeWorkspace(t, map[string]string{"main.tf": example})
	size := func(hosts int) int {
		t.Helper()
		addresses := map[string]string{}
		for i := range hosts {
			addresses[fmt.Sprintf("web%d", i)] = fmt.Sprintf("10.0.0.%d", i)
		}
		variables, err := json.Marshal(map[string]any{"hosts": addresses})
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(w.dir, "hosts.auto.tfvars.json"), string(variables), 0o600)
		if _, err := w.run("apply", "-auto-approve", "-input=false"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(w.dir, "terraform.tfstate"))
		if err != nil {
			t.Fatal(err)
		}
		return int(info.Size())
	}
	ten, twenty := size(10), size(20)
	each := (twenty - ten) / 10
	t.Logf("one host adds %d bytes to the state", each)
	if each > stateBytesPerHost {
		t.Errorf("one host adds %d bytes to the state, want %d at most", each, stateBytesPerHost)
	}
}

// TestExamples applies the examples of resources, which are whole but for the source of the provider, and validates
// those of functions and data sources, which speak of hosts that do not exist and of the resources' examples.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern string
		with    map[string]string // files beside the example
		check   func(workspace) error
	}{
		{"provider/provider.tf", nil, applied},
		{"resources/*_c*/resource.tf", map[string]string{"terraform.tf": providerSource}, applied}, // the authority and the certificates
		{"resources/*_daemon/resource.tf", map[string]string{"terraform.tf": providerSource}, validated},
		{"functions/*/function.tf", map[string]string{"terraform.tf": providerSource, "pki.tf": examplePKI}, validated},
		{"ephemeral-resources/*/ephemeral-resource.tf", map[string]string{"terraform.tf": providerSource, "pki.tf": examplePKI}, applied},
		{"data-sources/*/data-source.tf", map[string]string{"terraform.tf": providerSource, "pki.tf": examplePKI}, validated},
	} {
		paths, err := filepath.Glob(filepath.Join("..", "examples", filepath.FromSlash(test.pattern)))
		if err != nil {
			t.Fatal(err)
		}
		if len(paths) == 0 {
			t.Errorf("no example is called %s", test.pattern)
		}
		for _, path := range paths {
			t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				files := map[string]string{"main.tf": string(text)}
				maps.Copy(files, test.with)
				w := writeWorkspace(t, files)
				if err := test.check(w); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func applied(w workspace) error { return w.apply() }

func validated(w workspace) error {
	_, err := w.run("validate")
	return err
}

// writeWorkspace writes the files of a configuration, by name, into a directory of its own.
func writeWorkspace(t *testing.T, files map[string]string) workspace {
	t.Helper()
	w := workspace{findTerraform(t), t.TempDir()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// TestSecurityClaims checks that the proofs that SECURITY.md names exist.
func TestSecurityClaims(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	sources := readAll(t, "*_test.go", "../internal/*/*_test.go")
	names := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(text), -1)
	if len(names) == 0 {
		t.Error("SECURITY.md names no test")
	}
	for _, name := range names {
		if !strings.Contains(sources, "func "+name+"(") {
			t.Errorf("SECURITY.md names %s, which is no test", name)
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// readAll returns the texts of all files that match a pattern, one after the other.
func readAll(t *testing.T, patterns ...string) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}
