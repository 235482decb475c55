package resources

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// selfSignedCert is what is read of the state of hashicorp/tls's
// tls_self_signed_cert. Its versions 3 and 4 agree in these names. The schema
// version does not matter: a certificate and the key that belongs to it cannot
// mean anything else.
type selfSignedCert struct {
	CertPEM           string `json:"cert_pem"`
	PrivateKeyPEM     string `json:"private_key_pem"`
	EarlyRenewalHours int64  `json:"early_renewal_hours"`
}

// MoveState takes over an authority from hashicorp/tls, with the same root and
// the same key, and one of this provider under another address.
func (r *ca) MoveState(context.Context) []resource.StateMover {
	return []resource.StateMover{{StateMover: moveOwn("docker_tls_ca")}, {StateMover: r.moveState}}
}

// MoveState takes over a certificate of this provider under another address.
func (r *serverCert) MoveState(context.Context) []resource.StateMover {
	return []resource.StateMover{{StateMover: moveOwn("docker_tls_server_cert")}}
}

// MoveState takes over a certificate of this provider under another address.
func (r *clientCert) MoveState(context.Context) []resource.StateMover {
	return []resource.StateMover{{StateMover: moveOwn("docker_tls_client_cert")}}
}

// moveOwn takes over a state as it is, whatever the address of the provider that
// wrote it: a mirror's, a fork's, that of a registry.
func moveOwn(typeName string) func(context.Context, resource.MoveStateRequest, *resource.MoveStateResponse) {
	return func(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
		if req.SourceTypeName != typeName || req.SourceRawState == nil {
			return
		}
		summary := "The " + typeName + " cannot be moved"
		raw, err := req.SourceRawState.JSON, error(nil)
		switch req.SourceSchemaVersion {
		case stateVersion:
		case 0:
			raw, err = from0(raw)
		default:
			resp.Diagnostics.AddError(summary, fmt.Sprintf("Its state has schema version %d, and this release of the provider knows those up to %d. "+
				"Move it with a release that is at least as new as the one that wrote it.", req.SourceSchemaVersion, stateVersion))
			return
		}
		if err == nil {
			resp.TargetState.Raw, err = readState(ctx, raw, resp.TargetState.Schema)
		}
		if err != nil {
			resp.Diagnostics.AddError(summary, fmt.Sprintf("Its state is not of the form that version %d has. Restore the state from a backup, or import it instead.", req.SourceSchemaVersion))
			return
		}
		resp.Diagnostics.Append(keepAdopted(ctx, req.SourcePrivate, resp.TargetPrivate)...)
	}
}

// isTLS reports whether an address is that of hashicorp/tls. It begins with the
// host of a registry, and there are several. OpenTofu gives the first word of the
// type's name in place of the address, and states of Terraform 0.12 have none but
// that.
func isTLS(address string) bool {
	return address == "tls" || strings.HasSuffix(address, "/hashicorp/tls") || strings.HasSuffix(address, "/-/tls")
}

func (r *ca) moveState(ctx context.Context, req resource.MoveStateRequest, resp *resource.MoveStateResponse) {
	if !isTLS(req.SourceProviderAddress) || req.SourceTypeName != "tls_self_signed_cert" || req.SourceRawState == nil {
		return
	}
	const summary = "The authority cannot be moved"
	var source selfSignedCert
	if err := json.Unmarshal(req.SourceRawState.JSON, &source); err != nil {
		resp.Diagnostics.AddError(summary, "The state of tls_self_signed_cert cannot be read: it is not of the form that hashicorp/tls 3 and 4 write.")
		return
	}
	bundle, err := x509text.ParseCertificates(source.CertPEM)
	if err != nil {
		resp.Diagnostics.AddError(summary, "The cert_pem of tls_self_signed_cert: "+err.Error()+".")
		return
	}
	// Versions before 4 store a hash in its place, and private_key_pem_wo is not
	// stored at all.
	if !strings.Contains(source.PrivateKeyPEM, "-----BEGIN") {
		resp.Diagnostics.AddError(summary, "The state of tls_self_signed_cert does not hold the private key: it was given in private_key_pem_wo, "+
			"or hashicorp/tls before version 4 wrote the state, which stored a hash of it. "+
			"Import the authority instead: write its cert_pem to a file ca.pem and the private key to a file ca-key.pem, replace the moved block by\n\n"+
			"  import {\n    to = docker_tls_ca.this\n    id = \"ca.pem,ca-key.pem\"\n  }\n\n"+
			"with the address of your docker_tls_ca, and delete both files after the apply. "+
			"Where the state was written by an old version, `terraform apply` with hashicorp/tls 4 before the move stores the key.")
		return
	}
	key, err := x509text.ParsePrivateKey(source.PrivateKeyPEM, "")
	if err != nil {
		resp.Diagnostics.AddError(summary, "The private_key_pem of tls_self_signed_cert: "+err.Error()+".")
		return
	}
	roots, leftOut, err := pki.AdoptRoots(bundle, key, r.now())
	if err != nil {
		resp.Diagnostics.AddError(summary, inputs.Sentence(err)+" A docker_tls_ca needs is_ca_certificate = true and, in allowed_uses, \"cert_signing\".")
		return
	}
	model, diags := r.adopt(roots, adoption{key: key, reason: lifecycle.Moved, earlyHours: source.EarlyRenewalHours})
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(encode(ctx, &resp.TargetState, &model)...)
	resp.Diagnostics.Append(setAdopted(ctx, resp.TargetPrivate)...)
	resp.Diagnostics.Append(oddities(roots[0], r.now(), pki.RootOddities(roots[0], r.now()), leftOut)...)
}
