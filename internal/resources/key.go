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
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// parseOwnKey reads a private key that can be certified.
func parseOwnKey(text string) (crypto.Signer, error) {
	key, err := x509text.ParsePrivateKey(text, "")
	if errors.Is(err, x509text.ErrPassphraseMissing) {
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
// made here. The version says so: it is stored, and known in runs that are not
// given the key.
func (m *certificateModel) ownKey() bool { return !m.PrivateKeyPEMWOVersion.IsNull() }

// keySource reads from a configuration where the private key comes from.
func (m *certificateModel) keySource() lifecycle.KeySource {
	if m.ownKey() {
		return lifecycle.Provided
	}
	return lifecycle.Managed
}

// storedKeySource reads it from a state.
func (m *certificateModel) storedKeySource() lifecycle.KeySource {
	if m.PrivateKeyPEM.IsNull() {
		return lifecycle.Provided
	}
	return lifecycle.Managed
}

// checkVersion reports a write-only argument without its version. The next run
// that is not given it would take it for none.
func checkVersion(value types.String, version types.Int64, at string) diag.Diagnostics {
	var diags diag.Diagnostics
	if inputs.Known(value) && version.IsNull() {
		diags.AddAttributeError(path.Root(at), "No version", at+" is write-only and not stored, so only "+at+"_version tells that it is set. Set "+at+"_version = 1, and another number whenever it changes.")
	}
	return diags
}

// asksForOwnKey reports whether a plan asks for the key that is given. Without a
// new version the certificate keeps its key: the given key may be another one in
// every run.
func (m *certificateModel) asksForOwnKey(state *certificateModel, former lifecycle.KeySource) bool {
	return former != lifecycle.Provided || !m.PrivateKeyPEMWOVersion.Equal(state.PrivateKeyPEMWOVersion)
}

// ownKeyFacts compare the key that is given with that of the certificate.
func (m *certificateModel) ownKeyFacts(config, state *certificateModel, former lifecycle.KeySource, certificate *x509.Certificate) (keyFacts, diag.Diagnostics) {
	asked := m.asksForOwnKey(state, former)
	facts := keyFacts{source: lifecycle.Provided, former: former, sourceUnknown: config.PrivateKeyPEMWOVersion.IsUnknown(), public: certificate.PublicKey}
	key, diags := givenKey(config.PrivateKeyPEMWO, "private_key_pem_wo")
	switch {
	case diags.HasError():
	case facts.sourceUnknown, asked && config.PrivateKeyPEMWO.IsUnknown():
		facts.difference, facts.public = lifecycle.Unknown, nil
	case !asked:
	case key == nil:
		diags.Append(noOwnKey("to take the place of the current one"))
	case !pki.SamePublicKey(key.Public(), certificate.PublicKey):
		facts.difference, facts.public = lifecycle.Changed, key.Public()
	}
	return facts, diags
}

// firstOwnKeyFacts are the facts of the key of a certificate that does not exist
// yet.
func (m *certificateModel) firstOwnKeyFacts(purpose string) (keyFacts, diag.Diagnostics) {
	facts := keyFacts{source: lifecycle.Provided, sourceUnknown: m.PrivateKeyPEMWOVersion.IsUnknown()}
	key, diags := givenKey(m.PrivateKeyPEMWO, "private_key_pem_wo")
	switch {
	case key != nil:
		facts.public = key.Public()
	case m.PrivateKeyPEMWO.IsNull() && !facts.sourceUnknown:
		diags.Append(noOwnKey(purpose))
	}
	return facts, diags
}

// givenKey reads a write-only private key. It is nil if none is given, or it is
// not known yet.
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

func noOwnKey(purpose string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("private_key_pem_wo"), "No private key",
		"The private key is needed "+purpose+". Set private_key_pem_wo, or remove private_key_pem_wo_version to have a key made.")
}

// fitAlgorithm takes the algorithm from a key that is not made here. While the
// key is not known, its algorithm is not known either.
func (m *certificateModel) fitAlgorithm(config *certificateModel, key keyFacts) diag.Diagnostics {
	var diags diag.Diagnostics
	if key.source == lifecycle.Managed {
		return diags
	}
	if key.public == nil {
		if config.KeyAlgorithm.IsNull() {
			m.KeyAlgorithm = types.StringUnknown()
		}
		return diags
	}
	algorithm, err := x509text.KeyAlgorithmOf(key.public)
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

// generate makes a private key.
func (m *certificateModel) generate() (crypto.Signer, diag.Diagnostics) {
	var diags diag.Diagnostics
	key, err := x509text.KeyAlgorithm(m.KeyAlgorithm.ValueString()).Generate()
	if err != nil {
		diags.AddAttributeError(path.Root("key_algorithm"), "The private key cannot be made", inputs.Sentence(err))
	}
	return key, diags
}

// checkKept reports a key that is too weak to be certified again, as that of an
// imported certificate can be.
func checkKept(d lifecycle.Decision, key keyFacts, certificate *x509.Certificate) diag.Diagnostics {
	var diags diag.Diagnostics
	if !d.Certain() || d.Key != lifecycle.Keep {
		return diags
	}
	err := pki.CheckKey(certificate.PublicKey)
	switch {
	case err == nil:
	case key.source == lifecycle.Managed:
		diags.AddAttributeError(path.Root("reuse_private_key"), "The private key cannot be kept",
			inputs.Sentence(err)+" It cannot be certified again: remove reuse_private_key, and the next certificate has a new key.")
	default:
		diags.AddAttributeError(path.Root("private_key_pem_wo"), "The private key cannot be kept",
			inputs.Sentence(err)+" It cannot be certified again: give a longer one, and change private_key_pem_wo_version.")
	}
	return diags
}
