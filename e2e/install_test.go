package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// neighbourVersion is the version that the other provider is given.
const neighbourVersion = "4.0.0"

// registries are the names below which Terraform and OpenTofu look for providers on the machine.
var registries = []string{"registry.terraform.io", "registry.opentofu.org"}

// newHome is a home directory for `make install`, and for Terraform without the settings of the other tests.
type newHome struct {
	dir string
	env []string
}

// home makes an empty one. Go keeps its settings and caches.
func home(t *testing.T) newHome {
	t.Helper()
	h := newHome{dir: t.TempDir()}
	h.env = []string{"HOME=" + h.dir, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_CLI_ARGS=-no-color"}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOPROXY", "GOSUMDB", "GOFLAGS", "GOTOOLCHAIN"} {
		value, err := exec.Command(tool(t, "go"), "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		h.env = append(h.env, name+"="+strings.TrimSpace(string(value)))
	}
	return h
}

// plugins is where Terraform and OpenTofu look for providers.
func (h newHome) plugins(more ...string) string {
	return filepath.Join(append([]string{h.dir, ".terraform.d", "plugins"}, more...)...)
}

// run runs a program to its success, and returns what it said.
func (h newHome) run(t *testing.T, dir, path string, args ...string) string {
	t.Helper()
	r := invocation{path: path, args: args, dir: dir, env: h.env}.run()
	if r.err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(path), strings.Join(args, " "), r.err, r.all())
	}
	return r.stdout
}

// addNeighbour puts hashicorp/tls where `make install` puts this provider.
func (h newHome) addNeighbour(t *testing.T) {
	t.Helper()
	program, err := os.ReadFile(tlsProvider(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, registry := range registries {
		dir := h.plugins(registry, "hashicorp", "tls", neighbourVersion, runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "terraform-provider-tls"), string(program), 0o700)
	}
}

// lockedVersion is a provider and its version in a lock file.
var lockedVersion = regexp.MustCompile(`provider "[^/]+/([^"]+)" \{\n +version += "([^"]+)"`)

// locked returns the version of each provider in the lock file of a directory.
func locked(t *testing.T, dir string) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, match := range lockedVersion.FindAllStringSubmatch(readAll(t, filepath.Join(dir, ".terraform.lock.hcl")), -1) {
		versions[match[1]] = match[2]
	}
	return versions
}

// requirement is what `make install` prints for a configuration.
var requirement = regexp.MustCompile(`(?ms)^  required_providers \{\n.*?^  \}\n`)

// TestInstall installs the provider as the README says, beside another provider, and uses both.
func TestInstall(t *testing.T) {
	t.Parallel()
	git, makeTool, terraform := tool(t, "git"), tool(t, "make"), findTerraform(t)
	h := home(t)
	h.addNeighbour(t)
	said := h.run(t, "..", makeTool, "install")
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "main.tf"), readmeExample(t), 0o600)
	writeFile(t, filepath.Join(dir, "main_override.tf"), "terraform {\n"+requirement.FindString(said)+"}\n", 0o600)
	writeFile(t, filepath.Join(dir, "tls.tf"), "resource \"tls_private_key\" \"this\" {\n  algorithm = \"ED25519\"\n}\n", 0o600)

	h.run(t, dir, terraform, "init", "-input=false")
	commits := strings.TrimSpace(h.run(t, "..", git, "rev-list", "--count", "HEAD"))
	versions := locked(t, dir)
	version := versions["seed-2716f8bf/docker-tls"]
	if len(versions) != 2 || !strings.HasSuffix(version, "."+commits) || versions["hashicorp/tls"] != neighbourVersion {
		t.Fatalf("the lock file has %v, want both providers, this one as …%s", versions, commits)
	}
	if !strings.Contains(said, "docker-tls "+version+" is in "+h.plugins()) {
		t.Errorf("make install does not name the version %s and %s:\n%s", version, h.plugins(), said)
	}
	h.run(t, dir, terraform, "apply", "-auto-approve", "-input=false")
	h.run(t, dir, terraform, "plan", "-detailed-exitcode", "-input=false") // fails if there is something to do

	t.Run("lock", func(t *testing.T) {
		before := readAll(t, filepath.Join(dir, ".terraform.lock.hcl"))
		h.run(t, dir, terraform, "providers", "lock", "-fs-mirror="+h.plugins())
		if after := readAll(t, filepath.Join(dir, ".terraform.lock.hcl")); after != before {
			t.Errorf("the checksums of the mirror are others than those of init:\n%s\n%s", before, after)
		}
	})
	t.Run("module", func(t *testing.T) {
		module := filepath.Join(copyOfExamples(t), "modules", "docker-tls")
		h.run(t, module, terraform, "init", "-input=false")
		h.run(t, module, terraform, "test")
	})
	t.Run("update", func(t *testing.T) {
		const next = "0.99.0"
		h.run(t, "..", makeTool, "install", "VERSION="+next)
		h.run(t, dir, terraform, "init", "-input=false")
		if got := locked(t, dir)["seed-2716f8bf/docker-tls"]; got != version {
			t.Errorf("init takes %s, want %s, which the lock file has", got, version)
		}
		h.run(t, dir, terraform, "init", "-upgrade", "-input=false")
		if got := locked(t, dir)["seed-2716f8bf/docker-tls"]; got != next {
			t.Errorf("init -upgrade takes %s, want %s", got, next)
		}
		h.run(t, dir, terraform, "plan", "-detailed-exitcode", "-input=false")
	})
	t.Run("uninstall", func(t *testing.T) {
		h.run(t, "..", makeTool, "uninstall")
		for _, registry := range registries {
			if _, err := os.Stat(h.plugins(registry, "seed-2716f8bf", "docker-tls")); !os.IsNotExist(err) {
				t.Errorf("the provider is still below %s: %v", registry, err)
			}
			if _, err := os.Stat(h.plugins(registry, "hashicorp", "tls", neighbourVersion)); err != nil {
				t.Errorf("the other provider is gone: %v", err)
			}
		}
	})
}

// TestInstallSettings installs where the settings of Terraform turn off the folder that `make install` uses, and sees it
// say so, and what makes up for it.
func TestInstallSettings(t *testing.T) {
	t.Parallel()
	makeTool, terraform := tool(t, "make"), findTerraform(t)
	h := home(t)
	settings := filepath.Join(h.dir, ".terraformrc")
	writeFile(t, settings, "provider_installation {\n}\n", 0o600)
	said := h.run(t, "..", makeTool, "install")
	_, line, found := strings.Cut(said, "But "+settings+" has provider_installation, which needs this line: ")
	if !found {
		t.Fatalf("make install does not speak of %s:\n%s", settings, said)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "main.tf"), providerSource, 0o600)
	if r := (invocation{path: terraform, args: []string{"init"}, dir: dir, env: h.env}).run(); r.err == nil {
		t.Error("terraform init finds the provider without the line, so that make install need not speak of it")
	}
	writeFile(t, settings, "provider_installation {\n"+line+"}\n", 0o600)
	h.run(t, dir, terraform, "init", "-input=false")
}
