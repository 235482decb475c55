package resources

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

type caModel struct {
	certificateModel
	NameConstraints    types.Object `tfsdk:"name_constraints"`
	OverlapHours       types.Int64  `tfsdk:"overlap_hours"`
	CrossSignedCertPEM types.String `tfsdk:"cross_signed_cert_pem"`
	Generation         types.Int64  `tfsdk:"generation"`

	PreviousPrivateKeyPEMWO        types.String `tfsdk:"previous_private_key_pem_wo"`
	PrivateKeyPassphraseWO         types.String `tfsdk:"private_key_passphrase_wo"`
	PrivateKeyPassphraseWOVersion  types.Int64  `tfsdk:"private_key_passphrase_wo_version"`
	PreviousPrivateKeyPassphraseWO types.String `tfsdk:"previous_private_key_passphrase_wo"`
}

// constraintsTypes are the types of the attributes of name_constraints.
var constraintsTypes = map[string]attr.Type{
	"permitted_dns_domains": types.ListType{ElemType: types.StringType},
	"excluded_dns_domains":  types.ListType{ElemType: types.StringType},
	"permitted_ip_ranges":   types.ListType{ElemType: types.StringType},
	"excluded_ip_ranges":    types.ListType{ElemType: types.StringType},
}

func (r *ca) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := certificateAttributes(caValidityHours,
		"Whether the next certificate of the authority keeps the private key, the subject and the key identifier, so that the certificates that the authority has issued stay as they are. Default false. `rotation_triggers`, `key_algorithm` and `subject` make a new private key all the same. A private key of your own is always kept.",
		"Private key of the authority, PKCS#8 in PEM. It is encrypted if there is a passphrase. Null with `private_key_pem_wo`.",
		"A private key of your own in PEM, unencrypted, for instance from a secret store. Write-only: it is never stored, and `private_key_pem` is null. Needed when the authority is issued, renewed or rotated. "+
			"A change of `private_key_pem_wo_version` rotates to the private key that you give then. Give the private key before it as `previous_private_key_pem_wo`. The certificates take the private key as `ca = merge(docker_tls_ca.this, { private_key_pem = var.ca_key })`.")
	secret := func(description string, validators ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, WriteOnly: true, MarkdownDescription: description, Validators: validators}
	}
	noOwnKey := stringvalidator.ConflictsWith(path.MatchRoot("private_key_pem_wo"), path.MatchRoot("private_key_pem_wo_version"))
	attributes["previous_private_key_pem_wo"] = secret("The current private key, for a rotation away from a private key of your own. It certifies its successor. Without it, the new root is only added to the bundle, and hosts and clients need the new `ca.pem` before they meet new certificates. Write-only: it is never stored.", ownKeyCheck)
	attributes["private_key_passphrase_wo"] = secret("Passphrase that encrypts the stored private key, `private_key_pem` (PBES2, AES-256, PBKDF2). Write-only: it is never stored. Needed when the authority is issued, renewed or rotated. "+
		"The certificates take the passphrase as `ca = merge(docker_tls_ca.this, { private_key_passphrase = var.passphrase })`.", stringvalidator.LengthAtLeast(1), noOwnKey)
	attributes["private_key_passphrase_wo_version"] = schema.Int64Attribute{
		CustomType:          inputs.WholeNumber{},
		Optional:            true,
		MarkdownDescription: "Version of `private_key_passphrase_wo`: any number, required with it. A change encrypts the private key anew, and issues nothing.",
	}
	attributes["previous_private_key_passphrase_wo"] = secret("The current passphrase, to change it or to store the private key without a passphrase again. Write-only: it is never stored.")
	attributes["subject"] = subjectAttribute("Default `" + caCommonName + "`. The provider adds a `serialNumber` of its own to the certificate, so that each generation has a name of its own. A change makes a new private key.")
	attributes["cert_pem"] = schema.StringAttribute{
		Computed: true,
		MarkdownDescription: "The roots to trust, in PEM: the exact content of `ca.pem`. The current root is first. The previous roots follow while they overlap, " +
			fmt.Sprintf("at most %d. A rotation that would make one more drops the oldest, and its plan warns.", pki.MaxPrevious),
	}
	attributes["cross_signed_cert_pem"] = schema.StringAttribute{
		Computed:            true,
		MarkdownDescription: "The cross certificates while roots overlap: the key of the current root, certified by the previous roots, the newest first. Empty otherwise. The certificates of this authority carry them, so that hosts and clients that have only a previous root accept these certificates.",
	}
	attributes["validity_start_time"] = schema.StringAttribute{
		Computed:            true,
		MarkdownDescription: "Start of the certificate's validity (RFC 3339, UTC): one hour before its issue, for hosts whose clock is not yet set. A renewal with the same private key keeps this time while there are previous roots, because their overlap counts from it.",
	}
	attributes["generation"] = schema.Int64Attribute{
		Computed:            true,
		MarkdownDescription: "Counts the private keys of this authority: 1 at first, one more at each new private key.",
	}
	attributes["overlap_hours"] = schema.Int64Attribute{
		CustomType:          inputs.WholeNumber{},
		Optional:            true,
		MarkdownDescription: "How long a previous root stays trusted, in hours from the rotation that replaced it. Default: until it expires. 0 cuts it off at once. That is the answer to a leaked private key, because Docker checks neither CRL nor OCSP.",
		Validators:          []validator.Int64{int64validator.Between(0, 87600*10)},
	}
	list := func(description string, valid inputs.Check) schema.ListAttribute {
		return schema.ListAttribute{
			ElementType:         types.StringType,
			Optional:            true,
			MarkdownDescription: description,
			Validators:          []validator.List{listvalidator.ValueStringsAre(valid)},
		}
	}
	domain := inputs.NewCheck("a domain", pki.CheckDNSDomain)
	ipRange := inputs.NewCheck("a range of addresses in CIDR notation", func(text string) error { _, err := pki.ParseIPRange(text); return err })
	attributes["name_constraints"] = schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "Limits the names of the certificates that this authority can issue ([RFC 5280, section 4.2.1.10](https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.10)). A change makes a new private key, so that the certificates from before do not outlive it. If the private key is your own, give a new one.",
		Attributes: map[string]schema.Attribute{
			"permitted_dns_domains": list("DNS names must lie in one of these domains. `example.com` stands for itself and all names below it, `.example.com` only for the names below it.", domain),
			"excluded_dns_domains":  list("DNS names must not lie in any of these domains.", domain),
			"permitted_ip_ranges":   list("IP addresses must lie in one of these ranges, as in `10.0.0.0/8`.", ipRange),
			"excluded_ip_ranges":    list("IP addresses must not lie in any of these ranges.", ipRange),
		},
	}
	resp.Schema = schema.Schema{
		Version:             stateVersion,
		MarkdownDescription: "A certificate authority for Docker's TLS: a self-signed root and its private key. Hand the whole resource to the certificates that it issues: `ca = docker_tls_ca.this`.",
		Attributes:          attributes,
	}
}

// constraintsOf translates name constraints; they must be fully known.
func constraintsOf(object types.Object) (pki.NameConstraints, error) {
	list := func(name string) []string {
		if values, ok := object.Attributes()[name].(types.List); ok {
			return inputs.Strings(values)
		}
		return nil
	}
	return pki.ParseNameConstraints(list("permitted_dns_domains"), list("excluded_dns_domains"), list("permitted_ip_ranges"), list("excluded_ip_ranges"))
}

// constraintsDifference compares what would stand in the certificate, not how
// it is written.
func constraintsDifference(planned, state types.Object) lifecycle.Difference {
	d := difference(planned, state)
	if d != lifecycle.Changed {
		return d
	}
	left, leftErr := constraintsOf(planned)
	right, rightErr := constraintsOf(state)
	return differenceOf(leftErr == nil && rightErr == nil && left.Equal(right))
}
