package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// unprovoked are the messages of others in the guide that this test does not provoke, and why.
var unprovoked = map[string]string{
	"docker-tls: no -H fd:// in ExecStart, so its port would not answer: add it, or use listen = hosts":      "TestDockerUnit does",
	"docker-tls: $f is set in /etc/docker/daemon.json and by --$f in ExecStart or its variables: remove one": "TestDockerUnit does",
	tooQuickly:                        "TestDockerUnit does",
	"WriteOnly Attribute Not Allowed": "TestOldTerraform does",
	"Write-only attributes are only supported in Terraform 1.11 and later.": "TestOldTerraform does",
	"User data is limited to 16384 bytes":                                   "only AWS says so",
	"Provider produced inconsistent final plan":                             "only a defect of a provider makes Terraform say so",
	"provider registry … does not have a provider named …/hashicorp/docker": "only a registry makes Terraform say so",
	"unsupported certificate purpose":                                       "only OpenSSL before 3.0 says so",
}

// provocation is what somebody did wrong, and what a real program said to it.
type provocation struct{ name, said string }

// TestTroubleshootingOthers provokes what Docker, curl, openssl and Terraform say, and looks for it in the guide, word for
// word. The guide has nothing that none of them says.
func TestTroubleshootingOthers(t *testing.T) {
	t.Parallel()
	quotes := otherQuotes(t)
	used := map[string]bool{}
	for _, p := range slices.Concat(provokeTerraform(t), provokeFiles(t), provokeServers(t), provokeVerify(t), provokeDockerd(t)) {
		said, found := oneLine(p.said), false
		for quote, pattern := range quotes {
			if pattern.MatchString(said) {
				used[quote], found = true, true
			}
		}
		if !found {
			t.Errorf("%s: the guide has nothing of\n%s", p.name, p.said)
		}
	}
	for quote := range quotes {
		if _, known := unprovoked[quote]; known == used[quote] {
			t.Errorf("the guide has %q: provoked %t, and listed as unprovoked %t", quote, used[quote], known)
		}
	}
	for quote := range unprovoked {
		if quotes[quote] == nil {
			t.Errorf("the guide does not have %q", quote)
		}
	}
}

var (
	messageCell = regexp.MustCompile("(?m)^\\| (`.*?) \\| ")
	boxes       = regexp.MustCompile(`[│╷╵]`)
)

// otherQuotes are the messages in the guide that are not the provider's. In a quote, … stands for any words.
func otherQuotes(t *testing.T) map[string]*regexp.Regexp {
	t.Helper()
	text := guideText(t, "troubleshooting")
	_, others, found := strings.Cut(text, "\n## terraform: Terraform itself\n")
	if !found {
		t.Fatal("the guide has no part about Terraform itself")
	}
	quotes := map[string]*regexp.Regexp{}
	for _, cell := range messageCell.FindAllStringSubmatch(others, -1) {
		for _, code := range codeSpan.FindAllString(cell[1], -1) {
			quote := strings.Trim(code, "`")
			quotes[quote] = regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(quote), "…", ".*?"))
		}
	}
	if len(quotes) < 40 {
		t.Fatalf("only %d messages are found", len(quotes))
	}
	return quotes
}

// oneLine undoes how Terraform breaks lines.
func oneLine(text string) string {
	return strings.Join(strings.Fields(boxes.ReplaceAllString(text, " ")), " ")
}

