// Package resources has the managed resources: docker_tls_ca (ca.go),
// docker_tls_server_cert and docker_tls_client_cert (leaf.go, one
// implementation with two profiles), and docker_tls_daemon (daemon.go), which brings
// a certificate to a host by package deploy.
//
// The layer only translates. Package lifecycle decides what becomes of a
// certificate, and package pki knows what a certificate is and when it is due.
// Here configurations become facts, decisions become plans, and errors become
// diagnostics at an attribute.
//
// The plan is the decision: ModifyPlan leaves unknown exactly the outputs that
// the decision changes. Apply issues a certificate where the serial number is
// unknown, and writes a private key where private_key_pem is unknown: a new one,
// unless the generation of an authority stays. So plan and apply cannot
// disagree. DESIGN.md has the whole of it.
package resources
