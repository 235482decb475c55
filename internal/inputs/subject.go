package inputs

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// SubjectTypes are the types of the attributes of a subject.
var SubjectTypes = map[string]attr.Type{
	"common_name":         types.StringType,
	"organization":        types.StringType,
	"organizational_unit": types.StringType,
	"street_address":      types.ListType{ElemType: types.StringType},
	"locality":            types.StringType,
	"province":            types.StringType,
	"country":             types.StringType,
	"postal_code":         types.StringType,
	"email_address":       types.StringType,
}

// SubjectAttribute is the attribute `subject`; commonName says what its common
// name is by default.
func SubjectAttribute(commonName string) schema.SingleNestedAttribute {
	text := func(what string, limit int) schema.StringAttribute {
		return schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: fmt.Sprintf("%s At most %d characters.", what, limit),
			Validators: []validator.String{NewCheck(
				fmt.Sprintf("a text of at most %d characters", limit),
				func(value string) error { return pki.CheckText(value, limit) },
			)},
		}
	}
	name := text("Common name (CN). "+commonName, pki.MaxCommonName)
	name.Computed = true
	return schema.SingleNestedAttribute{
		Optional:            true,
		Computed:            true,
		MarkdownDescription: "Distinguished name of the certificate's subject ([RFC 5280, section 4.1.2.6](https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.6)). Terraform ignores misspelt attributes in `subject` without a message.",
		Attributes: map[string]schema.Attribute{
			"common_name":         name,
			"organization":        text("Organization (O).", pki.MaxOrganization),
			"organizational_unit": text("Organizational unit (OU).", pki.MaxOrganizationalUnit),
			"street_address": schema.ListAttribute{
				ElementType:         types.StringType,
				Optional:            true,
				MarkdownDescription: fmt.Sprintf("Lines of the street address. At most %d, of at most %d characters each.", pki.MaxStreetLines, pki.MaxStreetAddress),
				Validators: []validator.List{listvalidator.SizeAtMost(pki.MaxStreetLines), listvalidator.ValueStringsAre(NewCheck(
					"a text of at most 128 characters",
					func(value string) error { return pki.CheckText(value, pki.MaxStreetAddress) },
				))},
			},
			"locality": text("Locality or city (L).", pki.MaxLocality),
			"province": text("State or province (ST).", pki.MaxProvince),
			"country": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Country (C): the code of two capital letters of ISO 3166-1, as in `DE`.",
				Validators:          []validator.String{NewCheck("a country code of two capital letters", pki.CheckCountry)},
			},
			"postal_code": text("Postal code.", pki.MaxPostalCode),
			"email_address": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "E-mail address (emailAddress of PKCS#9), in ASCII.",
				Validators:          []validator.String{NewCheck("an e-mail address", pki.CheckEmailAddress)},
			},
		},
	}
}

// SubjectOf translates a subject; it must be fully known. A null one is empty.
func SubjectOf(object types.Object) pki.Subject {
	attributes := object.Attributes()
	subject := pki.Subject{
		CommonName:         text(attributes, "common_name").ValueString(),
		Organization:       text(attributes, "organization").ValueString(),
		OrganizationalUnit: text(attributes, "organizational_unit").ValueString(),
		Locality:           text(attributes, "locality").ValueString(),
		Province:           text(attributes, "province").ValueString(),
		Country:            text(attributes, "country").ValueString(),
		PostalCode:         text(attributes, "postal_code").ValueString(),
		EmailAddress:       text(attributes, "email_address").ValueString(),
	}
	if lines, ok := attributes["street_address"].(types.List); ok {
		subject.StreetAddress = Strings(lines)
	}
	return subject
}

// SubjectObject is the reverse of [SubjectOf]: what is empty is null.
func SubjectObject(subject pki.Subject) types.Object {
	values := map[string]attr.Value{"street_address": types.ListNull(types.StringType)}
	for name, value := range map[string]string{
		"common_name": subject.CommonName, "organization": subject.Organization, "organizational_unit": subject.OrganizationalUnit,
		"locality": subject.Locality, "province": subject.Province, "country": subject.Country,
		"postal_code": subject.PostalCode, "email_address": subject.EmailAddress,
	} {
		values[name] = types.StringNull()
		if value != "" {
			values[name] = types.StringValue(value)
		}
	}
	if len(subject.StreetAddress) > 0 {
		values["street_address"] = types.ListValueMust(types.StringType, Values(subject.StreetAddress))
	}
	return types.ObjectValueMust(SubjectTypes, values)
}

// CommonNameOf is the common name of a subject: null for none, unknown for a
// subject that is unknown.
func CommonNameOf(object types.Object) types.String {
	if object.IsUnknown() {
		return types.StringUnknown()
	}
	return text(object.Attributes(), "common_name")
}

// WithCommonName is the subject with another common name; of a null subject,
// one with nothing else.
func WithCommonName(object types.Object, name types.String) types.Object {
	values := map[string]attr.Value{}
	for key, typ := range SubjectTypes {
		if _, isList := typ.(types.ListType); isList {
			values[key] = types.ListNull(types.StringType)
		} else {
			values[key] = types.StringNull()
		}
	}
	for key, value := range object.Attributes() {
		values[key] = value
	}
	values["common_name"] = name
	return types.ObjectValueMust(SubjectTypes, values)
}
