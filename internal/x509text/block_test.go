package x509text_test

import (
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// TestSpoiltPEM has PEM texts as variables, templates and secret stores spoil
// them. The errors say what has become of them, and never repeat the text.
func TestSpoiltPEM(t *testing.T) {
	root, key := selfSigned(t, nothingElse)
	keyText, err := x509text.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := x509text.EncryptPrivateKey(key, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	parseKey := func(text string) error { _, err := x509text.ParsePrivateKey(text, passphrase); return err }
	for name, kind := range map[string]struct {
		text  string
		parse func(string) error
	}{
		"certificates":  {x509text.EncodeCertificates(root, root), func(text string) error { _, err := x509text.ParseCertificates(text); return err }},
		"certificate":   {x509text.EncodeCertificates(root), func(text string) error { _, err := x509text.FirstCertificate(text); return err }},
		"key":           {keyText, parseKey},
		"encrypted key": {encrypted, parseKey},
	} {
		text := kind.text
		for spoilt, want := range map[string]string{
			strings.ReplaceAll(text, "\n", `\n`):            `the two characters \n where its lines end`,
			strings.ReplaceAll(text, "\n", `\r\n`):          `the two characters \n where its lines end`,
			strings.ReplaceAll(text, "\n", " "):             "a PEM text on one line",
			strings.ReplaceAll(text, "\n", "") + "\n":       "a PEM text on one line",
			"  " + strings.ReplaceAll(text, "\n", "\n  "):   "a PEM text that is indented",
			strings.ReplaceAll(text, "\n", "\n    "):        "a PEM text that is indented", // indent() leaves the first line
			"\ufeff" + text:                                 "a PEM text behind a byte order mark",
			text[:200]:                                      "a PEM text that is damaged or cut off",
			base64.StdEncoding.EncodeToString([]byte(text)): "decode it with base64decode",
		} {
			if name == "certificates" && strings.HasPrefix(spoilt, "\ufeff") {
				continue // the second one can be read
			}
			err := kind.parse(spoilt)
			if err == nil || !strings.Contains(err.Error(), "found, but ") || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is %v, want %q in it", name, err, want)
			}
			if err != nil && strings.Contains(err.Error(), "MI") {
				t.Errorf("%s: the error repeats the text", name)
			}
			if contents := x509text.Contents(spoilt); !strings.Contains(contents, want) {
				t.Errorf("%s contains %q, want %q", name, contents, want)
			}
		}
	}
}

// TestDamagedBlock has a certificate in a bundle that is damaged: a bundle without
// it is not what was meant.
func TestDamagedBlock(t *testing.T) {
	root, _ := selfSigned(t, nothingElse)
	one := x509text.EncodeCertificates(root)
	for name, spoilt := range map[string]string{
		"the first":        strings.Replace(one, "MI", "??", 1) + one,
		"the second":       one + strings.Replace(one, "MI", "??", 1),
		"cut off":          one + one[:len(one)-20],
		"without its head": "-----BEGIN CERTIFICATE-----\n" + one,
	} {
		const want = "damaged or cut off"
		if _, err := x509text.ParseCertificates(spoilt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: ParseCertificates returns the error %v, want %q", name, err, want)
		}
		if _, err := x509text.FindCertificates(spoilt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: FindCertificates returns the error %v, want %q", name, err, want)
		}
	}
	for _, sound := range []string{one + one, "text -----BEGIN CERTIFICATE----- in a line\n" + one} {
		if _, err := x509text.ParseCertificates(sound); err != nil {
			t.Error(err)
		}
	}
}

// Whatever a text is taken for, it is not repeated.
func FuzzContents(f *testing.F) {
	certificate, key := selfSigned(f, nothingElse)
	written, err := x509text.EncodePrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	certificates := x509text.EncodeCertificates(certificate)
	for _, text := range []string{certificates, written, written + certificates, strings.ReplaceAll(written, "\n", `\n`), strings.ReplaceAll(written, "\n", " "), base64.StdEncoding.EncodeToString([]byte(written))} {
		f.Add(text)
	}
	for _, text := range []string{"", "\x30\x82", "\ufeff-----BEGIN CERTIFICATE-----\n", " -----BEGIN X-----\n", "/etc/docker/ca.pem", "-----BEGIN CERTIFICATE-----\nA: b\n\nMAA=\n-----END CERTIFICATE-----"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		said := x509text.Contents(text) + "\n" + x509text.NotFound("certificate", "CERTIFICATE", text).Error()
		found, err := x509text.FindCertificates(text)
		said += errorText(err)
		all, err := x509text.ParseCertificates(text)
		if err == nil && (len(all) == 0 || len(found) != len(all)) {
			t.Errorf("%d certificates are read, and %d found", len(all), len(found))
		}
		first, errFirst := x509text.FirstCertificate(text)
		if err == nil && (errFirst != nil || !first.Equal(all[0])) {
			t.Errorf("the first certificate is another one: %v", errFirst)
		}
		said += errorText(err) + errorText(errFirst)
		if x509text.Encrypted(text) && x509text.PrivateKeys(text) == 0 {
			t.Error("an encrypted key, and no key")
		}
		wantNothingOf(t, said, text)
	})
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error() + "\n"
}

// wantNothingOf fails where what is said repeats a line of the content of a PEM
// block, or the whole of another text that could be a secret.
func wantNothingOf(t *testing.T, said, text string) {
	t.Helper()
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		content := base64.StdEncoding.EncodeToString(block.Bytes)
		for begin := 0; begin+16 <= len(content); begin += 16 {
			if strings.Contains(said, content[begin:begin+16]) {
				t.Errorf("a block of type %q is repeated", block.Type)
			}
		}
	}
	if len(text) > 40 && !strings.Contains(text, "-----BEGIN") && strings.Contains(said, text) {
		t.Error("the whole text is repeated")
	}
}
