package docker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// daemon answers as dockerd does, and as what it is not.
func daemon(headers map[string]string) http.Handler {
	mux := http.NewServeMux()
	answer := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for k, v := range headers {
				w.Header().Set(k, v)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		}
	}
	mux.HandleFunc("/_ping", answer("OK"))
	mux.HandleFunc("/v1.41/version", answer(`{"Version":"20.10.24","ApiVersion":"1.41"}`))
	return mux
}

var dockerd = daemon(map[string]string{"Api-Version": "1.41", "Server": "Docker/20.10.24 (linux)"})

// serve listens on loopback, with TLS unless config is nil, until the test ends.
func serve(t *testing.T, handler http.Handler, config *tls.Config) Endpoint {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return Endpoint{"127.0.0.1", port}
}

// talk gives each connection to handle, until the test ends.
func talk(t *testing.T, handle func(net.Conn)) Endpoint {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go handle(conn)
		}
	}()
	return Endpoint{"127.0.0.1", listener.Addr().(*net.TCPAddr).Port}
}

// serverConfig is what dockerd makes of its configuration; clients is nil in
// mode "tls".
func serverConfig(t *testing.T, server Identity, version uint16, clients ...*x509.Certificate) *tls.Config {
	t.Helper()
	config := &tls.Config{
		Certificates: []tls.Certificate{*pair(t, server)},
		MinVersion:   tls.VersionTLS12, MaxVersion: version,
		Time: atNoon,
	}
	if clients != nil {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		for _, c := range clients {
			config.ClientCAs.AddCert(c)
		}
	}
	return config
}

// context that ends long after everything that works has ended.
func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestProbeModes(t *testing.T) {
	ca := newAuthority(t, x509.Certificate{}, 0)
	server, ci := ca.identity(t, serverTemplate(), 0), ca.identity(t, clientTemplate(), 0)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		name := tls.VersionName(version)
		for _, test := range []struct {
			name   string
			config *tls.Config
			client *tls.Certificate
			want   Report
		}{
			{"tlsverify, a stranger", serverConfig(t, server, version, ca.cert), nil,
				Report{Mode: ModeTLSVerify, TLSVersion: name, Verified: true}},
			{"tlsverify, a client", serverConfig(t, server, version, ca.cert), pair(t, ci),
				Report{Mode: ModeTLSVerify, TLSVersion: name, Verified: true, ServerVersion: "20.10.24", APIVersion: "1.41"}},
			{"tls, a stranger", serverConfig(t, server, version), nil,
				Report{Mode: ModeTLS, TLSVersion: name, Verified: true, ServerVersion: "20.10.24", APIVersion: "1.41"}},
			{"tls, a client", serverConfig(t, server, version), pair(t, ci),
				Report{Mode: ModeTLS, TLSVersion: name, Verified: true, ServerVersion: "20.10.24", APIVersion: "1.41"}},
			{"asks for a certificate but takes none too", func() *tls.Config {
				config := serverConfig(t, server, version, ca.cert)
				config.ClientAuth = tls.VerifyClientCertIfGiven
				return config
			}(), nil, Report{Mode: ModeTLS, TLSVersion: name, Verified: true, ServerVersion: "20.10.24", APIVersion: "1.41"}},
			{"plain", nil, pair(t, ci), Report{Mode: ModePlain, ServerVersion: "20.10.24", APIVersion: "1.41"}},
		} {
			t.Run(name+" "+test.name, func(t *testing.T) {
				p := Probe{Endpoint: serve(t, dockerd, test.config), Roots: []*x509.Certificate{ca.cert}, Client: test.client, Now: atNoon}
				got, err := p.Run(patience(t))
				if err != nil {
					t.Fatal(err)
				}
				if test.config != nil && (len(got.PeerCertificates) != 1 || certPEM(got.PeerCertificates[0]) != server.CertPEM) {
					t.Errorf("%d peer certificates", len(got.PeerCertificates))
				}
				got.PeerCertificates = nil
				if got.Mode != test.want.Mode || got.TLSVersion != test.want.TLSVersion || got.Verified != test.want.Verified ||
					got.ServerVersion != test.want.ServerVersion || got.APIVersion != test.want.APIVersion {
					t.Errorf("got %+v, want %+v", got, test.want)
				}
			})
		}
	}
}

