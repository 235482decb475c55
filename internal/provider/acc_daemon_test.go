package provider_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/deploy"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
)

// accFleet is [accTest] with hosts.
func accFleet(t *testing.T, clock *accClock, f *fleet, steps ...resource.TestStep) {
	t.Helper()
	resource.ParallelTest(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"docker": providerserver.NewProtocol6WithError(provider.NewWithHosts(clock.Now, f.reach, f.open)()),
		},
		Steps: steps,
	})
}

const accDaemon = `
resource "docker_tls_ca" "this" {}
resource "docker_tls_ca" "ops" { subject = { common_name = "Ops" } }
resource "docker_tls_server_cert" "host" {
  ca        = docker_tls_ca.this
  dns_names = ["host.example.com"]
  rotation_triggers = { n = %q }
}
resource "docker_tls_client_cert" "ops" {
  ca      = docker_tls_ca.ops
  subject = { common_name = "ops" }
}
resource "docker_tls_daemon" "host" {
  host    = "tcp://host.example.com:2376"
  server  = docker_tls_server_cert.host
  %s
}`

// TestAccDaemon shows that Terraform takes whole resources for the arguments, and
// stores nothing of them.
func TestAccDaemon(t *testing.T) {
	f, clock := newFleet(), newAccClock()
	const (
		byAuthority = `ca = docker_tls_ca.this`
		overSSH     = "via = \"ssh://root@host.example.com\"\nssh = { host_key = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\" }"
		byClient    = "client = docker_tls_client_cert.ops\nclients = [docker_tls_ca.this, docker_tls_ca.ops]\noptions = { settings = { live-restore = true } }"
	)
	address := "docker_tls_daemon.host"
	deliveries := func(want int) resource.TestCheckFunc {
		return func(state *terraform.State) error {
			for name, value := range state.RootModule().Resources[address].Primary.Attributes {
				if strings.Contains(value, "-----BEGIN") {
					return fmt.Errorf("the state holds PEM in %s", name)
				}
			}
			if len(f.delivered) != want {
				return fmt.Errorf("%d deliveries, not %d", len(f.delivered), want)
			}
			return nil
		}
	}
	var first, second string
	accFleet(t, clock, f,
		resource.TestStep{
			Config: fmt.Sprintf(accDaemon, "1", byAuthority),
			Check: resource.ComposeTestCheckFunc(collectKeys, deliveries(1),
				remember("docker_tls_server_cert.host", "fingerprint_sha256", &first), same(address, "served_fingerprint_sha256", &first)),
		},
		resource.TestStep{ // renewed
			Config: fmt.Sprintf(accDaemon, "2", byAuthority),
			Check: resource.ComposeTestCheckFunc(collectKeys, deliveries(2), differs(address, "served_fingerprint_sha256", &first),
				remember("docker_tls_server_cert.host", "fingerprint_sha256", &second), same(address, "served_fingerprint_sha256", &second)),
		},
		resource.TestStep{ // set up, and visited by somebody else
			Config: fmt.Sprintf(accDaemon, "2", byClient),
			Check:  resource.ComposeTestCheckFunc(collectKeys, deliveries(3), resource.TestCheckResourceAttr(address, "docker_version", "28.2.2")),
		},
		resource.TestStep{ // drift
			PreConfig: func() { f.serves[daemonAddress] = "another" },
			Config:    fmt.Sprintf(accDaemon, "2", byClient),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
				isKnown{address, "served_fingerprint_sha256"},
			}},
			Check: deliveries(4),
		},
		resource.TestStep{ // ignored: a renewed certificate, and drift
			PreConfig: func() { f.serves[daemonAddress] = "another" },
			Config:    fmt.Sprintf(accDaemon, "3", byClient+"\nlifecycle { ignore_changes = [server] }"),
			Check:     resource.ComposeTestCheckFunc(collectKeys, deliveries(4)),
		},
		resource.TestStep{
			Config: fmt.Sprintf(accDaemon, "3", byClient),
			Check: resource.ComposeTestCheckFunc(deliveries(5),
				remember("docker_tls_server_cert.host", "fingerprint_sha256", &second), same(address, "served_fingerprint_sha256", &second)),
		},
		resource.TestStep{ // by import, nothing but the address and what is seen is known
			ResourceName: address, ImportState: true, ImportStateId: daemonHost, ImportStateVerifyIdentifierAttribute: "host",
			ImportStateCheck: func(states []*terraform.InstanceState) error {
				if got := states[0].Attributes["served_fingerprint_sha256"]; got != second {
					return fmt.Errorf("the imported daemon serves %q", got)
				}
				return nil
			},
		},
		resource.TestStep{ // over SSH, and then by the port again: nothing differs
			Config: fmt.Sprintf(accDaemon, "3", overSSH),
			Check:  resource.ComposeTestCheckFunc(deliveries(6), resource.TestCheckNoResourceAttr(address, "via")),
		},
		resource.TestStep{ // two at once are not possible; OpenTofu 1.12 could not destroy that in the end
			Config:      fmt.Sprintf(accDaemon, "3", byClient+"\n"+byAuthority),
			ExpectError: regexp.MustCompile(`Two ways in`),
		},
		resource.TestStep{
			Config:           fmt.Sprintf(accDaemon, "3", byAuthority),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			Check:            deliveries(6),
		},
	)
}

