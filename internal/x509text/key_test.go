package x509text_test

import (
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

func TestKeysOfEveryAlgorithm(t *testing.T) {
	for _, algorithm := range x509text.KeyAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			key := generate(t, algorithm)
			text, err := x509text.EncodePrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			if block, rest := pem.Decode([]byte(text)); block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
				t.Fatal("not one block of PKCS#8")
			}
			if x509text.Encrypted(text) {
				t.Error("taken for encrypted")
			}
			parsed, err := x509text.ParsePrivateKey(text, "")
			if err != nil {
				t.Fatal(err)
			}
			if !samePublicKey(parsed.Public(), key.Public()) {
				t.Error("another key is read back")
			}
			if got, err := x509text.KeyAlgorithmOf(parsed.Public()); err != nil || got != algorithm {
				t.Errorf("algorithm %q, %v", got, err)
			}
			openssl(t, text, "pkey", "-noout", "-check")
		})
	}
}

const passphrase = "correct horse"

// opensslKeys are the forms in which openssl writes keys.
func opensslKeys(t testing.TB) (plain, encrypted map[string]string) {
	t.Helper()
	rsa := openssl(t, "", "genrsa", "-traditional", "2048")
	ec := openssl(t, "", "ecparam", "-name", "prime256v1", "-genkey")
	pass := "pass:" + passphrase
	return map[string]string{
			"PKCS#1":                   rsa,
			"SEC 1 with EC PARAMETERS": ec,
			"SEC 1 alone":              openssl(t, ec, "ec"),
			"PKCS#8 of RSA":            openssl(t, rsa, "pkey"),
			"PKCS#8 of ECDSA":          openssl(t, ec, "pkey"),
			"PKCS#8 of Ed25519":        openssl(t, "", "genpkey", "-algorithm", "ed25519"),
			"after text and CRLF":      "Bag Attributes: none\r\n" + strings.ReplaceAll(rsa, "\n", "\r\n"),
			"with -text":               openssl(t, rsa, "rsa", "-text"),
		}, map[string]string{
			"genrsa -aes256":               openssl(t, "", "genrsa", "-aes256", "-passout", pass, "2048"),
			"pkcs8 -topk8":                 openssl(t, ec, "pkcs8", "-topk8", "-passout", pass),
			"pkcs8 with SHA-1 PRF":         openssl(t, ec, "pkcs8", "-topk8", "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1", "-passout", pass),
			"rsa -des3 -traditional":       openssl(t, rsa, "rsa", "-des3", "-traditional", "-passout", pass),
			"rsa -aes256 -traditional":     openssl(t, rsa, "rsa", "-aes256", "-traditional", "-passout", pass),
			"ec -aes128, in SEC 1 headers": openssl(t, ec, "ec", "-aes128", "-passout", pass),
		}
}

func TestKeysOfOpenSSL(t *testing.T) {
	plain, encrypted := opensslKeys(t)
	check := func(t *testing.T, text, passphrase string) {
		t.Helper()
		key, err := x509text.ParsePrivateKey(text, passphrase)
		if err != nil {
			t.Fatal(err)
		}
		written, err := x509text.EncodePrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		want := openssl(t, text, "pkey", "-pubout", "-passin", "pass:"+passphrase)
		if got := openssl(t, written, "pkey", "-pubout"); got != want {
			t.Error("the public key is another than openssl's")
		}
	}
	for form, text := range plain {
		t.Run(form, func(t *testing.T) {
			check(t, text, "")
			check(t, text, "a passphrase that nothing asks for")
			if x509text.Encrypted(text) {
				t.Error("taken for encrypted")
			}
		})
	}
	for form, text := range encrypted {
		t.Run(form, func(t *testing.T) {
			check(t, text, passphrase)
			if !x509text.Encrypted(text) {
				t.Error("not seen to be encrypted")
			}
			if _, err := x509text.ParsePrivateKey(text, ""); !errors.Is(err, x509text.ErrPassphraseMissing) {
				t.Errorf("without a passphrase: %v", err)
			}
			for _, wrong := range []string{"wrong", passphrase + " ", strings.ToUpper(passphrase)} {
				if _, err := x509text.ParsePrivateKey(text, wrong); !errors.Is(err, x509text.ErrPassphraseWrong) {
					t.Errorf("with a wrong passphrase: %v", err)
				}
			}
		})
	}
}

