package e2e

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
)

// shifted is a clock that is off by a time that a test sets. What the provider takes for the time is all the difference
// between its clock and the host's: a host here has the clock of this machine.
type shifted struct{ by atomic.Int64 }

func (c *shifted) now() time.Time {
	return time.Now().Add(time.Duration(c.by.Load()))
}

func (c *shifted) set(by time.Duration) func() { return func() { c.by.Store(int64(by)) } }

// clockConfig is a host with a certificate for an hour. daemon is added once the host is on.
func clockConfig(h *realHost, renewal int, daemon string) string {
	return fmt.Sprintf(`
resource "docker_tls_ca" "this" {
  subject = { common_name = "Docker CA" }
}

resource "docker_tls_server_cert" "host" {
  ca                    = docker_tls_ca.this
  ip_addresses          = [%q]
  validity_period_hours = 1
  early_renewal_hours   = 0
  rotation_triggers     = { n = "%d" }
}

output "user_data" {
  sensitive = true
  value     = provider::docker::cloud_init(docker_tls_server_cert.host, { settings = { live-restore = true } })
}
%s`, h.address, renewal, daemon)
}

const clockDaemon = `
resource "docker_tls_daemon" "host" {
  host   = "tcp://%s:2376"
  server = docker_tls_server_cert.host
  ca     = docker_tls_ca.this
}
`

// TestDaemonClock visits a host whose clock is hours before and behind the provider's, and one whose certificate has
// expired, as a fleet has it that was forgotten.
func TestDaemonClock(t *testing.T) {
	t.Parallel()
	findTerraform(t)
	forEachRealDockerd(t, func(t *testing.T, dockerd string) {
		h := newRealHost(t, dockerd)
		var w workload
		clock := &shifted{}
		daemon := fmt.Sprintf(clockDaemon, h.address)
		served := func(s *terraform.State) error {
			want := s.RootModule().Resources["docker_tls_server_cert.host"].Primary.Attributes["fingerprint_sha256"]
			if got := h.served(t); got != want {
				return fmt.Errorf("the host serves %s, want %s", got, want)
			}
			w.known(t)
			h.hasNoVisitor(t)
			return nil
		}
		resource.UnitTest(t, resource.TestCase{
			ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
				"docker": func() (tfprotov6.ProviderServer, error) {
					return providerserver.NewProtocol6WithError(provider.New("test", clock.now)())()
				},
			},
			Steps: []resource.TestStep{
				{PreConfig: clock.set(-2 * time.Hour), Config: clockConfig(h, 1, ""), Check: func(s *terraform.State) error {
					h.seed(t, s.RootModule().Outputs["user_data"].Value.(string))
					h.boot(t)
					w = startWorkload(t, h)
					return nil
				}},
				// The host's clock is ahead: for the host, the visit's certificate has expired.
				{Config: clockConfig(h, 2, daemon), Check: served},
				// The certificate has expired since, and the host is known by it alone.
				{PreConfig: clock.set(0), Config: clockConfig(h, 2, daemon), Check: served},
				// The host's clock is behind: for the host, the visit's certificate is not valid yet.
				{PreConfig: clock.set(10 * time.Minute), Config: clockConfig(h, 3, daemon), Check: served},
			},
		})
	})
}
