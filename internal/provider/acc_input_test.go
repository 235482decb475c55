package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// authorityFiles writes an authority's two files, issued at the given moment,
// and returns the expressions that read them.
func authorityFiles(t *testing.T, issued time.Time, hours int64) (certPEM, keyPEM string) {
	t.Helper()
	key, err := x509text.ECDSAP256.Generate()
	if err != nil {
		t.Fatal(err)
	}
	root, err := pki.IssueRoot(pki.RootRequest{Subject: pki.Subject{CommonName: "elsewhere"}, ValidityHours: hours, Key: key}, issued)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509text.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, content string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("file(%q)", file)
	}
	return write("ca.pem", x509text.EncodeCertificates(root)), write("ca-key.pem", text)
}

// TestAccBadInput gives every bad value to real Terraform: each must be refused
// by `terraform plan` at its attribute, with a text that says what to do.
func TestAccBadInput(t *testing.T) {
	cert, key := authorityFiles(t, accStart, 24)
	_, otherKey := authorityFiles(t, accStart, 24)
	oldCert, oldKey := authorityFiles(t, accStart.Add(-48*time.Hour), 24)
	ca := func(body string) string { return "resource \"docker_tls_ca\" \"this\" {\n" + body + "\n}" }
	server := func(body string) string {
		return ca("") + "\nresource \"docker_tls_server_cert\" \"host\" {\n ca = docker_tls_ca.this\n" + body + "\n}"
	}
	under := func(cert, key string) string {
		return fmt.Sprintf("resource \"docker_tls_server_cert\" \"host\" {\n ca = {\n cert_pem = %s\n private_key_pem = %s\n}\n dns_names = [\"a.example\"]\n}", cert, key)
	}
	run := func(cert, key, subject string, hours int) string {
		return fmt.Sprintf("ephemeral \"docker_tls_client_cert\" \"run\" {\n ca = {\n cert_pem = %s\n private_key_pem = %s\n}\n subject = %s\n validity_period_hours = %d\n}", cert, key, subject, hours)
	}
	fraction := strings.Replace(run(cert, key, `{ common_name = "run" }`, 1), "hours = 1", "hours = 1.5", 1)
	tests := map[string]struct{ config, want string }{
		"scheme":              {server(`dns_names = ["tcp://a.example"]`), `is a URL`},
		"port":                {server(`dns_names = ["a.example:2376"]`), `contains a port`},
		"CIDR in dns_names":   {server(`dns_names = ["10.0.0.0/8"]`), `is a network`},
		"blank":               {server(`dns_names = [" "]`), `must not be blank`},
		"address in names":    {server(`dns_names = ["10.0.0.5"]`), `put it into ip_addresses`},
		"bad label":           {server(`dns_names = ["-a.example"]`), `hyphen`},
		"bad address":         {server(`ip_addresses = ["10.0.0.256"]`), `is not an IP address`},
		"address with prefix": {server(`ip_addresses = ["10.0.0.5/24"]`), `is a network`},
		"no name":             {server(``), `at least one DNS name or IP address`},
		"empty names":         {server(`dns_names = []`), `at least one DNS name or IP address`},
		"country":             {ca(`subject = { common_name = "x", country = "DEU" }`), `two capital letters`},
		"long common name":    {ca(`subject = { common_name = "` + strings.Repeat("x", 65) + `" }`), `at most 64 characters`},
		"e-mail":              {ca(`subject = { email_address = "Ops <ops@example.com>" }`), `plain e-mail address`},
		"algorithm":           {ca(`key_algorithm = "RSA_1024"`), `must be one of`},
		"window":              {ca("validity_period_hours = 10\nearly_renewal_hours = 10"), `Invalid renewal window`},
		"window by default":   {server("dns_names = [\"a.example\"]\nearly_renewal_hours = 8760"), `Invalid renewal window`},
		"zero validity":       {ca(`validity_period_hours = 0`), `at least 1 hour`},
		"negative validity":   {ca(`validity_period_hours = -1`), `at least 1 hour`},
		"past the year 9999":  {ca(`validity_period_hours = 90000000`), `past the year 9999`},
		"overflowing hours":   {ca(`validity_period_hours = 9223372036854775807`), `past the year 9999`},
		"negative window":     {ca(`early_renewal_hours = -1`), `at least 0`},
		"no constraints":      {ca(`name_constraints = {}`), `leave them out`},
		"constraint range":    {ca(`name_constraints = { permitted_ip_ranges = ["10.0.0.1/8"] }`), `did you mean "10.0.0.0/8"`},
		"name not permitted": {ca(`name_constraints = { permitted_dns_domains = ["example.com"] }`) +
			"\nresource \"docker_tls_server_cert\" \"host\" {\n ca = docker_tls_ca.this\n dns_names = [\"a.example.org\"]\n}", `do not allow the name`},
		"client without a name": {ca("") + "\nresource \"docker_tls_client_cert\" \"ci\" {\n ca = docker_tls_ca.this\n}", `No common name`},
		"key of another CA":     {under(cert, otherKey), `does not belong to the authority's certificate`},
		"no CA":                 {under(`docker_tls_server_cert.other.cert_pem`, key) + "\n" + strings.ReplaceAll(under(cert, key), `"host"`, `"other"`), `lacks basicConstraints`},
		"expired CA":            {under(oldCert, oldKey), `expired on 2030-05-31`},
		"CA without PEM":        {under(`"/etc/ca.pem"`, key), `no certificate found`},
		"key without PEM":       {under(cert, `"/etc/ca-key.pem"`), `no private key found`},
		"key missing":           {under(cert, `null`), `merge\(docker_tls_ca.this`},
		"fraction":              {ca(`validity_period_hours = 1.5`), `must be a whole number, not 1.5`},
		"fraction of a leaf":    {server("dns_names = [\"a.example\"]\nearly_renewal_hours = 0.5"), `must be a whole number, not 0.5`},
		"ephemeral, fraction":   {fraction, `must be a whole number, not 1.5`},
		"ephemeral, no name":    {run(cert, key, `{}`, 1), `No common name`},
		"ephemeral, no time":    {run(cert, key, `{ common_name = "run" }`, 0), `at least 1`},
		"ephemeral, other key":  {run(cert, otherKey, `{ common_name = "run" }`, 1), `does not belong to the authority's certificate`},
		"ephemeral, expired CA": {run(oldCert, oldKey, `{ common_name = "run" }`, 1), `expired on 2030-05-31`},
		"ephemeral, no key":     {run(cert, `null`, `{ common_name = "run" }`, 1), `merge\(docker_tls_ca.this`},
		"key as certificate":    {under(key, key), `stands where certificates are expected`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			// Terraform breaks the lines of a diagnostic at any blank.
			want := regexp.MustCompile(`(?i)` + strings.ReplaceAll(test.want, " ", `\s+`))
			accTest(t, newAccClock(), resource.TestStep{Config: test.config, ExpectError: want})
		})
	}
}

// TestAccUnknownInput has values that only apply knows: let through by the
// plan, refused by apply where they are bad.
func TestAccUnknownInput(t *testing.T) {
	config := func(name string) string {
		return fmt.Sprintf(`
resource "terraform_data" "name" { input = %q }
resource "docker_tls_ca" "this" {}
resource "docker_tls_server_cert" "host" {
  ca        = docker_tls_ca.this
  dns_names = [terraform_data.name.output]
}`, name)
	}
	clock := newAccClock()
	accTest(t, clock,
		resource.TestStep{Config: config("a.example:80"), ExpectError: regexp.MustCompile(`contains\s+a\s+port`)},
		resource.TestStep{Config: config("a.example"), Check: verified(clock, "docker_tls_server_cert.host", pki.Server)},
	)
}
