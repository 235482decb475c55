package resources

import (
	"crypto"
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

// protected reports, of a configuration, whether the private key is to be
// stored encrypted. The version says so: the passphrase need not be at hand for
// plans that do not use it.
func (m *caModel) protected() bool { return !m.PrivateKeyPassphraseWOVersion.IsNull() }

// keyFacts say which key the authority is to have.
func (c *caChange) keyFacts() (keyFacts, diag.Diagnostics) {
	switch own := c.config.ownKey(); {
	case own && c.state == nil:
		return c.config.firstOwnKeyFacts("to issue the authority")
	case own:
		return c.plan.ownKeyFacts(&c.config.certificateModel, &c.state.certificateModel, c.state.storedKeySource(), c.root)
	case c.state == nil:
		return keyFacts{}, nil
	}
	return managedKeyFacts(c.state.storedKeySource()), nil
}

// needsKey reports each argument that needs a new key which is not given.
func needsKey(d lifecycle.Decision) diag.Diagnostics {
	var diags diag.Diagnostics
	for _, reason := range d.NeedsKey {
		diags.AddAttributeError(path.Root(string(reason)), "A rotation needs a new key",
			"This change needs a new private key, and the authority's is your own. Give a new one in private_key_pem_wo, the current one in previous_private_key_pem_wo, and change private_key_pem_wo_version.")
	}
	return diags
}

// cannotCross says why the current root cannot certify its successor.
func (c *caChange) cannotCross() error {
	if err := pki.CanCrossSign(c.root, inputs.SubjectOf(c.plan.Subject).EmailAddress, c.now); err != nil {
		return err
	}
	if c.state.PrivateKeyPEM.IsNull() && c.config.PreviousPrivateKeyPEMWO.IsNull() {
		return errors.New("its private key is your own, and previous_private_key_pem_wo is not set: set it to the current key, if you have it")
	}
	return nil
}

// storesOtherwise reports whether the state is to hold the private key in
// another form: not at all, in clear, or encrypted anew. Write-only arguments
// ask for that, so a plan can equal the state and still do it.
func (c *caChange) storesOtherwise() bool {
	if c.config.ownKey() || c.state.PrivateKeyPEM.IsNull() {
		return c.config.ownKey() != c.state.PrivateKeyPEM.IsNull()
	}
	return !c.plan.PrivateKeyPassphraseWOVersion.Equal(c.state.PrivateKeyPassphraseWOVersion) ||
		c.config.protected() != x509text.Encrypted(c.state.PrivateKeyPEM.ValueString())
}

// checkSecrets reports the secrets that apply will lack, as far as the plan can
// know, and warns if there will be no cross certificate.
func (c *caChange) checkSecrets(d lifecycle.Decision) diag.Diagnostics {
	var diags diag.Diagnostics
	if d.Stored == lifecycle.StoredAnew {
		diags.Append(c.config.checkPassphrase()...)
	}
	if c.state == nil || diags.HasError() {
		return diags
	}
	if c.ownKeyIsNeeded(d) {
		_, moreDiags := c.currentKey()
		diags.Append(moreDiags...)
	}
	if c.storedKeyIsNeeded(d) && c.passphrasesKnown() {
		_, moreDiags := c.previousKey()
		diags.Append(moreDiags...)
	}
	if d.NewKey() && !overlapOf(c.plan.OverlapHours).CutsOff() {
		diags.Append(c.checkCross()...)
	}
	return diags
}

// ownKeyIsNeeded reports whether apply will renew the root with the user's key.
func (c *caChange) ownKeyIsNeeded(d lifecycle.Decision) bool {
	return c.config.ownKey() && !c.config.PrivateKeyPEMWO.IsUnknown() && d.Issues() && d.Key == lifecycle.Keep
}

// storedKeyIsNeeded reports whether apply will read the private key in the
// state: to certify a successor, to renew the root, or to store it otherwise.
func (c *caChange) storedKeyIsNeeded(d lifecycle.Decision) bool {
	successor := d.NewKey() && d.Crosses != lifecycle.CrossesDropped
	switch {
	case c.state.PrivateKeyPEM.IsNull():
		return false
	case c.config.ownKey():
		return successor && inputs.Known(c.config.PrivateKeyPEMWO)
	}
	return successor || d.Key == lifecycle.Keep && (d.Issues() || d.Stored == lifecycle.StoredAnew)
}

func (c *caChange) passphrasesKnown() bool {
	return !c.config.PreviousPrivateKeyPassphraseWO.IsUnknown() && (c.config.ownKey() || !c.config.PrivateKeyPassphraseWO.IsUnknown())
}

// checkCross warns if the current root will not certify its successor, or if
// that is of no use to who knows an older root alone. It reports a
// previous_private_key_pem_wo that is not the key of the current root.
func (c *caChange) checkCross() diag.Diagnostics {
	var diags diag.Diagnostics
	if err := c.cannotCross(); err != nil {
		diags.AddWarning("The authority rotates without a cross certificate",
			"The current root cannot certify the key of its successor: "+err.Error()+". Until a machine has the new ca.pem, "+
				"it rejects the certificates that are issued from now on. Give the new ca.pem to all daemons and clients before you give them new certificates.")
		return diags
	}
	for _, root := range c.trust.OutOfReach() {
		diags.AddWarning("The chain becomes too long for a previous root", fmt.Sprintf(
			"The root %s has path length %d. After this rotation, machines that know only this root reject the certificates that are issued from now on: give them a newer ca.pem first.",
			displayName(root), root.MaxPathLen))
	}
	if c.state.PrivateKeyPEM.IsNull() && !c.config.PreviousPrivateKeyPEMWO.IsUnknown() {
		_, moreDiags := c.previousKey()
		diags.Append(moreDiags...)
	}
	return diags
}

// checkPassphrase reports that the passphrase to encrypt the key with is missing.
func (m *caModel) checkPassphrase() diag.Diagnostics {
	var diags diag.Diagnostics
	if inputs.Known(m.PrivateKeyPassphraseWOVersion) && m.PrivateKeyPassphraseWO.IsNull() {
		diags.AddAttributeError(path.Root("private_key_passphrase_wo"), "No passphrase",
			"The private key is to be stored under a passphrase, which is not there. Set private_key_passphrase_wo, or remove private_key_passphrase_wo_version to store the key without one.")
	}
	return diags
}

// key is the private key that is to be certified, or to be stored otherwise.
func (c *caChange) key(which lifecycle.Key) (crypto.Signer, diag.Diagnostics) {
	switch which {
	case lifecycle.Generate:
		return c.plan.generate()
	case lifecycle.CertifyGiven:
		key, diags := givenKey(c.config.PrivateKeyPEMWO, "private_key_pem_wo")
		if key == nil && !diags.HasError() {
			diags.Append(noOwnKey("to issue the authority"))
		}
		return key, diags
	}
	return c.currentKey()
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
		text, err = x509text.EncryptPrivateKey(key, config.PrivateKeyPassphraseWO.ValueString())
	} else {
		text, err = x509text.EncodePrivateKey(key)
	}
	if err != nil {
		diags.AddAttributeError(path.Root("private_key_pem"), "The private key cannot be stored", inputs.Sentence(err))
		return diags
	}
	m.PrivateKeyPEM = types.StringValue(text)
	return diags
}

