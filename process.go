package main

import (
	"errors"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

// The heap may grow to ten times what is in use, and nothing is gained by more
// than memoryLimit: from there on, the garbage collector runs as often as it
// must. Little is in use, since each call of Terraform is answered on its own.
const (
	gcPercent   = 900
	memoryLimit = 192 << 20 // bytes
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

// silence turns the log off if nobody reads it.
func silence() error {
	var errs []error
	if unread(os.Environ()) {
		for _, name := range silencers {
			errs = append(errs, os.Setenv(name, "off"))
		}
	}
	return errors.Join(errs...)
}
