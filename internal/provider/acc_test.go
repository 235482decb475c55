package provider_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// accStart is when the acceptance tests begin.
var accStart = time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC)

// accClock is a clock that only a test moves. It lives outside the provider,
// which is made anew for every terraform command.
type accClock struct {
	mu  sync.Mutex
	now time.Time
}

func newAccClock() *accClock { return &accClock{now: accStart} }

func (c *accClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *accClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func accFactories(clock *accClock) map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		"docker": providerserver.NewProtocol6WithError(provider.New("test", clock.Now)()),
	}
}

// accTest runs steps with real Terraform, beside other tests. After each applied step the plugin
// testing framework asserts that the plan, with and without refresh, is empty.
func accTest(t *testing.T, clock *accClock, steps ...resource.TestStep) {
	t.Helper()
	for i := range steps {
		if check := steps[i].Check; check != nil {
			steps[i].Check = resource.ComposeTestCheckFunc(collectKeys, check)
		} else if steps[i].ExpectError == nil {
			steps[i].Check = collectKeys
		}
	}
	resource.ParallelTest(t, resource.TestCase{ProtoV6ProviderFactories: accFactories(clock), Steps: steps})
}

// attribute is the value of an attribute of a resource in the state.
func attribute(state *terraform.State, address, name string) (string, error) {
	instance, ok := state.RootModule().Resources[address]
	if !ok {
		return "", fmt.Errorf("%s is not in the state", address)
	}
	return instance.Primary.Attributes[name], nil
}

// remember stores an attribute, to compare it in a later step.
func remember(address, name string, to *string) resource.TestCheckFunc {
	return func(state *terraform.State) (err error) {
		*to, err = attribute(state, address, name)
		return err
	}
}

// same checks an attribute against what was remembered.
func same(address, name string, remembered *string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		value, err := attribute(state, address, name)
		if err == nil && value != *remembered {
			err = fmt.Errorf("%s.%s has changed", address, name)
		}
		return err
	}
}

// differs is the reverse of same.
func differs(address, name string, remembered *string) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		value, err := attribute(state, address, name)
		if err == nil && value == *remembered {
			err = fmt.Errorf("%s.%s has not changed", address, name)
		}
		return err
	}
}

// verified checks that a leaf in the state is accepted for its purpose by who
// trusts the roots, and that its private key belongs to it.
func verified(clock *accClock, address string, profile pki.Profile) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		bundle, err := attribute(state, address, "cert_pem")
		if err != nil {
			return err
		}
		roots, err := attribute(state, "docker_tls_ca.this", "cert_pem")
		if err != nil {
			return err
		}
		leaf, err := x509text.ParseCertificates(bundle)
		if err != nil {
			return err
		}
		root, err := pki.ParseAuthorityCertificate(roots)
		if err != nil {
			return err
		}
		if err := pki.VerifyLeaf(leaf[0], leaf[1:], root, profile, clock.Now()); err != nil {
			return err
		}
		keyPEM, err := attribute(state, address, "private_key_pem")
		if err != nil {
			return err
		}
		block, _ := pem.Decode([]byte(keyPEM))
		if block == nil || block.Type != "PRIVATE KEY" {
			return fmt.Errorf("%s.private_key_pem is not PKCS#8", address)
		}
		if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
			return fmt.Errorf("%s.private_key_pem cannot be read", address)
		}
		key, err := x509text.ParsePrivateKey(keyPEM, "")
		if err != nil {
			return err
		}
		if !pki.SamePublicKey(key.Public(), leaf[0].PublicKey) {
			return fmt.Errorf("%s: the key does not belong to the certificate", address)
		}
		return nil
	}
}

const accBasic = `
resource "docker_tls_ca" "this" {
  subject       = { common_name = "Docker CA", organization = "Example" }
  key_algorithm = %[1]q
}
resource "docker_tls_server_cert" "host" {
  ca            = docker_tls_ca.this
  key_algorithm = %[2]q
  dns_names     = ["host.example.com", "*.host.example.com"]
  ip_addresses  = ["10.0.0.5", "2001:DB8::1"]
}
resource "docker_tls_client_cert" "ci" {
  ca            = docker_tls_ca.this
  key_algorithm = %[2]q
  subject       = { common_name = "ci" }
}`

func TestAccEveryAlgorithm(t *testing.T) {
	algorithms := x509text.KeyAlgorithms()
	for i, authority := range algorithms {
		leaf := algorithms[(i+1)%len(algorithms)]
		t.Run(string(authority)+"/"+string(leaf), func(t *testing.T) {
			clock := newAccClock()
			accTest(t, clock, resource.TestStep{
				Config: fmt.Sprintf(accBasic, authority, leaf),
				Check: resource.ComposeTestCheckFunc(
					verified(clock, "docker_tls_server_cert.host", pki.Server),
					verified(clock, "docker_tls_client_cert.ci", pki.Client),
					resource.TestCheckResourceAttr("docker_tls_server_cert.host", "subject.common_name", "host.example.com"),
					resource.TestCheckResourceAttr("docker_tls_ca.this", "generation", "1"),
					resource.TestCheckResourceAttr("docker_tls_ca.this", "cross_signed_cert_pem", ""),
					resource.TestCheckResourceAttr("docker_tls_ca.this", "validity_start_time", "2030-06-01T11:00:00Z"),
					resource.TestCheckResourceAttr("docker_tls_server_cert.host", "validity_end_time", "2031-06-01T12:00:00Z"),
					resource.TestCheckResourceAttr("docker_tls_server_cert.host", "renewal_time", "2031-01-30T20:00:00Z"),
					resource.TestMatchResourceAttr("docker_tls_server_cert.host", "serial_number", regexp.MustCompile(`^[0-9a-f]{32}$`)),
					resource.TestMatchResourceAttr("docker_tls_server_cert.host", "fingerprint_sha256", regexp.MustCompile(`^[0-9a-f]{64}$`)),
					resource.TestCheckNoResourceAttr("docker_tls_server_cert.host", "ca.private_key_pem"),
				),
			})
		})
	}
}
