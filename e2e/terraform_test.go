package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildProvider compiles a provider into dir and writes a Terraform CLI configuration beside it that uses this
// build, so that no registry and no `terraform init` is needed.
func buildProvider(dir, source string) error {
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "terraform-provider-docker-tls"), source)
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the provider: %w\n%s", err, out)
	}
	config := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"seed-2716f8bf/docker-tls\" = %q\n  }\n  direct {}\n}\n", dir)
	if err := os.WriteFile(filepath.Join(dir, "terraform.rc"), []byte(config), 0o600); err != nil {
		return fmt.Errorf("write the Terraform CLI configuration: %w", err)
	}
	return nil
}

// workspace is a directory with one configuration and its state.
type workspace struct {
	terraform string
	dir       string
}

// findTerraform returns the terraform to test with: the one that TF_ACC_TERRAFORM_PATH names, or that of PATH.
func findTerraform(t *testing.T) string {
	t.Helper()
	name := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if name == "" {
		name = "terraform"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, "install Terraform 1.11 or newer, or set TF_ACC_TERRAFORM_PATH (`make test` does both)")
	}
	return path
}

// write copies a configuration of testdata into the workspace.
func (w workspace) write(config string) error {
	text, err := os.ReadFile(filepath.Join("testdata", config))
	if err != nil {
		return fmt.Errorf("read the configuration: %w", err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "main.tf"), text, 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// command is a call of terraform. The workspace is its home directory too.
func (w workspace) command(args ...string) invocation {
	return invocation{path: w.terraform, args: args, dir: w.dir, env: []string{
		"HOME=" + w.dir, "TF_CLI_CONFIG_FILE=" + filepath.Join(providerBuild, "terraform.rc"),
		"TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_CLI_ARGS=-no-color",
		"GOGC=400", // terraform and the provider end soon: they need not collect their garbage as often
	}}
}

// run runs terraform. Its own error output hides sensitive values, so it may be shown.
func (w workspace) run(args ...string) (string, error) {
	r := w.command(args...).run()
	if r.err != nil {
		return r.stdout, fmt.Errorf("terraform %s: %w\n%s", args[0], r.err, r.all())
	}
	return r.stdout, nil
}

// runWith runs terraform with more in its environment.
func (w workspace) runWith(env []string, args ...string) result {
	command := w.command(args...)
	command.env = append(command.env, env...)
	return command.run()
}

// apply applies the configuration with the given variables ("name=value"), and checks that nothing is left to do.
func (w workspace) apply(vars ...string) error {
	var args []string
	for _, v := range vars {
		args = append(args, "-var="+v)
	}
	if _, err := w.run(append([]string{"apply", "-auto-approve", "-input=false"}, args...)...); err != nil {
		return err
	}
	return w.planIsEmpty(args...)
}

// isOpenTofu tells OpenTofu from Terraform.
func (w workspace) isOpenTofu(t *testing.T) bool {
	t.Helper()
	said, err := w.run("version")
	if err != nil {
		t.Fatal(err)
	}
	return strings.HasPrefix(said, "OpenTofu")
}

// crashSign is in what is printed when the provider of testdata/panicking crashes. OpenTofu has the cause in its log alone.
func (w workspace) crashSign(t *testing.T) string {
	t.Helper()
	if w.isOpenTofu(t) {
		return "Plugin did not respond"
	}
	return "the clock has stopped"
}

// planIsEmpty checks that there is nothing to do.
func (w workspace) planIsEmpty(args ...string) error {
	// -detailed-exitcode: 0 is an empty plan, 2 is a plan with changes.
	_, err := w.run(append([]string{"plan", "-detailed-exitcode", "-input=false"}, args...)...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 2 {
		return fmt.Errorf("the plan is not empty: %w", err)
	}
	return err
}

// material is what one party reads: the authorities it trusts, its own certificate, and its key, all PEM.
type material struct {
	CA   string `json:"ca"`
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// materials reads the output "files" of a configuration: a map of material by name.
func (w workspace) materials() (map[string]material, error) {
	files := map[string]material{}
	err := w.output("files", &files)
	return files, err
}

// output decodes an output of the configuration into value.
func (w workspace) output(name string, value any) error {
	text, err := w.run("output", "-json", name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), value); err != nil {
		return fmt.Errorf("decode the output %q: %w", name, err)
	}
	return nil
}

// write writes ca.pem, cert.pem, and key.pem into a new directory, as Docker names them on a client.
func (m material) write(t *testing.T) string {
	t.Helper()
	return m.writeTo(t, t.TempDir())
}

func (m material) writeTo(t *testing.T, dir string) string {
	t.Helper()
	for name, text := range map[string]string{"ca.pem": m.CA, "cert.pem": m.Cert, "key.pem": m.Key} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
