package deploy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

const (
	patience = 5 * time.Second        // for one answer of a daemon that is reached at all
	pause    = 250 * time.Millisecond // between two attempts to reach a host
	slowest  = 30 * time.Second       // until a daemon begins to answer

	maxAnswer = 8 << 20     // octets
	maxSkew   = time.Minute // between the clocks of a host and of this machine, until it is worth a word
)

// visit is a way into the API of a daemon, and what has been learned there.
type visit struct {
	*connection
	wide bool // the host wants a certificate that is valid for longer
	info system.Info
	seen time.Time // when info was given, by this machine's clock

	// Ids, empty while there is none.
	container, runner, stager, image string
	directories                      []string     // of the host, that the container shows
	started                          *docker.Unit // how systemd starts Docker; nil until it was read
}

// connection talks to a daemon that has shown its certificate.
type connection struct {
	host       Host
	pair       tls.Certificate
	api        *client.Client
	idle       func() // closes connections that nothing goes over
	version    string // of Docker, as the daemon says
	apiVersion string // the highest that the daemon offers

	mu     sync.Mutex
	served *x509.Certificate // at the last handshake
	doubt  error             // why that was not trusted
}

// leaf is the certificate that the daemon served last.
func (c *connection) leaf() *x509.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.served
}

func (c *connection) verify(state tls.ConnectionState) error {
	err := c.host.trust(state.PeerCertificates)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doubt = err; err == nil {
		c.served = state.PeerCertificates[0]
	}
	return err
}

func (c *connection) doubts() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.doubt
}

func (c *connection) close() {
	_ = c.api.Close()
	c.idle()
}

func (v *visit) url() string { return v.host.Endpoint.URL() }

func (h Host) probe() docker.Probe {
	return docker.Probe{Endpoint: h.Endpoint, Roots: h.Roots, Now: h.Now}
}

// inside looks at the port from the host's own side.
func (h Host) inside(o docker.Options) docker.Probe {
	p := h.probe()
	p.ServerName, p.Dial = p.Endpoint.Host, h.Via.Dial
	if p.Endpoint.Host = "127.0.0.1"; o.Address.IsValid() {
		p.Endpoint.Host = o.Address.String()
	}
	return p
}

// trust reports why a daemon that presents these certificates is not the one to
// visit. Either an authority vouches for it, or it has the key of the certificate
// that it is known by, which is all that a host can do whose certificate has
// expired, or which has got another name.
func (h Host) trust(chain []*x509.Certificate) error {
	probe := h.probe()
	err := probe.Verify(chain)
	if err == nil || len(chain) == 0 || h.Known == "" || x509text.Fingerprint(chain[0]) != h.Known {
		return err
	}
	if end := chain[0].NotAfter; end.Before(h.Now()) {
		probe.Now = func() time.Time { return end }
	}
	var failure *docker.ProbeError
	if again := probe.Verify(chain); again == nil || errors.As(again, &failure) && failure.About == docker.AboutName {
		return nil
	}
	return err
}

// bounded is a transport whose answers end after so much: a daemon is trusted with
// keys, and not with this machine's memory.
type bounded struct{ *http.Transport }

func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.Transport.RoundTrip(request)
	if err == nil {
		response.Body = limitedBody{io.LimitReader(response.Body, maxAnswer), response.Body}
	}
	return response, err
}

type limitedBody struct {
	io.Reader
	io.Closer
}

// dockerSocket is where a host has Docker's socket.
const dockerSocket = "/run/docker.sock"