// A wrong passphrase leaves a valid padding once in 256 times. What is
// decrypted then is no key, and the error must still name the passphrase.
func TestWrongPassphraseWithValidPadding(t *testing.T) {
	ec := openssl(t, "", "ecparam", "-name", "prime256v1", "-genkey", "-noout")
	text := openssl(t, ec, "ec", "-aes128", "-passout", "pass:"+passphrase)
	for i := range 2000 {
		wrong := strings.Repeat("x", i%50+1) + strings.Repeat("y", i/50)
		if _, err := x509text.ParsePrivateKey(text, wrong); !errors.Is(err, x509text.ErrPassphraseWrong) {
			t.Fatalf("passphrase %d: %v", i, err)
		}
	}
}

func TestDamagedKeysNeverPanic(t *testing.T) {
	plain, encrypted := opensslKeys(t)
	damage := func(t *testing.T, text, passphrase string) {
		t.Helper()
		var block *pem.Block
		for rest := []byte(text); ; {
			if block, rest = pem.Decode(rest); block == nil || strings.HasSuffix(block.Type, "PRIVATE KEY") {
				break
			}
		}
		if block == nil {
			t.Fatal("no key to damage")
		}
		whole := block.Bytes
		step := max(1, len(whole)/40)
		for cut := 0; cut < len(whole); cut += step {
			block.Bytes = whole[:cut]
			_, err := x509text.ParsePrivateKey(string(pem.EncodeToMemory(block)), passphrase)
			if err == nil {
				t.Errorf("cut to %d of %d octets: no error", cut, len(whole))
			} else if passphrase != "" && strings.Contains(err.Error(), passphrase) {
				t.Error("the error repeats the passphrase")
			}
		}
		block.Bytes = whole
		for header, value := range block.Headers {
			for _, bad := range []string{"", ",", "AES-256-CBC", "AES-256-CBC,", "AES-256-CBC,00", "AES-256-CBC,zz", "NONE,00", value[:len(value)-2]} {
				block.Headers[header] = bad
				if _, err := x509text.ParsePrivateKey(string(pem.EncodeToMemory(block)), passphrase); err == nil && header == "DEK-Info" {
					t.Errorf("%s: %q: no error", header, bad)
				}
			}
			block.Headers[header] = value
		}
	}
	for form, text := range plain {
		t.Run(form, func(t *testing.T) { damage(t, text, "") })
	}
	for form, text := range encrypted {
		t.Run(form, func(t *testing.T) { damage(t, text, passphrase) })
	}
}

// A PKCS#8 structure that is whole, around a ciphertext that is not.
func TestDamagedCiphertext(t *testing.T) {
	text := openssl(t, "", "genrsa", "-aes256", "-passout", "pass:"+passphrase, "2048")
	block, _ := pem.Decode([]byte(text))
	var info struct {
		Algorithm  asn1.RawValue
		Ciphertext []byte
	}
	if _, err := asn1.Unmarshal(block.Bytes, &info); err != nil {
		t.Fatal(err)
	}
	whole := info.Ciphertext
	for _, cut := range []int{0, 1, 15, 16, 17, len(whole) - 16, len(whole) - 1} {
		info.Ciphertext = whole[:cut]
		der, err := asn1.Marshal(info)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x509text.ParsePrivateKey(string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der})), passphrase); err == nil {
			t.Errorf("cut to %d of %d octets: no error", cut, len(whole))
		}
	}
}

func TestParsePrivateKeyRefuses(t *testing.T) {
	p224 := openssl(t, "", "ecparam", "-name", "secp224r1", "-genkey", "-noout")
	root, _ := selfSigned(t, nothingElse)
	for name, test := range map[string]struct{ text, want string }{
		"nothing":            {"", "no private key found: a PEM text that begins with -----BEGIN PRIVATE KEY----- is expected"},
		"a path":             {"/etc/docker/key.pem", "no private key found, but what looks like the name of a file (read it with file()): a PEM text that begins with -----BEGIN PRIVATE KEY----- is expected"},
		"a certificate only": {x509text.EncodeCertificates(root), "no private key found, but a certificate: a PEM text that begins with -----BEGIN PRIVATE KEY----- is expected"},
		"a public key":       {openssl(t, p224, "pkey", "-pubout"), `a PEM block of type "PUBLIC KEY" is not a private key that can be used here`},
		"P-224":              {p224, "the elliptic curve P-224 is not supported: use P-256, P-384 or P-521"},
		"an unknown curve":   {openssl(t, "", "ecparam", "-name", "secp256k1", "-genkey", "-noout"), "the private key cannot be read: its content is damaged or of an unsupported algorithm"},
		"X25519":             {openssl(t, "", "genpkey", "-algorithm", "x25519"), "a private key of type *ecdh.PrivateKey cannot sign: use ECDSA, RSA or Ed25519"},
		"not DER":            {string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")})), "the private key cannot be read: its content is damaged or of an unsupported algorithm"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := x509text.ParsePrivateKey(test.text, "")
			wantError(t, err, test.want)
		})
	}
}

