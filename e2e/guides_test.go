package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
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
	return w.followWith(t, guide, func(int) {}, env...)
}

// followWith is follow, and calls before ahead of each command block, with its number.
func (w workspace) followWith(t *testing.T, guide string, before func(step int), env ...string) []string {
	t.Helper()
	var printed []string
	for _, step := range guideSteps(t, guide) {
		if step[0] == "sh" {
			before(len(printed))
		}
		if out, ran := w.step(t, step, env...); ran {
			printed = append(printed, out)
		}
	}
	return printed
}

// guideSteps are the steps of a guide, each the word and the text of a block.
func guideSteps(t *testing.T, guide string) [][]string {
	t.Helper()
	var steps [][]string
	for _, block := range guideBlock.FindAllStringSubmatch(guideText(t, guide), -1) {
		steps = append(steps, block[1:])
	}
	return steps
}

// step writes the file of a step, or runs its commands and returns what they printed.
func (w workspace) step(t *testing.T, step []string, env ...string) (printed string, ran bool) {
	t.Helper()
	if step[0] == "hcl" {
		name := fileName.FindStringSubmatch(step[1])
		if name == nil {
			t.Fatalf("a file of the guide has no name:\n%s", step[1])
		}
		path := filepath.Join(w.dir, name[1])
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(step[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		return "", false
	}
	r := invocation{path: tool(t, "bash"), args: []string{"-euc", step[1]}, dir: w.dir, env: slices.Concat(w.command().env, []string{w.path(t)}, env)}.run()
	if r.err != nil {
		t.Fatalf("%v\n%s\n%s", r.err, step[1], r.all())
	}
	return r.stdout, true
}

// guideText is a guide as it is written.
func guideText(t *testing.T, guide string) string {
	t.Helper()
	return readText(t, filepath.Join("..", "templates", "guides", guide+".md.tmpl"))
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
	if !strings.Contains(printed[2], "Recorded, and nothing rotates") {
		t.Errorf("the first triggers are not recorded:\n%s", printed[2])
	}
	for i, want := range []string{"Import successful!", "No changes.", "1 added, 1 changed, 0 destroyed", "0 added, 4 changed, 0 destroyed", "Successfully removed 1"} {
		if !strings.Contains(printed[i], want) {
			t.Errorf("step %d does not say %q:\n%s", i+1, want, printed[i])
		}
	}
}

// tlsProvider is the program of hashicorp/tls.
func tlsProvider(t *testing.T) string {
	t.Helper()
	program := os.Getenv("TLS_PROVIDER")
	if program == "" {
		missing(t, "hashicorp/tls", "make tls-provider")
	}
	return program
}

// TestGuideFromTLS follows the guide with the real hashicorp/tls. The authority and the certificate that it issued stay
// what they are until the guide lets it go, and the new certificate has the same root.
func TestGuideFromTLS(t *testing.T) {
	t.Parallel()
	tls := tlsProvider(t)
	w := workspace{findTerraform(t), t.TempDir()}
	settings := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"seed-2716f8bf/docker-tls\" = %q\n    \"hashicorp/tls\" = %q\n  }\n  direct {}\n}\n", providerBuild, filepath.Dir(tls))
	rc := filepath.Join(t.TempDir(), "terraform.rc")
	writeFile(t, rc, settings, 0o600)
	env := "TF_CLI_CONFIG_FILE=" + rc

	const guide = "from-hashicorp-tls"
	before := guideBlock.FindStringSubmatch(guideText(t, guide))
	writeFile(t, filepath.Join(w.dir, "tls.tf"), before[2], 0o600)
	if r := w.runWith([]string{env}, "apply", "-auto-approve"); r.err != nil {
		t.Fatalf("%v\n%s", r.err, r.all())
	}
	printed := w.follow(t, guide, env)
	for i, want := range []string{
		"Plan: 0 to add, 0 to change, 0 to destroy.", "0 added, 0 changed, 0 destroyed", "2 added, 0 changed, 0 destroyed",
		"0 added, 0 changed, 4 destroyed", "No changes.",
	} {
		if !strings.Contains(printed[i], want) {
			t.Errorf("step %d does not say %q:\n%s", i+1, want, printed[i])
		}
	}
	if !strings.Contains(printed[0], "tls_self_signed_cert.ca has moved to docker_tls_ca.this") {
		t.Errorf("the plan does not move the authority:\n%s", printed[0])
	}
	if state, err := w.run("state", "list"); err != nil || strings.TrimSpace(state) != "docker_tls_ca.this\ndocker_tls_client_cert.ci\ndocker_tls_server_cert.host" {
		t.Errorf("the state lists (%v)\n%s", err, state)
	}
}

// TestGuideDockerPrograms applies the guide's configuration: its files are where the programs look for them.
func TestGuideDockerPrograms(t *testing.T) {
	t.Parallel()
	files := map[string]string{"main.tf": providerSource + examplePKI}
	for i, block := range guideBlock.FindAllStringSubmatch(guideText(t, "docker-programs"), -1) {
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
