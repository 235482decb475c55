package e2e

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// keyWays are the sections of the guide on private keys, with the variables that each takes.
var keyWays = []struct {
	name      string
	variables func(keys map[string]string) map[string]any
}{
	{"Managed", nil},
	{"Encrypted authority", func(map[string]string) map[string]any { return map[string]any{"passphrase": secretPassphrase} }},
	{"Keys from a secret store", func(keys map[string]string) map[string]any { return map[string]any{"keys": keys} }},
	{"Keys that stay on their hosts", nil},
	{"Nothing at all", func(keys map[string]string) map[string]any { return map[string]any{"ca_key": keys["ca"]} }},
}

const secretPassphrase = "correct horse battery staple"

// TestPrivateKeysGuide applies each way of the guide as printed, counts the private keys in the state and in a saved
// plan, and compares the counts with the guide's table.
func TestPrivateKeysGuide(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.FromSlash("../docs/guides/private-keys.md"))
	if err != nil {
		t.Fatal(err)
	}
	guide := string(text)
	for _, terraform := range terraforms(t) {
		for _, way := range keyWays {
			t.Run(filepath.Base(terraform)+", "+way.name, func(t *testing.T) {
				row := regexp.MustCompile(`(?m)^\| \[` + way.name + `\]\(#\S+\) \| (.*?) \| (.*?) \|$`).FindStringSubmatch(guide)
				_, section, found := strings.Cut(guide, "\n## "+way.name+"\n")
				if row == nil || !found {
					t.Fatal("the guide has no such row, or no such section")
				}
				section, _, _ = strings.Cut(section, "\n## ")
				w := workspace{terraform, t.TempDir()}
				makeRequests(t, w, guide)
				keys := makeKeys(t)
				given := []string{secretPassphrase}
				for _, key := range keys {
					given = append(given, key)
				}
				if err := os.WriteFile(filepath.Join(w.dir, "main.tf"), []byte(providerSource+firstHCL.FindStringSubmatch(section)[1]), 0o600); err != nil {
					t.Fatal(err)
				}
				if way.variables != nil {
					variables, err := json.Marshal(way.variables(keys))
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(w.dir, "secrets.auto.tfvars.json"), variables, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.apply(); err != nil {
					t.Fatal(err)
				}
				// A plan that has something to do holds the state so far too.
				if out, err := w.run("plan", "-input=false", "-out=saved.plan", "-replace=docker_tls_server_cert.web1"); err != nil {
					t.Fatal(err)
				} else if strings.Contains(out, "PRIVATE KEY") || strings.Contains(out, secretPassphrase) {
					t.Error("the text of the plan shows a secret")
				}
				for column, file := range map[int]string{1: "terraform.tfstate", 2: "saved.plan"} {
					content := readThrough(t, filepath.Join(w.dir, file))
					if count := countPrivateKeys(content); count != row[column] {
						t.Errorf("%s holds %s private keys, and the guide says %s", file, count, row[column])
					}
					for _, secret := range given {
						if holdsSecret(content, secret) {
							t.Errorf("%s holds a secret that was given", file)
						}
					}
				}
			})
		}
	}
}

// TestEncryptedKeyIsReadable has openssl read the encrypted key of the state.
func TestEncryptedKeyIsReadable(t *testing.T) {
	t.Parallel()
	openssl := tool(t, "openssl")
	w := writeWorkspace(t, map[string]string{"main.tf": providerSource + `
resource "docker_tls_ca" "this" {
  private_key_passphrase_wo         = "` + secretPassphrase + `"
  private_key_passphrase_wo_version = 1
}
output "key" {
  value     = docker_tls_ca.this.private_key_pem
  sensitive = true
}`})
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	key, err := w.run("output", "-raw", "key")
	if err != nil {
		t.Fatal(err)
	}
	for passphrase, reads := range map[string]bool{secretPassphrase: true, "another": false} {
		r := invocation{path: openssl, args: []string{"pkey", "-passin", "env:PASSPHRASE", "-noout", "-check"}, env: []string{"PASSPHRASE=" + passphrase}, stdin: key}.run()
		if (r.err == nil) != reads {
			t.Errorf("openssl reads the key: %v, want %v\n%s", r.err == nil, reads, r.all())
		}
	}
	// RFC 8018: PBES2 with AES-256 and PBKDF2; 0927C0 is 600,000.
	r := invocation{path: openssl, args: []string{"asn1parse", "-i"}, stdin: key}.run()
	for _, part := range []string{"PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc", "0927C0"} {
		if !strings.Contains(r.stdout, part) {
			t.Errorf("the encryption lacks %s:\n%s", part, r.all())
		}
	}
}

