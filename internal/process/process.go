// Package process suits a process of the provider to the Terraform that starts it,
// uses it for seconds, and ends.
package process

import (
	"errors"
	"os"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

// Serve serves a provider to Terraform or, in debug, to a debugger, which reads the
// log and outlives Terraform. It returns when the provider is to end.
func Serve(address string, server func() tfprotov6.ProviderServer, debug bool) error {
	if debug {
		return tf6server.Serve(address, server, tf6server.WithManagedDebug())
	}
	tuneGarbageCollector(os.Getenv)
	endWithTerraform()
	if !unread(os.Environ()) {
		return tf6server.Serve(address, server)
	}
	if err := silence(); err != nil {
		return err
	}
	return tf6server.Serve(address, func() tfprotov6.ProviderServer { return quiet{server()} })
}

// The heap may grow to ten times what is in use, up to memoryLimit: from there on
// the garbage collector runs as often as it must. Little is in use at a time, since
// each call of Terraform is answered on its own.
const (
	gcPercent   = 900
	memoryLimit = 240 << 20 // bytes
)

// tuneGarbageCollector suits the garbage collector to a process that lives for
// seconds, unless the user's GOGC or GOMEMLIMIT does.
func tuneGarbageCollector(getenv func(string) string) {
	if getenv("GOGC") == "" && getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(gcPercent)
		debug.SetMemoryLimit(memoryLimit)
	}
}

// silencers are the variables of terraform-plugin-log that turn off the log
// lines of its users: the protocol, the framework and the provider itself.
var silencers = []string{"TF_LOG_SDK", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_SDK_PROTO", "TF_LOG_PROVIDER_DOCKER_TLS"}

// unread reports that nobody reads the log: no variable asks Terraform for one.
// Terraform then still takes every line of the provider, and drops it.
func unread(environ []string) bool {
	return !slices.ContainsFunc(environ, func(variable string) bool {
		name, value, _ := strings.Cut(variable, "=")
		return strings.HasPrefix(name, "TF_LOG") && value != ""
	})
}

func silence() error {
	var errs []error
	for _, name := range silencers {
		errs = append(errs, os.Setenv(name, "off"))
	}
	return errors.Join(errs...)
}
