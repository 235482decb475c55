package pki_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

func TestKeysOfEveryAlgorithm(t *testing.T) {
	for _, algorithm := range pki.KeyAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			key := keyOf(t, algorithm)
			text, err := pki.EncodePrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			if block, rest := pem.Decode([]byte(text)); block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
				t.Fatal("not one block of PKCS#8")
			}
			if pki.Encrypted(text) {
				t.Error("taken for encrypted")
			}
			parsed, err := pki.ParsePrivateKey(text, "")
			if err != nil {
				t.Fatal(err)
			}
			if !pki.SamePublicKey(parsed.Public(), key.Public()) {
				t.Error("another key is read back")
			}
			if got, err := pki.KeyAlgorithmOf(parsed.Public()); err != nil || got != algorithm {
				t.Errorf("algorithm %q, %v", got, err)
			}
			if err := pki.CheckKey(parsed.Public()); err != nil {
				t.Error(err)
			}
			openssl(t, text, "pkey", "-noout", "-check")
		})
	}
}

func TestUnknownKeyAlgorithm(t *testing.T) {
	_, err := pki.KeyAlgorithm("DSA_1024").Generate()
	wantError(t, err, `unknown key algorithm "DSA_1024": use one of [ECDSA_P256 ECDSA_P384 ECDSA_P521 RSA_2048 RSA_3072 RSA_4096 ED25519]`)
}

func TestSamePublicKey(t *testing.T) {
	a := keyOf(t, pki.ECDSAP256).Public()
	for name, other := range map[string]crypto.PublicKey{
		"another key":       newKey(t).Public(),
		"another algorithm": keyOf(t, pki.Ed25519).Public(),
		"nothing":           nil,
	} {
		if pki.SamePublicKey(a, other) || pki.SamePublicKey(other, a) {
			t.Errorf("the same as %s", name)
		}
	}
}

func TestCheckKeyRefuses(t *testing.T) {
	short, err := pki.ParsePrivateKey(openssl(t, "", "genrsa", "1024"), "")
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		key  crypto.PublicKey
		want string
	}{
		"a short RSA key": {short.Public(), "an RSA key of 1024 bits is too short: use at least 2048"},
		"P-224":           {p224.Public(), "the elliptic curve P-224 is not supported: use P-256, P-384 or P-521"},
		"no key at all":   {nil, "keys of type <nil> are not supported: use ECDSA, RSA or Ed25519"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, pki.CheckKey(test.key), test.want) })
	}
	if algorithm, err := pki.KeyAlgorithmOf(short.Public()); algorithm != "RSA_1024" || err != nil {
		t.Errorf("a short RSA key is called %q, %v", algorithm, err)
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
		key, err := pki.ParsePrivateKey(text, passphrase)
		if err != nil {
			t.Fatal(err)
		}
		written, err := pki.EncodePrivateKey(key)
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
			if pki.Encrypted(text) {
				t.Error("taken for encrypted")
			}
		})
	}
	for form, text := range encrypted {
		t.Run(form, func(t *testing.T) {
			check(t, text, passphrase)
			if !pki.Encrypted(text) {
				t.Error("not seen to be encrypted")
			}
			if _, err := pki.ParsePrivateKey(text, ""); !errors.Is(err, pki.ErrPassphraseMissing) {
				t.Errorf("without a passphrase: %v", err)
			}
			for _, wrong := range []string{"wrong", passphrase + " ", strings.ToUpper(passphrase)} {
				if _, err := pki.ParsePrivateKey(text, wrong); !errors.Is(err, pki.ErrPassphraseWrong) {
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
		if _, err := pki.ParsePrivateKey(text, wrong); !errors.Is(err, pki.ErrPassphraseWrong) {
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
			_, err := pki.ParsePrivateKey(string(pem.EncodeToMemory(block)), passphrase)
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
				if _, err := pki.ParsePrivateKey(string(pem.EncodeToMemory(block)), passphrase); err == nil && header == "DEK-Info" {
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
		if _, err := pki.ParsePrivateKey(string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der})), passphrase); err == nil {
			t.Errorf("cut to %d of %d octets: no error", cut, len(whole))
		}
	}
}

func TestParsePrivateKeyRefuses(t *testing.T) {
	p224 := openssl(t, "", "ecparam", "-name", "secp224r1", "-genkey", "-noout")
	root := newGeneration(t, pki.RootRequest{}, issued).root()
	for name, test := range map[string]struct{ text, want string }{
		"nothing":            {"", "no private key found: a PEM text that begins with -----BEGIN PRIVATE KEY----- is expected"},
		"a path":             {"/etc/docker/key.pem", "no private key found: a PEM text that begins with -----BEGIN PRIVATE KEY----- is expected"},
		"a certificate only": {pki.EncodeCertificates(root), "no private key found: a PEM text that begins with -----BEGIN PRIVATE KEY----- is expected"},
		"a public key":       {openssl(t, p224, "pkey", "-pubout"), `a PEM block of type "PUBLIC KEY" is not a private key that can be used here`},
		"P-224":              {p224, "the elliptic curve P-224 is not supported: use P-256, P-384 or P-521"},
		"an unknown curve":   {openssl(t, "", "ecparam", "-name", "secp256k1", "-genkey", "-noout"), "the private key cannot be read: its content is damaged or of an unsupported algorithm"},
		"X25519":             {openssl(t, "", "genpkey", "-algorithm", "x25519"), "a private key of type *ecdh.PrivateKey cannot sign: use ECDSA, RSA or Ed25519"},
		"not DER":            {string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")})), "the private key cannot be read: its content is damaged or of an unsupported algorithm"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pki.ParsePrivateKey(test.text, "")
			wantError(t, err, test.want)
		})
	}
}

func TestKeyAfterCertificate(t *testing.T) {
	authority := newGeneration(t, pki.RootRequest{}, issued)
	text, err := pki.EncodePrivateKey(authority.key)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.ParsePrivateKey(pki.EncodeCertificates(authority.root())+text, "")
	if err != nil || !pki.SamePublicKey(key.Public(), authority.key.Public()) {
		t.Errorf("the key behind a certificate is not found: %v", err)
	}
	// The first key counts, also for whether a passphrase is needed.
	encrypted, err := pki.EncryptPrivateKey(authority.key, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	if pki.Encrypted(text+encrypted) || !pki.Encrypted(encrypted+text) {
		t.Error("another key than the first one says whether a passphrase is needed")
	}
}

func FuzzParsePrivateKey(f *testing.F) {
	if _, err := exec.LookPath("openssl"); err != nil {
		f.Skip(err)
	}
	plain, encrypted := opensslKeys(f)
	for _, text := range plain {
		f.Add(text, "")
	}
	for _, text := range encrypted {
		f.Add(text, passphrase)
		f.Add(text, "wrong")
	}
	f.Add("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", passphrase)
	f.Fuzz(func(t *testing.T, text, passphrase string) {
		key, err := pki.ParsePrivateKey(text, passphrase)
		if err != nil {
			return
		}
		written, err := pki.EncodePrivateKey(key)
		if err != nil {
			t.Fatalf("a key that was read cannot be written: %v", err)
		}
		if again, err := pki.ParsePrivateKey(written, ""); err != nil || !pki.SamePublicKey(again.Public(), key.Public()) {
			t.Errorf("a key that was written cannot be read: %v", err)
		}
	})
}
