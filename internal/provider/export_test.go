package provider

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/provider"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/deploy"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/resources"
)

// NewWithHosts is [New] with other hosts, and ways to them, in place of those that
// it would dial.
func NewWithHosts(now func() time.Time, reach func(deploy.Host) resources.Host, open resources.OpenFunc) func() provider.Provider {
	return func() provider.Provider { return &dockerTLS{version: "test", now: now, reach: reach, open: open} }
}
