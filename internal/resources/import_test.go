package resources

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

// armour is what a key is wrapped in, without a key.
const armour = "-----BEGIN PRIVATE KEY-----\nc2VzYW1lIG9wZW4gc2VzYW1lIG9wZW4=\n-----END PRIVATE KEY-----\n"

// An id that may be a key is not repeated.
func TestImportFilesRepeatNoKey(t *testing.T) {
	for name, id := range map[string]string{
		"as it is":              armour,
		"on one line":           strings.ReplaceAll(armour, "\n", " "),
		"in base64":             base64.StdEncoding.EncodeToString([]byte(armour)),
		"behind a file":         "ca.pem," + base64.StdEncoding.EncodeToString([]byte(armour)),
		"longer than a name":    strings.Repeat("c2VzYW1l", 32),
		"a line of it":          "\nc2VzYW1lIG9wZW4gc2VzYW1lIG9wZW4=",
		"with \\n for its ends": strings.ReplaceAll(armour, "\n", `\n`),
	} {
		for _, most := range []int{2, 3} {
			if _, err := importFiles(id, "FORM", most-1, most); err == nil || strings.Contains(err.Error(), "c2VzYW1l") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// The DER of a key in base64 looks like the name of a file, slashes and all.
func TestImportFilesRepeatNoDER(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, der := range map[string][]byte{"SEC 1": sec1, "PKCS #1": x509.MarshalPKCS1PrivateKey(rsaKey), "PKCS #8": pkcs8} {
		text := base64.StdEncoding.EncodeToString(der)
		for _, id := range []string{text, strings.TrimRight(text, "="), "cert.pem," + text} {
			if _, err := importFiles(id, "FORM", 1, 3); err == nil || strings.Contains(err.Error(), text[:20]) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := importFiles("a,b,c,"+text[:100], "FORM", 1, 3); err == nil || strings.Contains(err.Error(), text[:20]) {
			t.Errorf("%s, cut off: %v", name, err)
		}
	}
	if _, err := importFiles("MII/keys/web1.pem", "FORM", 1, 3); err != nil {
		t.Error(err)
	}
}

// What is accepted is names of files, and is accepted again.
func FuzzImportFiles(f *testing.F) {
	for _, seed := range []string{"", "ca.pem,ca-key.pem", " cert.pem , , ca.pem", ",", "a,b,c,d", armour, base64.StdEncoding.EncodeToString([]byte(armour)), "a\n"} {
		f.Add(seed, uint8(1), uint8(3))
	}
	f.Fuzz(func(t *testing.T, id string, least, most uint8) {
		files, err := importFiles(id, "FORM", int(least), int(most))
		if err != nil {
			if len(id) > 40 && strings.Contains(err.Error(), id) {
				t.Error("the error repeats the id")
			}
			return
		}
		if len(files) < int(least) || len(files) > int(most) {
			t.Errorf("%d files", len(files))
		}
		joined := strings.Join(files, ",")
		if again, err := importFiles(joined, "FORM", int(least), int(most)); err != nil || strings.Join(again, ",") != joined {
			t.Errorf("%q becomes %q, which becomes %q, %v", id, files, again, err)
		}
		if slices.ContainsFunc(files, noName) {
			t.Errorf("the files are %q", files)
		}
	})
}

func noName(file string) bool {
	return strings.TrimSpace(file) != file || strings.ContainsAny(file, "\r\n") || strings.Contains(file, "-----BEGIN")
}
