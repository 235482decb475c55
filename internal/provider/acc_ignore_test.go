package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// TestAccIgnoredAuthority keeps the authority from certificates. They stay as
// they are, whatever becomes of it, and no plan fails once they are due.
func TestAccIgnoredAuthority(t *testing.T) {
	clock := newAccClock()
	config := func(triggers string) string {
		return accPKI(triggers, "lifecycle { ignore_changes = [ca] }", "lifecycle { ignore_changes = all }")
	}
	var host, client string
	accTest(t, clock,
		resource.TestStep{Config: config(""), Check: resource.ComposeTestCheckFunc(
			remember(accHost, "serial_number", &host), remember(accClient, "serial_number", &client))},
		resource.TestStep{Config: config(`rotation_triggers = { n = "1" }`), Check: resource.ComposeTestCheckFunc(
			same(accHost, "serial_number", &host), same(accClient, "serial_number", &client),
			resource.TestCheckResourceAttr("docker_tls_client_cert.ops", "issue_reason", "the authority has a new key"))},
		resource.TestStep{PreConfig: func() { clock.Advance(8000 * time.Hour) }, Config: config(`rotation_triggers = { n = "1" }`),
			Check: resource.ComposeTestCheckFunc(same(accHost, "serial_number", &host), same(accClient, "serial_number", &client),
				resource.TestCheckResourceAttr(accHost, "ready_for_renewal", "true"))},
	)
}