// During a rotation the daemon sends its leaf and the cross certificate, and
// this side may trust the old root only.
func TestProbeVerifiesThroughCrossCertificate(t *testing.T) {
	old := newAuthority(t, x509.Certificate{Subject: pkix.Name{CommonName: "CA", SerialNumber: "1"}}, 0)
	next := newAuthority(t, x509.Certificate{Subject: pkix.Name{CommonName: "CA", SerialNumber: "2"}}, 0)
	server := next.identity(t, serverTemplate(), 0)
	cross := sign(t, &x509.Certificate{
		Subject: next.cert.Subject, SubjectKeyId: next.cert.SubjectKeyId, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, old.cert, next.key.Public(), old.key)
	server.CertPEM += certPEM(cross)
	for name, roots := range map[string][]*x509.Certificate{"old": {old.cert}, "new": {next.cert}, "both": {next.cert, old.cert}} {
		p := Probe{Endpoint: serve(t, dockerd, serverConfig(t, server, tls.VersionTLS13, next.cert)), Roots: roots, Now: atNoon}
		got, err := p.Run(patience(t))
		if err != nil || !got.Verified || len(got.PeerCertificates) != 2 {
			t.Errorf("trusting %s: got %+v, %v", name, got, err)
		}
	}
}

func TestProbeErrors(t *testing.T) {
	ca, foreign := newAuthority(t, x509.Certificate{}, 0), newAuthority(t, x509.Certificate{Subject: pkix.Name{CommonName: "Other CA"}}, 0)
	namesake := newAuthority(t, x509.Certificate{}, 0)
	gone := newAuthority(t, x509.Certificate{NotBefore: noon.Add(-48 * time.Hour), NotAfter: noon.Add(-time.Hour)}, 0)
	server := ca.identity(t, serverTemplate(), 0)
	leaf := func(change func(*x509.Certificate)) Identity {
		template := serverTemplate()
		change(&template)
		return ca.identity(t, template, 0)
	}
	tlsDaemon := func(id Identity) Endpoint { return serve(t, dockerd, serverConfig(t, id, tls.VersionTLS13, ca.cert)) }

	for _, test := range []struct {
		name     string
		endpoint Endpoint
		change   func(*Probe)
		about    string
		want     string
	}{
		{"expired", tlsDaemon(leaf(func(c *x509.Certificate) { c.NotAfter = noon.Add(-time.Second) })), nil, AboutServer,
			"the server certificate expired on 2026-05-01T11:59:59Z"},
		{"not yet valid", tlsDaemon(leaf(func(c *x509.Certificate) { c.NotBefore = noon.Add(time.Hour) })), nil, AboutServer,
			"the server certificate is not valid before 2026-05-01T13:00:00Z; it is 2026-05-01T12:00:00Z here"},
		{"for clients only", tlsDaemon(leaf(func(c *x509.Certificate) { c.ExtKeyUsage = clientTemplate().ExtKeyUsage })), nil, AboutServer,
			"the server certificate is not for servers: its extended key usages are [clientAuth], without serverAuth"},
		{"another authority", tlsDaemon(foreign.identity(t, serverTemplate(), 0)), nil, AboutServer,
			`the server certificate was signed by "CN=Other CA", which is not trusted. Trusted are "SERIALNUMBER=0123456789abcdef,CN=Docker TLS CA,O=Example"`},
		{"an authority of the same name", tlsDaemon(namesake.identity(t, serverTemplate(), 0)), nil, AboutServer,
			"but not from the one that is trusted"},
		{"authority expired", tlsDaemon(gone.identity(t, serverTemplate(), 0)), func(p *Probe) { p.Roots = []*x509.Certificate{gone.cert} }, AboutServer,
			`the authority's certificate "SERIALNUMBER=0123456789abcdef,CN=Docker TLS CA,O=Example" expired on 2026-05-01T11:00:00Z`},
		{"wrong name", tlsDaemon(server), func(p *Probe) { p.ServerName = "web2.example.com" }, AboutName,
			"the name web2.example.com is not in the server certificate, which has \"web1.example.com\", \"localhost\", 127.0.0.1"},
		{"wrong address", tlsDaemon(leaf(func(c *x509.Certificate) { c.IPAddresses = nil })), nil, AboutName,
			"the name 127.0.0.1 is not in the server certificate, which has \"web1.example.com\", \"localhost\""},
		{"no names", tlsDaemon(leaf(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil })), nil, AboutName,
			`no names at all, only the common name "web1.example.com"`},
		{"nothing listens", closedPort(t), nil, AboutEndpoint, "nothing listens on 127.0.0.1:"},
		{"web server with TLS", serve(t, daemon(nil), serverConfig(t, server, tls.VersionTLS13)), nil, AboutEndpoint,
			`is a web server with TLS, but not Docker: /_ping answers "200 OK" without an Api-Version header`},
		{"web server without TLS", serve(t, daemon(nil), nil), nil, AboutEndpoint,
			`is not a TLS port and not Docker: it is a web server without TLS (/_ping answers "200 OK")`},
		{"an SSH server", talk(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2p1\r\n")
			_, _ = io.Copy(io.Discard, c)
		}), nil, AboutEndpoint, "is not a TLS port and not Docker: something listens there, but it speaks neither TLS nor HTTP"},
		{"a server that hangs up", talk(t, func(c net.Conn) { _ = c.Close() }), nil, AboutEndpoint,
			"something listens there, but it speaks neither TLS nor HTTP"},
		{"TLS that is no HTTP", talk(t, func(c net.Conn) {
			s := tls.Server(c, serverConfig(t, server, tls.VersionTLS13))
			_, _ = io.WriteString(s, "220 mail.example.com ESMTP\r\n")
			_, _ = io.Copy(io.Discard, s)
		}), nil, AboutEndpoint, "speaks TLS but does not answer as Docker does"},
		{"TLS of another age", talk(t, func(c net.Conn) {
			config := serverConfig(t, server, tls.VersionTLS11)
			config.MinVersion = tls.VersionTLS10
			_ = tls.Server(c, config).Handshake()
			_, _ = io.Copy(io.Discard, c)
		}), nil, AboutEndpoint, "refuses the TLS handshake: remote error: tls: protocol version not supported"},
		{"a daemon that cannot tell its version", serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Api-Version", "1.41")
			if r.URL.Path != "/_ping" {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, "authorization denied by plugin opa")
			}
		}), serverConfig(t, server, tls.VersionTLS13)), nil, AboutEndpoint, "did not tell its version: Error response from daemon: authorization denied by plugin opa"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Probe{Endpoint: test.endpoint, Roots: []*x509.Certificate{ca.cert}, Now: atNoon}
			if test.change != nil {
				test.change(&p)
			}
			report, err := p.Run(patience(t))
			wantProbeError(t, report, err, test.about, test.want)
		})
	}
}

