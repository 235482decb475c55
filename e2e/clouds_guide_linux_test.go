package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// cloudProviders are the addresses of the providers that the guide needs.
var cloudProviders = []string{"hashicorp/aws", "hashicorp/google", "hashicorp/azurerm", "hetznercloud/hcloud"}

// standInForClouds builds testdata/clouds, and returns the settings with which Terraform takes it for each of them.
func standInForClouds(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := buildProvider(dir, "./testdata/clouds"); err != nil {
		t.Fatal(err)
	}
	var overrides strings.Builder
	for _, address := range cloudProviders {
		if err := os.Symlink("terraform-provider-docker-tls", filepath.Join(dir, "terraform-provider-"+filepath.Base(address))); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&overrides, "    %q = %q\n", address, dir)
	}
	rc := filepath.Join(dir, "terraform.rc")
	writeFile(t, rc, fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"seed-2716f8bf/docker-tls\" = %q\n%s  }\n  direct {}\n}\n", providerBuild, &overrides), 0o600)
	return "TF_CLI_CONFIG_FILE=" + rc
}

// TestGuideClouds plans and applies the guide's configurations with a stand-in for the clouds' providers: it proves
// that there is no cycle but in the first one, and what ignore_changes keeps. What it does not prove: that the real
// providers accept the arguments, which testdata/clouds has from their documentation, what the clouds do with user data,
// their limits, and who can read it.
func TestGuideClouds(t *testing.T) {
	t.Parallel()
	env := []string{standInForClouds(t), "TF_VAR_vpc_id=vpc", "TF_VAR_subnet_id=subnet", "TF_VAR_zone_id=zone", "TF_VAR_security_group_id=group"}
	w := workspace{findTerraform(t), t.TempDir()}
	for _, step := range guideSteps(t, "clouds") {
		if step[0] == "hcl" {
			w.step(t, step)
		}
	}
	writeFile(t, filepath.Join(w.dir, "id_rsa.pub"), "ssh-rsa AAAA", 0o600)
	for _, test := range []struct {
		dir     string
		cycle   bool
		changes string // what a renewal does without ignore_changes
	}{
		{dir: "cycle", cycle: true},
		{dir: "aws", changes: "0 to add, 2 to change, 0 to destroy"},
		{dir: "google", changes: "0 to add, 2 to change, 0 to destroy"},
		{dir: "azure", changes: "1 to add, 1 to change, 1 to destroy"},
		{dir: "hetzner", changes: "1 to add, 1 to change, 1 to destroy"},
		{dir: "name", changes: "0 to add, 2 to change, 0 to destroy"},
	} {
		t.Run(test.dir, func(t *testing.T) {
			t.Parallel()
			w := w.stack(test.dir)
			w.editFile(t, "main.tf", func(text string) string {
				return strings.ReplaceAll(text, `pathexpand("~/.ssh/id_rsa.pub")`, `"../id_rsa.pub"`)
			})
			if test.cycle {
				w.mustSay(t, true, "Error: Cycle: ", env, "plan")
				return
			}
			w.mustSay(t, false, "to add, 0 to change, 0 to destroy.", env, "plan")
			w.renewInCloud(t, env, test.changes)
		})
	}
	t.Run("contact", func(t *testing.T) {
		t.Parallel()
		contactInCloud(t, env)
	})
}

// dockerPackage is what the guide's user data installs.
const dockerPackage = "\"packages\":\n- \"docker.io\"\n"

// contactInCloud follows the guide's first contact with a host that boots with the instance's user data, of which
// cloud-init installs no package: the host has Docker.
func contactInCloud(t *testing.T, env []string) {
	t.Helper()
	for _, name := range []string{"ssh-keyscan", "ssh-keygen"} {
		tool(t, name)
	}
	h, w, agent := newRealHost(t, ""), workspace{findTerraform(t), t.TempDir()}, startAgent(t)
	for _, name := range []string{".ssh", "contact"} {
		if err := os.Mkdir(filepath.Join(w.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(w.dir, "contact", "test.tf"), "output \"user_data\" { value = aws_instance.web1.user_data }\n", 0o600)
	key := filepath.Join(w.dir, ".ssh", "id_ed25519")
	makeKey(t, key)
	addKey(t, agent, key)
	env = append(env, "SSH_AUTH_SOCK="+agent, "CLOUD_ADDRESS="+h.address, "HOME="+w.dir)
	var printed []string
	for _, step := range guideSteps(t, "clouds") {
		if step[0] == "hcl" && !strings.HasPrefix(step[1], "# contact/") {
			continue
		}
		said, ran := w.step(t, step, env...)
		if !ran {
			continue
		}
		if printed = append(printed, said); len(printed) == 1 {
			h.seed(t, strings.Replace(output[string](t, w.stack("contact"), "user_data"), dockerPackage, "", 1))
			h.boot(t)
		}
	}
	for i, want := range []string{"3 added, 0 changed", "(ED25519)", "1 added, 0 changed"} {
		if i >= len(printed) || !strings.Contains(printed[i], want) {
			t.Errorf("step %d does not say %q:\n%q", i+1, want, printed)
		}
	}
	w.stack("contact").mustSay(t, false, "No changes.", env, "plan")
	h.hasNoVisitor(t)
}

// renewInCloud renews the certificate: the instance stays as it is, and would not without ignore_changes.
func (w workspace) renewInCloud(t *testing.T, env []string, changes string) {
	t.Helper()
	// No daemon runs there.
	if err := os.RemoveAll(filepath.Join(w.dir, "renewals.tf")); err != nil {
		t.Fatal(err)
	}
	w.mustSay(t, false, "0 changed, 0 destroyed.", env, "apply", "-auto-approve")
	w.mustSay(t, false, "No changes.", env, "plan")
	renew := []string{"plan", "-var=renew=1"}
	w.editFile(t, "main.tf", func(text string) string {
		text += "\nvariable \"renew\" { default = 0 }\n"
		return strings.Replace(text, "resource \"docker_tls_server_cert\" \"web1\" {\n", "resource \"docker_tls_server_cert\" \"web1\" {\n  rotation_triggers = { renew = tostring(var.renew) }\n", 1)
	})
	w.mustSay(t, false, "0 destroyed.", env, "apply", "-auto-approve")
	w.mustSay(t, false, "Plan: 0 to add, 1 to change, 0 to destroy.", env, renew...)
	w.editFile(t, "main.tf", func(text string) string {
		return regexp.MustCompile(`(?m)^  lifecycle .*\n`).ReplaceAllString(text, "")
	})
	w.mustSay(t, false, "0 changed", env, "apply", "-auto-approve", "-refresh-only")
	w.mustSay(t, false, changes, env, renew...)
}

// editFile changes a file of the configuration.
func (w workspace) editFile(t *testing.T, name string, edit func(string) string) {
	t.Helper()
	path := filepath.Join(w.dir, name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, edit(string(text)), 0o600)
}
