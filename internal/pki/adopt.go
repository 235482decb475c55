package pki

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// maxFileSize bounds what is read as a certificate or a key: hundreds of
// certificates fit.
const maxFileSize = 1 << 20

// ReadCertificateFile reads every certificate of a PEM file, of which there
// must be at least one. Whatever else is in the file is passed over: the text of
// `openssl x509 -text`, or the key of a combined file.
func ReadCertificateFile(name string) ([]*x509.Certificate, error) {
	text, err := readFile(name)
	if err != nil {
		return nil, err
	}
	certificates, err := x509text.FindCertificates(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the file %s: %w", name, err)
	case len(certificates) == 0:
		return nil, fmt.Errorf("the file %s contains %s, where a certificate is expected", name, x509text.Contents(text))
	}
	return certificates, nil
}

// ReadPrivateKeyFile reads the first private key of a PEM file, as
// [x509text.ParsePrivateKey] does.
func ReadPrivateKeyFile(name, passphrase string) (crypto.Signer, error) {
	text, err := readFile(name)
	if err != nil {
		return nil, err
	}
	contents := x509text.Contents(text)
	if !strings.Contains(contents, "private key") {
		return nil, fmt.Errorf("the file %s contains %s, where a private key is expected", name, contents)
	}
	key, err := x509text.ParsePrivateKey(text, passphrase)
	if err != nil {
		return nil, fmt.Errorf("the file %s contains %s: %w", name, contents, err)
	}
	return key, nil
}

// readFile reads a regular file of a sensible size. Anything else might never
// end.
func readFile(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", unreadable(name, err)
	}
	switch {
	case info.IsDir():
		return "", fmt.Errorf("the file %s is a directory, where a PEM file is expected", name)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("the file %s is not a regular file (but of type %s), where a PEM file is expected", name, info.Mode().Type())
	}
	file, err := os.Open(name) //nolint:gosec // the user names the file to import
	if err != nil {
		return "", unreadable(name, err)
	}
	defer func() { _ = file.Close() }()
	raw, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err != nil {
		return "", unreadable(name, err)
	}
	if len(raw) > maxFileSize {
		return "", fmt.Errorf("the file %s is larger than %d bytes: it is no file of certificates or keys", name, maxFileSize)
	}
	// Editors on Windows begin a text with a byte order mark.
	return strings.TrimPrefix(string(raw), "\ufeff"), nil
}

func unreadable(name string, err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err
	}
	hint := ""
	if strings.HasPrefix(name, "~") && errors.Is(err, fs.ErrNotExist) {
		hint = " (a shell expands ~ only at the beginning of an argument: write the path in full)"
	}
	return fmt.Errorf("the file %s cannot be read: %w%s", name, err, hint)
}

// AdoptRoots picks from a bundle the root that a private key belongs to, and
// behind it the others that are to be trusted as well. What is left out, because
// it is no authority or has expired, comes back too.
func AdoptRoots(bundle []*x509.Certificate, key crypto.Signer, now time.Time) (roots, leftOut []*x509.Certificate, err error) {
	i := slices.IndexFunc(bundle, func(c *x509.Certificate) bool { return SamePublicKey(key.Public(), c.PublicKey) })
	if i < 0 {
		return nil, nil, ErrKeyMismatch
	}
	root := bundle[i]
	if err := checkAuthority(root); err != nil {
		return nil, nil, err
	}
	if !x509text.IssuedBy(root, root) {
		return nil, nil, fmt.Errorf("the certificate of %q is not self-signed, but issued by %q: only a root can be taken over; certificates under another authority name it in ca = { cert_pem = …, private_key_pem = … }", root.Subject, root.Issuer)
	}
	if err := checkAdoptable(key.Public()); err != nil {
		return nil, nil, err
	}
	roots, leftOut = trusted(root, bundle, now)
	return roots, leftOut, nil
}

// AdoptIssuer picks from a bundle the authority that issued a leaf, as
// [AdoptRoots] does by its key.
func AdoptIssuer(bundle []*x509.Certificate, leaf *x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	i := slices.IndexFunc(bundle, func(c *x509.Certificate) bool { return c.IsCA && x509text.IssuedBy(leaf, c) })
	if i < 0 {
		return nil, fmt.Errorf("the certificate of %q was not issued by this authority, but by one of the name %q", leaf.Subject, leaf.Issuer)
	}
	roots, _ := trusted(bundle[i], bundle, now)
	return roots, nil
}

// trusted puts the current root before the others of its bundle that are to be
// trusted, as [Trust.Trim] would have left them.
func trusted(root *x509.Certificate, bundle []*x509.Certificate, now time.Time) (roots, leftOut []*x509.Certificate) {
	all := []*x509.Certificate{root}
	for _, other := range bundle {
		switch err := checkAuthority(other); {
		case other.Equal(root):
		// One that has expired tells when an older one was replaced, if it was issued here.
		case err != nil || !now.Before(other.NotAfter) && !issuedHere(other):
			leftOut = append(leftOut, other)
		default:
			all = append(all, other)
		}
	}
	roots = Trust{Roots: all}.Trim(UntilExpiry, now).Roots
	for _, other := range all {
		if !slices.ContainsFunc(roots, other.Equal) {
			leftOut = append(leftOut, other)
		}
	}
	return roots, leftOut
}

// minAdoptableRSABits is the smallest RSA modulus that crypto/rsa can use.
const minAdoptableRSABits = 1024

func checkAdoptable(public crypto.PublicKey) error {
	if key, ok := public.(*rsa.PublicKey); ok && key.N.BitLen() < minAdoptableRSABits {
		return fmt.Errorf("an RSA key of %d bits can neither sign nor be verified any more", key.N.BitLen())
	}
	_, err := x509text.KeyAlgorithmOf(public)
	return err
}

// CheckAdoptableLeaf reports a certificate that cannot become a leaf of the
// given profile.
func CheckAdoptableLeaf(certificate *x509.Certificate, profile Profile) error {
	if certificate.IsCA {
		return fmt.Errorf("the certificate of %q is one of an authority: import it as docker_tls_ca", certificate.Subject)
	}
	if !allows(certificate, profile) {
		if allows(certificate, otherProfile(profile)) {
			return fmt.Errorf("the certificate of %q is for a %s only (extendedKeyUsage), and a %s's is expected", certificate.Subject, otherProfile(profile), profile)
		}
		return fmt.Errorf("the extendedKeyUsage of the certificate of %q does not allow it to a %s", certificate.Subject, profile)
	}
	return checkAdoptable(certificate.PublicKey)
}

// allows reports whether a certificate may be used for a profile.
func allows(certificate *x509.Certificate, profile Profile) bool {
	return x509text.Allows(certificate, profile.extKeyUsage())
}

func otherProfile(p Profile) Profile {
	if p == Server {
		return Client
	}
	return Server
}

// String is the word for the party that a certificate of this profile is for.
func (p Profile) String() string {
	if p == Server {
		return "server"
	}
	return "client"
}
