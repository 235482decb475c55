//go:build unix

package provider_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// TestImportErrors tries ids that cannot be imported. The error names
// the file, what is in it, and what to do.
func TestImportErrors(t *testing.T) {
	f := newForeignPKI(t, ecdsaKey(t), func(_, _, client *x509.Certificate) {
		client.Subject.CommonName = "ci"
	})
	other := newForeignPKI(t, ecdsaKey(t), nil)
	dir := func(name string) string { return f.path(name) }
	write := func(name, text string) {
		if err := os.WriteFile(dir(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) string {
		text, err := os.ReadFile(dir(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	write("empty.pem", "")
	write("text.pem", "not a certificate")
	write("huge.pem", strings.Repeat(read("ca.pem"), 1<<20/len(read("ca.pem"))+1))
	write("der.pem", string(f.root.Raw))
	write("utf16.pem", strings.Join(strings.Split(read("ca.pem"), ""), "\x00"))
	write("broken.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.root.Raw[:100]})))
	f.write(t, "request.pem", "CERTIFICATE REQUEST", nil)
	f.write(t, "ssh.pem", "OPENSSH PRIVATE KEY", []byte("secret"))
	if err := os.Mkdir(dir("directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(dir("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	encrypted := encryptedKey(t, "open sesame")
	write("encrypted.pem", encrypted)
	intermediate := sign(t, &x509.Certificate{SerialNumber: f.root.SerialNumber, Subject: f.server.Subject, NotBefore: foreignStart, NotAfter: f.root.NotAfter, IsCA: true, BasicConstraintsValid: true},
		f.root, other.root.PublicKey, f.key)
	f.write(t, "intermediate.pem", "CERTIFICATE", intermediate.Raw)
	f.writeKey(t, "other-key.pem", other.key)

	for _, test := range []struct {
		name, resource, id, passphrase string
		want                           []string
	}{
		{name: "one file", resource: tfsim.CA, id: "ca.pem", want: []string{"the id has 1 parts between commas: it must have the form CA_CERT_FILE,CA_KEY_FILE"}},
		{name: "four files", resource: tfsim.Server, id: "a,b,c,d", want: []string{"it must have the form CERT_FILE[,KEY_FILE[,CA_CERT_FILE]]"}},
		{name: "no file", resource: tfsim.CA, id: ",ca-key.pem", want: []string{"Part 1 of the id is empty"}},
		{name: "PEM", resource: tfsim.CA, id: "!" + read("ca-key.pem"), want: []string{"the names of files are expected", "consider it leaked"}},
		{name: "missing", resource: tfsim.CA, id: "nowhere.pem,ca-key.pem", want: []string{"nowhere.pem cannot be read: no such file or directory"}},
		{name: "home", resource: tfsim.CA, id: "!~/ca.pem,~/ca-key.pem", want: []string{"a shell expands ~ only at the beginning"}},
		{name: "directory", resource: tfsim.CA, id: "directory,ca-key.pem", want: []string{"is a directory"}},
		{name: "pipe", resource: tfsim.CA, id: "fifo,ca-key.pem", want: []string{"is not a regular file"}},
		{name: "device", resource: tfsim.CA, id: "!/dev/zero," + dir("ca-key.pem"), want: []string{"/dev/zero is not a regular file"}},
		{name: "huge", resource: tfsim.CA, id: "huge.pem,ca-key.pem", want: []string{"is larger than 1048576 bytes"}},
		{name: "empty", resource: tfsim.CA, id: "empty.pem,ca-key.pem", want: []string{"empty.pem contains nothing, where a certificate is expected"}},
		{name: "text", resource: tfsim.CA, id: "text.pem,ca-key.pem", want: []string{"text.pem contains no PEM block"}},
		{name: "DER", resource: tfsim.CA, id: "der.pem,ca-key.pem", want: []string{"contains DER and not PEM"}},
		{name: "UTF-16", resource: tfsim.CA, id: "utf16.pem,ca-key.pem", want: []string{"UTF-16 or binary data"}},
		{name: "broken", resource: tfsim.CA, id: "broken.pem,ca-key.pem", want: []string{"broken.pem: certificate 1 cannot be read"}},
		{name: "wrong order", resource: tfsim.CA, id: "ca-key.pem,ca.pem", want: []string{"ca-key.pem contains a private key, where a certificate is expected", "CA_CERT_FILE,CA_KEY_FILE"}},
		{name: "two certificates", resource: tfsim.CA, id: "ca.pem,server-cert.pem", want: []string{"server-cert.pem contains a certificate, where a private key is expected"}},
		{name: "request", resource: tfsim.Server, id: "request.pem,server-key.pem", want: []string{"contains a certificate request, where a certificate is expected"}},
		{name: "SSH key", resource: tfsim.CA, id: "ca.pem,ssh.pem", want: []string{"contains a private key of SSH"}},
		{name: "mismatch", resource: tfsim.CA, id: "ca.pem,server-key.pem", want: []string{"server-key.pem does not belong to a certificate in ", "ca.pem"}},
		{name: "mismatched leaf", resource: tfsim.Server, id: "server-cert.pem,client-key.pem", want: []string{"client-key.pem does not belong to a certificate in "}},
		{name: "no authority", resource: tfsim.CA, id: "server-cert.pem,server-key.pem", want: []string{"is not one of an authority"}},
		{name: "intermediate", resource: tfsim.CA, id: "intermediate.pem,other-key.pem", want: []string{"is not self-signed, but issued by"}},
		{name: "authority as a leaf", resource: tfsim.Server, id: "ca.pem,ca-key.pem", want: []string{"is one of an authority: import it as docker_tls_ca"}},
		{name: "client as a server", resource: tfsim.Server, id: "client-cert.pem,client-key.pem", want: []string{"is for a client only", "and a server's is expected"}},
		{name: "server as a client", resource: tfsim.Client, id: "server-cert.pem,server-key.pem", want: []string{"is for a server only"}},
		{name: "another authority", resource: tfsim.Server, id: "!" + dir("server-cert.pem") + "," + dir("server-key.pem") + "," + other.path("server-cert.pem"), want: []string{"was not issued by this authority"}},
		{name: "no passphrase", resource: tfsim.CA, id: "ca.pem,encrypted.pem", want: []string{"encrypted.pem contains an encrypted private key", "Set the environment variable DOCKER_TLS_IMPORT_PASSPHRASE"}},
		{name: "wrong passphrase", resource: tfsim.CA, id: "ca.pem,encrypted.pem", passphrase: "guess", want: []string{"the passphrase does not decrypt", "DOCKER_TLS_IMPORT_PASSPHRASE"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("DOCKER_TLS_IMPORT_PASSPHRASE", test.passphrase)
			id, literal := strings.CutPrefix(test.id, "!")
			if !literal {
				files := strings.Split(id, ",")
				for i, file := range files {
					if file != "" {
						files[i] = filepath.Join(f.dir, file)
					}
				}
				id = strings.Join(files, ",")
			}
			w := newWorld(t)
			err := w.Import(test.resource, id)
			if err == nil {
				t.Fatal("it was imported")
			}
			for _, want := range test.want {
				if !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
					t.Errorf("the error is %q, want %q in it", err, want)
				}
			}
			for _, secret := range []string{"BEGIN", "guess", strings.Split(read("ca-key.pem"), "\n")[1]} {
				if strings.Contains(err.Error(), secret) {
					t.Error("the error repeats a secret")
				}
			}
		})
	}
}

// encryptedKey is a private key with the headers of RFC 1421.
func encryptedKey(t *testing.T, passphrase string) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), []byte(passphrase), x509.PEMCipherAES256) //nolint:staticcheck // what old files have
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

// TestImportBundle imports an authority from a file of several
// certificates. The key says which one is current; others stay trusted, unless
// they are no authority or have expired.
func TestImportBundle(t *testing.T) {
	t.Parallel()
	current, older := newForeignPKI(t, ecdsaKey(t), nil), newForeignPKI(t, ecdsaKey(t), nil)
	expired := newForeignPKI(t, ecdsaKey(t), func(root, _, _ *x509.Certificate) {
		root.Subject.CommonName = "Expired CA"
		root.NotBefore, root.NotAfter = foreignStart.AddDate(-1, 0, 0), foreignStart
	})
	var bundle []byte
	for _, c := range []*x509.Certificate{older.root, current.server, expired.root, current.root} {
		bundle = append(bundle, "Certificate:\r\n    Data:\r\n        Version: 3 (0x2)\r\n"...)
		bundle = append(bundle, strings.ReplaceAll(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})), "\n", "\r\n")...)
	}
	if err := os.WriteFile(current.path("ca.pem"), append([]byte("\ufeff"), bundle...), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	expectWarnings(t, current.importInto(t, w), []string{`"host.example.com" in the same file is left out`, `"Expired CA" in the same file is left out`})
	w.MustBeEmpty(t)
	want := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: current.root.Raw})
	want = append(want, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: older.root.Raw})...)
	if w.Text(tfsim.CA, "cert_pem") != string(want) {
		t.Error("cert_pem is not the current root and then the other one")
	}
}

