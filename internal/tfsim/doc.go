// Package tfsim simulates what Terraform's core does around this provider, for
// tests: it proposes values, saves plans, applies them later, and refuses the
// answers that Terraform refuses. It starts no program, and its clock is a
// variable. The provider is handed in, so that tests of every layer can use it.
package tfsim
