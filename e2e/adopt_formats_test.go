package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestImportFormats imports authorities from every form of key and certificate that openssl writes, and nothing is
// left to do.
func TestImportFormats(t *testing.T) {
	t.Parallel()
	openssl := tool(t, "openssl")
	dir := t.TempDir()
	run := func(t *testing.T, line string) {
		t.Helper()
		args := strings.Fields(line)
		if r := (invocation{path: openssl, args: args, dir: dir, env: []string{"PASSPHRASE=" + guidePassphrase}}).run(); r.err != nil {
			t.Fatalf("openssl %s: %v\n%s", line, r.err, r.stderr)
		}
	}
	run(t, "genrsa -out rsa.pem 2048")
	run(t, "req -new -x509 -days 365 -key rsa.pem -subj /CN=RSA -out rsa-ca.pem")
	run(t, "ecparam -name prime256v1 -genkey -out ec.pem") // with a block of EC PARAMETERS
	run(t, "req -new -x509 -days 365 -key ec.pem -subj /CN=EC -out ec-ca.pem")
	run(t, "genpkey -algorithm ed25519 -out ed25519.pem")
	run(t, "req -new -x509 -days 365 -key ed25519.pem -subj /CN=Ed25519 -out ed25519-ca.pem")
	for _, test := range []struct{ name, key, cert, make string }{
		{"PKCS#1", "key.pem", "rsa-ca.pem", "rsa -in rsa.pem -traditional -out key.pem"},
		{"PKCS#8", "rsa.pem", "rsa-ca.pem", ""},
		{"SEC 1 with EC PARAMETERS", "ec.pem", "ec-ca.pem", ""},
		{"Ed25519", "ed25519.pem", "ed25519-ca.pem", ""},
		{"legacy, DES", "key.pem", "rsa-ca.pem", "rsa -in rsa.pem -traditional -des3 -passout env:PASSPHRASE -out key.pem"},
		{"legacy, AES", "key.pem", "rsa-ca.pem", "rsa -in rsa.pem -traditional -aes256 -passout env:PASSPHRASE -out key.pem"},
		{"legacy, EC", "key.pem", "ec-ca.pem", "ec -in ec.pem -aes128 -passout env:PASSPHRASE -out key.pem"},
		{"encrypted PKCS#8, AES", "key.pem", "rsa-ca.pem", "pkcs8 -topk8 -in rsa.pem -v2 aes-256-cbc -passout env:PASSPHRASE -out key.pem"},
		{"encrypted PKCS#8, AES and SHA-1", "key.pem", "rsa-ca.pem", "pkcs8 -topk8 -in rsa.pem -v2 aes-256-cbc -v2prf hmacWithSHA1 -passout env:PASSPHRASE -out key.pem"},
		{"encrypted PKCS#8, DES", "key.pem", "ec-ca.pem", "pkcs8 -topk8 -in ec.pem -v2 des3 -passout env:PASSPHRASE -out key.pem"},
		{"text before the certificate", "rsa.pem", "text.pem", "x509 -in rsa-ca.pem -text -out text.pem"},
		{"SHA-1", "rsa.pem", "sha1.pem", "req -new -x509 -days 365 -sha1 -key rsa.pem -subj /CN=SHA1 -out sha1.pem"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.make != "" {
				run(t, test.make)
			}
			w := writeWorkspace(t, map[string]string{"main.tf": providerSource + "resource \"docker_tls_ca\" \"this\" {}\n"})
			log := filepath.Join(w.dir, "log")
			env := append([]string{"TF_LOG=TRACE", "TF_LOG_PATH=" + log}, passphrase...)
			if r := w.runWith(env, "import", "docker_tls_ca.this", filepath.Join(dir, test.cert)+","+filepath.Join(dir, test.key)); r.err != nil {
				t.Fatalf("import: %v\n%s", r.err, r.all())
			}
			checkEmpty(t, w)
			logged, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(logged), "PRIVATE KEY--") || strings.Contains(string(logged), guidePassphrase) {
				t.Error("the log shows the key or its passphrase")
			}
			state, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfstate"))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(state), "-----BEGIN PRIVATE KEY-----") {
				t.Error("the state does not hold the key as unencrypted PKCS#8")
			}
		})
	}
}

