package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// guideBlock is a step of a guide: a file, which its first line names in a comment, or commands.
var guideBlock = regexp.MustCompile("(?ms)^```(hcl|sh)\n(.*?)^```$")

// fileName is the first line of a file in a guide.
var fileName = regexp.MustCompile(`^# (\S+\.tf)\n`)

// follow does in the workspace what a guide says, step by step and as printed, and returns what each command block
// printed.
func (w workspace) follow(t *testing.T, guide string, env ...string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "templates", "guides", guide+".md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	path := w.path(t)
	var printed []string
	for _, block := range guideBlock.FindAllStringSubmatch(string(text), -1) {
		if block[1] == "hcl" {
			name := fileName.FindStringSubmatch(block[2])
			if name == nil {
				t.Fatalf("a file of the guide has no name:\n%s", block[2])
			}
			if err := os.WriteFile(filepath.Join(w.dir, name[1]), []byte(block[2]), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		r := invocation{path: tool(t, "bash"), args: []string{"-euc", block[2]}, dir: w.dir, env: slices.Concat(w.command().env, []string{path}, env)}.run()
		if r.err != nil {
			t.Fatalf("%v\n%s\n%s", r.err, block[2], r.all())
		}
		printed = append(printed, r.stdout)
	}
	return printed
}

// path is a PATH where the Terraform that is tested is called terraform, even if it is OpenTofu.
func (w workspace) path(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	if err := os.Symlink(w.terraform, filepath.Join(bin, "terraform")); err != nil {
		t.Fatal(err)
	}
	return "PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH")
}

// TestGuideFromOpenSSL follows the guide with the files of Docker's.
func TestGuideFromOpenSSL(t *testing.T) {
	t.Parallel()
	dir := editions[len(editions)-1].run(t, "docker.example.com")
	w := workspace{findTerraform(t), dir}
	if err := os.WriteFile(filepath.Join(dir, "passphrase"), []byte(guidePassphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	printed := w.follow(t, "from-openssl")
	for i, want := range []string{"Import successful!", "No changes.", "1 added, 0 changed, 0 destroyed", "0 added, 4 changed, 0 destroyed", "Successfully removed 1"} {
		if !strings.Contains(printed[i], want) {
			t.Errorf("step %d does not say %q:\n%s", i+1, want, printed[i])
		}
	}
}

// TestGuideFromTLS follows the guide with a state as hashicorp/tls writes it. Terraform wants to start that provider,
// which only a registry has, because the state names it, but asks it for nothing: the provider under test stands in.
func TestGuideFromTLS(t *testing.T) {
	t.Parallel()
	openssl := tool(t, "openssl")
	w := workspace{findTerraform(t), t.TempDir()}
	if r := (invocation{path: openssl, dir: w.dir, args: strings.Fields("req -x509 -newkey rsa:2048 -noenc -keyout key.pem -out cert.pem -subj /O=Example/CN=CA -days 1826")}).run(); r.err != nil {
		t.Fatalf("openssl req: %v\n%s", r.err, r.stderr)
	}
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	var attributes map[string]any
	if err := json.Unmarshal([]byte(read("../internal/provider/testdata/tls_self_signed_cert-4.json")), &attributes); err != nil {
		t.Fatal(err)
	}
	attributes["cert_pem"], attributes["private_key_pem"] = read(filepath.Join(w.dir, "cert.pem")), read(filepath.Join(w.dir, "key.pem"))
	state, err := json.Marshal(map[string]any{"version": 4, "serial": 1, "lineage": "test", "resources": []any{map[string]any{
		"mode": "managed", "type": "tls_self_signed_cert", "name": "ca", "provider": `provider["registry.terraform.io/hashicorp/tls"]`,
		"instances": []any{map[string]any{"schema_version": 0, "attributes": attributes}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "terraform.tfstate"), state, 0o600); err != nil {
		t.Fatal(err)
	}
	standIn := t.TempDir()
	if err := os.Symlink(filepath.Join(providerBuild, "terraform-provider-docker-tls"), filepath.Join(standIn, "terraform-provider-tls")); err != nil {
		t.Fatal(err)
	}
	settings := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"seed-2716f8bf/docker-tls\" = %q\n    \"hashicorp/tls\" = %q\n  }\n  direct {}\n}\n", providerBuild, standIn)
	if err := os.WriteFile(filepath.Join(standIn, "terraform.rc"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	printed := w.follow(t, "from-hashicorp-tls", "TF_CLI_CONFIG_FILE="+filepath.Join(standIn, "terraform.rc"))
	for i, want := range []string{"Plan: 0 to add, 0 to change, 0 to destroy.", "0 added, 0 changed, 0 destroyed", "2 added, 0 changed, 0 destroyed"} {
		if !strings.Contains(printed[i], want) {
			t.Errorf("step %d does not say %q:\n%s", i+1, want, printed[i])
		}
	}
	if !strings.Contains(printed[0], "tls_self_signed_cert.ca has moved to docker_tls_ca.this") {
		t.Errorf("the plan does not move the authority:\n%s", printed[0])
	}
}

// TestGuideDockerPrograms applies the guide's configuration: its files are where the programs look for them.
func TestGuideDockerPrograms(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "templates", "guides", "docker-programs.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"main.tf": providerSource + examplePKI}
	for i, block := range guideBlock.FindAllStringSubmatch(string(text), -1) {
		if block[1] == "hcl" {
			files[fmt.Sprintf("block%d.tf", i)] = block[2]
		}
	}
	w := writeWorkspace(t, files)
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"dind":     {"ca/cert.pem", "client/ca.pem", "client/cert.pem", "client/key.pem", "server/ca.pem", "server/cert.pem", "server/key.pem"},
		"registry": {"ca.crt", "domain.crt", "domain.key"},
		"certs_d":  {"registry.example.com:5000/ca.crt", "registry.example.com:5000/client.cert", "registry.example.com:5000/client.key"},
	} {
		if got := slices.Sorted(maps.Keys(output[map[string]string](t, w, name))); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
}

// TestGuideFromDockerMachine follows the guide with files as docker-machine makes them.
func TestGuideFromDockerMachine(t *testing.T) {
	t.Parallel()
	w := workspace{findTerraform(t), t.TempDir()} // which is HOME
	writeDockerMachine(t, filepath.Join(w.dir, ".docker", "machine"))
	printed := w.follow(t, "from-docker-machine")
	for i, want := range []string{"Import successful!", "No changes.", "1 added, 0 changed, 0 destroyed", "Successfully removed 1"} {
		if !strings.Contains(printed[i], want) {
			t.Errorf("step %d does not say %q:\n%s", i+1, want, printed[i])
		}
	}
}

// writeDockerMachine writes what docker-machine keeps of one machine: names with nothing but an organisation, keys in
// PKCS#1, and a server certificate that is a client's as well.
func writeDockerMachine(t *testing.T, dir string) {
	t.Helper()
	begin := time.Now().Truncate(time.Minute).Add(-5 * time.Minute)
	template := func(n int64, organization string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(n), Subject: pkix.Name{Organization: []string{organization}}, NotBefore: begin, NotAfter: begin.AddDate(0, 0, 1080),
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement, BasicConstraintsValid: true,
		}
	}
	write := func(path, kind string, der []byte) {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	issue := func(name string, template, parent *x509.Certificate, authority *rsa.PrivateKey) *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		if authority == nil {
			authority = key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), authority)
		if err != nil {
			t.Fatal(err)
		}
		write(fmt.Sprintf("%s.pem", name), "CERTIFICATE", der)
		write(fmt.Sprintf("%s-key.pem", name), "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
		return key
	}
	ca := template(1, "joe")
	ca.IsCA, ca.KeyUsage = true, ca.KeyUsage|x509.KeyUsageCertSign
	key := issue("certs/ca", ca, ca, nil)
	server := template(2, "joe.default")
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	server.IPAddresses, server.DNSNames = []net.IP{net.IPv4(192, 168, 99, 100)}, []string{"localhost"}
	issue("machines/default/server", server, ca, key)
}
