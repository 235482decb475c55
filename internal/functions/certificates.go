package functions

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// certificatesParameter is any mix of authorities and certificates. It accepts
// null, which is what `one(docker_tls_ca.this)` is where count is 0.
func certificatesParameter() function.DynamicParameter {
	return function.DynamicParameter{
		Name:               "certificates",
		AllowNullValue:     true,
		AllowUnknownValues: true,
		MarkdownDescription: "Any number of authorities and certificates, such as `docker_tls_ca.this`, and of lists, sets, maps and objects of them, " +
			"such as `docker_tls_server_cert.host` with `for_each`, also nested. Any object with `cert_pem` works. " +
			"`null` is skipped (OpenTofu passes no null). The function reads only the attributes that its text names, and never `private_key_pem`.",
	}
}

// found is an object that holds a certificate, or the roots of an authority, and
// what it says that no certificate does. That is null where it says nothing.
type found struct {
	list        []x509text.Listed
	generation  types.Number
	renewalTime types.String
}

// search collects the certificates in arguments.
type search struct {
	found []found
	open  bool // something is not known yet
	seen  map[string]bool
}

// findCertificates reads the variadic arguments, in the order in which they are
// given, those of maps and objects in the order of their keys. A certificate
// that was found before is left out. The rest is checked even if something is
// not known yet.
func findCertificates(ctx context.Context, req function.RunRequest) (*search, *function.FuncError) {
	var arguments []types.Dynamic
	if err := req.Arguments.Get(ctx, &arguments); err != nil {
		return nil, err
	}
	s := &search{seen: map[string]bool{}}
	for i, argument := range arguments {
		value, err := argument.ToTerraformValue(ctx)
		if err == nil {
			err = s.add(ctx, "", value)
		}
		if err != nil {
			return nil, function.NewArgumentFuncError(int64(i), err.Error())
		}
	}
	return s, nil
}

// add searches a value, to which path leads from the argument. null has no
// elements.
func (s *search) add(ctx context.Context, path string, value tftypes.Value) error {
	kind := value.Type()
	switch {
	case kind.Is(tftypes.String), kind.Is(tftypes.Number), kind.Is(tftypes.Bool):
		return fmt.Errorf("%sno authority and no certificate: expected is a resource, such as docker_tls_server_cert.example, any object with cert_pem, or a list or map of them", prefix(path))
	case !value.IsKnown():
		s.open = true
		return nil
	case kind.Is(tftypes.Map{}), kind.Is(tftypes.Object{}):
		return s.addObject(ctx, path, value)
	}
	var elements []tftypes.Value
	if err := value.As(&elements); err != nil {
		return err
	}
	for i, element := range elements {
		if err := s.add(ctx, fmt.Sprintf("%s[%d]", path, i), element); err != nil {
			return err
		}
	}
	return nil
}

// addObject takes an object with the text cert_pem for a certificate, and any
// other for several of them by name.
func (s *search) addObject(ctx context.Context, path string, value tftypes.Value) error {
	var attributes map[string]tftypes.Value
	if err := value.As(&attributes); err != nil {
		return err
	}
	if certPEM, ok := attributes["cert_pem"]; ok && !collects(certPEM.Type()) {
		if err := s.addCertificate(ctx, attributes); err != nil {
			return fmt.Errorf("%s%w", prefix(path), err)
		}
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := s.add(ctx, fmt.Sprintf("%s[%q]", path, name), attributes[name]); err != nil {
			return err
		}
	}
	return nil
}

// collects reports a type of which a value cannot be PEM.
func collects(kind tftypes.Type) bool {
	return kind.Is(tftypes.Map{}) || kind.Is(tftypes.Object{}) || kind.Is(tftypes.List{}) || kind.Is(tftypes.Set{}) || kind.Is(tftypes.Tuple{})
}

func (s *search) addCertificate(ctx context.Context, attributes map[string]tftypes.Value) error {
	certPEM, err := attribute[types.String](ctx, attributes, "cert_pem", types.StringType)
	if err != nil {
		return err
	}
	var f found
	if f.generation, err = attribute[types.Number](ctx, attributes, "generation", types.NumberType); err != nil {
		return err
	}
	if f.renewalTime, err = attribute[types.String](ctx, attributes, "renewal_time", types.StringType); err != nil {
		return err
	}
	switch {
	case certPEM.IsNull():
		return errors.New("cert_pem is null: the certificate is missing")
	case certPEM.IsUnknown():
		s.open = true
		return nil
	}
	certificates, err := x509text.ParseCertificates(certPEM.ValueString())
	if err != nil {
		return fmt.Errorf("cert_pem: %w", err)
	}
	f.list = s.unseen(certificates)
	s.found = append(s.found, f)
	return nil
}

// attribute reads an attribute of an object. One that is missing is null.
func attribute[T attr.Value](ctx context.Context, attributes map[string]tftypes.Value, name string, kind attr.Type) (value T, err error) {
	given, ok := attributes[name]
	if !ok {
		given = tftypes.NewValue(kind.TerraformType(ctx), nil)
	}
	converted, err := kind.ValueFromTerraform(ctx, given)
	if err != nil {
		return value, fmt.Errorf("%s has another type than the resources' attribute", name)
	}
	value, _ = converted.(T)
	return value, nil
}

// unseen returns the certificates that were not found before: the roots of an
// authority, or a leaf without those that only link it to an older root.
func (s *search) unseen(certificates []*x509.Certificate) []x509text.Listed {
	if x509text.Kind(certificates[0]) != "ca" {
		certificates = certificates[:1]
	}
	var list []x509text.Listed
	for i, certificate := range certificates {
		if fingerprint := x509text.Fingerprint(certificate); !s.seen[fingerprint] {
			s.seen[fingerprint] = true
			list = append(list, x509text.Listed{Certificate: certificate, Current: i == 0})
		}
	}
	return list
}

// prefix begins an error about a place in an argument.
func prefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}
