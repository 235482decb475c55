package resources

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// protected reports, of a configuration, whether the private key is to be
// stored encrypted. The version alone says so too: the passphrase need not be
// at hand for plans that do not use it.
func (m *caModel) protected() bool {
	return !m.PrivateKeyPassphraseWO.IsNull() || !m.PrivateKeyPassphraseWOVersion.IsNull()
}

// planFirstKey prepares the key of an authority that is to be created.
func (r *ca) planFirstKey(plan, config *caModel) diag.Diagnostics {
	if !config.ownKey() {
		return config.checkPassphrase()
	}
	plan.PrivateKeyPEM = config.withoutKey()
	key, diags := givenKey(config.PrivateKeyPEMWO, "private_key_pem_wo")
	switch {
	case diags.HasError():
	case key != nil:
		diags.Append(plan.fitAlgorithm(&config.certificateModel, key.Public())...)
	case config.PrivateKeyPEMWO.IsNull():
		diags.Append(noOwnKey("to issue the authority"))
	case config.KeyAlgorithm.IsNull():
		plan.KeyAlgorithm = types.StringUnknown()
	}
	return diags
}

// planKey decides whether another key takes the place of an existing one
// because of where it comes from, and whether that is decided.
func (r *ca) planKey(ctx context.Context, plan, state, config *caModel, root *x509.Certificate) (replaced, decided bool, diags diag.Diagnostics) {
	if !config.ownKey() {
		return state.PrivateKeyPEM.IsNull(), true, diags
	}
	key, replaced, decided, diags := plan.replacedBy(&config.certificateModel, &state.certificateModel, state.PrivateKeyPEM.IsNull(), root)
	switch {
	case diags.HasError():
	case !decided:
		if config.KeyAlgorithm.IsNull() {
			plan.KeyAlgorithm = types.StringUnknown()
		}
	case replaced:
		diags.Append(plan.fitAlgorithm(&config.certificateModel, key.Public())...)
	default:
		diags.Append(plan.fitAlgorithm(&config.certificateModel, root.PublicKey)...)
		for name, changed := range map[string]bool{
			"subject":           changed(ctx, plan.Subject, state.Subject),
			"rotation_triggers": inputs.FullyKnown(ctx, plan.RotationTriggers) && !sameMap(plan.RotationTriggers, state.RotationTriggers),
		} {
			if changed {
				diags.AddAttributeError(path.Root(name), "A rotation needs a new key",
					"This change gives the authority a new name, and with it a new private key, which is your own. Give a new one in private_key_pem_wo, the current one in previous_private_key_pem_wo, and change private_key_pem_wo_version.")
			}
		}
	}
	return replaced, decided, diags
}

func changed(ctx context.Context, planned, state attr.Value) bool {
	return inputs.FullyKnown(ctx, planned) && !planned.Equal(state)
}

// checkCross reports what keeps the current root from certifying its successor.
func (r *ca) checkCross(state, config *caModel, root *x509.Certificate, now time.Time) diag.Diagnostics {
	var diags diag.Diagnostics
	err := pki.CanCrossSign(root, now)
	stored := !state.PrivateKeyPEM.IsNull()
	switch {
	case err != nil:
	case !stored && config.PreviousPrivateKeyPEMWO.IsNull():
		err = errors.New("its private key is not there: it is your own, and previous_private_key_pem_wo is not set")
	case !stored && !config.PreviousPrivateKeyPEMWO.IsUnknown(),
		// planStoredKey looks at keys that follow one another in the state.
		stored && inputs.Known(config.PrivateKeyPEMWO) && !config.PreviousPrivateKeyPassphraseWO.IsUnknown():
		_, diags = r.previousKey(state, config, root)
	}
	if err != nil {
		diags.AddWarning("The authority rotates without a cross certificate",
			"The current root cannot certify the key of its successor: "+err.Error()+". Until a machine has the new ca.pem, "+
				"it rejects the certificates that are issued from now on. Give the new ca.pem to all daemons and clients before you give them new certificates.")
	}
	return diags
}

// storesOtherwise reports whether the private key is to be kept in another way
// than it is: not in the state any more, in clear, or encrypted anew. Write-only
// arguments ask for that, so a plan can equal the state and still do it.
func (m *caModel) storesOtherwise(state, config *caModel) bool {
	if config.ownKey() || state.PrivateKeyPEM.IsNull() {
		return config.ownKey() != state.PrivateKeyPEM.IsNull()
	}
	return !m.PrivateKeyPassphraseWOVersion.Equal(state.PrivateKeyPassphraseWOVersion) ||
		config.protected() != pki.Encrypted(state.PrivateKeyPEM.ValueString())
}

// planStoredKey decides what the state will hold of the private key, and
// reports secrets that apply will miss.
func (r *ca) planStoredKey(plan, state, config *caModel, root *x509.Certificate, reissue, newKey bool) diag.Diagnostics {
	var diags diag.Diagnostics
	if config.ownKey() {
		plan.PrivateKeyPEM = types.StringNull()
		if plan.Generation.IsUnknown() {
			plan.PrivateKeyPEM = config.withoutKey()
		}
		if reissue && !newKey && !config.PrivateKeyPEMWO.IsUnknown() {
			_, diags = r.currentKey(state, config, root)
		}
		return diags
	}
	if state.PrivateKeyPEM.IsNull() {
		return config.checkPassphrase() // a new key
	}
	reencrypt := plan.storesOtherwise(state, config)
	if reencrypt {
		plan.PrivateKeyPEM = types.StringUnknown()
	}
	if !reissue && !reencrypt {
		return diags
	}
	diags.Append(config.checkPassphrase()...)
	cut := newKey && plan.OverlapHours.Equal(types.Int64Value(0)) // the old key is not needed any more
	if !cut && !config.PrivateKeyPassphraseWO.IsUnknown() && !config.PreviousPrivateKeyPassphraseWO.IsUnknown() && !diags.HasError() {
		_, moreDiags := r.previousKey(state, config, root)
		diags.Append(moreDiags...)
	}
	return diags
}

