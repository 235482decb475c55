package inputs

import (
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

// IdentityTypes are the attributes of a certificate that is delivered. Terraform
// converts a whole resource to them and drops the rest.
var IdentityTypes = map[string]attr.Type{
	"ca_cert_pem":     types.StringType,
	"cert_pem":        types.StringType,
	"private_key_pem": types.StringType,
}

// ReadIdentity reads an object of [IdentityTypes], and whether all of it is known.
// A null key means that its holder keeps it; an empty one is a mistake.
func ReadIdentity(object types.Object) (id docker.Identity, known bool, err error) {
	if !Known(object) {
		return id, false, nil
	}
	attributes := object.Attributes()
	roots, certificate, key := text(attributes, "ca_cert_pem"), text(attributes, "cert_pem"), text(attributes, "private_key_pem")
	switch {
	case roots.IsNull():
		return id, false, errors.New("ca_cert_pem is null: the authority's certificate is missing")
	case certificate.IsNull():
		return id, false, errors.New("cert_pem is null: the certificate is missing")
	case key.Equal(types.StringValue("")):
		return id, false, errors.New("private_key_pem is empty: it must be a key, or null if its holder keeps it")
	}
	id = docker.Identity{CACertPEM: roots.ValueString(), CertPEM: certificate.ValueString(), PrivateKeyPEM: key.ValueString()}
	return id, !roots.IsUnknown() && !certificate.IsUnknown() && !key.IsUnknown(), nil
}
