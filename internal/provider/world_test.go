package provider_test

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
)

// newWorld makes a simulated Terraform with this provider.
func newWorld(t testing.TB) *tfsim.World {
	t.Helper()
	return tfsim.New(t, func(now func() time.Time) tfprotov6.ProviderServer {
		return providerserver.NewProtocol6(provider.New("test", now)())()
	})
}

// created makes a world in which everything was applied once, with these
// arguments of the authority and of the server's certificate.
func created(t testing.TB, ca, server tfsim.Values) *tfsim.World {
	t.Helper()
	w := newWorld(t)
	w.Set(tfsim.CA, ca)
	w.Set(tfsim.Server, server)
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	return w
}
