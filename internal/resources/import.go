package resources

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// importPassphrase is the environment variable with the passphrase of a key to
// import: an id would show it, and arguments are not there yet.
const importPassphrase = "DOCKER_TLS_IMPORT_PASSPHRASE" //nolint:gosec // its name, not a passphrase

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
		model, diags := r.adopt(roots, adoption{key: key, reason: lifecycle.Imported})
		resp.Diagnostics.Append(diags...)
		resp.Diagnostics.Append(encode(ctx, &resp.State, &model)...)
		resp.Diagnostics.Append(setAdopted(ctx, resp.Private)...)
		resp.Diagnostics.Append(oddities(roots[0], r.now(), pki.RootOddities(roots[0], r.now()), leftOut)...)
	}
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
	model, diags := r.adopt(certificate, adoption{key: key, reason: lifecycle.Imported}, roots)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(model.write(ctx, &resp.State)...)
	resp.Diagnostics.Append(setAdopted(ctx, resp.Private)...)
	var issuer *x509.Certificate
	if len(roots) > 0 {
		issuer = roots[0]
	}
	resp.Diagnostics.Append(oddities(certificate, r.now(), r.profile.Oddities(certificate, issuer, r.now()), leftOut)...)
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

const (
	pemInBase64 = "LS0tLS1CRUdJTi" // how the base64 of a PEM text begins
	longestName = 255              // of a file, in octets, on any system (path_resolution(7))
)

// importFiles splits an import id into the names of its files. It never repeats
// an id that may be a key.
func importFiles(id, form string, least, most int) ([]string, error) {
	if strings.Contains(id, "-----BEGIN") || strings.Contains(id, pemInBase64) || strings.ContainsAny(id, "\r\n") {
		return nil, fmt.Errorf("the id is the content of a file, and the names of files are expected (%s): Terraform shows and stores ids. If it was a private key, consider it leaked", form)
	}
	files := strings.Split(id, ",")
	for i := range files {
		files[i] = strings.TrimSpace(files[i])
		if noFileName(files[i]) {
			return nil, fmt.Errorf("the id has %d characters that are no name of a file: it must have the form %s. If it was a private key, consider it leaked", len(files[i]), form)
		}
	}
	if len(files) < least || len(files) > most {
		return nil, fmt.Errorf("the id has %d parts between commas: it must have the form %s", len(files), form)
	}
	for i, file := range files {
		if key := i == 1 && most == 3; file == "" && !key {
			return nil, fmt.Errorf("part %d of the id is empty: it must have the form %s", i+1, form)
		}
	}
	return files, nil
}

// noFileName reports what no file is called: a key, for instance.
func noFileName(name string) bool {
	return len(filepath.Base(name)) > longestName || isDER(name)
}

// isDER reports a text that is DER in base64, as a PEM block without its first and
// last line is.
func isDER(text string) bool {
	der, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return false
	}
	var value asn1.RawValue
	rest, err := asn1.Unmarshal(der, &value)
	return err == nil && len(rest) == 0 && value.IsCompound
}

// importError says what is wrong with a file, and what to do.
func importError(err error, form string) diag.Diagnostic {
	detail := inputs.Sentence(err)
	switch {
	case errors.Is(err, x509text.ErrPassphraseMissing):
		detail += " Set the environment variable " + importPassphrase + "."
	case errors.Is(err, x509text.ErrPassphraseWrong):
		detail += " It was taken from the environment variable " + importPassphrase + "."
	}
	return diag.NewErrorDiagnostic("The files cannot be imported", detail+" The id has the form "+form+"; relative names are relative to the directory of the configuration.")
}

// oddities is one warning for all that the next certificate will mend. It says
// when that is issued: by the next apply, soon, or at any time.
func oddities(certificate *x509.Certificate, now time.Time, found []string, leftOut []*x509.Certificate) diag.Diagnostics {
	for _, other := range leftOut {
		found = append(found, fmt.Sprintf("the certificate of %s in the same file is left out", displayName(other)))
	}
	if len(found) == 0 {
		return nil
	}
	summary, next := "A certificate to be renewed some day", "The next one mends this. To have it now, set rotation_triggers, apply, change them and apply again:"
	switch {
	case pki.Expired(certificate, now):
		summary, next = "A certificate that has expired", "Nobody accepts it any more. The next apply renews it, which mends this:"
	case pki.EndsSoon(certificate, now):
		summary, next = "A certificate that ends soon", "The one that is issued then mends this:"
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic(summary, fmt.Sprintf("The certificate of %s is taken over as it is. %s\n  - %s",
		displayName(certificate), next, strings.Join(found, "\n  - ")))}
}

// displayName is the name by which people know a certificate.
func displayName(certificate *x509.Certificate) string {
	if name := certificate.Subject.CommonName; name != "" {
		return strconv.Quote(name)
	}
	return strconv.Quote(certificate.Subject.String())
}
