package inputs

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// CATypes are the types of the attributes of `ca`.
var CATypes = map[string]attr.Type{
	"cert_pem":               types.StringType,
	"private_key_pem":        types.StringType,
	"private_key_passphrase": types.StringType,
	"cross_signed_cert_pem":  types.StringType,
}

// NoCA is the argument `ca` as it is stored: not at all.
var NoCA = types.ObjectNull(CATypes)

// CAAttribute is the argument `ca`. A managed resource takes it as write-only;
// of an ephemeral resource, nothing is stored anyway.
func CAAttribute(writeOnly bool) schema.SingleNestedAttribute {
	text := func(description string, validators ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, WriteOnly: writeOnly, MarkdownDescription: description, Validators: validators}
	}
	// What is write-only is neither stored nor shown. To call it sensitive as
	// well would put its path into every state.
	secret := func(description string) schema.StringAttribute {
		attribute := text(description)
		attribute.Sensitive = !writeOnly
		return attribute
	}
	certificate := text("The authority's certificate in PEM, as in `docker_tls_ca.this.cert_pem`. If there are several certificates, the first one issues.",
		NewCheck("the certificate of an authority in PEM", func(text string) error {
			_, err := pki.ParseAuthorityCertificate(text)
			return err
		}))
	certificate.Optional, certificate.Required = false, true
	return schema.SingleNestedAttribute{
		Required:            true,
		WriteOnly:           writeOnly,
		MarkdownDescription: "The authority that issues the certificate: `ca = docker_tls_ca.this`, or an object with these attributes. The private key of the authority is used and not stored.",
		Attributes: map[string]schema.Attribute{
			"cert_pem":               certificate,
			"private_key_pem":        secret("The authority's private key in PEM. It is never stored here. It is needed only when a certificate is issued."),
			"private_key_passphrase": secret("The passphrase of an encrypted `private_key_pem`: `ca = merge(docker_tls_ca.this, { private_key_passphrase = var.passphrase })`. It is never stored."),
			"cross_signed_cert_pem":  text("The chain from the authority to its previous roots, as in `docker_tls_ca.this.cross_signed_cert_pem`. This chain goes behind the certificate."),
		},
	}
}

// CA is the argument `ca` as it is configured, with its secrets.
type CA struct {
	Roots       types.String
	Certificate *x509.Certificate // the first of Roots, once they are known and sound

	previous   []*x509.Certificate // the other ones
	crosses    types.String
	crossChain []*x509.Certificate
	key        types.String
	passphrase types.String
	err        error // of Roots
	crossErr   error
}

// ReadCA reads the argument `ca`, and whether the roots in it are known and
// sound.
func ReadCA(object types.Object) (CA, bool) {
	if !Known(object) {
		return CA{Roots: types.StringUnknown(), key: types.StringUnknown()}, false
	}
	attributes := object.Attributes()
	ca := CA{
		Roots:      text(attributes, "cert_pem"),
		crosses:    text(attributes, "cross_signed_cert_pem"),
		key:        text(attributes, "private_key_pem"),
		passphrase: text(attributes, "private_key_passphrase"),
	}
	if !Known(ca.Roots) {
		return ca, false
	}
	var roots []*x509.Certificate
	if roots, ca.err = x509text.ParseCertificates(ca.Roots.ValueString()); ca.err != nil {
		return ca, false
	}
	// However the text is written, this is the file that is delivered.
	ca.Roots = types.StringValue(x509text.EncodeCertificates(roots...))
	ca.Certificate, ca.previous = roots[0], roots[1:]
	ca.err = pki.CheckAuthorities(roots)
	if Known(ca.crosses) && ca.crosses.ValueString() != "" {
		ca.crossChain, ca.crossErr = x509text.ParseCertificates(ca.crosses.ValueString())
		if ca.crossErr == nil && ca.err == nil {
			ca.crossErr = pki.CheckCrosses(ca.crossChain, ca.Certificate)
		}
	}
	return ca, ca.err == nil
}

// Check reports what is wrong with the argument itself. It does not depend on
// the time: a certificate under an expired authority can still be looked at,
// and destroyed.
func (c CA) Check(keys *pki.Keyring) diag.Diagnostics {
	var diags diag.Diagnostics
	ca := path.Root("ca")
	if c.err != nil {
		diags.AddAttributeError(ca.AtName("cert_pem"), "Invalid authority", Sentence(c.err))
		return diags
	}
	if c.crossErr != nil {
		diags.AddAttributeError(ca.AtName("cross_signed_cert_pem"), "Invalid chain", Sentence(c.crossErr))
	}
	if Known(c.key) && !c.passphrase.IsUnknown() && !c.locked() {
		_, moreDiags := c.Authority(keys)
		diags.Append(moreDiags...)
	}
	return diags
}

// locked reports an encrypted key without its passphrase.
func (c CA) locked() bool {
	return c.passphrase.IsNull() && x509text.Encrypted(c.key.ValueString())
}

// Why an authority cannot issue, in the words of a configuration.
var (
	errNoKey  = errors.New("the authority's private key is needed to issue a certificate, and is not there: pass it with ca = merge(docker_tls_ca.this, { private_key_pem = var.ca_key })")
	errLocked = errors.New("the authority's private key is encrypted: pass its passphrase with ca = merge(docker_tls_ca.this, { private_key_passphrase = var.passphrase })")
)