// TestImportWithoutKey imports a certificate whose key stays elsewhere:
// with the version of a key of one's own, the plan only records it.
func TestImportWithoutKey(t *testing.T) {
	t.Parallel()
	f, w := newForeignPKI(t, ecdsaKey(t), nil), newWorld(t)
	f.importInto(t, w)
	if err := w.Import(tfsim.Server, f.path("server-cert.pem")+",,"+f.path("ca.pem")); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(f.path("server-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	w.Config[tfsim.Server]["private_key_pem_wo"] = tfsim.String(string(key))
	w.MustFail(t, "Set private_key_pem_wo_version = 1")
	imported := w.State[tfsim.Server]
	w.Config[tfsim.Server]["private_key_pem_wo_version"] = tfsim.Int(1)
	p := w.MustPlan(t)
	w.MustBeKnown(t, p, tfsim.Server, "cert_pem", "serial_number", "content_sha256")
	w.MustApply(t, p)
	w.MustBeEmpty(t)

	// The same with the certificate request of a host.
	w.State[tfsim.Server] = imported
	delete(w.Config[tfsim.Server], "private_key_pem_wo")
	delete(w.Config[tfsim.Server], "private_key_pem_wo_version")
	signer, err := x509text.ParsePrivateKey(string(key), "")
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, signer)
	if err != nil {
		t.Fatal(err)
	}
	w.Config[tfsim.Server]["cert_request_pem"] = tfsim.String(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request})))
	p = w.MustPlan(t)
	w.MustBeKnown(t, p, tfsim.Server, "cert_pem", "serial_number", "content_sha256")
	w.MustApply(t, p)
	w.MustBeEmpty(t)
}

