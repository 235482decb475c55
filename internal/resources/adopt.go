package resources

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// adoption is how a certificate that was made elsewhere is taken over.
type adoption struct {
	key        crypto.Signer // nil where it stays elsewhere
	earlyHours int64         // early_renewal_hours so far, if there was any
	reason     lifecycle.Reason
}

// model is the state of a certificate that was made elsewhere: its key, and the
// arguments that would make the same certificate here.
func (a adoption) model(certificate *x509.Certificate, now time.Time) (certificateModel, diag.Diagnostics) {
	m := certificateModel{RotationTriggers: types.MapNull(types.StringType), Subject: inputs.SubjectObject(pki.SubjectOf(certificate.Subject))}
	var diags diag.Diagnostics
	algorithm, err := x509text.KeyAlgorithmOf(certificate.PublicKey)
	if err != nil {
		diags.AddError("The certificate cannot be imported", inputs.Sentence(err))
		return m, diags
	}
	hours := pki.AdoptedValidityHours(certificate)
	if a.earlyHours <= 0 || a.earlyHours >= hours {
		a.earlyHours = pki.AdoptedEarlyRenewalHours(certificate, now)
	}
	m.KeyAlgorithm = types.StringValue(string(algorithm))
	m.ValidityPeriodHours, m.EarlyRenewalHours = types.Int64Value(hours), types.Int64Value(a.earlyHours)
	if a.key != nil {
		text, err := x509text.EncodePrivateKey(a.key)
		if err != nil {
			diags.AddError("The private key cannot be imported", inputs.Sentence(err))
			return m, diags
		}
		m.PrivateKeyPEM = types.StringValue(text)
	}
	m.IssueReason = types.StringValue(string(a.reason))
	m.setCertificate(certificate)
	m.setReady(certificate, now)
	return m, diags
}

// adopt is the state of an authority that was made elsewhere. Its subject and
// its key stay until it rotates.
func (r *ca) adopt(roots []*x509.Certificate, a adoption) (caModel, diag.Diagnostics) {
	base, diags := a.model(roots[0], r.now())
	model := caModel{certificateModel: base, NameConstraints: types.ObjectNull(constraintsTypes), Generation: types.Int64Value(1)}
	model.setTrust(pki.Trust{Roots: roots})
	constraints := pki.ConstraintsOf(roots[0])
	if constraints.Empty() {
		return model, diags
	}
	values := map[string]attr.Value{}
	for name, texts := range map[string][]string{
		"permitted_dns_domains": constraints.PermittedDNSDomains, "excluded_dns_domains": constraints.ExcludedDNSDomains,
		"permitted_ip_ranges": texts(constraints.PermittedIPRanges), "excluded_ip_ranges": texts(constraints.ExcludedIPRanges),
	} {
		values[name] = types.ListNull(types.StringType)
		if len(texts) > 0 {
			values[name] = types.ListValueMust(types.StringType, inputs.Values(texts))
		}
	}
	model.NameConstraints = types.ObjectValueMust(constraintsTypes, values)
	return model, diags
}

// adopt is the state of a leaf that was made elsewhere. roots may be missing.
func (r *leaf) adopt(certificate *x509.Certificate, a adoption, roots []*x509.Certificate) (leafModel, diag.Diagnostics) {
	base, diags := a.model(certificate, r.now())
	model := leafModel{
		certificateModel: base, CA: inputs.NoCA,
		DNSNames: types.SetNull(types.StringType), IPAddresses: types.SetNull(types.StringType),
	}
	if names, _ := pki.AdoptedNames(certificate); r.profile == pki.Server {
		if len(names.DNSNames) > 0 {
			model.DNSNames = types.SetValueMust(types.StringType, inputs.Values(names.DNSNames))
		}
		if len(names.IPAddresses) > 0 {
			model.IPAddresses = types.SetValueMust(types.StringType, inputs.Values(texts(names.IPAddresses)))
		}
	}
	model.CertPEM = types.StringValue(x509text.EncodeCertificates(certificate))
	if len(roots) > 0 {
		model.CACertPEM = types.StringValue(x509text.EncodeCertificates(roots...))
	}
	model.digest()
	return model, diags
}

func texts[T fmt.Stringer](values []T) []string {
	var texts []string
	for _, value := range values {
		texts = append(texts, value.String())
	}
	return texts
}
