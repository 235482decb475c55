package x509text

import (
	"crypto/x509/pkix"
	"encoding/asn1"
)

// OIDEmailAddress is the attribute of PKCS#9 that openssl calls emailAddress
// (RFC 2985, section 5.2.1; RFC 5280, section 4.1.2.6).
var OIDEmailAddress = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}

// Name is a distinguished name (RFC 5280, section 4.1.2.4) in its fields. A
// field is empty if there is no such attribute. Of one that stands several
// times the first counts, except for CommonName and SerialNumber: of these
// crypto/x509, and so Docker's authorization plugins, takes the last.
type Name struct {
	CommonName         string
	Organization       string
	OrganizationalUnit string
	StreetAddress      []string // all of its lines; never nil
	Locality           string
	Province           string
	Country            string
	PostalCode         string
	SerialNumber       string // the attribute, not the certificate's number
	EmailAddress       string
	DistinguishedName  string // all attributes, in the form of RFC 2253
}

// NameOf reads the fields of a name that was parsed.
func NameOf(name pkix.Name) Name {
	return Name{
		CommonName:         name.CommonName,
		Organization:       first(name.Organization),
		OrganizationalUnit: first(name.OrganizationalUnit),
		StreetAddress:      append([]string{}, name.StreetAddress...),
		Locality:           first(name.Locality),
		Province:           first(name.Province),
		Country:            first(name.Country),
		PostalCode:         first(name.PostalCode),
		SerialNumber:       name.SerialNumber,
		EmailAddress:       emailAddress(name),
		DistinguishedName:  name.String(),
	}
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// emailAddress reads the attribute for which [pkix.Name] has no field.
func emailAddress(name pkix.Name) string {
	for _, attribute := range name.Names {
		if value, ok := attribute.Value.(string); ok && attribute.Type.Equal(OIDEmailAddress) {
			return value
		}
	}
	return ""
}
