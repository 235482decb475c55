package resources

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// importPassphrase is the environment variable with the passphrase of a key to
// import: an id would show it, and arguments are not there yet.
const importPassphrase = "DOCKER_TLS_IMPORT_PASSPHRASE" //nolint:gosec // its name, not a passphrase

var (
	_ resource.ResourceWithImportState = (*ca)(nil)
	_ resource.ResourceWithImportState = (*leaf)(nil)
)

// ImportState takes over an authority from the files CA_CERT_FILE,CA_KEY_FILE.
func (r *ca) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	const form = "CA_CERT_FILE,CA_KEY_FILE"
	files, err := importFiles(req.ID, form, 2, 2)
	if err != nil {
		resp.Diagnostics.AddError("Invalid import id", inputs.Sentence(err))
		return
	}
	bundle, err := pki.ReadCertificateFile(files[0])
	if err != nil {
		resp.Diagnostics.Append(importError(err, form))
		return
	}
	key, err := pki.ReadPrivateKeyFile(files[1], os.Getenv(importPassphrase))
	if err != nil {
		resp.Diagnostics.Append(importError(err, form))
		return
	}
	roots, leftOut, err := pki.AdoptRoots(bundle, key, r.now())
	switch {
	case errors.Is(err, pki.ErrKeyMismatch):
		resp.Diagnostics.Append(importError(fmt.Errorf("the private key in %s does not belong to a certificate in %s", files[1], files[0]), form))
	case err != nil:
		resp.Diagnostics.Append(importError(fmt.Errorf("the file %s: %w", files[0], err), form))
	default:
		resp.Diagnostics.Append(r.adopt(ctx, &resp.State, roots, key, 0)...)
		resp.Diagnostics.Append(oddities(roots[0], pki.RootOddities(roots[0], r.now()), leftOut)...)
	}
}

// adopt writes the state of an authority that was made elsewhere. Its subject
// and its key stay until it rotates.
func (r *ca) adopt(ctx context.Context, state *tfsdk.State, roots []*x509.Certificate, key crypto.Signer, earlyHours int64) diag.Diagnostics {
	diags := adopt(ctx, state, roots[0], key, earlyHours, r.now())
	constraints := pki.ConstraintsOf(roots[0])
	for name, values := range map[string][]string{
		"permitted_dns_domains": constraints.PermittedDNSDomains, "excluded_dns_domains": constraints.ExcludedDNSDomains,
		"permitted_ip_ranges": texts(constraints.PermittedIPRanges), "excluded_ip_ranges": texts(constraints.ExcludedIPRanges),
	} {
		if len(values) > 0 {
			diags.Append(state.SetAttribute(ctx, path.Root("name_constraints").AtName(name), values)...)
		}
	}
	var model caModel
	if diags.Append(state.Get(ctx, &model)...); diags.HasError() {
		return diags
	}
	model.setTrust(pki.Trust{Roots: roots})
	model.Generation = types.Int64Value(1)
	model.ReadyForRenewal = types.BoolUnknown()
	model.describe(roots[0], r.now())
	return append(diags, state.Set(ctx, &model)...)
}

// ImportState takes over a certificate from the files CERT_FILE, or
// CERT_FILE,KEY_FILE, or CERT_FILE,KEY_FILE,CA_CERT_FILE. The last one only
// tells what `ca` will be, so that the first plan has nothing to record.
func (r *leaf) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	const form = "CERT_FILE[,KEY_FILE[,CA_CERT_FILE]]"
	files, err := importFiles(req.ID, form, 1, 3)
	if err != nil {
		resp.Diagnostics.AddError("Invalid import id", inputs.Sentence(err))
		return
	}
	certificate, leftOut, key, err := r.readFiles(files)
	if err != nil {
		resp.Diagnostics.Append(importError(err, form))
		return
	}
	var roots []*x509.Certificate
	if len(files) == 3 {
		bundle, err := pki.ReadCertificateFile(files[2])
		if err != nil {
			resp.Diagnostics.Append(importError(err, form))
			return
		}
		if roots, err = pki.AdoptIssuer(bundle, certificate, r.now()); err != nil {
			resp.Diagnostics.Append(importError(fmt.Errorf("the file %s: %w", files[2], err), form))
			return
		}
	}
	resp.Diagnostics.Append(r.adopt(ctx, &resp.State, certificate, key, roots)...)
	var issuer *x509.Certificate
	if len(roots) > 0 {
		issuer = roots[0]
	}
	resp.Diagnostics.Append(oddities(certificate, r.profile.Oddities(certificate, issuer, r.now()), leftOut)...)
}

