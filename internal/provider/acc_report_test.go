package provider_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
)

// accReport is a configuration of several certificates and outputs.
func accReport(rotation int, outputs string) string {
	return fmt.Sprintf(`
terraform {
  required_providers {
    docker = { source = "hashicorp/docker" }
  }
}
resource "docker_tls_ca" "this" {
  rotation_triggers = { n = %d }
}
resource "docker_tls_server_cert" "host" {
  count     = 2 # the framework cannot read instances by name
  ca        = docker_tls_ca.this
  dns_names = ["web${count.index + 1}.example.com"]
}
resource "docker_tls_client_cert" "ci" {
  count   = 2
  ca      = docker_tls_ca.this
  subject = { common_name = "ci${count.index}" }
}
`, rotation) + outputs
}

// TestAccReport lists what exists, at first what does not exist yet, and after a
// rotation the previous root too. The plan of each step is empty afterwards.
func TestAccReport(t *testing.T) {
	const all = "docker_tls_ca.this, { for cert in docker_tls_server_cert.host : one(cert.dns_names) => cert }, docker_tls_client_cert.ci"
	outputs := `
output "inventory" { value = nonsensitive(provider::docker::inventory(` + all + `)) }
output "metrics" { value = nonsensitive(provider::docker::metrics(` + all + `)) }
output "projection" {
  value = provider::docker::inventory({ for cert in docker_tls_server_cert.host : one(cert.dns_names) => { cert_pem = cert.cert_pem } })
}
`
	entry := func(i int, kind, name string, current bool) statecheck.StateCheck {
		return statecheck.ExpectKnownOutputValueAtPath("inventory", tfjsonpath.New(i), knownvalue.ObjectPartial(map[string]knownvalue.Check{
			"kind": knownvalue.StringExact(kind), "name": knownvalue.StringExact(name), "current": knownvalue.Bool(current),
		}))
	}
	series := regexp.MustCompile(`x509_cert_not_after\{subject_CN="web1\.example\.com",issuer_CN="Docker TLS CA",serial_number="\d+",fingerprint_sha256="[0-9a-f]{64}",kind="server",current="true"\} \d+\n`)
	mistake := `output "it" { value = nonsensitive(provider::docker::inventory(docker_tls_server_cert.host, docker_tls_ca.this.cert_pem)) }`
	sensitive := regexp.MustCompile(`Output refers to sensitive values`)
	accTest(t, newAccClock(),
		resource.TestStep{Config: accReport(1, mistake), PlanOnly: true, ExpectError: regexp.MustCompile(`no\s+authority\s+and\s+no\s+certificate`)},
		resource.TestStep{
			Config: accReport(1, outputs),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("inventory", knownvalue.ListSizeExact(5)),
				entry(0, "ca", "Docker TLS CA", true),
				entry(1, "server", "web1.example.com", true),
				entry(4, "client", "ci1", true),
				statecheck.ExpectKnownOutputValueAtPath("inventory", tfjsonpath.New(0).AtMapKey("generation"), knownvalue.Int64Exact(1)),
				statecheck.ExpectKnownOutputValueAtPath("inventory", tfjsonpath.New(1).AtMapKey("generation"), knownvalue.Null()),
				statecheck.ExpectKnownOutputValue("projection", knownvalue.ListSizeExact(2)),
				statecheck.ExpectKnownOutputValue("metrics", knownvalue.StringRegexp(series)),
				statecheck.ExpectKnownOutputValue("metrics", knownvalue.StringRegexp(regexp.MustCompile(`\n# EOF\n$`))),
			},
		},
		// Terraform takes for a secret whatever is made of a resource that has one. The last step is one that OpenTofu 1.12 can destroy.
		resource.TestStep{Config: accReport(2, `output "it" { value = provider::docker::metrics(`+all+`) }`), PlanOnly: true, ExpectError: sensitive},
		resource.TestStep{Config: accReport(2, `output "it" { value = provider::docker::inventory(docker_tls_ca.this) }`), PlanOnly: true, ExpectError: sensitive},
		resource.TestStep{
			Config: accReport(2, outputs),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("inventory", knownvalue.ListSizeExact(6)),
				entry(0, "ca", "Docker TLS CA", true),
				entry(1, "ca", "Docker TLS CA", false),
				statecheck.ExpectKnownOutputValueAtPath("inventory", tfjsonpath.New(0).AtMapKey("generation"), knownvalue.Int64Exact(2)),
				statecheck.ExpectKnownOutputValueAtPath("inventory", tfjsonpath.New(1).AtMapKey("renewal_time"), knownvalue.Null()),
			},
		},
	)
}