// checkPassphrase reports a passphrase that is needed to store a key.
func (m *caModel) checkPassphrase() diag.Diagnostics {
	var diags diag.Diagnostics
	if m.protected() && m.PrivateKeyPassphraseWO.IsNull() {
		diags.AddAttributeError(path.Root("private_key_passphrase_wo"), "No passphrase",
			"The private key is to be stored under a passphrase, which is not there. Set private_key_passphrase_wo, or remove private_key_passphrase_wo_version to store the key without one.")
	}
	return diags
}

// newKey is the private key of a new generation.
func (m *caModel) newKey(config *caModel) (crypto.Signer, diag.Diagnostics) {
	if config.ownKey() {
		key, diags := givenKey(config.PrivateKeyPEMWO, "private_key_pem_wo")
		if key == nil && !diags.HasError() {
			diags.Append(noOwnKey("to issue the authority"))
		}
		return key, diags
	}
	var diags diag.Diagnostics
	key, err := pki.KeyAlgorithm(m.KeyAlgorithm.ValueString()).Generate()
	if err != nil {
		diags.AddAttributeError(path.Root("key_algorithm"), "The private key cannot be made", inputs.Sentence(err))
	}
	return key, diags
}

// store puts the private key into the state as the configuration says.
func (m *caModel) store(config *caModel, key crypto.Signer) diag.Diagnostics {
	diags := config.checkPassphrase()
	if diags.HasError() {
		return diags
	}
	var text string
	var err error
	if config.protected() {
		text, err = pki.EncryptPrivateKey(key, config.PrivateKeyPassphraseWO.ValueString())
	} else {
		text, err = pki.EncodePrivateKey(key)
	}
	if err != nil {
		diags.AddAttributeError(path.Root("private_key_pem"), "The private key cannot be stored", inputs.Sentence(err))
		return diags
	}
	m.PrivateKeyPEM = types.StringValue(text)
	return diags
}

// currentKey is the private key of the current root, to renew it.
func (r *ca) currentKey(state, config *caModel, root *x509.Certificate) (crypto.Signer, diag.Diagnostics) {
	if !config.ownKey() {
		return r.previousKey(state, config, root)
	}
	key, diags := givenKey(config.PrivateKeyPEMWO, "private_key_pem_wo")
	switch {
	case diags.HasError():
	case key == nil:
		diags.Append(noOwnKey("to renew the authority"))
	case !pki.SamePublicKey(key.Public(), root.PublicKey):
		diags.AddAttributeError(path.Root("private_key_pem_wo"), "Another private key",
			"The authority is to be renewed, and the private key that is given is not its own. Give the authority's key; or, to rotate to this one, change private_key_pem_wo_version and give the authority's key in previous_private_key_pem_wo.")
	}
	return key, diags
}

// previousKey is the private key of the current root, to certify its
// successor: the one in the state, or the one that is given for that.
func (r *ca) previousKey(state, config *caModel, root *x509.Certificate) (crypto.Signer, diag.Diagnostics) {
	if state.PrivateKeyPEM.IsNull() {
		key, diags := givenKey(config.PreviousPrivateKeyPEMWO, "previous_private_key_pem_wo")
		if key != nil && !pki.SamePublicKey(key.Public(), root.PublicKey) {
			diags.AddAttributeError(path.Root("previous_private_key_pem_wo"), "Another private key",
				"The private key that is given is not that of the current root, and cannot certify its successor.")
		}
		return key, diags
	}
	var diags diag.Diagnostics
	text := state.PrivateKeyPEM.ValueString()
	passphrases := []string{""}
	if pki.Encrypted(text) {
		passphrases = nil
		for _, passphrase := range []types.String{config.PreviousPrivateKeyPassphraseWO, config.PrivateKeyPassphraseWO} {
			if inputs.Known(passphrase) {
				passphrases = append(passphrases, passphrase.ValueString())
			}
		}
	}
	err := pki.ErrPassphraseMissing
	for _, passphrase := range passphrases {
		var key crypto.Signer
		if key, err = r.keys.ParsePrivateKey(text, passphrase); err != nil {
			continue
		}
		if pki.SamePublicKey(key.Public(), root.PublicKey) {
			return key, diags
		}
		err = pki.ErrKeyMismatch
		break
	}
	switch locked := errors.Is(err, pki.ErrPassphraseMissing) || errors.Is(err, pki.ErrPassphraseWrong); {
	case locked && config.ownKey():
		diags.AddAttributeError(path.Root("previous_private_key_passphrase_wo"), "No passphrase, or a wrong one",
			"The private key in the state is encrypted, and is needed to certify its successor: set previous_private_key_passphrase_wo to its passphrase.")
	case errors.Is(err, pki.ErrPassphraseMissing):
		diags.AddAttributeError(path.Root("private_key_passphrase_wo"), "No passphrase",
			"The private key in the state is encrypted, and is needed: set private_key_passphrase_wo, or, to store it without a passphrase again, previous_private_key_passphrase_wo.")
	case errors.Is(err, pki.ErrPassphraseWrong):
		diags.AddAttributeError(path.Root("private_key_passphrase_wo"), "Wrong passphrase",
			"The private key in the state is encrypted with another passphrase. To change it, change private_key_passphrase_wo_version and give the one so far in previous_private_key_passphrase_wo.")
	default:
		diags.AddAttributeError(path.Root("private_key_pem"), "The current private key cannot be used", inputs.Sentence(err))
	}
	return nil, diags
}