// TestHoldsSecret proves that the search can find something.
func TestHoldsSecret(t *testing.T) {
	t.Parallel()
	key := makeKeys(t)["ca"]
	block, _ := pem.Decode([]byte(key))
	for _, content := range []string{key, fmt.Sprintf("%q", key), string(block.Bytes), hex.EncodeToString(block.Bytes), base64.StdEncoding.EncodeToString([]byte(secretPassphrase))} {
		if !holdsSecret([]byte("{"+content+"}"), key) && !holdsSecret([]byte("{"+content+"}"), secretPassphrase) {
			t.Error("the search does not find the secret")
		}
	}
	if holdsSecret([]byte(key), secretPassphrase) {
		t.Error("the search finds what is not there")
	}
}

// terraforms are the programs to prove the guide with: Terraform, and OpenTofu where it is on PATH.
func terraforms(t *testing.T) []string {
	t.Helper()
	list := []string{findTerraform(t)}
	if tofu, err := exec.LookPath("tofu"); err == nil {
		list = append(list, tofu)
	}
	return list
}

// makeRequests runs the commands of the guide, which make certificate requests.
func makeRequests(t *testing.T, w workspace, guide string) {
	t.Helper()
	commands := regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindStringSubmatch(guide)
	if commands == nil {
		t.Fatal("the guide has no commands")
	}
	if r := (invocation{path: "/bin/sh", args: []string{"-ec", commands[1]}, dir: w.dir}).run(); r.err != nil {
		t.Fatalf("%v\n%s", r.err, r.all())
	}
}

// makeKeys makes keys for a secret store, by name.
func makeKeys(t *testing.T) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for _, name := range []string{"ca", "web1", "ci"} {
		r := invocation{path: tool(t, "openssl"), args: []string{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}}.run()
		if r.err != nil {
			t.Fatal(r.err)
		}
		keys[name] = r.stdout
	}
	return keys
}

// readThrough reads a file; of a zip archive, as a saved plan is one, what is in it.
func readThrough(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return content
	}
	var all bytes.Buffer
	for _, entry := range archive.File {
		r, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&all, r); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all.Bytes()
}

var privateKeyBlock = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s]+-----END [A-Z ]*PRIVATE KEY-----`)

// countPrivateKeys counts the different private keys of a text in the words of the guide's table.
func countPrivateKeys(content []byte) string {
	clear, encrypted := map[string]bool{}, map[string]bool{}
	for _, text := range privateKeyBlock.FindAll(bytes.ReplaceAll(content, []byte(`\n`), []byte("\n")), -1) {
		if block, _ := pem.Decode(text); block != nil && block.Type == "ENCRYPTED PRIVATE KEY" {
			encrypted[string(block.Bytes)] = true
		} else if block != nil {
			clear[string(block.Bytes)] = true
		}
	}
	if len(encrypted) == 0 {
		return fmt.Sprint(len(clear))
	}
	return fmt.Sprintf("%d, and %d encrypted", len(clear), len(encrypted))
}

// holdsSecret looks for a secret text, or the key in it, as it is, in base64 and in hex, whatever the lines.
func holdsSecret(content []byte, secret string) bool { return holdsInLine(inLine(content), secret) }

// inLine takes the ends of lines out of a text, as they are and as JSON writes them.
func inLine(content []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(content, []byte("\n"), nil), []byte(`\n`), nil)
}

// holdsInLine is holdsSecret for a text that inLine returned: for many secrets in one long text.
func holdsInLine(content []byte, secret string) bool {
	raw := []byte(secret)
	if block, _ := pem.Decode(raw); block != nil {
		at := len(block.Bytes) / 4 // within the private part, which a certificate does not show
		if block.Type == "ENCRYPTED PRIVATE KEY" {
			at *= 3 // behind the parameters, which others share
		}
		raw = block.Bytes[at : at+24]
	}
	forms := [][]byte{raw, []byte(hex.EncodeToString(raw))}
	for shift := range 3 { // wherever it begins in a longer base64 text
		if part := raw[shift:]; len(part) >= 9 {
			forms = append(forms, []byte(base64.StdEncoding.EncodeToString(part[:len(part)/3*3])))
		}
	}
	for _, form := range forms {
		if bytes.Contains(content, form) {
			return true
		}
	}
	return false
}
