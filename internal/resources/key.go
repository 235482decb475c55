package resources

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// parseOwnKey reads a private key that can be certified.
func parseOwnKey(text string) (crypto.Signer, error) {
	key, err := pki.ParsePrivateKey(text, "")
	if errors.Is(err, pki.ErrPassphraseMissing) {
		return nil, errors.New("the private key is encrypted: give it unencrypted; it is not stored")
	}
	if err != nil {
		return nil, err
	}
	return key, pki.CheckKey(key.Public())
}

// ownKeyCheck validates an argument that [parseOwnKey] reads.
var ownKeyCheck = inputs.NewCheck("an unencrypted private key in PEM", func(text string) error { _, err := parseOwnKey(text); return err })

// ownKey reports, of a configuration, whether the private key is given and not
// made here. The version alone says so too: the key need not be at hand for
// plans that do not use it.
func (m *certificateModel) ownKey() bool {
	return !m.PrivateKeyPEMWO.IsNull() || !m.PrivateKeyPEMWOVersion.IsNull()
}

// withoutKey is private_key_pem where the key is not made here. It is not known
// while what says so may turn out to be null.
func (m *certificateModel) withoutKey() types.String {
	if !inputs.Known(m.PrivateKeyPEMWO) && !inputs.Known(m.PrivateKeyPEMWOVersion) {
		return types.StringUnknown()
	}
	return types.StringNull()
}

// givenKey is a write-only private key, or nil if none is given, or known.
func givenKey(value types.String, at string) (crypto.Signer, diag.Diagnostics) {
	var diags diag.Diagnostics
	if !inputs.Known(value) {
		return nil, diags
	}
	key, err := parseOwnKey(value.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root(at), "Invalid private key", inputs.Sentence(err))
		return nil, diags
	}
	return key, diags
}

// replacedBy reports whether a key of one's own takes the place of the
// certificate's, and whether that is decided: a key that is not known yet may
// turn out to be the same. Without a new version the certificate keeps its key,
// whatever is given: what is given may be made anew for every run.
func (m *certificateModel) replacedBy(config, state *certificateModel, hadOwn bool, certificate *x509.Certificate) (key crypto.Signer, replaced, decided bool, diags diag.Diagnostics) {
	key, diags = givenKey(config.PrivateKeyPEMWO, "private_key_pem_wo")
	asked := !hadOwn || !m.PrivateKeyPEMWOVersion.Equal(state.PrivateKeyPEMWOVersion)
	switch {
	case diags.HasError() || !asked:
		return key, false, true, diags
	case config.PrivateKeyPEMWO.IsUnknown():
		return nil, true, false, diags
	case key == nil:
		diags.Append(noOwnKey("to take the place of the current one"))
		return nil, false, true, diags
	}
	return key, !pki.SamePublicKey(key.Public(), certificate.PublicKey), true, diags
}

func noOwnKey(purpose string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("private_key_pem_wo"), "No private key",
		"The private key is needed "+purpose+". Set private_key_pem_wo, or remove private_key_pem_wo_version to have a key made.")
}

// fitAlgorithm takes the algorithm from a key that was made elsewhere.
func (m *certificateModel) fitAlgorithm(config *certificateModel, public crypto.PublicKey) diag.Diagnostics {
	var diags diag.Diagnostics
	algorithm, err := pki.KeyAlgorithmOf(public)
	switch {
	case err != nil:
		diags.AddAttributeError(path.Root("key_algorithm"), "Unsupported key", inputs.Sentence(err))
	case config.KeyAlgorithm.IsNull():
		m.KeyAlgorithm = types.StringValue(string(algorithm))
	case inputs.Known(config.KeyAlgorithm) && config.KeyAlgorithm.ValueString() != string(algorithm):
		diags.AddAttributeError(path.Root("key_algorithm"), "Another algorithm",
			fmt.Sprintf("The key that is given is of algorithm %s. Remove key_algorithm, which only says how a key is made here.", algorithm))
	}
	return diags
}
