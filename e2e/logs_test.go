package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const logsConfig = providerSource + `
resource "docker_tls_ca" "this" {}
resource "docker_tls_server_cert" "host" {
  ca        = docker_tls_ca.this
  dns_names = ["web1.example.com"]
}
`

// TestLogs compares the log of an empty plan, for each variable that asks for one, with that of a provider that
// never turns anything off.
func TestLogs(t *testing.T) {
	t.Parallel()
	plain := t.TempDir()
	if err := buildProvider(plain, "./testdata/plain"); err != nil {
		t.Fatal(err)
	}
	w := writeWorkspace(t, map[string]string{"main.tf": logsConfig})
	w.terraform = findTerraform(t)
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	for _, variable := range []string{"TF_LOG=TRACE", "TF_LOG=JSON", "TF_LOG_PROVIDER=INFO", "TF_LOG_PROVIDER_DOCKER_TLS=TRACE"} {
		got, want := w.planLines(t, providerBuild, variable), w.planLines(t, plain, variable)
		if !maps.Equal(got, want) {
			t.Errorf("%s: the log has the lines\n%v\nwant\n%v", variable, got, want)
		}
		if variable != "TF_LOG_PROVIDER_DOCKER_TLS=TRACE" && len(want) == 0 { // which Terraform's core does not know
			t.Errorf("%s: nothing was logged", variable)
		}
	}
}

// message finds what a line of the provider's says, without the time, the number of the request and the like.
var message = regexp.MustCompile(`provider\.terraform-provider-docker-tls(?:: |","@?message":")[^:"]*|"@message":"[^"]*","@module":"(?:sdk|docker_tls|provider\.)[^"]*"`)

// planLines counts the lines of the provider in the log of a plan.
func (w workspace) planLines(t *testing.T, build, variable string) map[string]int {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	r := w.runWith([]string{variable, "TF_LOG_PATH=" + log, "TF_CLI_CONFIG_FILE=" + filepath.Join(build, "terraform.rc")}, "plan")
	if r.err != nil {
		t.Fatal(r.all())
	}
	text, err := os.ReadFile(log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for line := range strings.Lines(string(text)) {
		if found := message.FindString(line); found != "" {
			lines[found]++
		}
	}
	return lines
}