// A client certificate that the daemon refuses, in both versions of TLS: 1.3
// lets the client believe for a while that all is well.
func TestProbeClientRefused(t *testing.T) {
	ca, foreign := newAuthority(t, x509.Certificate{}, 0), newAuthority(t, x509.Certificate{Subject: pkix.Name{CommonName: "Other CA"}}, 0)
	namesake := newAuthority(t, x509.Certificate{}, 0)
	server := ca.identity(t, serverTemplate(), 0)
	expired := clientTemplate()
	expired.NotAfter = noon.Add(-time.Minute)
	smartCard := clientTemplate()
	smartCard.ExtKeyUsage, smartCard.UnknownExtKeyUsage = nil, []asn1.ObjectIdentifier{{1, 3, 6, 1, 4, 1, 311, 20, 2, 2}}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, test := range []struct {
			name   string
			client Identity
			want   string
		}{
			{"expired", ca.identity(t, expired, 0), "it expired on 2026-05-01T11:59:00Z"},
			{"a server certificate", ca.identity(t, serverTemplate(), 0), "it is not for clients: its extended key usages are [serverAuth], without clientAuth"},
			{"a certificate for what crypto/x509 does not know", ca.identity(t, smartCard, 0), "it is not for clients: its extended key usages are [1.3.6.1.4.1.311.20.2.2], without clientAuth"},
			{"another authority", foreign.identity(t, clientTemplate(), 0), `it was signed by "CN=Other CA", and the daemon takes clients of "SERIALNUMBER=0123456789abcdef,CN=Docker TLS CA,O=Example"`},
			{"an authority of the same name", namesake.identity(t, clientTemplate(), 0), ""},
		} {
			t.Run(tls.VersionName(version)+" "+test.name, func(t *testing.T) {
				p := Probe{
					Endpoint: serve(t, dockerd, serverConfig(t, server, version, ca.cert)),
					Roots:    []*x509.Certificate{ca.cert}, Client: pair(t, test.client), Now: atNoon,
				}
				report, err := p.Run(patience(t))
				wantProbeError(t, report, err, AboutClient, "the daemon refused the client certificate: "+test.want)
			})
		}
	}
}