// CheckIssue reports why the authority cannot issue at now.
func (c CA) CheckIssue(profile pki.Profile, now time.Time) diag.Diagnostics {
	var diags diag.Diagnostics
	ca := path.Root("ca")
	if err := pki.CheckAuthorityTime(c.Certificate, now); err != nil {
		summary := "Expired authority"
		if now.Before(c.Certificate.NotBefore) {
			summary = "Authority not valid yet"
		}
		diags.AddAttributeError(ca.AtName("cert_pem"), summary, Sentence(err))
	}
	if err := pki.CheckAuthorityPurpose(c.Certificate, profile); err != nil {
		diags.AddAttributeError(ca.AtName("cert_pem"), "Authority for another purpose", Sentence(err)+" Rotate the authority, which makes a root without that limit.")
	}
	// One that was imported can be too weak to issue, and still be in use.
	if err := pki.CheckKey(c.Certificate.PublicKey); err != nil {
		diags.AddAttributeError(ca.AtName("cert_pem"), "Weak authority", Sentence(err)+" Rotate the authority.")
	}
	return append(diags, c.CheckKey()...)
}

// CheckKey reports a private key that is not there, or its passphrase. That can
// be known before the roots are.
func (c CA) CheckKey() diag.Diagnostics {
	var diags diag.Diagnostics
	ca := path.Root("ca")
	switch {
	case c.key.IsNull():
		diags.AddAttributeError(ca.AtName("private_key_pem"), "No private key", Sentence(errNoKey))
	case c.locked():
		diags.AddAttributeError(ca.AtName("private_key_passphrase"), "No passphrase", Sentence(errLocked))
	}
	return diags
}

// CheckNames reports names that the authority does not allow. Of names that are
// to be issued it warns where a previous root does not allow them: a party that
// knows only that root rejects the certificate, whatever certifies its issuer.
func (c CA) CheckNames(names pki.Names, issued bool) diag.Diagnostics {
	var diags diag.Diagnostics
	at := path.Root("dns_names")
	if err := pki.ConstraintsOf(c.Certificate).Check(names); err != nil {
		diags.AddAttributeError(at, "Name not allowed", Sentence(err)+" Use another name, or change the constraints of the authority.")
		return diags
	}
	for _, root := range c.previous {
		if err := pki.ConstraintsOf(root).Check(names); issued && err != nil {
			diags.AddAttributeWarning(at, "Name not allowed by a previous root", Sentence(err)+
				fmt.Sprintf(" That is the previous root %q: machines that have only this one reject the certificate until they have the new ca.pem.", root.Subject))
		}
	}
	return diags
}

// CheckEnd warns of a certificate that its authority's end shortens.
func (c CA) CheckEnd(hours int64, now time.Time) diag.Diagnostics {
	var diags diag.Diagnostics
	end := c.Certificate.NotAfter
	if wanted := time.Unix(now.Unix()+hours*3600, 0); wanted.After(end) && now.Before(end) {
		diags.AddAttributeWarning(path.Root("validity_period_hours"), "The certificate ends with its authority",
			fmt.Sprintf("It will be valid until %s, when its authority ends, and not for %d hours. Use a shorter validity_period_hours; or set early_renewal_hours of the authority to at least %d, so that it is renewed in time.",
				end.UTC().Format(time.RFC3339), hours, hours))
	}
	return diags
}

// Authority joins the certificate with its key.
func (c CA) Authority(keys *pki.Keyring) (*pki.Authority, diag.Diagnostics) {
	var diags diag.Diagnostics
	ca := path.Root("ca")
	key, err := keys.ParsePrivateKey(c.key.ValueString(), c.passphrase.ValueString())
	switch {
	case errors.Is(err, x509text.ErrPassphraseMissing):
		diags.AddAttributeError(ca.AtName("private_key_passphrase"), "No passphrase", Sentence(errLocked))
		return nil, diags
	case errors.Is(err, x509text.ErrPassphraseWrong):
		diags.AddAttributeError(ca.AtName("private_key_passphrase"), "Wrong passphrase", fmt.Sprintf(
			"ca.private_key_passphrase does not decrypt ca.private_key_pem, the private key of the authority %q. Give the passphrase that this key is stored with: private_key_passphrase_wo of the docker_tls_ca. "+
				"Another private_key_passphrase_wo counts only from the apply that changes private_key_passphrase_wo_version as well.", c.Certificate.Subject))
		return nil, diags
	}
	var authority *pki.Authority
	if err == nil {
		authority, err = pki.NewAuthority(c.Certificate, key)
	}
	if err != nil {
		diags.AddAttributeError(ca.AtName("private_key_pem"), "Invalid authority", Sentence(err))
		return nil, diags
	}
	authority.Others = c.others()
	return authority, diags
}

// others are the certificates of the authority that do not issue.
func (c CA) others() []*x509.Certificate {
	return slices.Concat(c.previous, c.crossChain)
}

// CheckLeafKey reports a key at the given path that is one of the authority's.
func (c CA) CheckLeafKey(at path.Path, key crypto.PublicKey) diag.Diagnostics {
	var diags diag.Diagnostics
	if err := pki.CheckLeafKey(key, append(c.others(), c.Certificate)); err != nil {
		diags.AddAttributeError(at, "The key is the authority's", Sentence(err))
	}
	return diags
}

// Crosses is the chain to previous roots, as far as it is known.
func (c CA) Crosses() []*x509.Certificate { return c.crossChain }

// Chain is the content of cert_pem: the leaf, then the chain to previous roots.
func (c CA) Chain(leaf *x509.Certificate) types.String {
	if c.crosses.IsUnknown() {
		return types.StringUnknown()
	}
	return types.StringValue(x509text.EncodeCertificates(append([]*x509.Certificate{leaf}, c.crossChain...)...))
}
