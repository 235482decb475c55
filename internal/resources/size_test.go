package resources

import (
	"net/netip"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// An error about the length of a certificate stands at the attribute that makes
// it long.
func TestLongest(t *testing.T) {
	none := types.SetNull(types.StringType)
	some := types.SetValueMust(types.StringType, inputs.Values([]string{"host.example.com"}))
	address := netip.MustParseAddr("10.0.0.5")
	for want, test := range map[string]struct {
		model leafModel
		names pki.Names
	}{
		"dns_names":                {leafModel{DNSNames: some, IPAddresses: none}, pki.Names{DNSNames: []string{"host.example.com"}}},
		"ip_addresses":             {leafModel{DNSNames: none, IPAddresses: some}, pki.Names{IPAddresses: []netip.Addr{address}}},
		"cert_request_pem":         {leafModel{DNSNames: none, IPAddresses: none}, pki.Names{IPAddresses: []netip.Addr{address}}},
		"ca.cross_signed_cert_pem": {leafModel{DNSNames: none, IPAddresses: none}, pki.Names{}},
	} {
		if got := test.model.longest(names{test.names, true}).String(); got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
}
