// Command terraform-provider-docker-tls serves the provider to Terraform.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
)

// version is set by the release.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger to attach")
	flag.Parse()
	tuneGarbageCollector(os.Getenv)
	if !*debug { // a debugger has the output, and outlives Terraform
		endWithTerraform()
		if err := silence(); err != nil {
			log.Fatal(err)
		}
	}
	err := providerserver.Serve(context.Background(), provider.New(version, time.Now), providerserver.ServeOpts{
		Address: provider.Address,
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
