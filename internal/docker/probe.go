package docker

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/moby/moby/client"
)

// Probe asks a live daemon how it is protected.
type Probe struct {
	Endpoint   Endpoint
	ServerName string              // name to verify; empty means Endpoint.Host
	Roots      []*x509.Certificate // authorities to trust, and no others
	Client     *tls.Certificate    // nil to come as a stranger only
	Now        func() time.Time
	Dial       Dial // nil to dial from here
}

// Dial connects to an address, as [net.Dialer.DialContext] does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Report is what a daemon does.
type Report struct {
	Mode             string              // ModeTLSVerify, ModeTLS or ModePlain
	TLSVersion       string              // "TLS 1.3"; empty if plain
	PeerCertificates []*x509.Certificate // as sent, leaf first; empty if plain
	Verified         bool                // the chain leads to Roots and the name is in the leaf
	ServerVersion    string              // empty unless the daemon answered
	APIVersion       string              // highest that the daemon offers; empty unless it answered
}

// Parts of a probe that an error can be about, in [ProbeError.About].
const (
	AboutEndpoint = "endpoint"           // what listens there, if anything
	AboutServer   = "server certificate" // verification failed
	AboutName     = "server name"        // it is not in the certificate
	AboutClient   = "client certificate" // the daemon refused it
)

// ProbeError says why a daemon could not be reported on. Its text is for
// people; About is for whoever has to point at the input in question.
type ProbeError struct {
	About string
	Text  string
}

func (e *ProbeError) Error() string { return e.Text }

// probeErrorf is where every error passes through: its text may have what a
// server has sent, and goes to a terminal.
func probeErrorf(about, format string, a ...any) *ProbeError {
	return &ProbeError{About: about, Text: Printable(fmt.Sprintf(format, a...))}
}

// ParseRoots reads the PEM of [Probe.Roots], and of a ca.pem: certificates of
// authorities, and none of anybody else.
func ParseRoots(caPEM string) ([]*x509.Certificate, error) {
	return parseAuthorities("ca_cert_pem", caPEM)
}

// ParseClientPair reads the PEM of [Probe.Client].
func ParseClientPair(certPEM, keyPEM string) (*tls.Certificate, error) {
	if _, err := parseCertificates("cert_pem", certPEM); err != nil {
		return nil, err
	}
	pair, err := keyPair(certPEM, keyPEM)
	if err != nil {
		return nil, err
	}
	return &pair, nil
}

// Run connects twice at most: as a stranger, which shows whether strangers are
// locked out, and then, if the daemon will talk, to ask its version. Nothing is
// sent to a server that does not verify. ctx limits all of it. Every error is a
// [*ProbeError].
func (p Probe) Run(ctx context.Context) (Report, error) {
	report, asked, err := p.visit(ctx)
	if err != nil {
		return Report{}, err
	}
	if report.Mode == ModeTLSVerify && p.Client == nil {
		return report, nil
	}
	if err := p.askVersion(ctx, &report, asked); err != nil {
		return Report{}, err
	}
	return report, nil
}

// Served returns the certificates that the daemon presents, leaf first, after one
// handshake and without trust in them. ctx limits it. Every error is a
// [*ProbeError].
func (p Probe) Served(ctx context.Context) ([]*x509.Certificate, error) {
	conn, hangUp, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer hangUp()
	var chain []*x509.Certificate
	secured := tls.Client(conn, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         p.name(),
		InsecureSkipVerify: true, //nolint:gosec // the caller compares what is served
		VerifyConnection: func(state tls.ConnectionState) error {
			chain = state.PeerCertificates
			return nil
		},
	})
	err = secured.HandshakeContext(ctx)
	switch {
	case len(chain) > 0: // TLS 1.2 turns a stranger away after that
		return chain, nil
	case ctx.Err() != nil:
		return nil, probeErrorf(AboutEndpoint, "%s accepts connections and does not answer in time", p.Endpoint.Address())
	}
	return nil, probeErrorf(AboutEndpoint, "%s does not speak TLS: %v", p.Endpoint.Address(), err)
}

