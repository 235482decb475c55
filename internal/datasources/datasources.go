// Package datasources holds the provider's data sources, one file each.
package datasources

import (
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
)

// All returns every data source of the provider. now is the clock by which
// certificates are judged.
func All(now func() time.Time) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		func() datasource.DataSource { return &endpoint{now: now} },
	}
}
