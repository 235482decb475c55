package provider_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

const (
	accCA     = "docker_tls_ca.this"
	accHost   = "docker_tls_server_cert.host"
	accClient = "docker_tls_client_cert.ci"
)

// accPKI is an authority with three leaves. Each argument is the body that
// differs.
func accPKI(ca, host, client string) string {
	return fmt.Sprintf(`
resource "docker_tls_ca" "this" {
  %s
}
resource "docker_tls_server_cert" "host" {
  ca        = docker_tls_ca.this
  dns_names = ["host.example.com"]
  %s
}
resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
  %s
}
resource "docker_tls_client_cert" "ops" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ops" }
}`, ca, host, client)
}

// planned lists the actions that a plan must have; all others must be no-ops.
func planned(actions map[string]plancheck.ResourceActionType) resource.ConfigPlanChecks {
	var checks []plancheck.PlanCheck
	for _, address := range []string{accCA, accHost, accClient, "docker_tls_client_cert.ops"} {
		action, ok := actions[address]
		if !ok {
			action = plancheck.ResourceActionNoop
		}
		checks = append(checks, plancheck.ExpectResourceAction(address, action))
	}
	return resource.ConfigPlanChecks{PreApply: checks}
}

var update = plancheck.ResourceActionUpdate

// unknown are checks that exactly these attributes of a resource are unknown.
func unknown(address string, unknown, known []string) []plancheck.PlanCheck {
	var checks []plancheck.PlanCheck
	for _, name := range unknown {
		checks = append(checks, plancheck.ExpectUnknownValue(address, tfjsonpath.New(name)))
	}
	for _, name := range known {
		checks = append(checks, isKnown{address, name})
	}
	return checks
}

func TestAccChangedInputReissuesInPlace(t *testing.T) {
	var key, serial, digest string
	clock := newAccClock()
	host := planned(map[string]plancheck.ResourceActionType{accHost: update})
	reissued := []string{"cert_pem", "serial_number", "fingerprint_sha256", "validity_start_time", "validity_end_time", "renewal_time", "content_sha256"}
	host.PreApply = append(host.PreApply, unknown(accHost, append([]string{"private_key_pem"}, reissued...), []string{"ready_for_renewal", "subject"})...)
	kept := planned(map[string]plancheck.ResourceActionType{accHost: update})
	kept.PreApply = append(kept.PreApply, unknown(accHost, reissued, []string{"private_key_pem", "ready_for_renewal"})...)
	accTest(t, clock,
		resource.TestStep{
			Config: accPKI("", "", ""),
			Check: resource.ComposeTestCheckFunc(
				remember(accHost, "private_key_pem", &key), remember(accHost, "serial_number", &serial), remember(accHost, "content_sha256", &digest)),
		},
		resource.TestStep{
			Config:           accPKI("", `ip_addresses = ["10.0.0.5"]`, ""),
			ConfigPlanChecks: host,
			Check: resource.ComposeTestCheckFunc(
				differs(accHost, "private_key_pem", &key), differs(accHost, "serial_number", &serial), differs(accHost, "content_sha256", &digest),
				verified(clock, accHost, pki.Server), remember(accHost, "private_key_pem", &key), remember(accHost, "serial_number", &serial)),
		},
		resource.TestStep{ // another spelling of the same address
			Config:           accPKI("", `ip_addresses = ["::ffff:10.0.0.5"]`, ""),
			ConfigPlanChecks: planned(map[string]plancheck.ResourceActionType{accHost: update}),
			Check:            same(accHost, "serial_number", &serial),
		},
		resource.TestStep{
			Config:           accPKI("", "reuse_private_key = true\nvalidity_period_hours = 240", ""),
			ConfigPlanChecks: kept,
			Check: resource.ComposeTestCheckFunc(
				same(accHost, "private_key_pem", &key), differs(accHost, "serial_number", &serial), verified(clock, accHost, pki.Server),
				resource.TestCheckResourceAttr(accHost, "early_renewal_hours", "80")),
		},
		resource.TestStep{
			Config:           accPKI("", "reuse_private_key = true\nvalidity_period_hours = 240\nrotation_triggers = { n = 1 }", ""),
			ConfigPlanChecks: host,
			Check:            differs(accHost, "private_key_pem", &key),
		},
	)
}