// TestImportSecrets imports an authority whose key is not to stay in the
// state as it is: the first apply encrypts it, or removes it, and the root stays.
func TestImportSecrets(t *testing.T) {
	t.Parallel()
	f := newForeignPKI(t, ecdsaKey(t), nil)
	key, err := x509text.EncodePrivateKey(f.key)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		config  tfsim.Values
		secrets tfsim.Values
		stored  string
	}{
		"passphrase": {tfsim.Values{"private_key_passphrase_wo": tfsim.String("secret"), "private_key_passphrase_wo_version": tfsim.Int(1)},
			tfsim.Values{"private_key_passphrase": tfsim.String("secret")}, "ENCRYPTED PRIVATE KEY"},
		"own key": {tfsim.Values{"private_key_pem_wo": tfsim.String(key), "private_key_pem_wo_version": tfsim.Int(1)},
			tfsim.Values{"private_key_pem": tfsim.String(key)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			f.importInto(t, w)
			w.Config[tfsim.CA], w.Secrets = test.config, test.secrets
			p := w.MustPlan(t)
			w.MustBeKnown(t, p, tfsim.CA, "cert_pem", "serial_number")
			w.MustApply(t, p)
			w.MustBeEmpty(t)
			if stored := w.Text(tfsim.CA, "private_key_pem"); !strings.Contains(stored, test.stored) || test.stored == "" && stored != "" {
				t.Error("the state holds the key in another form")
			}
			w.MustVerify(t, f.root)
		})
	}
}
