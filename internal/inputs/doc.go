// Package inputs has the arguments that several resources take: `subject` and
// `ca`, and the validators of strings. Each is a schema together with its
// translation into package pki.
package inputs