func TestAccRenewalByTheClock(t *testing.T) {
	var serial string
	clock := newAccClock()
	leaves := map[string]plancheck.ResourceActionType{accHost: update, accClient: update, "docker_tls_client_cert.ops": update}
	all := map[string]plancheck.ResourceActionType{accCA: update, accHost: update, accClient: update, "docker_tls_client_cert.ops": update}
	config := accPKI("", "", "")
	accTest(t, clock,
		resource.TestStep{Config: config, Check: remember(accHost, "serial_number", &serial)},
		resource.TestStep{
			PreConfig:        func() { clock.Advance(5839 * time.Hour) }, // an hour before the leaves are due
			Config:           config,
			ConfigPlanChecks: planned(nil),
			Check:            same(accHost, "serial_number", &serial),
		},
		resource.TestStep{
			PreConfig:          func() { clock.Advance(time.Hour) },
			RefreshState:       true,
			ExpectNonEmptyPlan: true,
			Check: resource.ComposeTestCheckFunc(
				resource.TestCheckResourceAttr(accHost, "ready_for_renewal", "true"), same(accHost, "serial_number", &serial)),
		},
		resource.TestStep{
			Config:           config,
			ConfigPlanChecks: planned(leaves),
			Check: resource.ComposeTestCheckFunc(
				resource.TestCheckResourceAttr(accHost, "ready_for_renewal", "false"), differs(accHost, "serial_number", &serial),
				verified(clock, accHost, pki.Server)),
		},
		resource.TestStep{ // the authority itself: 4 to change, 0 to destroy
			PreConfig:        func() { clock.Advance((29200 - 5840) * time.Hour) },
			Config:           config,
			ConfigPlanChecks: planned(all),
			Check: resource.ComposeTestCheckFunc(
				resource.TestCheckResourceAttr(accCA, "generation", "2"), verified(clock, accHost, pki.Server), verified(clock, accClient, pki.Client)),
		},
	)
}

func TestAccAuthorityKeepsItsKey(t *testing.T) {
	var key, serial, hostSerial, content string
	clock := newAccClock()
	accTest(t, clock,
		resource.TestStep{
			Config: accPKI("reuse_private_key = true", "", ""),
			Check: resource.ComposeTestCheckFunc(remember(accCA, "private_key_pem", &key), remember(accCA, "serial_number", &serial),
				remember(accHost, "serial_number", &hostSerial), remember(accHost, "content_sha256", &content)),
		},
		resource.TestStep{
			Config: accPKI("reuse_private_key = true\nvalidity_period_hours = 50000", "", ""),
			Check: resource.ComposeTestCheckFunc(
				same(accCA, "private_key_pem", &key), differs(accCA, "serial_number", &serial), resource.TestCheckResourceAttr(accCA, "generation", "1"),
				same(accHost, "serial_number", &hostSerial), differs(accHost, "content_sha256", &content), verified(clock, accHost, pki.Server)),
		},
	)
}

// TestAccOverlapEnds rotates and waits: the old root leaves with values that
// the plan knows, and no leaf is reissued for it.
func TestAccOverlapEnds(t *testing.T) {
	var hostSerial, crosses, fingerprint string
	clock := newAccClock()
	body := "overlap_hours = 24\nrotation_triggers = { n = %d }"
	everything := map[string]plancheck.ResourceActionType{accCA: update, accHost: update, accClient: update, "docker_tls_client_cert.ops": update}
	end := planned(everything)
	for _, address := range []string{accCA, accHost, accClient} {
		end.PreApply = append(end.PreApply, unknown(address, nil, []string{"cert_pem", "serial_number", "private_key_pem"})...)
	}
	accTest(t, clock,
		resource.TestStep{Config: accPKI(fmt.Sprintf(body, 1), "", ""), Check: remember(accCA, "fingerprint_sha256", &fingerprint)},
		resource.TestStep{
			Config:           accPKI(fmt.Sprintf(body, 2), "", ""),
			ConfigPlanChecks: planned(everything),
			Check: resource.ComposeTestCheckFunc(remember(accHost, "serial_number", &hostSerial), remember(accCA, "cross_signed_cert_pem", &crosses),
				verified(clock, accHost, pki.Server), certificates(accCA, "cert_pem", 2), certificates(accHost, "cert_pem", 2),
				differs(accCA, "fingerprint_sha256", &fingerprint)),
		},
		resource.TestStep{
			PreConfig:        func() { clock.Advance(24 * time.Hour) },
			Config:           accPKI(fmt.Sprintf(body, 2), "", ""),
			ConfigPlanChecks: end,
			Check: resource.ComposeTestCheckFunc(same(accHost, "serial_number", &hostSerial), certificates(accCA, "cert_pem", 1),
				certificates(accHost, "cert_pem", 1), resource.TestCheckResourceAttr(accCA, "cross_signed_cert_pem", "")),
		},
		resource.TestStep{ // the answer to a leaked key: nothing of the old root remains
			Config: accPKI("overlap_hours = 0\nrotation_triggers = { n = 3 }", "", ""),
			Check: resource.ComposeTestCheckFunc(differs(accHost, "serial_number", &hostSerial), certificates(accCA, "cert_pem", 1),
				certificates(accHost, "cert_pem", 1), verified(clock, accHost, pki.Server)),
		},
	)
}