// provokeTerraform makes the mistakes of configurations. No registry is asked: Terraform looks for providers in folders.
func provokeTerraform(t *testing.T) []provocation {
	t.Helper()
	const source = "terraform {\n  required_providers {\n    docker = { source = \"seed-2716f8bf/docker-tls\" }\n  }\n}\n"
	const kept = "resource \"terraform_data\" \"kept\" {\n  lifecycle { prevent_destroy = true }\n}\n"
	mirror := providerMirror(t)
	var all []provocation
	run := func(name, main string, before func(w workspace), args ...string) {
		w := writeWorkspace(t, map[string]string{"main.tf": main})
		settings := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
		writeFile(t, filepath.Join(w.dir, "terraform.rc"), settings, 0o600)
		env := []string{"TF_CLI_CONFIG_FILE=" + filepath.Join(w.dir, "terraform.rc")}
		if before != nil {
			before(w)
		}
		r := w.runWith(env, args...)
		if r.err == nil {
			t.Errorf("%s: terraform %s did not fail\n%s", name, args[0], r.all())
		}
		all = append(all, provocation{name, r.all()})
	}
	run("no required_providers", "resource \"docker_tls_ca\" \"this\" {}\n", nil, "init", "-input=false")
	run("another checksum", source, func(w workspace) {
		lock := ""
		for _, registry := range registries {
			lock += fmt.Sprintf("provider \"%s/seed-2716f8bf/docker-tls\" {\n  version = \"0.1.0\"\n  hashes  = [\"h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"]\n}\n", registry)
		}
		writeFile(t, filepath.Join(w.dir, ".terraform.lock.hcl"), lock, 0o600)
	}, "init", "-input=false")
	run("no init", source+"resource \"docker_tls_ca\" \"this\" {}\n", nil, "plan", "-input=false")
	run("an old Terraform", "terraform {\n  required_version = \">= 99\"\n}\n", nil, "plan", "-input=false")
	run("a cycle", "locals {\n  a = local.b\n  b = local.a\n}\n", nil, "plan", "-input=false")
	run("an output with a secret", "variable \"key\" {\n  default   = \"\"\n  sensitive = true\n}\noutput \"key\" { value = var.key }\n", nil, "plan", "-input=false")
	run("a lock", kept, func(w workspace) { holdState(t, w) }, "plan", "-input=false")
	run("prevent_destroy", kept, func(w workspace) {
		if err := w.apply(); err != nil {
			t.Fatal(err)
		}
	}, "plan", "-destroy", "-input=false")
	return all
}

// providerMirror is a folder of providers that has the provider under test, and no other.
func providerMirror(t *testing.T) string {
	t.Helper()
	mirror := t.TempDir()
	for _, registry := range registries {
		dir := filepath.Join(mirror, registry, "seed-2716f8bf", "docker-tls", "0.1.0", runtime.GOOS+"_"+runtime.GOARCH)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(providerBuild, "terraform-provider-docker-tls"), filepath.Join(dir, "terraform-provider-docker-tls_v0.1.0")); err != nil {
			t.Fatal(err)
		}
	}
	return mirror
}

// holdState locks the state as another run of Terraform does, by fcntl(2), until the test ends.
func holdState(t *testing.T, w workspace) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(w.dir, "terraform.tfstate"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if err := syscall.FcntlFlock(file.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK}); err != nil {
		t.Fatal(err)
	}
}

// provokeFiles gives the programs files that are not there, that they may not read, or that do not go together.
func provokeFiles(t *testing.T) []provocation {
	t.Helper()
	docker, curl := tool(t, "docker"), tool(t, "curl")
	mixed := issued(t)["client ECDSA_P256"]
	mixed.Key = issued(t)["client stranger"].Key
	dir, empty, plain := mixed.write(t), t.TempDir(), plainServer(t)
	call := func(flags ...string) string {
		return dockerVersion(docker, []string{"HOME=" + empty}, flags...).run().all()
	}
	fetch := func(address string, flags ...string) string { return curlVersion(curl, address, flags...).run().all() }
	nobody := "127.0.0.1:" + freePort(t)
	return []provocation{
		{"docker, nothing listens", call("--host", "tcp://"+nobody)},
		{"docker, no files", call("--host", "tcp://"+nobody, "--tlsverify")},
		{"docker, files of root", asNobody(t, docker, nobody)},
		{"docker, another key", call(fullDocker(nobody, dir)...)},
		{"docker, a host without TLS", call("--host", "tcp://"+plain, "--tls", "--tlscacert", filepath.Join(dir, "ca.pem"))},
		{"curl, nothing listens", fetch(nobody)},
		{"curl, a host without TLS", fetch(plain)},
		{"curl, no authority", fetch(plain, "--cacert", filepath.Join(empty, "ca.pem"))},
		{"curl, no certificate", fetch(plain, "--cert", filepath.Join(empty, "cert.pem"), "--key", filepath.Join(dir, "key.pem"))},
		{"curl, another key", fetch(plain, fullCurl(dir)...)},
		{"openssl, a host without TLS", invocation{path: tool(t, "openssl"), args: []string{"s_client", "-connect", plain}}.run().all()},
	}
}