// Verify reports why a Docker client that trusts p.Roots would not accept the
// certificates that a daemon presents, leaf first. Every error is a [*ProbeError].
func (p Probe) Verify(chain []*x509.Certificate) error {
	if err := p.verify(chain); err != nil {
		return err
	}
	return nil
}

// dial connects to the daemon, to no other host and through no proxy. The connection fails once ctx ends; hangUp must
// be called.
func (p Probe) dial(ctx context.Context) (conn net.Conn, hangUp func(), err error) {
	dial := p.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err = dial(ctx, "tcp", p.Endpoint.Address())
	if err != nil {
		return nil, nil, p.dialError(ctx, err)
	}
	conn = &boundedConn{Conn: conn, left: maxRead}
	// A connection that is closed at the wrong end is no error: what matters
	// was read by then.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return conn, func() { stop(); _ = conn.Close() }, nil
}

// visit comes as a stranger. asked has the names of the authorities whose
// clients the daemon accepts, as raw DNs.
func (p Probe) visit(ctx context.Context) (report Report, asked [][]byte, err error) {
	conn, hangUp, err := p.dial(ctx)
	if err != nil {
		return Report{}, nil, err
	}
	defer hangUp()

	wanted := false
	var refused *ProbeError
	config := p.tlsConfig(&report, &refused)
	config.GetClientCertificate = func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		wanted, asked = true, r.AcceptableCAs
		return &tls.Certificate{}, nil
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		var notTLS tls.RecordHeaderError
		switch {
		case refused != nil:
			return Report{}, nil, refused
		case ctx.Err() != nil:
			return Report{}, nil, probeErrorf(AboutEndpoint, "%s accepts connections and does not answer: systemd holds the port for a dockerd that was not started with -H fd:// or does not start (systemctl status docker), the daemon hangs, or it is not a Docker port", p.Endpoint.Address())
		case wanted && isRefusal(err): // TLS 1.2 refuses within the handshake
			report.Mode = ModeTLSVerify
			return report, asked, nil
		case errors.As(err, &notTLS), isHangUp(err):
			plain, err := p.visitPlain(ctx)
			return plain, nil, err
		}
		return Report{}, nil, probeErrorf(AboutEndpoint, "%s refuses the TLS handshake: %v", p.Endpoint.Address(), err)
	}

	// TLS 1.3 tells a client that it was refused only when it first reads.
	response, err := ping(secured)
	switch {
	case err == nil && isDocker(response):
		report.Mode = ModeTLS
		return report, asked, nil
	case err == nil:
		return Report{}, nil, probeErrorf(AboutEndpoint, "%s is a web server with TLS, but not Docker: /_ping answers %q without an Api-Version header", p.Endpoint.Address(), response.Status)
	case ctx.Err() != nil:
		return Report{}, nil, probeErrorf(AboutEndpoint, "%s speaks TLS but does not answer /_ping: the daemon hangs, or it is not Docker", p.Endpoint.Address())
	case wanted && isRefusal(err) && (!isHangUp(err) || p.turnsAway(ctx)):
		report.Mode = ModeTLSVerify
		return report, asked, nil
	}
	return Report{}, nil, probeErrorf(AboutEndpoint, "%s speaks TLS but does not answer as Docker does: %v", p.Endpoint.Address(), err)
}

// turnsAway reports whether a server ends the connection of a stranger that asks
// for nothing. A server that hangs up may have sent an alert that was lost on the
// way, or it may not be one that speaks HTTP.
func (p Probe) turnsAway(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	conn, hangUp, err := p.dial(ctx)
	if err != nil {
		return false
	}
	defer hangUp()
	var ignored Report
	var failure *ProbeError
	secured := tls.Client(conn, p.tlsConfig(&ignored, &failure))
	if err := secured.HandshakeContext(ctx); err != nil {
		return failure == nil && isRefusal(err)
	}
	_, err = secured.Read(make([]byte, 1))
	return err != nil && ctx.Err() == nil && isRefusal(err)
}