// Whatever stage the daemon hangs at, the probe ends with its context. Each
// server ends it once the probe waits for an answer.
func TestProbeEndsWithItsContext(t *testing.T) {
	ca := newAuthority(t, x509.Certificate{}, 0)
	server := ca.identity(t, serverTemplate(), 0)
	for _, test := range []struct {
		name string
		hang func(end func()) Endpoint
		want string
	}{
		{"silent", func(end func()) Endpoint {
			return talk(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); end() })
		}, "accepts connections and does not answer: systemd holds the port for a dockerd that was not started with -H fd:// or does not start (systemctl status docker)"},
		{"silent after the handshake", func(end func()) Endpoint {
			return serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { end(); <-r.Context().Done() }),
				serverConfig(t, server, tls.VersionTLS13))
		}, "speaks TLS but does not answer /_ping"},
		{"silent without TLS", func(end func()) Endpoint {
			return serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { end(); <-r.Context().Done() }), nil)
		}, "answers neither TLS nor HTTP"},
		{"silent about its version", func(end func()) Endpoint {
			return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Api-Version", "1.41")
				if r.URL.Path != "/_ping" {
					end()
					<-r.Context().Done()
				}
			}), serverConfig(t, server, tls.VersionTLS13))
		}, "did not tell its version in time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, end := context.WithCancel(patience(t))
			p := Probe{Endpoint: test.hang(end), Roots: []*x509.Certificate{ca.cert}, Now: atNoon}
			report, err := p.Run(ctx)
			wantProbeError(t, report, err, AboutEndpoint, test.want)
		})
	}
}

// What the network says, without asking it.
func TestDialError(t *testing.T) {
	p := Probe{Endpoint: Endpoint{"web1.example.com", 2376}}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		ctx  context.Context
		err  error
		want string
	}{
		{t.Context(), &net.OpError{Op: "dial", Err: &net.DNSError{Name: "web1.example.com", IsNotFound: true}}, "the name web1.example.com does not resolve"},
		{t.Context(), &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "nothing listens on web1.example.com:2376: Docker is not running there (systemctl status docker says why), or not on this port"},
		{t.Context(), &net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}, "no answer from web1.example.com:2376 in time: the host is down, or a firewall drops the connection"},
		{late, context.Canceled, "no answer from web1.example.com:2376 in time"},
		{t.Context(), &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, "cannot connect to web1.example.com:2376: dial: no route to host"},
	} {
		if got := p.dialError(test.ctx, test.err); got.About != AboutEndpoint || !strings.HasPrefix(got.Text, test.want) {
			t.Errorf("got %s: %s, want %s", got.About, got.Text, test.want)
		}
	}
}

