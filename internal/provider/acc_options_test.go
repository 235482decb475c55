package provider_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestAccOptionsAtPlan has a mistake in the options of functions, beside a
// certificate that does not exist yet: the plan finds it. What is right still
// plans, and is applied.
func TestAccOptionsAtPlan(t *testing.T) {
	config := func(outputs string) string {
		return `
terraform {
  required_providers {
    docker = { source = "hashicorp/docker" }
  }
}
resource "terraform_data" "later" { input = "10m" }
resource "docker_tls_ca" "this" {}
resource "docker_tls_server_cert" "host" {
  ca        = docker_tls_ca.this
  dns_names = ["web1.example.com"]
}
resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}
` + outputs
	}
	output := func(expression string) string {
		return "output \"it\" {\n  sensitive = true\n  value     = " + expression + "\n}\n"
	}
	var steps []resource.TestStep
	for expression, want := range map[string]string{
		`provider::docker::cloud_init(docker_tls_server_cert.host, { prot = 2376 })`:                                                       `unknown option "prot"`,
		`provider::docker::ignition(docker_tls_server_cert.host, { listen = "hosts" })`:                                                    `clashes with hosts`,
		`provider::docker::daemon_json({ prot = 1, settings = { log-opts = { max-size = terraform_data.later.output } } })`:                `unknown option "prot"`,
		`provider::docker::docker_context("web1", "web1:x", docker_tls_client_cert.ci)`:                                                    `the port must be a number`,
		`provider::docker::cloud_init(docker_tls_server_cert.host, { settings = jsonencode({ log-opts = { splunk-token = "sesame" } }) })`: `option "settings" is a string: it must be an object`,
	} {
		steps = append(steps, resource.TestStep{
			Config: config(output(expression)), PlanOnly: true, ExpectError: regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(want), " ", `\s+`)),
		})
	}
	good := config(output(`[
    provider::docker::cloud_init(docker_tls_server_cert.host, { port = "2377", settings = { debug = true ? "true" : "x", log-opts = { max-file = 3, max-size = terraform_data.later.output } } }),
    provider::docker::ignition(docker_tls_server_cert.host),
    provider::docker::cloud_init(docker_tls_server_cert.host` + nullOptions() + `),
    provider::docker::client_files(docker_tls_client_cert.ci)["ca.pem"],
    provider::docker::docker_context("web1", "web1", docker_tls_client_cert.ci),
    provider::docker::client_env(terraform_data.later.output)["DOCKER_HOST"],
  ]`))
	steps = append(steps, resource.TestStep{Config: good}, resource.TestStep{Config: good, PlanOnly: true})
	accTest(t, newAccClock(), steps...)
}

// nullOptions is an optional argument that is null, as a variable that nobody set
// is. OpenTofu does not call a function with a null of any type.
func nullOptions() string {
	if strings.Contains(os.Getenv("TF_ACC_PROVIDER_HOST"), "opentofu") {
		return ""
	}
	return ", null"
}