// readFiles reads the certificate, what else is in its file, and the key if
// there is a file of it.
func (r *leaf) readFiles(files []string) (certificate *x509.Certificate, leftOut []*x509.Certificate, key crypto.Signer, err error) {
	bundle, err := pki.ReadCertificateFile(files[0])
	if err != nil {
		return nil, nil, nil, err
	}
	i := 0
	if len(files) > 1 && files[1] != "" {
		if key, err = pki.ReadPrivateKeyFile(files[1], os.Getenv(importPassphrase)); err != nil {
			return nil, nil, nil, err
		}
		i = slices.IndexFunc(bundle, func(c *x509.Certificate) bool { return pki.SamePublicKey(key.Public(), c.PublicKey) })
		if i < 0 {
			return nil, nil, nil, fmt.Errorf("the private key in %s does not belong to a certificate in %s", files[1], files[0])
		}
	}
	if err := pki.CheckAdoptableLeaf(bundle[i], r.profile); err != nil {
		return nil, nil, nil, fmt.Errorf("the file %s: %w", files[0], err)
	}
	return bundle[i], slices.Delete(slices.Clone(bundle), i, i+1), key, nil
}

// adopt writes the state of a leaf that was made elsewhere. key and roots may
// be missing.
func (r *leaf) adopt(ctx context.Context, state *tfsdk.State, certificate *x509.Certificate, key crypto.Signer, roots []*x509.Certificate) diag.Diagnostics {
	diags := adopt(ctx, state, certificate, key, 0, r.now())
	if len(roots) > 0 {
		diags.Append(state.SetAttribute(ctx, path.Root("ca").AtName("cert_pem"), pki.EncodeCertificates(roots...))...)
		diags.Append(state.SetAttribute(ctx, path.Root("ca").AtName("cross_signed_cert_pem"), "")...)
	}
	if names, _ := pki.AdoptedNames(certificate); r.profile == pki.Server {
		if len(names.DNSNames) > 0 {
			diags.Append(state.SetAttribute(ctx, path.Root("dns_names"), names.DNSNames)...)
		}
		if len(names.IPAddresses) > 0 {
			diags.Append(state.SetAttribute(ctx, path.Root("ip_addresses"), texts(names.IPAddresses))...)
		}
	}
	model, moreDiags := r.read(ctx, state)
	if diags.Append(moreDiags...); diags.HasError() {
		return diags
	}
	model.CertPEM = types.StringValue(pki.EncodeCertificates(certificate))
	model.ReadyForRenewal = types.BoolUnknown()
	model.describe(certificate, r.now())
	if authority, ok := inputs.ReadCA(ctx, model.CA); ok {
		model.digest(authority)
	}
	return append(diags, r.write(ctx, state, model)...)
}