func TestKeyAfterCertificate(t *testing.T) {
	certificate, own := selfSigned(t, nothingElse)
	text, err := x509text.EncodePrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509text.ParsePrivateKey(x509text.EncodeCertificates(certificate)+text, "")
	if err != nil || !samePublicKey(key.Public(), own.Public()) {
		t.Errorf("the key behind a certificate is not found: %v", err)
	}
	// The first key counts, also for whether a passphrase is needed.
	encrypted, err := x509text.EncryptPrivateKey(own, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	if x509text.Encrypted(text+encrypted) || !x509text.Encrypted(encrypted+text) {
		t.Error("another key than the first one says whether a passphrase is needed")
	}
}

// Some programs write one form by the name of another, and crypto/tls reads it.
func TestKeysByAnotherName(t *testing.T) {
	plain, _ := opensslKeys(t)
	for form, text := range plain {
		for _, name := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"} {
			renamed := regexp.MustCompile(`(BEGIN|END) (RSA |EC )?PRIVATE KEY`).ReplaceAllString(text, "$1 "+name)
			if _, err := x509text.ParsePrivateKey(renamed, ""); err != nil {
				t.Errorf("%s by the name of %s: %v", form, name, err)
			}
		}
	}
}

// Either header says that a key is encrypted, whatever else is missing.
func TestOneHeaderOfEncryption(t *testing.T) {
	for _, header := range []string{"Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF"} {
		text := "-----BEGIN EC PRIVATE KEY-----\n" + header + "\n\nAAAA\n-----END EC PRIVATE KEY-----\n"
		if !x509text.Encrypted(text) {
			t.Errorf("%s: taken for plain", header)
		}
		if _, err := x509text.ParsePrivateKey(text, ""); !errors.Is(err, x509text.ErrPassphraseMissing) {
			t.Errorf("%s: %v", header, err)
		}
		if _, err := x509text.ParsePrivateKey(text, passphrase); err == nil {
			t.Errorf("%s: half a header, and no error", header)
		}
	}
}

// The passphrase is right, so nobody should look for another.
func TestEncryptedKeyOfAnotherAlgorithm(t *testing.T) {
	p224 := openssl(t, "", "ecparam", "-name", "secp224r1", "-genkey", "-noout")
	_, err := x509text.ParsePrivateKey(openssl(t, p224, "pkcs8", "-topk8", "-passout", "pass:"+passphrase), passphrase)
	wantError(t, err, "the elliptic curve P-224 is not supported: use P-256, P-384 or P-521")
}

// The content of a block, as openssl has written it or not, under each name that a
// key can have.
func FuzzParsePrivateKey(f *testing.F) {
	if _, err := exec.LookPath("openssl"); err != nil {
		f.Skip(err)
	}
	names := []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"}
	plain, encrypted := opensslKeys(f)
	for _, passphrases := range []string{passphrase, "wrong passphrase", "passphrase", ""} {
		for _, keys := range []map[string]string{plain, encrypted} {
			for _, text := range keys {
				for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
					f.Add(block.Bytes, uint8(slices.Index(names, block.Type)), block.Headers["DEK-Info"], passphrases)
				}
			}
		}
	}
	f.Add([]byte("no key, and not to be repeated"), uint8(0), "", "")
	f.Add([]byte{0}, uint8(1), "AES-128-CBC,00", passphrase)
	f.Fuzz(func(t *testing.T, content []byte, name uint8, encryption, passphrase string) {
		block := &pem.Block{Type: names[int(name)%len(names)], Bytes: content}
		if encryption != "" {
			block.Headers = map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": encryption}
		}
		text := string(pem.EncodeToMemory(block))
		key, err := x509text.ParsePrivateKey(text, passphrase)
		if err != nil {
			wantNothingOf(t, err.Error(), text)
			if len(passphrase) > 8 && strings.Contains(err.Error(), passphrase) {
				// Unless it is a word that the error has anyway.
				if _, other := x509text.ParsePrivateKey(text, "another"); other == nil || !strings.Contains(other.Error(), passphrase) {
					t.Error("the error repeats the passphrase")
				}
			}
			return
		}
		written, err := x509text.EncodePrivateKey(key)
		if err != nil {
			t.Fatalf("a key that was read cannot be written: %v", err)
		}
		again, err := x509text.ParsePrivateKey(written, "")
		if err != nil || !samePublicKey(again.Public(), key.Public()) {
			t.Fatalf("a key that was written cannot be read: %v", err)
		}
		if twice, err := x509text.EncodePrivateKey(again); err != nil || twice != written {
			t.Errorf("a key that was read is written otherwise: %v", err)
		}
	})
}