// currentKey is the private key of the current root, to renew it.
func (c *caChange) currentKey() (crypto.Signer, diag.Diagnostics) {
	if !c.config.ownKey() {
		return c.previousKey()
	}
	key, diags := givenKey(c.config.PrivateKeyPEMWO, "private_key_pem_wo")
	switch {
	case diags.HasError():
	case key == nil:
		diags.Append(noOwnKey("to renew the authority"))
	case !pki.SamePublicKey(key.Public(), c.root.PublicKey):
		diags.AddAttributeError(path.Root("private_key_pem_wo"), "Another private key",
			"The authority is to be renewed, and the private key that is given is not its own. Give the authority's key; or, to rotate to this one, change private_key_pem_wo_version and give the authority's key in previous_private_key_pem_wo.")
	}
	return key, diags
}

// previousKey is the private key of the current root, to certify its
// successor: the one in the state, or the one that is given for that.
func (c *caChange) previousKey() (crypto.Signer, diag.Diagnostics) {
	if c.state.PrivateKeyPEM.IsNull() {
		key, diags := givenKey(c.config.PreviousPrivateKeyPEMWO, "previous_private_key_pem_wo")
		if key != nil && !pki.SamePublicKey(key.Public(), c.root.PublicKey) {
			diags.AddAttributeError(path.Root("previous_private_key_pem_wo"), "Another private key",
				"The private key that is given is not that of the current root, and cannot certify its successor.")
		}
		return key, diags
	}
	var diags diag.Diagnostics
	key, err := c.storedKey()
	switch locked := errors.Is(err, x509text.ErrPassphraseMissing) || errors.Is(err, x509text.ErrPassphraseWrong); {
	case err == nil:
		return key, diags
	case locked && c.config.ownKey():
		diags.AddAttributeError(path.Root("previous_private_key_passphrase_wo"), "No passphrase, or a wrong one",
			"The private key in the state is encrypted, and is needed to certify its successor: set previous_private_key_passphrase_wo to its passphrase.")
	case errors.Is(err, x509text.ErrPassphraseMissing):
		diags.AddAttributeError(path.Root("private_key_passphrase_wo"), "No passphrase",
			"The private key in the state is encrypted, and is needed: set private_key_passphrase_wo, or, to store it without a passphrase again, previous_private_key_passphrase_wo.")
	case errors.Is(err, x509text.ErrPassphraseWrong):
		diags.Append(c.wrongPassphrase())
	default:
		diags.AddAttributeError(path.Root("private_key_pem"), "The current private key cannot be used", inputs.Sentence(err))
	}
	return nil, diags
}