// adopt begins a state with the arguments for which a certificate would be as
// this one is, and its key.
func adopt(ctx context.Context, state *tfsdk.State, certificate *x509.Certificate, key crypto.Signer, earlyHours int64, now time.Time) diag.Diagnostics {
	diags := clear(ctx, state)
	algorithm, err := pki.KeyAlgorithmOf(certificate.PublicKey)
	if err != nil {
		diags.AddError("The certificate cannot be imported", inputs.Sentence(err))
		return diags
	}
	set := func(at path.Path, value any) { diags.Append(state.SetAttribute(ctx, at, value)...) }
	hours := pki.AdoptedValidityHours(certificate)
	if earlyHours <= 0 || earlyHours >= hours {
		earlyHours = pki.AdoptedEarlyRenewalHours(certificate, now)
	}
	set(path.Root("key_algorithm"), string(algorithm))
	set(path.Root("validity_period_hours"), hours)
	set(path.Root("early_renewal_hours"), earlyHours)
	if key != nil {
		text, err := pki.EncodePrivateKey(key)
		if err != nil {
			diags.AddError("The private key cannot be imported", inputs.Sentence(err))
			return diags
		}
		set(path.Root("private_key_pem"), text)
	}
	subject := pki.SubjectOf(certificate.Subject)
	for name, value := range map[string]string{
		"common_name": subject.CommonName, "organization": subject.Organization, "organizational_unit": subject.OrganizationalUnit,
		"locality": subject.Locality, "province": subject.Province, "country": subject.Country,
		"postal_code": subject.PostalCode, "email_address": subject.EmailAddress,
	} {
		if at := path.Root("subject").AtName(name); value != "" {
			set(at, value)
		} else {
			set(at, types.StringNull())
		}
	}
	if len(subject.StreetAddress) > 0 {
		set(path.Root("subject").AtName("street_address"), subject.StreetAddress)
	}
	return diags
}

// clear makes a state an object without any value: a new one is null, and has
// no place for values.
func clear(ctx context.Context, state *tfsdk.State) diag.Diagnostics {
	var diags diag.Diagnostics
	object, ok := state.Schema.Type().TerraformType(ctx).(tftypes.Object)
	if !ok {
		diags.AddError("The state cannot be written", "The resource's schema is not an object. Please report this as a defect of the provider.")
		return diags
	}
	values := map[string]tftypes.Value{}
	for name, attribute := range object.AttributeTypes {
		values[name] = tftypes.NewValue(attribute, nil)
	}
	state.Raw = tftypes.NewValue(object, values)
	return diags
}

// importFiles splits an import id into the names of its files. It never repeats
// an id that may be a key.
func importFiles(id, form string, least, most int) ([]string, error) {
	if strings.Contains(id, "-----BEGIN") || strings.ContainsAny(id, "\r\n") {
		return nil, fmt.Errorf("the id is the content of a file, and the names of files are expected (%s): Terraform shows and stores ids. If it was a private key, consider it leaked", form)
	}
	files := strings.Split(id, ",")
	for i := range files {
		files[i] = strings.TrimSpace(files[i])
	}
	if len(files) < least || len(files) > most {
		return nil, fmt.Errorf("the id %q does not have the form %s", id, form)
	}
	for i, file := range files {
		if key := i == 1 && most == 3; file == "" && !key {
			return nil, fmt.Errorf("the id %q has an empty file name: it must have the form %s", id, form)
		}
	}
	return files, nil
}

// importError says what is wrong with a file, and what to do.
func importError(err error, form string) diag.Diagnostic {
	detail := inputs.Sentence(err)
	switch {
	case errors.Is(err, pki.ErrPassphraseMissing):
		detail += " Set the environment variable " + importPassphrase + "."
	case errors.Is(err, pki.ErrPassphraseWrong):
		detail += " It was taken from the environment variable " + importPassphrase + "."
	}
	return diag.NewErrorDiagnostic("The files cannot be imported", detail+" The id has the form "+form+"; relative names are relative to the directory of the configuration.")
}

// oddities is one warning for all that the next certificate will mend.
func oddities(certificate *x509.Certificate, found []string, leftOut []*x509.Certificate) diag.Diagnostics {
	for _, other := range leftOut {
		found = append(found, fmt.Sprintf("the certificate of %s in the same file is left out", displayName(other)))
	}
	if len(found) == 0 {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("A certificate to be renewed some day",
		fmt.Sprintf("The certificate of %s is taken over as it is. The next one, for which a changed rotation_triggers asks at any time, mends this:\n  - %s",
			displayName(certificate), strings.Join(found, "\n  - ")))}
}

// displayName is the name by which people know a certificate.
func displayName(certificate *x509.Certificate) string {
	if name := certificate.Subject.CommonName; name != "" {
		return strconv.Quote(name)
	}
	return strconv.Quote(certificate.Subject.String())
}

func texts[T fmt.Stringer](values []T) []string {
	var texts []string
	for _, value := range values {
		texts = append(texts, value.String())
	}
	return texts
}
