// Command terraform-provider-docker-tls serves the provider to Terraform.
package main

import (
	"flag"
	"log"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/process"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
)

// version is set by the release.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger to attach")
	flag.Parse()
	server := providerserver.NewProtocol6(provider.New(version, time.Now)())
	if err := process.Serve(provider.Address, server, *debug); err != nil {
		log.Fatal(err)
	}
}
