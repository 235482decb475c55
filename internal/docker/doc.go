// Package docker knows what Docker and its hosts read: daemon.json, systemd
// units, cloud-config and Ignition user data, client directories, context
// archives; and it asks a live daemon what it does. It knows no Terraform.
//
// Every function but [Probe.Run] is pure: equal input gives equal output, byte
// by byte, so that nothing changes in a plan unless a certificate did.
package docker
