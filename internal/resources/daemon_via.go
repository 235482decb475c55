package resources

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/deploy"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/via"
)

// Way is a [via.Conn], or what a test has in its place.
type Way interface {
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	Explain(ctx context.Context, socket string, err error) *via.Error
	Close() error
}

// OpenFunc is [via.Open], or what a test has in its place.
type OpenFunc func(context.Context, via.Config) (Way, error)

func openVia(ctx context.Context, config via.Config) (Way, error) {
	conn, err := via.Open(ctx, config)
	if err != nil {
		return nil, err // and no Way: a nil *via.Conn would be one
	}
	return conn, nil
}

// checkWays reports arguments that do not go together as ways in.
func (m *daemonModel) checkWays() diag.Diagnostics {
	var diags diag.Diagnostics
	switch {
	case inputs.Known(m.CA) && inputs.Known(m.Client):
		diags.AddAttributeError(path.Root("ca"), "Two ways in", "Both ca and client are given, and one of them lets the visit in. Leave the other one out.")
	case m.CA.IsNull() && m.Client.IsNull() && m.Via.IsNull():
		diags.AddAttributeError(path.Root("ca"), "No way in", "Nothing lets the visit in. Write ca = docker_tls_ca.this or client = docker_tls_client_cert.ci for a host that serves TLS, or via = \"ssh://root@web1.example.com\" for one that does not yet.")
	}
	if inputs.Known(m.SSH) && m.Via.IsNull() {
		diags.AddAttributeError(path.Root("ssh"), "SSH to nowhere", "ssh says how via gets in, and via is not set. Write via = \"ssh://root@web1.example.com\" as well, or leave ssh out.")
	}
	return diags
}

// checkVia reports what is wrong with `ssh`, as far as it is known.
func (m *daemonModel) checkVia() diag.Diagnostics {
	var diags diag.Diagnostics
	config, err := m.way()
	if err == nil && config != nil {
		err = config.Check()
	}
	if err != nil {
		diags.Append(viaError("Invalid way in", err))
	}
	return diags
}

// way is the way in by `via` and `ssh`; nil without `via`. What is not known yet
// is empty.
func (m *daemonModel) way() (*via.Config, error) {
	if m.Via.IsNull() {
		return nil, nil //nolint:nilnil // there is no such way, and that is no error
	}
	text := func(name string) types.String {
		value, _ := m.SSH.Attributes()[name].(types.String)
		return value
	}
	config := &via.Config{HostKey: text("host_key").ValueString(), JumpHostKey: text("jump_host_key").ValueString()}
	if passphrase := text("private_key_passphrase"); !passphrase.IsUnknown() {
		config.PrivateKeyPEM, config.PrivateKeyPassphrase = text("private_key_pem").ValueString(), passphrase.ValueString()
	}
	target, err := parseTarget(via.AboutVia, m.Via)
	if err != nil {
		return nil, err
	}
	config.Target = target
	if jump := text("jump_host"); !jump.IsNull() {
		if target, err = parseTarget(via.AboutJump, jump); err != nil {
			return nil, err
		}
		config.Jump = &target
	}
	config.AgentSocket = os.Getenv("SSH_AUTH_SOCK")
	if home, err := os.UserHomeDir(); err == nil {
		config.KnownHosts = filepath.Join(home, ".ssh", "known_hosts")
	}
	return config, nil
}

func parseTarget(about string, value types.String) (via.Target, error) {
	if value.IsUnknown() {
		return via.Target{}, nil
	}
	target, err := via.ParseTarget(value.ValueString())
	if err != nil {
		return target, &via.Error{About: about, Text: inputs.Sentence(err)}
	}
	return target, nil
}

// viaError points at the argument that an error of package via is about.
func viaError(summary string, err error) diag.Diagnostic {
	at, failure := path.Root("via"), (*via.Error)(nil)
	if errors.As(err, &failure) && failure.About != via.AboutVia {
		at = path.Root("ssh").AtName(failure.About)
	}
	return diag.NewAttributeErrorDiagnostic(at, summary, err.Error())
}

// deliver delivers through the port, or through the way that is given.
func (r *daemon) deliver(ctx context.Context, host deploy.Host, config *via.Config, delivery deploy.Delivery) (deploy.Result, error) {
	if config == nil {
		return r.reach(host).Deliver(ctx, delivery)
	}
	opening, cancel := context.WithTimeout(ctx, delivery.Timeout)
	defer cancel()
	way, err := r.open(opening, *config)
	if err != nil {
		return deploy.Result{}, err
	}
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	watched := &watchedWay{way: way, giveUp: giveUp, open: func(ctx context.Context) (Way, error) { return r.open(ctx, *config) }}
	defer watched.close()
	host.Via = watched
	result, err := r.reach(host).Deliver(ctx, delivery)
	if failure := watched.locked(); err != nil && failure != nil {
		return deploy.Result{}, failure
	}
	return result, err
}

// watchedWay finds out why Docker's socket does not open, as long as it never has:
// later, Docker restarts. It ends a delivery that no waiting would help. A way that
// is lost, because the host reboots, it opens again.
type watchedWay struct {
	open   func(context.Context) (Way, error)
	giveUp context.CancelFunc

	mu      sync.Mutex
	way     Way // nil once it is lost
	opened  bool
	failure *via.Error // of the last attempt
}

func (w *watchedWay) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	way, err := w.current(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := way.Dial(ctx, network, address)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case network != "unix":
	case w.opened:
		if err != nil && via.Lost(err) && w.way == way {
			w.way = nil
			go func() { _ = way.Close() }() // which may wait for the host
		}
	case err == nil:
		w.opened, w.failure = true, nil
	case ctx.Err() == nil:
		if w.failure = way.Explain(ctx, address, err); !w.failure.Waits {
			w.giveUp()
		}
	}
	return conn, err
}

// current is the way, opened again if it was lost.
func (w *watchedWay) current(ctx context.Context) (Way, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.way != nil {
		return w.way, nil
	}
	way, err := w.open(ctx)
	if err == nil {
		w.way = way
	}
	return way, err
}

func (w *watchedWay) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.way != nil {
		_ = w.way.Close()
	}
}

// locked is why the socket never opened; nil if it has, or was not tried.
func (w *watchedWay) locked() *via.Error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}
