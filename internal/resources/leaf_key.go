package resources

import (
	"bytes"
	"crypto/x509"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// keySource reads from a configuration where the private key comes from.
func (m *leafModel) keySource() lifecycle.KeySource {
	if !m.CertRequestPEM.IsNull() {
		return lifecycle.Requested
	}
	return m.certificateModel.keySource()
}

// storedKeySource reads it from a state.
func (m *leafModel) storedKeySource() lifecycle.KeySource {
	if !m.CertRequestPEM.IsNull() {
		return lifecycle.Requested
	}
	return m.certificateModel.storedKeySource()
}

// request is the certificate request, or nil while there is none, or it is not
// known.
func (m *leafModel) request() (*x509.CertificateRequest, error) {
	if !inputs.Known(m.CertRequestPEM) {
		return nil, nil
	}
	return pki.ParseCertificateRequest(m.CertRequestPEM.ValueString())
}

// keyFacts say which key an existing certificate is to have.
func (c *leafChange) keyFacts() (keyFacts, diag.Diagnostics) {
	former := c.state.storedKeySource()
	switch c.config.keySource() {
	case lifecycle.Provided:
		return c.plan.ownKeyFacts(&c.config.certificateModel, &c.state.certificateModel, former, c.certificate)
	case lifecycle.Requested:
		return c.requestFacts(former), nil
	}
	return managedKeyFacts(former), nil
}

// requestFacts compare a certificate request with the certificate. One that is
// made again, with the same key, is another request.
func (c *leafChange) requestFacts(former lifecycle.KeySource) keyFacts {
	facts := keyFacts{source: lifecycle.Requested, former: former}
	if c.request == nil {
		facts.sourceUnknown, facts.difference = true, lifecycle.Unknown
		return facts
	}
	facts.public = c.request.PublicKey
	facts.difference = differenceOf(pki.SamePublicKey(c.request.PublicKey, c.certificate.PublicKey) &&
		(c.formerRequest == nil || bytes.Equal(c.formerRequest.Raw, c.request.Raw)))
	return facts
}

// firstKeyFacts say which key a first certificate is to have.
func (c *leafChange) firstKeyFacts() (keyFacts, diag.Diagnostics) {
	switch source := c.config.keySource(); {
	case source == lifecycle.Provided:
		return c.config.firstOwnKeyFacts("to certify it")
	case source == lifecycle.Requested && c.request == nil:
		return keyFacts{source: source, sourceUnknown: true}, nil
	case source == lifecycle.Requested:
		return keyFacts{source: source, public: c.request.PublicKey}, nil
	}
	return keyFacts{}, nil
}

// checkKey reports a key that is to be certified, and is one of the authority's.
// One that is made here is not, and one that is not known yet is checked by apply.
func (c *leafChange) checkKey(which lifecycle.Key) diag.Diagnostics {
	given := which == lifecycle.CertifyGiven && (c.request != nil || inputs.Known(c.config.PrivateKeyPEMWO))
	if which != lifecycle.Keep && !given {
		return nil
	}
	key, diags := c.publicKey(which)
	if !diags.HasError() {
		diags.Append(c.authority.CheckLeafKey(c.keyPath(), key)...)
	}
	return diags
}

// keyPath is the attribute that the certified key comes from.
func (c *leafChange) keyPath() path.Path {
	switch c.config.keySource() {
	case lifecycle.Requested:
		return path.Root("cert_request_pem")
	case lifecycle.Provided:
		return path.Root("private_key_pem_wo")
	}
	return path.Root("private_key_pem")
}

// checkRequest reports a certificate request that lacks what is to be taken from
// it.
func (r *leaf) checkRequest(config *leafModel) diag.Diagnostics {
	request, err := config.request()
	if request == nil || err != nil {
		return nil // the attribute's validator reports an error
	}
	if r.profile == pki.Client {
		return checkRequestedSubject(config, request)
	}
	return checkRequestedNames(config, request)
}

func checkRequestedSubject(config *leafModel, request *x509.CertificateRequest) diag.Diagnostics {
	var diags diag.Diagnostics
	if !inputs.CommonNameOf(config.Subject).IsNull() {
		return diags
	}
	err := pki.CheckText(request.Subject.CommonName, pki.MaxCommonName)
	if request.Subject.CommonName == "" {
		err = pki.ErrNoCommonName
	}
	if err != nil {
		diags.AddAttributeError(path.Root("cert_request_pem"), "No common name",
			inputs.Sentence(err)+" The certificate request has none that can be used; set subject = { common_name = \"…\" }.")
	}
	return diags
}

func checkRequestedNames(config *leafModel, request *x509.CertificateRequest) diag.Diagnostics {
	var diags diag.Diagnostics
	if !noElements(config.DNSNames) || !noElements(config.IPAddresses) {
		return diags
	}
	switch names, err := pki.RequestedNames(request); {
	case err != nil:
		diags.AddAttributeError(path.Root("cert_request_pem"), "Invalid name",
			inputs.Sentence(err)+" Set dns_names and ip_addresses to override what it asks for.")
	case names.Empty():
		diags.AddAttributeError(path.Root("cert_request_pem"), "No name",
			inputs.Sentence(pki.ErrNoNames)+" The certificate request asks for none; set dns_names, ip_addresses or both.")
	}
	return diags
}

// requestedCommonName is what a client's request says where nothing is
// configured.
func (c *leafChange) requestedCommonName() types.String {
	if c.request == nil || c.request.Subject.CommonName == "" {
		return types.StringUnknown()
	}
	return types.StringValue(c.request.Subject.CommonName)
}
