package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ephemeralConfig has an authority of this configuration, whose key is encrypted and not known at the first plan, and
// one that is not managed at all: all that is known of it are two files.
const ephemeralConfig = providerSource + `
resource "docker_tls_ca" "managed" {
  private_key_passphrase_wo         = "passphrase"
  private_key_passphrase_wo_version = 1
}
resource "docker_tls_server_cert" "host" {
  ca           = merge(docker_tls_ca.managed, { private_key_passphrase = "passphrase" })
  ip_addresses = ["127.0.0.1"]
}
ephemeral "docker_tls_client_cert" "managed" {
  ca      = merge(docker_tls_ca.managed, { private_key_passphrase = "passphrase" })
  subject = { common_name = "run" }
}
ephemeral "docker_tls_client_cert" "own" {
  ca                    = { cert_pem = file("ca.pem"), private_key_pem = file("ca-key.pem") }
  subject               = { common_name = "own" }
  key_algorithm         = "RSA_2048"
  validity_period_hours = 24
}
resource "terraform_data" "files" {
  provisioner "local-exec" {
    command = "umask 077 && printenv ROOTS > roots.pem && printenv CERT > cert.pem && printenv KEY > key.pem && printenv OWN > own.pem"
    environment = {
      ROOTS = ephemeral.docker_tls_client_cert.managed.ca_cert_pem
      CERT  = ephemeral.docker_tls_client_cert.managed.cert_pem
      KEY   = ephemeral.docker_tls_client_cert.managed.private_key_pem
      OWN   = ephemeral.docker_tls_client_cert.own.cert_pem
    }
  }
}
output "files" {
  sensitive = true
  value = { server = {
    ca   = docker_tls_ca.managed.cert_pem
    cert = docker_tls_server_cert.host.cert_pem
    key  = docker_tls_server_cert.host.private_key_pem
  } }
}
`

// TestEphemeralClientCert lets docker talk to a daemon with a certificate that no state has ever held.
func TestEphemeralClientCert(t *testing.T) {
	t.Parallel()
	docker, openssl := tool(t, "docker"), tool(t, "openssl")
	w := writeWorkspace(t, map[string]string{"main.tf": ephemeralConfig})
	r := invocation{path: openssl, dir: w.dir, args: strings.Fields("req -x509 -newkey rsa:2048 -nodes -keyout ca-key.pem -out ca.pem -subj /CN=Own -days 30")}.run()
	if r.err != nil {
		t.Fatalf("%v\n%s", r.err, r.all())
	}
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(w.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for file, hours := range map[string]string{"cert.pem": "3000", "own.pem": "80000"} {
		// -checkend: exits with 0 if the certificate lives for so many seconds yet.
		for seconds, lives := range map[string]bool{hours: true, hours + "0": false} {
			if r := (invocation{path: openssl, args: []string{"x509", "-noout", "-checkend", seconds}, stdin: read(file)}).run(); (r.err == nil) != lives {
				t.Errorf("%s lives for %s seconds: %v, want %v", file, seconds, r.err == nil, lives)
			}
		}
		if r := (invocation{path: openssl, args: []string{"x509", "-noout", "-ext", "extendedKeyUsage"}, stdin: read(file)}).run(); !strings.HasSuffix(r.all(), "TLS Web Client Authentication") {
			t.Errorf("%s: %s", file, r.all())
		}
	}
	files, err := w.materials()
	if err != nil {
		t.Fatal(err)
	}
	client := material{read("roots.pem"), read("cert.pem"), read("key.pem")}
	forEachDockerd(t, func(t *testing.T, binary string) {
		d := startDockerd(t, binary, daemonTLSVerify, files["server"])
		r := dockerVersion(docker, []string{"HOME=" + t.TempDir()}, fullDocker("127.0.0.1:"+d.port, client.write(t))...).run()
		if !r.connected() {
			t.Errorf("%v\n%s", r.err, r.all())
		}
	})
}
