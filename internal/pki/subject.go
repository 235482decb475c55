package pki

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Subject is a distinguished name (RFC 5280, section 4.1.2.6) with one value
// for each attribute, except for the lines of a street address. Empty fields
// are left out.
type Subject struct {
	CommonName         string
	Organization       string
	OrganizationalUnit string
	StreetAddress      []string
	Locality           string
	Province           string
	Country            string
	PostalCode         string
	EmailAddress       string
}

// Upper bounds of RFC 5280, appendix A.1, in characters.
const (
	MaxCommonName         = 64
	MaxOrganization       = 64
	MaxOrganizationalUnit = 64
	MaxStreetAddress      = 128
	MaxLocality           = 128
	MaxProvince           = 128
	MaxPostalCode         = 40
	maxEmailAddress       = 255

	// MaxStreetLines is a bound of our own: the subject stands twice in each
	// certificate of a chain, and a handshake does not carry any length.
	MaxStreetLines = 8
)

// CheckText reports whether a value can stand in a name: not blank, free of
// control characters, of at most limit characters.
func CheckText(value string, limit int) error {
	switch n := utf8.RuneCountInString(value); {
	case !utf8.ValidString(value):
		return errors.New("must be valid UTF-8")
	case strings.TrimSpace(value) != value || value == "":
		return errors.New("must not be empty, nor begin or end with a blank; leave the attribute out instead of setting it to an empty text")
	case n > limit:
		return fmt.Errorf("must have at most %d characters (RFC 5280, appendix A.1), not %d", limit, n)
	case strings.ContainsFunc(value, unicode.IsControl):
		return errors.New("must not contain control characters")
	}
	return nil
}

// CheckCountry reports whether value is a country code of two letters (X.520
// countryName, ISO 3166-1 alpha-2).
func CheckCountry(value string) error {
	if len(value) != 2 || value[0] < 'A' || value[0] > 'Z' || value[1] < 'A' || value[1] > 'Z' {
		return fmt.Errorf("must be a code of two capital letters, as in \"DE\" (ISO 3166-1 alpha-2), not %q", value)
	}
	return nil
}

// CheckEmailAddress reports whether value is a plain address in ASCII.
func CheckEmailAddress(value string) error {
	address, err := mail.ParseAddress(value)
	if err != nil || address.Address != value || len(value) > maxEmailAddress || strings.ContainsFunc(value, func(r rune) bool { return r > unicode.MaxASCII }) {
		return fmt.Errorf("must be a plain e-mail address, as in \"ops@example.com\", of at most %d characters", maxEmailAddress)
	}
	return nil
}

// Check reports the first field that cannot stand in a certificate.
func (s Subject) Check() error {
	for _, field := range []struct {
		name, value string
		check       func(string) error
	}{
		{"common_name", s.CommonName, atMost(MaxCommonName)},
		{"organization", s.Organization, atMost(MaxOrganization)},
		{"organizational_unit", s.OrganizationalUnit, atMost(MaxOrganizationalUnit)},
		{"locality", s.Locality, atMost(MaxLocality)},
		{"province", s.Province, atMost(MaxProvince)},
		{"country", s.Country, CheckCountry},
		{"postal_code", s.PostalCode, atMost(MaxPostalCode)},
		{"email_address", s.EmailAddress, CheckEmailAddress},
	} {
		if field.value == "" {
			continue
		}
		if err := field.check(field.value); err != nil {
			return fmt.Errorf("%s %w", field.name, err)
		}
	}
	if n := len(s.StreetAddress); n > MaxStreetLines {
		return fmt.Errorf("street_address must have at most %d lines, not %d", MaxStreetLines, n)
	}
	for _, line := range s.StreetAddress {
		if err := CheckText(line, MaxStreetAddress); err != nil {
			return fmt.Errorf("street_address %w", err)
		}
	}
	return nil
}

func atMost(limit int) func(string) error {
	return func(value string) error { return CheckText(value, limit) }
}

// name is the subject as it is encoded, with the given serialNumber attribute.
func (s Subject) name(serialNumber string) pkix.Name {
	one := func(value string) []string {
		if value == "" {
			return nil
		}
		return []string{value}
	}
	name := pkix.Name{
		CommonName:         s.CommonName,
		Organization:       one(s.Organization),
		OrganizationalUnit: one(s.OrganizationalUnit),
		StreetAddress:      s.StreetAddress,
		Locality:           one(s.Locality),
		Province:           one(s.Province),
		Country:            one(s.Country),
		PostalCode:         one(s.PostalCode),
		SerialNumber:       serialNumber,
	}
	if s.EmailAddress != "" {
		name.ExtraNames = []pkix.AttributeTypeAndValue{{
			Type:  x509text.OIDEmailAddress,
			Value: asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(s.EmailAddress)}, // RFC 5280, appendix A.1
		}}
	}
	return name
}

// emailAddresses are the e-mail addresses of the subject as alternative names:
// one in the subject alone is not allowed (RFC 5280, section 4.1.2.6).
func (s Subject) emailAddresses() []string {
	if s.EmailAddress == "" {
		return nil
	}
	return []string{s.EmailAddress}
}

// SubjectOf reads the fields of a name that [Subject] has, as [x509text.NameOf]
// does.
func SubjectOf(name pkix.Name) Subject {
	read := x509text.NameOf(name)
	return Subject{
		CommonName:         read.CommonName,
		Organization:       read.Organization,
		OrganizationalUnit: read.OrganizationalUnit,
		StreetAddress:      read.StreetAddress,
		Locality:           read.Locality,
		Province:           read.Province,
		Country:            read.Country,
		PostalCode:         read.PostalCode,
		EmailAddress:       read.EmailAddress,
	}
}

// sameName compares the encoded form of two names, as path building does.
func sameName(a, b []byte) bool { return bytes.Equal(a, b) }

// Equal reports whether two subjects are encoded the same.
func (s Subject) Equal(other Subject) bool {
	a, errA := marshalName(s.name(""))
	b, errB := marshalName(other.name(""))
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
