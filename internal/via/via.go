// Package via opens a way to what listens on a host, a Unix socket or a port, over
// SSH (RFC 4251 to 4254), and says in whole sentences why there is none. It runs
// nothing on the host but a question why a socket could not be opened. It knows
// neither Terraform nor Docker's API.
package via

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	dialTimeout = 10 * time.Second       // for one attempt to reach a port
	pause       = 250 * time.Millisecond // between two attempts
)

// Config is who goes where, and what both prove.
type Config struct {
	Target Target
	// HostKey are the public keys of which the host proves to have one, each on a
	// line of its own as in a .pub file, in known_hosts or from ssh-keyscan. Without
	// any, the file KnownHosts has them.
	HostKey string
	// PrivateKeyPEM is the user's key, in the form of OpenSSH or in any of OpenSSL.
	// Without it, the agent at the socket AgentSocket has the keys.
	PrivateKeyPEM, PrivateKeyPassphrase string
	Jump                                *Target // what the host is reached through, with the same keys of the user
	JumpHostKey                         string  // as HostKey
	KnownHosts                          string  // path, as of ~/.ssh/known_hosts
	AgentSocket                         string  // path, as in SSH_AUTH_SOCK
}

// Conn is a way to a host.
type Conn struct {
	target  Target
	clients []*ssh.Client // the host's, then that of the jump host
}

// leg is one of the connections, and the arguments that it depends on.
type leg struct {
	target              Target
	keys                *hostKeys
	about, aboutHostKey string
}

// Check reports what is wrong with the configuration by itself. It reads no file,
// and asks nobody. Every error is an [*Error].
func (c Config) Check() error {
	for about, text := range map[string]string{AboutHostKey: c.HostKey, AboutJumpHostKey: c.JumpHostKey} {
		if _, err := parseHostKeys(about, text); err != nil {
			return err
		}
	}
	if c.PrivateKeyPEM == "" {
		return nil
	}
	_, err := parsePrivateKey(c.PrivateKeyPEM, c.PrivateKeyPassphrase)
	return err
}

// Open logs in. It waits for a host that is booting, until ctx ends. Every error is
// an [*Error].
func Open(ctx context.Context, c Config) (*Conn, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	user, err := c.login(ctx)
	if err != nil {
		return nil, err
	}
	defer user.close()
	// An agent that waits for its user would wait on.
	stop := context.AfterFunc(ctx, user.close)
	defer stop()
	var last error
	for {
		conn, err := c.open(ctx, user)
		var failure *Error
		if err == nil || !errors.As(err, &failure) || !failure.Waits {
			return conn, err
		}
		if ctx.Err() == nil || last == nil { // an attempt that ctx has cut off says less than the one before
			last = err
		}
		select {
		case <-ctx.Done():
			return nil, last
		case <-time.After(pause):
		}
	}
}

// Lost reports whether an error of [Conn.Dial] says that the host itself did not
// answer, and not that it has refused: the way may be gone.
func Lost(err error) bool {
	var rejected *ssh.OpenChannelError
	return !errors.As(err, &rejected)
}

// dialFunc is that of a [net.Dialer], or of a jump host.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func (c Config) open(ctx context.Context, user login) (*Conn, error) {
	host := leg{target: c.Target, about: AboutVia, aboutHostKey: AboutHostKey}
	var err error
	if host.keys, err = c.hostKeys(host, c.HostKey); err != nil {
		return nil, err
	}
	dial := dialFunc((&net.Dialer{Timeout: dialTimeout}).DialContext)
	if c.Jump == nil {
		client, err := host.connect(ctx, dial, user)
		if err != nil {
			return nil, err
		}
		return &Conn{target: c.Target, clients: []*ssh.Client{client}}, nil
	}
	jump := leg{target: *c.Jump, about: AboutJump, aboutHostKey: AboutJumpHostKey}
	if jump.keys, err = c.hostKeys(jump, c.JumpHostKey); err != nil {
		return nil, err
	}
	through, err := jump.connect(ctx, dial, user)
	if err != nil {
		return nil, err
	}
	client, err := host.connect(ctx, through.DialContext, user)
	if err != nil {
		_ = through.Close()
		return nil, err
	}
	return &Conn{target: c.Target, clients: []*ssh.Client{client, through}}, nil
}