// plainServer is a web server without TLS, for programs that expect TLS.
func plainServer(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// asNobody calls docker as somebody who may not read the files of root.
func asNobody(t *testing.T, docker, address string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "root", "to be somebody else: run the tests as root")
	}
	dir, err := os.MkdirTemp("", "unreadable-") //nolint:usetesting // nobody else may enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	issued(t)["client ECDSA_P256"].writeTo(t, dir)
	cmd := dockerVersion(docker, []string{"HOME=/nonexistent", "DOCKER_CERT_PATH=" + dir}, "--host", "tcp://"+address, "--tlsverify").command(t.Context())
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	said, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("docker reads the files of root as somebody else")
	}
	return string(said)
}

// badAuthority issues certificates that the provider does not: such as have ended, or have no names.
type badAuthority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func newBadAuthority(t *testing.T) badAuthority {
	t.Helper()
	var a badAuthority
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.certificate, a.key = template, key
	m := a.sign(t, template, key)
	a.pem = m.Cert
	certificates, err := x509text.ParseCertificates(m.Cert)
	if err != nil {
		t.Fatal(err)
	}
	a.certificate = certificates[0]
	return a
}

// issue makes a certificate of a daemon, or of a client, which ends at a time from now.
func (a badAuthority) issue(t *testing.T, usage x509.ExtKeyUsage, ends time.Duration, names ...string) material {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: a.certificate.NotBefore, NotAfter: time.Now().Add(ends),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return a.sign(t, template, key)
}

func (a badAuthority) sign(t *testing.T, template *x509.Certificate, key *ecdsa.PrivateKey) material {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return material{a.pem, encode("CERTIFICATE", der), encode("PRIVATE KEY", private)}
}

// provokeServers calls a server in Go, which is what a current dockerd is, with docker and curl, where one of the two sides
// has the wrong certificate.
func provokeServers(t *testing.T) []provocation {
	t.Helper()
	const server, client, year = x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth, 300 * 24 * time.Hour
	a, other := newBadAuthority(t), newBadAuthority(t)
	right, stranger := a.issue(t, client, year), other.issue(t, client, year)
	docker, curl := tool(t, "docker"), tool(t, "curl")
	all := []provocation{}
	try := func(name, host, port string, m material, programs ...string) {
		dir := m.write(t)
		for _, call := range []invocation{
			dockerVersion(docker, []string{"HOME=" + dir}, fullDocker(host+":"+port, dir)...),
			curlVersion(curl, host+":"+port, append(fullCurl(dir), "--resolve", "localhost:"+port+":127.0.0.1")...),
		} {
			if program := filepath.Base(call.path); len(programs) == 0 || slices.Contains(programs, program) {
				all = append(all, provocation{program + ", " + name, call.run().all()})
			}
		}
	}
	good := tlsServer(t, a.issue(t, server, year, "localhost", "127.0.0.1"))
	try("another authority", "127.0.0.1", good, stranger)
	try("a client of another authority", "127.0.0.1", good, material{a.pem, stranger.Cert, stranger.Key})
	try("a host's certificate", "127.0.0.1", good, a.issue(t, server, year, "localhost"))
	try("an expired client", "127.0.0.1", good, a.issue(t, client, -time.Hour))
	try("an address that is not in the certificate", "127.0.0.2", good, right)
	try("an expired host", "127.0.0.1", tlsServer(t, a.issue(t, server, -time.Hour, "127.0.0.1")), right)
	try("a host without names", "localhost", tlsServer(t, a.issue(t, server, year)), right, "docker")
	try("a host without addresses", "127.0.0.1", tlsServer(t, a.issue(t, server, year, "localhost")), right)
	ca := filepath.Join(right.write(t), "ca.pem")
	return append(all,
		provocation{"docker, no TLS", dockerVersion(docker, []string{"HOME=" + t.TempDir()}, "--host", "tcp://127.0.0.1:"+good).run().all()},
		provocation{"docker, no certificate", dockerVersion(docker, []string{"HOME=" + t.TempDir()}, "--host", "tcp://127.0.0.1:"+good, "--tlsverify", "--tlscacert", ca).run().all()},
		provocation{"curl, no certificate", curlVersion(curl, "127.0.0.1:"+good, "--cacert", ca).run().all()},
		provocation{"openssl s_client, no authority", invocation{path: tool(t, "openssl"), args: []string{"s_client", "-connect", "127.0.0.1:" + good}}.run().all()},
	)
}

