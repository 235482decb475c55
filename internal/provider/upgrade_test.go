package provider_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
)

// stateVersions lists the schema versions of which testdata has recorded states.
var stateVersions = []int64{0, 1}

// TestRecordedStates reads states that earlier versions have written:
// the plan is empty. Their certificates are made anew, for they would expire,
// and no private key is in the tree.
func TestRecordedStates(t *testing.T) {
	t.Parallel()
	list := func(text string) tftypes.Value {
		return tfsim.List(text)
	}
	w := newWorld(t)
	w.Config[tfsim.CA] = tfsim.Values{
		"subject": w.Object(tfsim.CA, "subject", tfsim.Values{"common_name": tfsim.String("Docker CA"), "organization": tfsim.String("Example"),
			"street_address": list("Main Street 1"), "email_address": tfsim.String("ops@example.com")}),
		"overlap_hours":     tfsim.Int(720),
		"rotation_triggers": tfsim.Trigger("a"),
		"name_constraints":  w.Object(tfsim.CA, "name_constraints", tfsim.Values{"permitted_dns_domains": list("example.com")}),
	}
	w.Config[tfsim.Server] = tfsim.Values{
		"dns_names": tfsim.Set("host.example.com"), "ip_addresses": tfsim.Set("10.0.0.5"), "reuse_private_key": tfsim.Bool(true),
	}
	w.MustPlanAndApply(t)
	w.Config[tfsim.CA]["rotation_triggers"] = tfsim.Trigger("b")
	w.MustPlanAndApply(t)

	for _, version := range stateVersions {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			for _, name := range tfsim.Order {
				if err := w.Upgrade(name, version, recordedResource(t, w, name, version)); err != nil {
					t.Fatal(err)
				}
			}
			w.MustBeEmpty(t)
			// The same, as a mirror or a fork of the provider has written it. The last
			// one is what OpenTofu says of any.
			for _, address := range []string{"registry.example.com/mirror/docker-tls", "docker"} {
				for _, name := range tfsim.Order {
					if err := w.Move(name, address, name, version, recordedResource(t, w, name, version)); err != nil {
						t.Fatal(err)
					}
				}
				w.MustBeEmpty(t)
			}
		})
	}
	for _, name := range tfsim.Order {
		if current := w.Schemas[name].Version; current != stateVersions[len(stateVersions)-1] {
			t.Errorf("%s has schema version %d, and no recorded state", name, current)
		}
	}
}

// recordedResource is the recorded state of a resource, filled in with what the
// world has.
func recordedResource(t testing.TB, w *tfsim.World, name string, version int64) []byte {
	t.Helper()
	texts := map[string]string{
		"ca.cert_pem": w.Text(tfsim.CA, "cert_pem"), "ca.cross_signed_cert_pem": w.Text(tfsim.CA, "cross_signed_cert_pem"),
		"content_sha256": recordedDigest(w.Text(tfsim.CA, "cert_pem"), w.Text(name, "cert_pem")),
	}
	for attribute := range w.Fields(name) {
		if text := w.Text(name, attribute); text != "" && attribute != "content_sha256" {
			texts[attribute] = text
		}
	}
	return recordedState(t, fmt.Sprintf("%s-%d.json", name, version), texts)
}

// recordedDigest is how content_sha256 has been made since version 0.
func recordedDigest(ca, cert string) string {
	hash := sha256.New()
	for _, text := range []string{ca, cert} {
		sum := sha256.Sum256([]byte(text))
		hash.Write(sum[:])
	}
	return hex.EncodeToString(hash.Sum(nil))
}
