package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestModule runs the module's own tests, among them those of bad input.
func TestModule(t *testing.T) {
	t.Parallel()
	w := configuration(t, copyOfExamples(t), "modules", "docker-tls")
	report, err := w.run("test")
	if err != nil && w.isOpenTofu(t) && strings.Contains(err.Error(), "tofu.evalContextProviderFunction(") {
		t.Skip("OpenTofu 1.12 crashes where a test calls a function of a provider")
	}
	if err != nil {
		t.Fatal(err)
	}
	// As many have passed as there are, so that a file that is not found is noticed.
	files, err := filepath.Glob(filepath.Join(w.dir, "tests", "*.tftest.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		runs += len(regexp.MustCompile(`(?m)^run "`).FindAll(text, -1))
	}
	if passed := strings.Count(report, "... pass\n") - len(files); runs == 0 || passed != runs {
		t.Errorf("%d of %d runs have passed\n%s", passed, runs, report)
	}
}

// TestModuleUpgrade applies callers of the module's first version. With the present one, their plan is empty.
func TestModuleUpgrade(t *testing.T) {
	t.Parallel()
	w := writeWorkspace(t, map[string]string{"main.tf": readText(t, filepath.Join("testdata", "module-upgrade.tf"))})
	module := filepath.Join(w.dir, "module")
	use := func(source string) {
		t.Helper()
		if err := errors.Join(os.RemoveAll(module), os.CopyFS(module, os.DirFS(source))); err != nil {
			t.Fatal(err)
		}
		if _, err := w.run("get"); err != nil {
			t.Fatal(err)
		}
	}
	use(filepath.Join("testdata", "module-first"))
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	use(filepath.Join("..", "modules", "docker-tls"))
	if err := w.planIsEmpty(); err != nil {
		t.Error(err)
	}
}

// prodFiles are what the test needs to play a host of production.
const prodFiles = `
output "files" {
  sensitive = true
  value     = { for name, cert in module.docker.server_certs : name => { ca = cert.ca_cert_pem, cert = cert.cert_pem, key = cert.private_key_pem } }
}
`

// TestEnvironments applies each environment, and calls a host of production with the client of another stack.
func TestEnvironments(t *testing.T) {
	t.Parallel()
	dir := copyOfExamples(t)
	environment := func(name string) workspace { return configuration(t, dir, "examples", "environments", name) }
	hosts := map[string]int{"dev": 1, "staging": 2, "prod": 5}
	writeFile(t, filepath.Join(dir, "examples", "environments", "prod", "files.tf"), prodFiles, 0o600)
	for name, n := range hosts {
		w := environment(name)
		if err := w.apply(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if userData := output[map[string]string](t, w, "user_data"); len(userData) != n {
			t.Errorf("%s has %d hosts, want %d", name, len(userData), n)
		}
	}
	apps, prod := environment("apps"), environment("prod")
	if err := apps.apply(); err != nil {
		t.Fatal(err)
	}

	if _, err := environment("dev").run("destroy", "-auto-approve"); err != nil {
		t.Errorf("dev cannot be destroyed: %v", err)
	}
	if _, err := prod.run("destroy", "-auto-approve"); err == nil || !strings.Contains(err.Error(), "prevent_destroy") {
		t.Errorf("the authority of production must be protected: %v", err)
	}

	curl := tool(t, "curl")
	files, err := prod.materials()
	if err != nil {
		t.Fatal(err)
	}
	forEachDockerd(t, func(t *testing.T, binary string) {
		d := startDockerd(t, binary, daemonTLSVerify, files["prod1"])
		host := "prod1.example.com:" + d.port
		client := clientMaterial(output[map[string]string](t, apps, "client_files")).write(t)
		if r := curlVersion(curl, host, append(fullCurl(client), "--resolve", host+":127.0.0.1")...).run(); !r.connected() {
			t.Errorf("refused: %v\n%s", r.err, r.all())
		}
		stranger := issued(t)["client stranger"].write(t)
		if r := curlVersion(curl, host, "--cacert", client+"/ca.pem", "--cert", stranger+"/cert.pem", "--key", stranger+"/key.pem",
			"--resolve", host+":127.0.0.1").run(); r.connected() {
			t.Error("a stranger got through")
		}
	})
}
