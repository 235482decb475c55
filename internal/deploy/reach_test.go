package deploy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/system"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

var web1 = docker.Endpoint{Host: "web1.example.com", Port: 2376}

// A host is trusted by an authority, or by the certificate that it is known by,
// if nothing but its date or its name speaks against that.
func TestTrust(t *testing.T) {
	ca, other := newAuthority(t, "Docker CA"), newAuthority(t, "Other CA")
	lastWeek := noon.AddDate(0, 0, -7)
	_, valid := ca.server(t, "web1.example.com", noon)
	_, expired := ca.server(t, "web1.example.com", lastWeek)
	_, another := ca.server(t, "web1.example.com", lastWeek)
	_, foreign := other.server(t, "web1.example.com", noon)
	_, foreignExpired := other.server(t, "web1.example.com", lastWeek)
	_, renamed := ca.server(t, "web2.example.com", noon)
	_, renamedExpired := ca.server(t, "web2.example.com", lastWeek)
	_, tomorrow := ca.server(t, "web1.example.com", noon.AddDate(0, 0, 1))
	for _, test := range []struct {
		name          string
		served, known *x509.Certificate
		want          string // of the error; empty if it is trusted
	}{
		{"valid", valid, nil, ""},
		{"valid, and known", valid, valid, ""},
		{"valid, and another known", valid, another, ""},
		{"expired", expired, nil, "the server certificate expired on "},
		{"expired, and known", expired, expired, ""},
		{"expired, and another known", expired, another, "the server certificate expired on "},
		{"another authority", foreign, nil, `CN=Other CA", which is not trusted`},
		{"another authority, and known", foreign, foreign, `CN=Other CA", which is not trusted`},
		{"another authority, expired and known", foreignExpired, foreignExpired, "the server certificate "},
		{"another name", renamed, nil, "the name web1.example.com is not in the server certificate"},
		{"another name, and known", renamed, renamed, ""},
		{"another name, and another known", renamed, valid, "the name web1.example.com is not in the server certificate"},
		{"another name, expired and known", renamedExpired, renamedExpired, ""},
		{"not valid yet, and known", tomorrow, tomorrow, "the server certificate is not valid before "},
		{"no certificate", nil, nil, "sent no certificate"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := Host{Endpoint: web1, Roots: []*x509.Certificate{ca.Certificate}, Now: atNoon}
			if test.known != nil {
				h.Known = x509text.Fingerprint(test.known)
			}
			var chain []*x509.Certificate
			if test.served != nil {
				chain = []*x509.Certificate{test.served}
			}
			switch err := h.trust(chain); {
			case (err == nil) != (test.want == ""), err != nil && !strings.Contains(err.Error(), test.want):
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	h := Host{Endpoint: web1, Now: atNoon}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, test := range []struct {
		name  string
		ctx   context.Context
		doubt error
		text  string
		wide  bool
		about string // of the final error; empty if another attempt may do better
		want  string
		clock bool
	}{
		{"interrupted", ended, nil, "dial tcp: operation was canceled", false, AboutHost, "was interrupted. Nothing was changed there.", false},
		{"not trusted", t.Context(), errors.New("it is a stranger"), "tls: bad certificate", false, AboutHost, "is not trusted, and nothing was sent there: it is a stranger.", false},
		{"no TLS", t.Context(), nil, "http: server gave HTTP response to HTTPS client", false, AboutHost, "serves Docker without TLS, or something else.", false},
		{"no TLS either", t.Context(), nil, "tls: first record does not look like a TLS handshake", false, AboutHost, "serves Docker without TLS, or something else.", false},
		{"refused by the clock", t.Context(), nil, "remote error: tls: expired certificate", false, "", "", true},
		{"refused before 23.0", t.Context(), nil, "remote error: tls: bad certificate", false, "", "", true},
		{"refused by the clock again", t.Context(), nil, "remote error: tls: expired certificate", true, AboutVisitor, "does not let the visit in: tls: expired certificate. ", false},
		{"refused before 23.0 again", t.Context(), nil, "remote error: tls: bad certificate", true, AboutVisitor, "does not let the visit in: tls: bad certificate. ", false},
		{"another authority", t.Context(), nil, "Get \"https://…\": remote error: tls: unknown certificate authority", false, AboutVisitor, "does not let the visit in: tls: unknown certificate authority. ", false},
		{"forbidden", t.Context(), nil, "Error response from daemon: authorization denied by plugin opa: no", false, AboutHost, "forbids a step of the visit, to ask the daemon for its version: ", false},
		{"a plugin that does not answer yet", t.Context(), nil, "Error response from daemon: plugin opa failed with error: connection refused", false, "", "", false},
		{"just booting", t.Context(), nil, "dial tcp: connection refused", false, "", "", false},
		{"restarting", t.Context(), nil, "EOF", true, "", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := h.judge(test.ctx, test.doubt, errors.New(test.text), test.wide)
			if v.clock != test.clock || (v.final == nil) != (test.about == "") {
				t.Fatalf("got %+v", v)
			}
			if v.final != nil {
				wantAbout(t, v.final, test.about, test.want)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	for _, test := range []struct{ clock, want string }{
		{"2026-05-01T12:00:00.123456789Z", ""},
		{"2026-05-01T12:00:59Z", ""},
		{"2026-05-01T11:59:01+00:00", ""},
		{"2026-05-01T14:01:00+02:00", "The clock of tcp://web1.example.com:2376 is 1m0s ahead of this machine's."},
		{"2026-05-01T10:00:00Z", "The clock of tcp://web1.example.com:2376 is 2h0m0s behind this machine's."},
		{"", ""},
		{"\x1b[2J", ""},
	} {
		v := visit{connection: &connection{host: Host{Endpoint: web1}}, info: system.Info{SystemTime: test.clock}, seen: noon}
		got := strings.Join(v.warnings(), "\n")
		if (got == "") != (test.want == "") || !strings.HasPrefix(got, test.want) {
			t.Errorf("%q: got %s", test.clock, got)
		}
	}
}

// A host that is not trusted is told apart by what it was proven to serve, and each error names a way out.
func TestDistrust(t *testing.T) {
	d := &daemon{}
	h := d.serve(t, newAuthority(t, "Docker CA"))
	shown, err := h.Served(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for known, want := range map[string]string{
		"":    "Nobody has yet seen it serve a certificate",
		shown: "It serves what it was last proven to serve.",
		"ab":  "It was last proven to serve the certificate ab, and shows " + shown + " now.",
	} {
		h.Known = known
		failure := h.distrust(t.Context(), errors.New("doubt"))
		wantAbout(t, failure, AboutHost, " is not trusted, and nothing was sent there: doubt. "+want)
		wantAbout(t, failure, AboutHost, "over SSH (via)")
	}
}

// What a host sends may be anything, and goes to a terminal.
func TestErrorsArePrintable(t *testing.T) {
	lines := make([]string, 50)
	for i := range lines {
		lines[i] = fmt.Sprint("line ", i)
	}
	if text := errorf(AboutHost, "%s", strings.Join(lines, "\n")).Error(); strings.Count(text, "\n") != maxLines-1 {
		t.Errorf("got %d lines", 1+strings.Count(text, "\n"))
	}
	if text := errorf(AboutHost, "a\n\x1b[2Jb").Text; text != "a\n\uFFFD[2Jb" {
		t.Errorf("got %q", text)
	}
	if text := errorf(AboutHost, "%s", strings.Repeat("x", 9999)).Text; len(text) > 2010 {
		t.Errorf("got %d octets", len(text))
	}
	v := visit{connection: &connection{host: Host{Endpoint: web1}}}
	for text, want := range map[string]string{
		"authorization denied by plugin opa: no": "An authorization plugin of tcp://web1.example.com:2376 forbids a step of the visit, to wait: authorization denied by plugin opa: no.",
		"no space left on device":                "tcp://web1.example.com:2376 failed to wait: no space left on device. Nothing was changed there.",
	} {
		wantAbout(t, v.failed("wait", errors.New(text)), AboutHost, want)
	}
	wantAbout(t, v.failed("wait", fmt.Errorf("x: %w", context.Canceled)), AboutHost, "The visit to tcp://web1.example.com:2376 was interrupted when it was to wait. Nothing was changed there.")
}

// daemon is an API that says of itself what a test gives it. It counts what it is asked for, and the connections that
// are open.
type daemon struct {
	info string

	mu     sync.Mutex
	asked  []string // METHOD PATH
	open   map[net.Conn]bool
	closed chan struct{} // receives whenever none is open any more
}

func (d *daemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	d.asked = append(d.asked, r.Method+" "+r.URL.Path)
	d.mu.Unlock()
	w.Header().Set("Api-Version", "1.41")
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/_ping":
	case "/v1.41/version":
		_, _ = io.WriteString(w, `{"Version": "20.10.24", "ApiVersion": "1.41"}`)
	case "/v1.41/info":
		_, _ = io.WriteString(w, d.info)
	default:
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (d *daemon) count(c net.Conn, state http.ConnState) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch state {
	case http.StateNew:
		d.open[c] = true
	case http.StateClosed:
		if delete(d.open, c); len(d.open) == 0 {
			d.closed <- struct{}{}
		}
	}
}

// serve listens on loopback until the test ends, as a host of an authority.
func (d *daemon) serve(t *testing.T, ca authority) Host {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.open, d.closed = map[net.Conn]bool{}, make(chan struct{}, 16)
	pair := func(id docker.Identity) tls.Certificate {
		pair, err := tls.X509KeyPair([]byte(id.CertPEM), []byte(id.PrivateKeyPEM))
		if err != nil {
			t.Fatal(err)
		}
		return pair
	}
	server, _ := ca.server(t, "localhost", noon)
	client, _ := ca.issue(t, pki.LeafRequest{Profile: pki.Client, Subject: pki.Subject{CommonName: "visit"}, ValidityHours: day}, noon)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Certificate)
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair(server)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots, Time: atNoon}
	api := &http.Server{Handler: d, ConnState: d.count, ReadHeaderTimeout: patience, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = api.Serve(tls.NewListener(listener, config)) }()
	t.Cleanup(func() { _ = api.Close(); <-ended })
	return Host{
		Endpoint: docker.Endpoint{Host: "localhost", Port: listener.Addr().(*net.TCPAddr).Port}, Roots: []*x509.Certificate{ca.Certificate}, Now: atNoon,
		Visitor: func(bool) (tls.Certificate, error) { return pair(client), nil },
	}
}

// A daemon that is no host for certificates is asked for nothing but what it is.
func TestSurveyRefuses(t *testing.T) {
	ca := newAuthority(t, "Docker CA")
	next, _ := ca.server(t, "localhost", noon)
	for _, test := range []struct{ name, info, want string }{
		{"Windows", `{"OSType": "windows"}`, " is a daemon of windows: certificates are delivered to Linux hosts only. Nothing was changed there."},
		{"rootless", `{"OSType": "linux", "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"]}`,
			" is a rootless daemon: its containers cannot write the host's files, nor restart it. Deliver its certificates by other means. Nothing was changed there."},
		{"rootless, without name=", `{"OSType": "linux", "SecurityOptions": ["rootless"]}`, " is a rootless daemon: "},
		{"userns-remap", `{"OSType": "linux", "SecurityOptions": ["name=userns"]}`, " remaps the users of its containers (userns-remap), "},
		{"no JSON", `{`, " failed to ask the daemon what it is: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := &daemon{info: test.info}
			h := d.serve(t, ca)
			_, err := h.Deliver(t.Context(), Delivery{Server: next, CertificatesOnly: true, Restart: true, Timeout: patience})
			wantAbout(t, err, AboutHost, h.Endpoint.URL()+test.want)
			select {
			case <-d.closed:
			case <-time.After(patience):
				t.Error("the visit has left its connection open")
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			if want := []string{"HEAD /_ping", "GET /v1.41/version", "GET /v1.41/info"}; !slices.Equal(d.asked, want) {
				t.Errorf("the daemon was asked for %q, want %q", d.asked, want)
			}
		})
	}
}
