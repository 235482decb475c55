package resources

import (
	"bytes"
	"crypto"
	"crypto/x509"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// keySource says where the private key of a leaf is.
type keySource int

const (
	managedKey keySource = iota // in the state: it was made here
	ownKey                      // where it came from: it was given
	hostKey                     // with the host that made the certificate request
)

// source reads it from a configuration.
func (m *leafModel) source() keySource {
	switch {
	case !m.CertRequestPEM.IsNull():
		return hostKey
	case m.ownKey():
		return ownKey
	}
	return managedKey
}

// withoutKey is that of [certificateModel], and of a certificate request.
func (m *leafModel) withoutKey() types.String {
	switch {
	case m.CertRequestPEM.IsUnknown():
		return types.StringUnknown()
	case m.CertRequestPEM.IsNull():
		return m.certificateModel.withoutKey()
	}
	return types.StringNull()
}

// storedSource reads it from a state.
func (m *leafModel) storedSource() keySource {
	switch {
	case !m.CertRequestPEM.IsNull():
		return hostKey
	case m.PrivateKeyPEM.IsNull():
		return ownKey
	}
	return managedKey
}

// request is the certificate request, or nil if there is none, or it is not
// known.
func (m *leafModel) request() (*x509.CertificateRequest, error) {
	if !inputs.Known(m.CertRequestPEM) {
		return nil, nil
	}
	return pki.ParseCertificateRequest(m.CertRequestPEM.ValueString())
}

// checkRequest reports what a request lacks of what is taken from it.
func (r *leaf) checkRequest(config *leafModel) diag.Diagnostics {
	var diags diag.Diagnostics
	request, err := config.request()
	if request == nil || err != nil {
		return diags // the attribute's validator reports an error
	}
	at := path.Root("cert_request_pem")
	if r.profile == pki.Client {
		if !inputs.CommonNameOf(config.Subject).IsNull() {
			return diags
		}
		err = pki.CheckText(request.Subject.CommonName, pki.MaxCommonName)
		if request.Subject.CommonName == "" {
			err = pki.ErrNoCommonName
		}
		if err != nil {
			diags.AddAttributeError(at, "No common name", inputs.Sentence(err)+" The certificate request has none that can be used; set subject = { common_name = \"…\" }.")
		}
		return diags
	}
	if !noElements(config.DNSNames) || !noElements(config.IPAddresses) {
		return diags
	}
	names, err := pki.RequestedNames(request)
	switch {
	case err != nil:
		diags.AddAttributeError(at, "Invalid name", inputs.Sentence(err)+" Set dns_names and ip_addresses to override what it asks for.")
	case names.Empty():
		diags.AddAttributeError(at, "No name", inputs.Sentence(pki.ErrNoNames)+" The certificate request asks for none; set dns_names, ip_addresses or both.")
	}
	return diags
}

// planKey decides what becomes of the key of an existing certificate: whether
// another one is certified, and whether that is decided.
func (r *leaf) planKey(plan, state, config *leafModel, certificate *x509.Certificate) (replaced, decided bool, diags diag.Diagnostics) {
	var public crypto.PublicKey = certificate.PublicKey
	switch source := config.source(); source {
	case managedKey:
		return state.storedSource() != managedKey, true, diags
	case ownKey:
		var key crypto.Signer
		key, replaced, decided, diags = plan.replacedBy(&config.certificateModel, &state.certificateModel, state.storedSource() == ownKey, certificate)
		if replaced && key != nil {
			public = key.Public()
		}
	case hostKey:
		request, err := config.request()
		switch {
		case err != nil:
			diags.AddAttributeError(path.Root("cert_request_pem"), "Invalid certificate request", inputs.Sentence(err))
		case request == nil:
			replaced = true
		default:
			// A request that is made again, with the same key, is another request.
			old, _ := state.request()
			replaced = !pki.SamePublicKey(request.PublicKey, certificate.PublicKey) || old != nil && !bytes.Equal(old.Raw, request.Raw)
			public, decided = request.PublicKey, true
		}
	}
	switch {
	case diags.HasError():
	case decided:
		diags.Append(plan.fitAlgorithm(&config.certificateModel, public)...)
	case config.KeyAlgorithm.IsNull():
		plan.KeyAlgorithm = types.StringUnknown()
	}
	return replaced, decided, diags
}

// planFirstKey prepares the key of a certificate that is to be created.
func (r *leaf) planFirstKey(plan, config *leafModel) diag.Diagnostics {
	var diags diag.Diagnostics
	if config.source() == managedKey {
		return diags
	}
	plan.PrivateKeyPEM = config.withoutKey()
	public, diags := r.publicKey(plan, nil, config)
	switch {
	case diags.HasError():
	case public != nil:
		diags.Append(plan.fitAlgorithm(&config.certificateModel, public)...)
	case config.KeyAlgorithm.IsNull():
		plan.KeyAlgorithm = types.StringUnknown()
	}
	return diags
}

// publicKey is the key to certify. At plan, of a new certificate, it is nil
// while it is not known.
func (r *leaf) publicKey(plan, state, config *leafModel) (crypto.PublicKey, diag.Diagnostics) {
	var diags diag.Diagnostics
	switch config.source() {
	case hostKey:
		request, err := config.request()
		if err != nil {
			diags.AddAttributeError(path.Root("cert_request_pem"), "Invalid certificate request", inputs.Sentence(err))
		}
		if request == nil {
			return nil, diags
		}
		return request.PublicKey, diags
	case ownKey:
		if state != nil {
			certificate, diags := current(state.CertPEM)
			if diags.HasError() {
				return nil, diags
			}
			key, replaced, _, diags := plan.replacedBy(&config.certificateModel, &state.certificateModel, state.storedSource() == ownKey, certificate)
			if !replaced || key == nil {
				return certificate.PublicKey, diags
			}
			return key.Public(), diags
		}
		key, diags := givenKey(config.PrivateKeyPEMWO, "private_key_pem_wo")
		if key == nil {
			if config.PrivateKeyPEMWO.IsNull() {
				diags.Append(noOwnKey("to certify it"))
			}
			return nil, diags
		}
		return key.Public(), diags
	}
	key, err := plan.managedKey()
	if err != nil {
		diags.AddAttributeError(path.Root("private_key_pem"), "The private key cannot be used", inputs.Sentence(err))
		return nil, diags
	}
	return key.Public(), diags
}

// managedKey is a new private key where the plan left it unknown, otherwise the
// one that is kept.
func (m *leafModel) managedKey() (crypto.Signer, error) {
	if !m.PrivateKeyPEM.IsUnknown() {
		return pki.ParsePrivateKey(m.PrivateKeyPEM.ValueString(), "")
	}
	key, err := pki.KeyAlgorithm(m.KeyAlgorithm.ValueString()).Generate()
	if err != nil {
		return nil, err
	}
	text, err := pki.EncodePrivateKey(key)
	if err != nil {
		return nil, err
	}
	m.PrivateKeyPEM = types.StringValue(text)
	return key, nil
}

// requestedCommonName is what a client's request says where nothing is
// configured.
func (m *leafModel) requestedCommonName() types.String {
	request, err := m.request()
	if err != nil || request == nil || request.Subject.CommonName == "" {
		return types.StringUnknown()
	}
	return types.StringValue(request.Subject.CommonName)
}