// visitPlain looks for a Docker daemon without TLS.
func (p Probe) visitPlain(ctx context.Context) (Report, error) {
	conn, hangUp, err := p.dial(ctx)
	if err != nil {
		return Report{}, err
	}
	defer hangUp()
	response, err := ping(conn)
	switch {
	case ctx.Err() != nil:
		return Report{}, probeErrorf(AboutEndpoint, "%s accepts connections but answers neither TLS nor HTTP: it is not a Docker port, or the daemon hangs", p.Endpoint.Address())
	case err != nil:
		return Report{}, probeErrorf(AboutEndpoint, "%s is not a TLS port and not Docker: something listens there, but it speaks neither TLS nor HTTP", p.Endpoint.Address())
	case !isDocker(response):
		return Report{}, probeErrorf(AboutEndpoint, "%s is not a TLS port and not Docker: it is a web server without TLS (/_ping answers %q)", p.Endpoint.Address(), response.Status)
	}
	return Report{Mode: ModePlain}, nil
}

// tlsConfig verifies with p.verify in place of crypto/tls, which stops at the
// first fault and says less about it. It fills report, and failure if the
// server does not verify.
func (p Probe) tlsConfig(report *Report, failure **ProbeError) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         p.name(),
		Time:               p.Now,
		NextProtos:         []string{"http/1.1"},
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it
		VerifyConnection: func(state tls.ConnectionState) error {
			if err := p.verify(state.PeerCertificates); err != nil {
				*failure = err
				return err
			}
			report.TLSVersion = tls.VersionName(state.Version)
			report.PeerCertificates = state.PeerCertificates
			report.Verified = true
			return nil
		},
	}
}

// askVersion fills in the versions, with the client certificate if there is one.
func (p Probe) askVersion(ctx context.Context, report *Report, asked [][]byte) error {
	// Whatever the URL, it is this connection that is used, as in visit. What is
	// compressed is not bounded by what is read.
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader}
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		conn, _, err := p.dial(ctx)
		return conn, err
	}
	scheme := "http"
	var failure *ProbeError
	if report.Mode != ModePlain {
		scheme = "https"
		transport.TLSClientConfig = p.tlsConfig(report, &failure)
		if p.Client != nil {
			// Always, and not only if the daemon names its authority: the
			// daemon's verdict is what is wanted.
			transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return p.Client, nil
			}
		}
	}
	// The HTTP client comes last: WithHost sets a proxy from the environment.
	docker, err := client.New(
		client.WithHost(p.Endpoint.URL()),
		client.WithHTTPClient(&http.Client{
			Transport: transport,
			// No daemon redirects, and a server that is not verified must not send us elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		client.WithScheme(scheme),
	)
	if err != nil {
		return probeErrorf(AboutEndpoint, "%s: %v", p.Endpoint.Address(), err)
	}
	defer docker.Close()
	version, err := docker.ServerVersion(ctx, client.ServerVersionOptions{})
	switch {
	case failure != nil:
		return failure
	case err == nil && isVersion(version.Version) && isVersion(version.APIVersion):
		report.ServerVersion, report.APIVersion = version.Version, version.APIVersion
		return nil
	case err == nil:
		return probeErrorf(AboutEndpoint, "%s is not Docker: it answers /version without a version", p.Endpoint.Address())
	case ctx.Err() != nil:
		return probeErrorf(AboutEndpoint, "%s did not tell its version in time", p.Endpoint.Address())
	case report.Mode == ModeTLSVerify && client.IsErrConnectionFailed(err):
		return p.refusal(asked, err)
	}
	return probeErrorf(AboutEndpoint, "%s did not tell its version: %v", p.Endpoint.Address(), err)
}

func (p Probe) name() string {
	if p.ServerName != "" {
		return p.ServerName
	}
	return p.Endpoint.Host
}

// ping asks for /_ping, which every daemon answers without authentication of
// its own.
func ping(conn net.Conn) (*http.Response, error) {
	request := "GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
	// A server that refuses may have hung up already: the answer to read, if
	// there is one, tells more than the failed write.
	_, writeErr := conn.Write([]byte(request))
	response, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxHeader)), nil)
	if err != nil {
		return nil, errors.Join(err, writeErr)
	}
	// To close the body would read all of it.
	return response, nil
}

// isDocker knows a daemon by the header that it sends with every answer, even
// with those of an authorization plugin.
func isDocker(r *http.Response) bool {
	return r.Header.Get("Api-Version") != "" || strings.HasPrefix(r.Header.Get("Server"), "Docker/")
}