// TestImportUnsupportedEncryption tries the encryptions that are not read. The error says how to convert the key, and
// does not blame the passphrase.
func TestImportUnsupportedEncryption(t *testing.T) {
	t.Parallel()
	openssl := tool(t, "openssl")
	w := writeWorkspace(t, map[string]string{"main.tf": providerSource + "resource \"docker_tls_ca\" \"this\" {}\n"})
	run := func(t *testing.T, line string) {
		t.Helper()
		r := invocation{path: openssl, args: strings.Fields(line), dir: w.dir, env: []string{"PASSPHRASE=" + guidePassphrase}}.run()
		if r.err != nil {
			t.Fatalf("openssl %s: %v\n%s", line, r.err, r.stderr)
		}
	}
	run(t, "ecparam -name prime256v1 -genkey -noout -out key.pem")
	run(t, "req -new -x509 -days 365 -key key.pem -subj /CN=CA -out ca.pem")
	for name, options := range map[string]string{
		"PKCS#12": "-v1 PBE-SHA1-3DES",
		"scrypt":  "-scrypt",
		"SHA-512": "-v2 aes-256-cbc -v2prf hmacWithSHA512",
	} {
		t.Run(name, func(t *testing.T) {
			run(t, "pkcs8 -topk8 -in key.pem "+options+" -passout env:PASSPHRASE -out ca-key.pem")
			r := w.runWith(passphrase, "import", "docker_tls_ca.this", "ca.pem,ca-key.pem")
			if said := strings.Join(strings.Fields(r.stderr), " "); r.err == nil || !strings.Contains(said, "The file ca-key.pem contains an encrypted private key") || !strings.Contains(said, "openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256") {
				t.Errorf("import: %v\n%s", r.err, r.all())
			}
			run(t, "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in ca-key.pem -passin env:PASSPHRASE -passout env:PASSPHRASE -out converted.pem")
		})
	}
	if r := w.runWith(passphrase, "import", "docker_tls_ca.this", "ca.pem,converted.pem"); r.err != nil {
		t.Errorf("import of a converted key: %v\n%s", r.err, r.all())
	}
}

// TestImportOldSignatures imports certificates that are signed as nobody accepts any more. The plan is empty, and the
// warnings name what is to be mended.
func TestImportOldSignatures(t *testing.T) {
	t.Parallel()
	openssl := tool(t, "openssl")
	w := writeWorkspace(t, map[string]string{
		"main.tf": providerSource + `
resource "docker_tls_ca" "this" {}

resource "docker_tls_server_cert" "host" {
  ca        = docker_tls_ca.this
  dns_names = ["host.example.com"]
}
`,
		"ca.cnf":     "[req]\ndistinguished_name = dn\nprompt = no\nx509_extensions = ext\n[dn]\nCN = Old CA\n[ext]\nbasicConstraints = critical, CA:TRUE, pathlen:0\nsubjectKeyIdentifier = none\n",
		"server.cnf": "subjectAltName = DNS:host.example.com\nextendedKeyUsage = serverAuth\n",
	})
	for _, line := range []string{
		"genrsa -out ca-key.pem 1024",
		"req -new -x509 -md5 -days 365 -key ca-key.pem -config ca.cnf -out ca.pem",
		"genrsa -out key.pem 2048",
		"req -new -key key.pem -subj /CN=host.example.com -out server.csr",
		"x509 -req -sha1 -days 3650 -in server.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -extfile server.cnf -out cert.pem",
	} {
		if r := (invocation{path: openssl, args: strings.Fields(line), dir: w.dir}).run(); r.err != nil {
			t.Fatalf("openssl %s: %v\n%s", line, r.err, r.stderr)
		}
	}
	for _, test := range []struct {
		address, id string
		warns       []string
	}{
		{"docker_tls_ca.this", "ca.pem,ca-key.pem", []string{"signed with MD5-RSA", "RSA key has 1024 bits", "no keyUsage", "no subjectKeyIdentifier", "path length is 0"}},
		{"docker_tls_server_cert.host", "cert.pem,key.pem,ca.pem", []string{"signed with SHA1-RSA, which current programs", "no keyUsage", "outlives its authority"}},
	} {
		r := w.runWith(nil, "import", test.address, test.id)
		if r.err != nil {
			t.Fatalf("import %s: %v\n%s", test.address, r.err, r.all())
		}
		said := strings.Join(strings.Fields(r.stdout), " ")
		if n := strings.Count(said, " - it"); n > len(test.warns) || strings.Count(said, "Warning: ") != 1 {
			t.Errorf("the import of %s warns of more:\n%s", test.address, r.stdout)
		}
		for _, want := range test.warns {
			if !strings.Contains(said, want) {
				t.Errorf("the import of %s does not warn of %q:\n%s", test.address, want, r.stdout)
			}
		}
	}
	checkEmpty(t, w)
}