// tlsServer lets in the clients of the authority in m, on loopback.
func tlsServer(t *testing.T, m material) (port string) {
	t.Helper()
	config, err := m.config()
	if err != nil {
		t.Fatal(err)
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, config.RootCAs
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	if err := server.Listener.Close(); err != nil {
		t.Fatal(err)
	}
	if server.Listener, err = net.Listen("tcp", "0.0.0.0:"+freePort(t)); err != nil {
		t.Fatal(err)
	}
	server.TLS, server.Config.ErrorLog = config, log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	_, port, err = net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// provokeVerify has openssl verify what it must refuse.
func provokeVerify(t *testing.T) []provocation {
	t.Helper()
	files := issued(t)
	m := files["server ECDSA_P256"]
	old := newBadAuthority(t).issue(t, x509.ExtKeyUsageServerAuth, -time.Hour, "localhost")
	return []provocation{
		{"openssl verify, another authority", verification{files["client stranger"].CA, "", m.Cert, "sslserver"}.run(t).all()},
		{"openssl verify, another purpose", verification{m.CA, "", m.Cert, "sslclient"}.run(t).all()},
		{"openssl verify, expired", verification{old.CA, "", old.Cert, "sslserver"}.run(t).all()},
	}
}

// provokeDockerd starts daemons that refuse to start, and one that refuses its clients.
func provokeDockerd(t *testing.T) []provocation {
	t.Helper()
	files := issued(t)
	server, stranger, curl := files["server ECDSA_P256"], files["client stranger"], tool(t, "curl")
	mixed := material{server.CA, server.Cert, stranger.Key}
	var all []provocation
	forEachDockerd(t, func(t *testing.T, binary string) {
		here := "tcp://127.0.0.1:" + freePort(t)
		for name, daemon := range map[string]struct {
			json, host string
			files      material
		}{
			"hosts twice":    {`{"hosts": ["` + here + `"]}`, here, server},
			"a misspelt key": {`{"tlsverfy": true}`, here, server},
			"fd:// by hand":  {`{}`, "fd://", server},
			"another key":    {`{}`, here, mixed},
		} {
			d := newDockerd(t)
			d.files, d.command = daemon.files.write(t), []string{binary, "-H", daemon.host, "--config-file", filepath.Join(d.dir, "daemon.json")}
			writeFile(t, filepath.Join(d.dir, "daemon.json"), daemon.json, 0o600)
			d.start(t, daemonTLSVerify)
			<-d.done
			all = append(all, provocation{"dockerd, " + name, d.log()})
		}
		d := startDockerd(t, binary, daemonTLSVerify, server)
		for name, client := range map[string]material{
			"a stranger":           {server.CA, stranger.Cert, stranger.Key},
			"a host's certificate": server,
			"no certificate":       {CA: server.CA},
		} {
			before, dir := len(d.log()), client.write(t)
			flags := fullCurl(dir)
			if client.Cert == "" {
				flags = flags[:2]
			}
			curlVersion(curl, "127.0.0.1:"+d.port, flags...).run()
			d.waitForLog(t, before, "TLS handshake error")
			all = append(all, provocation{"dockerd, " + name, d.log()[before:]})
		}
	})
	return all
}
