package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

type parseCertificate struct{}

func newParseCertificate() function.Function { return parseCertificate{} }

func (parseCertificate) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "parse_certificate"
}

func (parseCertificate) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "What a certificate says",
		MarkdownDescription: "Returns an object that describes the first certificate of a PEM text:\n\n" +
			"- `subject`, `issuer`: objects with `common_name`, `organization`, `organizational_unit`, `street_address` (list), `locality`, `province`, " +
			"`country`, `postal_code`, `serial_number`, `email_address` (`\"\"` if there is none. Of several values it is the first, but of `common_name` and `serial_number` the last, as Docker reads them) and `distinguished_name` (all of it, RFC 2253)\n" +
			"- `dns_names`, `ip_addresses`, `email_addresses`, `uris`: the subject alternative names\n" +
			"- `key_usages`, `extended_key_usages`: names as in RFC 5280, such as `digitalSignature` and `serverAuth`; unknown purposes as OIDs\n" +
			"- `key_algorithm`: as the attribute of the certificate resources, such as `ECDSA_P256`; `signature_algorithm`, such as `ECDSA-SHA256`; unknown algorithms as OIDs\n" +
			"- `is_ca`: whether it may sign certificates\n" +
			"- `validity_start_time`, `validity_end_time`: RFC 3339, UTC\n" +
			"- `serial_number`, `fingerprint_sha256`, `fingerprint_sha1`, `subject_key_id`, `authority_key_id`: lower-case hex of whole octets without colons, `\"\"` if there is none",
		Parameters: []function.Parameter{
			function.StringParameter{
				Name:                "pem",
				MarkdownDescription: "PEM text with at least one certificate, such as a `cert_pem`.",
			},
		},
		Return: function.ObjectReturn{AttributeTypes: certificateTypes()},
	}
}

// certificate is [x509text.Description] as a Terraform object.
type certificate struct {
	Subject            distinguishedName `tfsdk:"subject"`
	Issuer             distinguishedName `tfsdk:"issuer"`
	SerialNumber       string            `tfsdk:"serial_number"`
	ValidityStartTime  string            `tfsdk:"validity_start_time"`
	ValidityEndTime    string            `tfsdk:"validity_end_time"`
	DNSNames           []string          `tfsdk:"dns_names"`
	IPAddresses        []string          `tfsdk:"ip_addresses"`
	EmailAddresses     []string          `tfsdk:"email_addresses"`
	URIs               []string          `tfsdk:"uris"`
	KeyUsages          []string          `tfsdk:"key_usages"`
	ExtendedKeyUsages  []string          `tfsdk:"extended_key_usages"`
	KeyAlgorithm       string            `tfsdk:"key_algorithm"`
	SignatureAlgorithm string            `tfsdk:"signature_algorithm"`
	IsCA               bool              `tfsdk:"is_ca"`
	SubjectKeyID       string            `tfsdk:"subject_key_id"`
	AuthorityKeyID     string            `tfsdk:"authority_key_id"`
	FingerprintSHA256  string            `tfsdk:"fingerprint_sha256"`
	FingerprintSHA1    string            `tfsdk:"fingerprint_sha1"`
}

// distinguishedName is [x509text.Name] as a Terraform object.
type distinguishedName struct {
	CommonName         string   `tfsdk:"common_name"`
	Organization       string   `tfsdk:"organization"`
	OrganizationalUnit string   `tfsdk:"organizational_unit"`
	StreetAddress      []string `tfsdk:"street_address"`
	Locality           string   `tfsdk:"locality"`
	Province           string   `tfsdk:"province"`
	Country            string   `tfsdk:"country"`
	PostalCode         string   `tfsdk:"postal_code"`
	SerialNumber       string   `tfsdk:"serial_number"`
	EmailAddress       string   `tfsdk:"email_address"`
	DistinguishedName  string   `tfsdk:"distinguished_name"`
}

func certificateTypes() map[string]attr.Type {
	list := types.ListType{ElemType: types.StringType}
	name := types.ObjectType{AttrTypes: map[string]attr.Type{
		"common_name": types.StringType, "organization": types.StringType, "organizational_unit": types.StringType,
		"street_address": list, "locality": types.StringType, "province": types.StringType, "country": types.StringType,
		"postal_code": types.StringType, "serial_number": types.StringType, "email_address": types.StringType,
		"distinguished_name": types.StringType,
	}}
	return map[string]attr.Type{
		"subject": name, "issuer": name, "serial_number": types.StringType,
		"validity_start_time": types.StringType, "validity_end_time": types.StringType,
		"dns_names": list, "ip_addresses": list, "email_addresses": list, "uris": list,
		"key_usages": list, "extended_key_usages": list,
		"key_algorithm": types.StringType, "signature_algorithm": types.StringType, "is_ca": types.BoolType,
		"subject_key_id": types.StringType, "authority_key_id": types.StringType,
		"fingerprint_sha256": types.StringType, "fingerprint_sha1": types.StringType,
	}
}

func (parseCertificate) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var pem string
	if resp.Error = req.Arguments.Get(ctx, &pem); resp.Error != nil {
		return
	}
	first, err := x509text.FirstCertificate(pem)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	c := x509text.Describe(first)
	resp.Error = resp.Result.Set(ctx, certificate{
		Subject: distinguishedName(c.Subject), Issuer: distinguishedName(c.Issuer), SerialNumber: c.SerialNumber,
		ValidityStartTime: c.ValidityStartTime, ValidityEndTime: c.ValidityEndTime,
		DNSNames: c.DNSNames, IPAddresses: c.IPAddresses, EmailAddresses: c.EmailAddresses, URIs: c.URIs,
		KeyUsages: c.KeyUsages, ExtendedKeyUsages: c.ExtendedKeyUsages,
		KeyAlgorithm: c.KeyAlgorithm, SignatureAlgorithm: c.SignatureAlgorithm, IsCA: c.IsCA,
		SubjectKeyID: c.SubjectKeyID, AuthorityKeyID: c.AuthorityKeyID,
		FingerprintSHA256: c.FingerprintSHA256, FingerprintSHA1: c.FingerprintSHA1,
	})
}
