package pki_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Compose and container networks have underscores in their names. Go, openssl and
// curl accept a certificate with them, under name constraints with them as well.
func TestUnderscores(t *testing.T) {
	now := time.Now() // curl has no other clock
	for _, test := range []struct {
		name       string
		constraint string
	}{
		{"docker_in_docker", "docker_in_docker"},
		{"shop_docker_1.shop_default", "shop_default"},
		{"_a.b_.example.com", ".b_.example.com"},
	} {
		t.Run(test.name, func(t *testing.T) {
			constraints, err := pki.ParseNameConstraints([]string{test.constraint}, nil, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			authority := newGeneration(t, pki.RootRequest{NameConstraints: constraints}, now)
			request := serverRequest(t)
			if request.Names, err = pki.ParseNames([]string{test.name}, nil); err != nil {
				t.Fatal(err)
			}
			leaf := issue(t, authority, request, now)
			if err := leaf.VerifyHostname(test.name); err != nil {
				t.Error(err)
			}
			ca := write(t, "ca.pem", x509text.EncodeCertificates(authority.root()))
			openssl(t, x509text.EncodeCertificates(leaf), "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", test.name, "-CAfile", ca)

			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			server.TLS = &tls.Config{Certificates: []tls.Certificate{{
				Certificate: [][]byte{leaf.Raw}, PrivateKey: leafKeyOf(t, x509text.ECDSAP256),
			}}}
			server.StartTLS()
			defer server.Close()
			_, port, err := net.SplitHostPort(server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), "curl", "-sS", "--noproxy", "*", "--max-time", "20", "--cacert", ca,
				"--resolve", test.name+":"+port+":127.0.0.1", "https://"+test.name+":"+port+"/").CombinedOutput()
			if err != nil {
				t.Errorf("curl: %v: %s", err, out)
			}
		})
	}
}