// connect reaches one host and logs in there.
func (l leg) connect(ctx context.Context, dial dialFunc, user login) (*ssh.Client, error) {
	conn, err := dial(ctx, "tcp", l.target.Address())
	if err != nil {
		return nil, l.unreached(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	seen := &observer{keys: l.keys}
	client, channels, requests, err := ssh.NewClientConn(conn, l.target.Address(), &ssh.ClientConfig{
		User:              l.target.User,
		Auth:              user.methods(),
		HostKeyCallback:   seen.check,
		HostKeyAlgorithms: l.keys.algorithms(),
	})
	if err != nil {
		_ = conn.Close()
		return nil, l.refused(ctx, seen, user, err)
	}
	if !stop() {
		_ = client.Close()
		return nil, l.refused(ctx, seen, user, ctx.Err())
	}
	return ssh.NewClient(client, channels, requests), nil
}

// unreached says why the port of a host does not answer.
func (l leg) unreached(ctx context.Context, err error) *Error {
	url := l.target.URL()
	var rejected *ssh.OpenChannelError
	var dns *net.DNSError
	switch {
	case errors.As(err, &rejected) && rejected.Reason == ssh.Prohibited:
		return errorf(AboutJump, "The jump host does not let this user go on to %s: its sshd forbids forwarding (AllowTcpForwarding no, DisableForwarding yes or PermitOpen in sshd_config, or an option of the key in authorized_keys). Allow it there, or write another jump_host.", url)
	case errors.As(err, &rejected):
		return mayPass(errorf(l.about, "%s cannot be reached from the jump host: %s. Write the address by which the jump host reaches it, and see that sshd runs there.", url, rejected.Message))
	case errors.As(err, &dns) && dns.IsNotFound:
		return mayPass(errorf(l.about, "The name in %s cannot be resolved: there is no such host. Write a name that this machine knows, or an address.", url))
	case errors.Is(err, syscall.ECONNREFUSED):
		return mayPass(errorf(l.about, "%s refuses the connection: nothing listens on port %d. See that sshd runs there, and write its port, as in ssh://%s@%s:2222.", url, l.target.Port, l.target.User, l.target.Host))
	case ctx.Err() != nil || timedOut(err):
		return mayPass(errorf(l.about, "%s does not answer, in the time that there was. See that the host is on, that the address is right, and that no firewall stands between it and this machine; or give a jump_host that reaches it.", url))
	}
	return mayPass(errorf(l.about, "%s cannot be reached: %v. See that the host is on and that the address is right.", url, err))
}

func timedOut(err error) bool {
	var failure net.Error
	return errors.As(err, &failure) && failure.Timeout()
}

// refused says why a host that was reached does not let the user in.
func (l leg) refused(ctx context.Context, seen *observer, user login, err error) *Error {
	url := l.target.URL()
	var negotiation *ssh.AlgorithmNegotiationError
	text := err.Error()
	switch {
	case seen.err != nil:
		return l.distrust(seen)
	case errors.As(err, &negotiation) && negotiation.What == "host key" && l.keys.known():
		return l.otherKind(negotiation.RequestedAlgorithms)
	case errors.As(err, &negotiation):
		return errorf(l.about, "The sshd of %s is too old, or set up for other algorithms: %v. Update it, or allow one of the algorithms that are offered (sshd -T there shows which it has).", url, err)
	case strings.Contains(text, "unable to authenticate"), strings.Contains(strings.ToLower(text), "too many authentication failures"):
		return l.locked(user, text)
	case seen.key == nil && ctx.Err() != nil:
		return mayPass(errorf(l.about, "%s takes the connection and says nothing, in the time that there was. See that it is sshd that listens there.", url))
	case ctx.Err() != nil:
		return errorf(l.about, "%s did not let the user in before the time was over. See why its login is slow (its journal, the agent), or set a longer timeout.", url)
	case strings.Contains(text, "version string"):
		return errorf(l.about, "What listens at %s is not SSH. Write the port on which sshd listens.", url)
	case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
		return mayPass(errorf(l.about, "%s closes the connection before the user is let in. Either it is not sshd that listens there, or sshd turns this machine away (MaxStartups, PerSourcePenalties, a firewall): its journal says so.", url))
	}
	return errorf(l.about, "%s does not let the user in: %v. The journal of its sshd says why.", url, err)
}

// locked says why none of the user's keys opens.
func (l leg) locked(user login, text string) *Error {
	target := l.target
	switch {
	case strings.Contains(strings.ToLower(text), "too many"):
		return errorf(l.about, "The sshd of %s gave up after the first keys: %s offers %s. Give the one that is meant as ssh.private_key_pem.", target.URL(), user.source, user.list())
	case !strings.Contains(text, "publickey"):
		return errorf(l.about, "The sshd of %s takes no key from the user %q: it wants a password, or forbids the login (PubkeyAuthentication, AuthenticationMethods, PermitRootLogin in sshd_config). Allow keys there, or write another user.", target.URL(), target.User)
	}
	return errorf(l.about, "%s does not let the user %q in with %s from %s. Write the user whose authorized_keys has that key, or add the key to them on the host. "+
		"For root, PermitRootLogin in sshd_config counts too.", target.URL(), target.User, user.list(), user.source)
}

// Dial opens a connection on the host: to a Unix socket by its path (network
// "unix"), or to host:port as the host reaches it ("tcp"). It ends with ctx.
func (c *Conn) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.clients[0].DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("open %s over %s: %w", address, c.target.URL(), err)
	}
	return conn, nil
}

// Close ends the way, and what was opened over it.
func (c *Conn) Close() error {
	var errs []error
	for _, client := range c.clients {
		errs = append(errs, client.Close())
	}
	return errors.Join(errs...)
}