func wantProbeError(t *testing.T, report Report, err error, about, want string) {
	t.Helper()
	var failure *ProbeError
	switch {
	case !errors.As(err, &failure):
		t.Fatalf("got %+v, %v, want a ProbeError", report, err)
	case failure.About != about || !strings.Contains(failure.Text, want):
		t.Errorf("got  %s: %s\nwant %s: %s", failure.About, failure.Text, about, want)
	case report.Mode != "" || report.Verified:
		t.Errorf("an error, and a report too: %+v", report)
	}
}

// closedPort is one on which something listened a moment ago.
func closedPort(t *testing.T) Endpoint {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return Endpoint{"127.0.0.1", listener.Addr().(*net.TCPAddr).Port}
}

// One handshake shows what a daemon serves, whoever trusts it, and whether or not
// it lets a stranger in.
func TestProbeServed(t *testing.T) {
	ca := newAuthority(t, x509.Certificate{}, 0)
	expired := serverTemplate()
	expired.NotAfter = noon.Add(-time.Hour)
	server := ca.identity(t, expired, 0)
	server.CertPEM += ca.pem()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for name, config := range map[string]*tls.Config{
			"tlsverify": serverConfig(t, server, version, ca.cert),
			"tls":       serverConfig(t, server, version),
		} {
			p := Probe{Endpoint: serve(t, dockerd, config), Now: atNoon}
			chain, err := p.Served(patience(t))
			if err != nil || len(chain) != 2 || certPEM(chain[0])+certPEM(chain[1]) != server.CertPEM {
				t.Errorf("%s, %s: %d certificates, %v", tls.VersionName(version), name, len(chain), err)
			}
		}
	}
}

func TestProbeServedErrors(t *testing.T) {
	silent := func(end func()) Endpoint {
		return talk(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); end() })
	}
	for _, test := range []struct {
		name     string
		endpoint func(end func()) Endpoint
		want     string
	}{
		{"without TLS", func(func()) Endpoint { return serve(t, dockerd, nil) }, "does not speak TLS: "},
		{"silent", silent, "accepts connections and does not answer in time"},
		{"hangs up", func(func()) Endpoint { return talk(t, func(c net.Conn) { _ = c.Close() }) }, "does not speak TLS: "},
		{"nothing listens", func(func()) Endpoint { return closedPort(t) }, "nothing listens on 127.0.0.1:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, end := context.WithCancel(patience(t))
			defer end()
			chain, err := Probe{Endpoint: test.endpoint(end), Now: atNoon}.Served(ctx)
			if chain != nil {
				t.Error("an error, and certificates too")
			}
			wantProbeError(t, Report{}, err, AboutEndpoint, test.want)
		})
	}
}

func TestProbeVerify(t *testing.T) {
	ca := newAuthority(t, x509.Certificate{}, 0)
	chain, err := parseCertificates("cert_pem", ca.identity(t, serverTemplate(), 0).CertPEM)
	if err != nil {
		t.Fatal(err)
	}
	p := Probe{Endpoint: Endpoint{"web1.example.com", 2376}, Roots: []*x509.Certificate{ca.cert}, Now: atNoon}
	if err := p.Verify(chain); err != nil {
		t.Error(err)
	}
	wantProbeError(t, Report{}, p.Verify(nil), AboutServer, "web1.example.com:2376 sent no certificate")
	p.ServerName = "web2.example.com"
	wantProbeError(t, Report{}, p.Verify(chain), AboutName, "the name web2.example.com is not in the server certificate")
}
