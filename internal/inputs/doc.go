// Package inputs has the arguments that several resources, functions and data
// sources take: `subject`, `ca`, a delivered certificate, options and timeouts, and
// the validators of strings. Each is a schema together with its translation into
// package pki or docker.
package inputs