// transport is how the API is reached, and by which scheme.
func (c *connection) transport() (transport *http.Transport, scheme string) {
	// What is compressed is not bounded by what is read.
	transport = &http.Transport{DisableCompression: true, MaxResponseHeaderBytes: maxFile, ResponseHeaderTimeout: slowest}
	if c.host.Via != nil {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return c.host.Via.Dial(ctx, "unix", dockerSocket)
		}
		return transport, "http"
	}
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", c.host.Endpoint.Address())
	}
	transport.TLSClientConfig = &tls.Config{
		MinVersion:           tls.VersionTLS12,
		ServerName:           c.host.Endpoint.Host,
		NextProtos:           []string{"http/1.1"},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.pair, nil },
		InsecureSkipVerify:   true, //nolint:gosec // VerifyConnection does it
		VerifyConnection:     c.verify,
	}
	return transport, "https"
}

// connect opens a way in, and asks the daemon for its version. The connection has
// what it knows even if that fails.
func (h Host) connect(ctx context.Context, pair tls.Certificate) (*connection, error) {
	c := &connection{host: h, pair: pair}
	transport, scheme := c.transport()
	c.idle = transport.CloseIdleConnections
	var err error
	c.api, err = client.New(client.WithHost(h.Endpoint.URL()), client.WithScheme(scheme), client.WithHTTPClient(&http.Client{
		Transport:     bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}))
	if err != nil {
		return c, fmt.Errorf("prepare a visit to %s: %w", h.Endpoint.Address(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	version, err := c.api.ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		c.close()
		return c, err
	}
	c.version, c.apiVersion = docker.Printable(version.Version), version.APIVersion
	return c, nil
}

// reach gets into a daemon. It waits for one that is just booting, and returns what
// no waiting would change.
func (h Host) reach(ctx context.Context, timeout time.Duration) (*visit, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	wide := false
	for {
		pair, err := h.visitor(wide)
		if err != nil {
			return nil, errorf(AboutVisitor, "The certificate of the visit cannot be made: %v.", err)
		}
		c, err := h.connect(limited, pair)
		if err == nil {
			v := &visit{connection: c, wide: wide}
			if err := v.survey(ctx); err != nil {
				v.close()
				return nil, err
			}
			return v, nil
		}
		verdict := h.judge(ctx, c.doubts(), err, wide)
		if verdict.final != nil {
			return nil, verdict.final
		}
		wide = wide || verdict.clock
		if !verdict.clock {
			select {
			case <-limited.Done():
				return nil, errorf(AboutHost, "%s was not reached within %s: %s. Nothing was changed there.", h.Endpoint.URL(), timeout, h.unreached(ctx, err))
			case <-time.After(pause):
			}
		}
	}
}

// visitor makes the certificate of a visit that needs one.
func (h Host) visitor(wide bool) (tls.Certificate, error) {
	if h.Via != nil {
		return tls.Certificate{}, nil
	}
	return h.Visitor(wide)
}

// verdict is what a failed attempt to get in means.
type verdict struct {
	final *Error // no further attempt would do better
	clock bool   // the next one is to bring a certificate that is valid for longer
}

func (h Host) judge(ctx context.Context, doubt, err error, wide bool) verdict {
	if ctx.Err() != nil {
		return verdict{final: errorf(AboutHost, "The visit to %s was interrupted. Nothing was changed there.", h.Endpoint.URL())}
	}
	text := err.Error()
	switch {
	case doubt != nil:
		return verdict{final: h.distrust(ctx, doubt)}
	case strings.Contains(text, "server gave HTTP response") || strings.Contains(text, "does not look like a TLS handshake"):
		return verdict{final: errorf(AboutHost, "%s serves Docker without TLS, or something else. Whoever reaches the port is root on the host, and whatever were sent there could be read: nothing was. Close that port, and bring TLS first: over SSH (via), or by cloud_init or host_files.", h.Endpoint.URL())}
	case forbidden(text):
		return verdict{final: h.failed("ask the daemon for its version", err)}
	case refusesClock(text) && !wide:
		return verdict{clock: true}
	case strings.Contains(text, "remote error: tls:"):
		return verdict{final: errorf(AboutVisitor, "%s does not let the visit in: %s. Its daemon trusts other authorities than the one that has signed the visit's certificate, or the clock of the host is off by more than a day. "+
			hardCut+" Otherwise give a certificate as client that the daemon accepts. Nothing was changed there.", h.Endpoint.URL(), alert(text))}
	}
	return verdict{}
}

// hardCut is what may be behind a host that trusts another authority than the visit.
const hardCut = "After a hard cut of the authority (overlap_hours = 0) it and its hosts do not know each other where the old one alone is trusted: rotate and deliver while both are trusted, then cut and deliver again; or let the visit in over SSH (via), which does both in one apply."

// refusesClock knows the alerts with which a daemon refuses a certificate that has
// expired, or is not valid yet. Docker before 23.0 has one alert for everything.
func refusesClock(text string) bool {
	return strings.Contains(text, "tls: expired certificate") || strings.Contains(text, "tls: bad certificate")
}

func alert(text string) string {
	_, alert, _ := strings.Cut(text, "remote error: ")
	return alert
}

// distrust says why a daemon is not trusted, and, of one that was known, what that
// may mean.
func (h Host) distrust(ctx context.Context, doubt error) *Error {
	if h.Known == "" {
		return errorf(AboutHost, "%s is not trusted, and nothing was sent there: %v. Nobody has yet seen it serve a certificate by which it could be known otherwise. Where it is the right host, it gets its certificate over SSH (via), by user data or by hand.", h.Endpoint.URL(), doubt)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	shown, _ := h.Served(ctx)
	if shown == h.Known {
		return errorf(AboutHost, "%s is not trusted, and nothing was sent there: %v. It serves what it was last proven to serve. "+hardCut, h.Endpoint.URL(), doubt)
	}
	return errorf(AboutHost, "%s is not trusted, and nothing was sent there: %v. It was last proven to serve the certificate %s, and shows %s now. Somebody may stand in between (a man in the middle), or the host was set up anew by other hands: "+
		"find out which. A host that was set up anew gets its certificate over SSH (via), by user data or by hand.", h.Endpoint.URL(), doubt, h.Known, shown)
}

// unreached says in the words of the probe why nobody answers.
func (h Host) unreached(ctx context.Context, err error) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, probed := h.probe().Served(ctx); probed != nil {
		return probed.Error()
	}
	return err.Error()
}

// survey asks what kind of host it is, and refuses those where a visit cannot work.
func (v *visit) survey(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	result, err := v.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return v.failed("ask the daemon what it is", err)
	}
	v.info, v.seen = result.Info, v.host.Now()
	has := func(option string) bool {
		return slices.ContainsFunc(v.info.SecurityOptions, func(o string) bool {
			return o == option || strings.HasPrefix(o, "name="+option)
		})
	}
	url := v.url()
	switch {
	case v.info.OSType != "" && v.info.OSType != "linux":
		return errorf(AboutHost, "%s is a daemon of %s: certificates are delivered to Linux hosts only. Nothing was changed there.", url, v.info.OSType)
	case has("rootless"):
		return errorf(AboutHost, "%s is a rootless daemon: its containers cannot write the host's files, nor restart it. Deliver its certificates by other means. Nothing was changed there.", url)
	case has("userns"):
		return errorf(AboutHost, "%s remaps the users of its containers (userns-remap), so that a container cannot write files as the host's root. Deliver its certificates by other means. Nothing was changed there.", url)
	}
	return nil
}

// warnings are what the user should know of a host whether or not all goes well.
func (v *visit) warnings() []string {
	clock, err := time.Parse(time.RFC3339Nano, v.info.SystemTime)
	if err != nil {
		return nil
	}
	skew, which := clock.Sub(v.seen).Round(time.Second), "ahead of"
	if skew < 0 {
		skew, which = -skew, "behind"
	}
	if skew < maxSkew {
		return nil
	}
	return []string{fmt.Sprintf("The clock of %s is %s %s this machine's. Its daemon refuses clients by its own clock: certificates seem to begin or to end that much too late or too early.", v.url(), skew, which)}
}
