package docker

import (
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"
)

// A server may be anybody's, before it is verified and if it has no TLS. The
// probe reads little of it, follows it nowhere, and repeats nothing that a
// terminal would obey.
func TestProbeOfHostileServers(t *testing.T) {
	ca := newAuthority(t, x509.Certificate{}, 0)
	server := ca.identity(t, serverTemplate(), 0)
	odd := serverTemplate()
	odd.DNSNames = []string{"a\x1b[2J\x07.example.com"}
	odd.IPAddresses = nil
	oddCA := newAuthority(t, x509.Certificate{Subject: pkix.Name{CommonName: "A\x1b[31m\u202eB"}}, 0)
	var elsewhere atomic.Int32
	other := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		elsewhere.Add(1)
		_, _ = io.WriteString(w, `{"Version":"1","ApiVersion":"1"}`)
	}), nil)
	// docker answers /_ping as a daemon does, and the rest with handle.
	docker := func(handle http.HandlerFunc) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Api-Version", "1.41")
			if r.URL.Path != "/_ping" {
				handle(w, r)
			}
		})
	}
	sent := new(atomic.Int64)
	flood := func(w io.Writer) {
		junk := []byte(strings.Repeat("x", 1<<16))
		for sent.Load() < 64<<20 {
			n, err := w.Write(junk)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
	raw := func(answer string) func(net.Conn) {
		return func(c net.Conn) {
			defer c.Close()
			if first := make([]byte, 1); true {
				if _, err := io.ReadFull(c, first); err != nil || first[0] != 'G' {
					return // TLS
				}
			}
			_, _ = io.WriteString(c, answer)
			flood(c)
		}
	}
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
	}
	verified := func() *tls.Config { return serverConfig(t, server, tls.VersionTLS13) }
	chain := verified()
	for range maxChain {
		chain.Certificates[0].Certificate = append(chain.Certificates[0].Certificate, ca.cert.Raw)
	}
	wants := verified()
	wants.ClientAuth = tls.RequestClientCert
	for _, test := range []struct {
		name     string
		endpoint Endpoint
		about    string
		want     string
	}{
		{"a redirect", serve(t, docker(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+other.Address()+"/version", http.StatusFound)
		}), nil), AboutEndpoint, "did not tell its version"},
		{"a redirect with TLS", serve(t, docker(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+other.Address()+"/version", http.StatusTemporaryRedirect)
		}), verified()), AboutEndpoint, "did not tell its version"},
		{"an endless header", talk(t, raw("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nX: ")), AboutEndpoint, "something listens there"},
		{"an endless status", talk(t, raw("HTTP/1.1 200 ")), AboutEndpoint, "something listens there"},
		{"an endless ping", talk(t, raw("HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n")), AboutEndpoint, "it is a web server without TLS"},
		{"an endless version", serve(t, docker(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"Version":"`)
			flood(w)
		}), nil), AboutEndpoint, "it sent more than a daemon does, 1 MiB"},
		{"an endless version with TLS", serve(t, docker(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"Version":"`)
			flood(w)
		}), verified()), AboutEndpoint, "did not tell its version"},
		{"a version that unfolds", serve(t, docker(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				w.Header().Set("Content-Encoding", "gzip")
				zip := gzip.NewWriter(w)
				_, _ = io.WriteString(zip, `{"Version":"1","ApiVersion":"1"}`)
				_ = zip.Close()
			}
		}), nil), AboutEndpoint, "did not tell its version"},
		{"a version with control characters", serve(t, docker(body(`{"Version":"1\u001b[2J","ApiVersion":"1.41"}`)), nil), AboutEndpoint, "is not Docker: it answers /version without a version"},
		{"no version", serve(t, docker(body(`{}`)), nil), AboutEndpoint, "is not Docker: it answers /version without a version"},
		{"a long version", serve(t, docker(body(`{"Version":"`+strings.Repeat("1", 999)+`","ApiVersion":"1.41"}`)), nil), AboutEndpoint, "is not Docker"},
		{"a message with control characters", serve(t, docker(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"message":"\u001b[2J\u0007denied\u202e`+strings.Repeat("x", 9999)+`"}`)
		}), nil), AboutEndpoint, "denied"},
		{"a status with control characters", talk(t, func(c net.Conn) {
			defer c.Close()
			_, _ = c.Read(make([]byte, 1024))
			_, _ = io.WriteString(c, "HTTP/1.1 200 \x1b[2JOK\r\nContent-Length: 0\r\n\r\n")
		}), AboutEndpoint, `/_ping answers "200 \x1b[2JOK"`},
		{"a name with control characters", serve(t, dockerd, serverConfig(t, ca.identity(t, odd, 0), tls.VersionTLS13)), AboutName, `which has "a\x1b[2J\a.example.com"`},
		{"an authority with control characters", serve(t, dockerd, serverConfig(t, oddCA.identity(t, serverTemplate(), 0), tls.VersionTLS13)), AboutServer, "was signed by"},
		{"a long chain", serve(t, dockerd, chain), AboutServer, fmt.Sprintf("sent %d certificates, more than the %d", maxChain+1, maxChain)},
		{"a server that wants a certificate and is no web server", talk(t, func(c net.Conn) {
			defer c.Close()
			s := tls.Server(c, wants)
			_, _ = s.Read(make([]byte, 1)) // a word that it does not know, or the end
		}), AboutEndpoint, "speaks TLS but does not answer as Docker does"},
	} {
		t.Run(test.name, func(t *testing.T) {
			sent.Store(0)
			p := Probe{Endpoint: test.endpoint, Roots: []*x509.Certificate{ca.cert}, Now: atNoon}
			report, err := p.Run(patience(t))
			wantProbeError(t, report, err, test.about, test.want)
			if err != nil && (strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) || len(err.Error()) > 4*maxMessage) {
				t.Errorf("the error is %q", err)
			}
			if n := sent.Load(); n > 32<<20 { // what fits into the buffers of both ends
				t.Errorf("the server could send %d octets", n)
			}
		})
	}
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("another server was asked %d times", n)
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain \u201ctext\u201d":          "plain \u201ctext\u201d",
		"a\x1b[2J\nb\r\x00\u202e\x9b":     "a\uFFFD[2J\uFFFDb\uFFFD\uFFFD\uFFFD\uFFFD",
		strings.Repeat("ä", maxMessage+1): strings.Repeat("ä", maxMessage) + "\u2026",
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q becomes %q", in, got)
		}
	}
}