const accRollout = `
provider "docker" {
  rollout = { %s }
}
resource "docker_tls_ca" "this" {}
resource "docker_tls_server_cert" "host" {
  count     = 4
  ca        = docker_tls_ca.this
  dns_names = ["web${count.index + 1}"]
  rotation_triggers = { n = %q }
}
resource "docker_tls_daemon" "host" {
  count  = 4
  host   = "tcp://web${count.index + 1}:2376"
  server = docker_tls_server_cert.host[count.index]
  ca     = docker_tls_ca.this
}`

// TestAccRollout stops at the first host that fails, and goes on where it stopped.
func TestAccRollout(t *testing.T) {
	f, clock := newFleet(), newAccClock()
	// Whichever host comes first fails.
	broken := &deploy.Error{About: deploy.AboutHost, Text: "It does not start."}
	hosts := []string{"web1:2376", "web2:2376", "web3:2376", "web4:2376"}
	fail := func(err error) func() {
		return func() {
			f.delivered = nil
			for _, host := range hosts {
				f.fails[host] = err
			}
		}
	}
	visited := func(want int) resource.TestCheckFunc {
		return func(*terraform.State) error {
			if len(f.delivered) != want {
				return fmt.Errorf("%d hosts were visited, not %d", len(f.delivered), want)
			}
			return nil
		}
	}
	unseen := func(*terraform.State) error {
		if f.dialled != 0 {
			return fmt.Errorf("%d hosts were dialled without a probe", f.dialled)
		}
		return nil
	}
	accFleet(t, clock, f,
		resource.TestStep{Config: fmt.Sprintf(accRollout, "parallel = 0", "1"), ExpectError: regexp.MustCompile(`(?s)rollout.parallel.*at least 1`)},
		resource.TestStep{Config: fmt.Sprintf(accRollout, "parallel = 1.5", "1"), ExpectError: regexp.MustCompile(`Must be a whole number`)},
		resource.TestStep{
			PreConfig: fail(broken), Config: fmt.Sprintf(accRollout, "", "1"),
			ExpectError: regexp.MustCompile(`Not attempted: host tcp://web\d:2376\s+failed\.`),
		},
		resource.TestStep{
			PreConfig: func() {
				if len(f.delivered) != 1 {
					t.Errorf("%d hosts were visited after the first failed", len(f.delivered)-1)
				}
				fail(nil)()
			},
			Config: fmt.Sprintf(accRollout, "", "1"), Check: visited(4),
		},
		resource.TestStep{
			PreConfig: fail(broken), Config: fmt.Sprintf(accRollout, "stop_on_failure = false, parallel = 2", "2"),
			ExpectError: regexp.MustCompile(`It does not start`),
		},
		resource.TestStep{
			PreConfig: func() {
				if len(f.delivered) != 4 {
					t.Errorf("%d hosts were visited, not all", len(f.delivered))
				}
				fail(nil)()
				f.dialled = 0
			},
			Config: fmt.Sprintf(accRollout, "probe = false", "2"), Check: resource.ComposeTestCheckFunc(visited(4), unseen),
		},
	)
}
