package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestFleet issues two hundred certificates from one authority, whose private key the state holds exactly once.
func TestFleet(t *testing.T) {
	t.Parallel()
	w := workspace{terraform: findTerraform(t), dir: t.TempDir()}
	if err := w.write("fleet.tf"); err != nil {
		t.Fatal(err)
	}
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	fleet := w.fleet(t)
	if len(fleet.leaves) != 200 {
		t.Errorf("the state holds %d certificates, want 200", len(fleet.leaves))
	}
	// The second line of the PEM text is of this key alone, and stands in JSON as it is.
	lines := strings.Split(fleet.authority.Key, "\n")
	if len(lines) < 3 {
		t.Fatal("the state holds no private key of the authority")
	}
	if found := strings.Count(w.stateText(t), lines[1]); found != 1 {
		t.Errorf("the state holds the private key of the authority %d times, want once", found)
	}
}

// growingConfig is an authority, as many hosts as wanted, and a client. Another generation rotates the authority.
const growingConfig = providerSource + `
variable "hosts" {}
variable "generation" {}

resource "docker_tls_ca" "this" {
  rotation_triggers = { generation = var.generation }
}
resource "docker_tls_server_cert" "host" {
  for_each  = toset([for i in range(var.hosts) : "host${i}"])
  ca        = docker_tls_ca.this
  dns_names = ["${each.key}.example.com"]
}
resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}
`

// growing are the variables of growingConfig.
func growing(hosts, generation int) []string {
	return []string{fmt.Sprintf("hosts=%d", hosts), fmt.Sprintf("generation=%d", generation)}
}

// growingApply are the arguments of terraform to apply growingConfig.
func growingApply(hosts, generation int) []string {
	args := []string{"apply", "-auto-approve", "-input=false"}
	for _, v := range growing(hosts, generation) {
		args = append(args, "-var="+v)
	}
	return args
}

// applyAgain applies growingConfig after a run that broke off, and looks for what must not be lost of the state that
// the run has left. Who trusts ca, the roots from before that run, or "", must accept every certificate.
func (w workspace) applyAgain(t *testing.T, hosts, generation int, ca string) {
	t.Helper()
	left := w.fleet(t)
	if err := left.check(ca); err != nil {
		t.Fatalf("before the next apply: %v", err)
	}
	if err := w.apply(growing(hosts, generation)...); err != nil {
		t.Fatal(err)
	}
	after := w.fleet(t)
	if err := after.check(ca); err != nil {
		t.Error(err)
	}
	if len(after.leaves) != hosts+1 || after.authority.Generation != generation {
		t.Errorf("%d certificates, of generation %d", len(after.leaves), after.authority.Generation)
	}
	if left.authority.Generation == generation && left.authority != after.authority {
		t.Error("the authority is another one than was stored")
	}
	for name, leaf := range after.leaves {
		if !leaf.isUnder(t, after.authority) {
			t.Errorf("%s is not issued by the current root", name)
		}
		if was, ok := left.leaves[name]; ok && was.isUnder(t, after.authority) && was != leaf {
			t.Errorf("%s is issued again", name)
		}
	}
}
