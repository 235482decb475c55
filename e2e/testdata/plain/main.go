// The provider without process.go: with the log lines and the garbage collector of every other one.
package main

import (
	"context"
	"log"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
)

func main() {
	err := providerserver.Serve(context.Background(), provider.New("test", time.Now), providerserver.ServeOpts{Address: provider.Address})
	if err != nil {
		log.Fatal(err)
	}
}