// wrongPassphrase says which passphrase is wrong: the one so far, where that is
// given for a change, or the only one.
func (c *caChange) wrongPassphrase() diag.Diagnostic {
	const summary = "Wrong passphrase"
	if inputs.Known(c.config.PreviousPrivateKeyPassphraseWO) {
		return diag.NewAttributeErrorDiagnostic(path.Root("previous_private_key_passphrase_wo"), summary,
			"The private key of the authority, in the state, is encrypted with another passphrase than previous_private_key_passphrase_wo and private_key_passphrase_wo. "+
				"Give the one that private_key_passphrase_wo was when private_key_passphrase_wo_version last changed.")
	}
	if !c.plan.PrivateKeyPassphraseWOVersion.Equal(c.state.PrivateKeyPassphraseWOVersion) {
		return diag.NewAttributeErrorDiagnostic(path.Root("previous_private_key_passphrase_wo"), "No passphrase",
			"private_key_passphrase_wo_version has changed, so private_key_passphrase_wo is the new passphrase, and the private key of the authority, in the state, still has the one so far. Give that one in previous_private_key_passphrase_wo.")
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("private_key_passphrase_wo"), summary,
		"The private key of the authority, in the state, is encrypted with another passphrase than private_key_passphrase_wo: with the one that it was when private_key_passphrase_wo_version last changed. "+
			"Give that one. Or, to change the passphrase, change private_key_passphrase_wo_version and give the one so far in previous_private_key_passphrase_wo.")
}

// storedKey reads the private key in the state, with either passphrase.
func (c *caChange) storedKey() (crypto.Signer, error) {
	text := c.state.PrivateKeyPEM.ValueString()
	passphrases := []string{""}
	if x509text.Encrypted(text) {
		passphrases = nil
		for _, passphrase := range []types.String{c.config.PreviousPrivateKeyPassphraseWO, c.config.PrivateKeyPassphraseWO} {
			if inputs.Known(passphrase) {
				passphrases = append(passphrases, passphrase.ValueString())
			}
		}
	}
	err := x509text.ErrPassphraseMissing
	for _, passphrase := range passphrases {
		var key crypto.Signer
		if key, err = c.keys.ParsePrivateKey(text, passphrase); err != nil {
			continue
		}
		if !pki.SamePublicKey(key.Public(), c.root.PublicKey) {
			return nil, pki.ErrKeyMismatch
		}
		return key, nil
	}
	return nil, err
}
