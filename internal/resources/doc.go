// Package resources has the managed resources: docker_tls_ca (ca.go),
// docker_tls_server_cert and docker_tls_client_cert (leaf.go, one
// implementation with two profiles).
//
// The layer only translates. What a certificate is and when it is due is
// decided in package pki; here schemas become requests, and errors become
// diagnostics at an attribute.
//
// The plan is the decision: ModifyPlan marks unknown exactly what an issue
// changes, and apply issues a certificate where the plan left its serial number
// unknown, and makes a key where the plan left the private key unknown. So the
// two can never disagree.
package resources
