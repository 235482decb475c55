package e2e

import (
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

// TestReadme applies the README's first example as printed.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := firstHCL.FindSubmatch(readme)
	if block == nil {
		t.Fatal("README.md has no hcl block")
	}
	if err := writeWorkspace(t, map[string]string{"main.tf": string(block[1])}).apply(); err != nil {
		t.Fatal(err)
	}
}

// TestExamples applies the examples of resources, which are whole but for the source of the provider, and validates
// those of functions and data sources, which speak of hosts that do not exist and of the resources' examples.
func TestExamples(t *testing.T) {
	for _, test := range []struct {
		pattern string
		with    map[string]string // files beside the example
		check   func(workspace) error
	}{
		{"provider/provider.tf", nil, applied},
		{"resources/*/resource.tf", map[string]string{"terraform.tf": providerSource}, applied},
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
	text, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, pattern := range []string{"*_test.go", "../internal/*/*_test.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(source)
		}
	}
	names := regexp.MustCompile(`\bTest[A-Z]\w+`).FindAllString(string(text), -1)
	if len(names) == 0 {
		t.Error("SECURITY.md names no test")
	}
	for _, name := range names {
		if !strings.Contains(sources.String(), "func "+name+"(") {
			t.Errorf("SECURITY.md names %s, which is no test", name)
		}
	}
	for _, link := range regexp.MustCompile(`\]\((docs/[^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(link[1]))); err != nil {
			t.Errorf("SECURITY.md links to what is not there: %v", err)
		}
	}
}
