package via

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// explainTimeout bounds the question.
const explainTimeout = 10 * time.Second

// explainScript says in one word what is at a path: see [Conn.Explain].
//
//go:embed explain.sh
var explainScript string

// Explain finds out why the socket at that path on the host could not be opened; err
// is that of [Conn.Dial]. It runs one command there, which changes nothing.
func (c *Conn) Explain(ctx context.Context, socket string, err error) *Error {
	url, user := c.target.URL(), c.target.User
	var rejected *ssh.OpenChannelError
	if errors.As(err, &rejected) && rejected.Reason == ssh.Prohibited {
		return c.forbidden(socket)
	}
	said, failure := c.ask(ctx, "socket="+quote(socket)+"\n"+explainScript)
	switch said {
	case "listens":
		return c.forbidden(socket)
	case "denied":
		return errorf(AboutVia, "The user %q of %s may not use %s: it is neither root nor in the group that the socket belongs to. Run there, as root:\n\n  usermod -aG docker %s\n\nIt counts from the next login, so the next apply has it. Or write another user.", user, url, socket, user)
	case "silent":
		return mayPass(errorf(AboutVia, "Docker is down on %s: nothing listens on %s. Start it there with systemctl start docker, and see journalctl -u docker.", url, socket))
	case "stopped":
		return mayPass(errorf(AboutVia, "Docker is down on %s, or listens elsewhere: there is a dockerd, and no %s. Start it there with systemctl start docker, and see journalctl -u docker.", url, socket))
	case "absent":
		return mayPass(errorf(AboutVia, "There is no Docker on %s: neither a dockerd nor %s. Install it there first.", url, socket))
	case "other":
		return errorf(AboutVia, "%s on %s is no socket. See what has taken its place.", socket, url)
	}
	text := "it said something else than it was asked"
	if failure != nil {
		text = failure.Error()
	}
	return mayPass(errorf(AboutVia, "%s on %s cannot be opened (%v), and why could not be asked there (%s). See that Docker runs, that the user %q is root or in the group docker, and that sshd allows forwarding (AllowStreamLocalForwarding).", socket, url, err, text, user))
}

// forbidden is about a sshd that lets the user in and not on to the socket.
func (c *Conn) forbidden(socket string) *Error {
	return errorf(AboutVia, "The sshd of %s lets the user in, and does not open %s for it: AllowStreamLocalForwarding no, DisableForwarding yes or ForceCommand in its sshd_config, or restrict or no-port-forwarding before the key in authorized_keys. "+
		"Allow it there (sshd -T shows what counts), for this user alone in a block that begins with Match User %s.", c.target.URL(), socket, c.target.User)
}

// ask runs a script on the host and returns the word that it says.
func (c *Conn) ask(ctx context.Context, script string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := c.run(ctx, script)
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		return a.text, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// run has a shell read the script from its input, for the user's own shell may be
// of another kind.
func (c *Conn) run(ctx context.Context, script string) (string, error) {
	session, err := c.clients[0].NewSession()
	if err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = session.Close() })
	defer stop()
	defer func() { _ = session.Close() }()
	var out bytes.Buffer
	session.Stdin, session.Stdout = strings.NewReader(script), &limited{out: &out}
	err = session.Run("sh -s")
	return strings.TrimSpace(out.String()), err
}

// limited keeps the first bytes of what is written to it.
type limited struct{ out *bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	l.out.Write(p[:min(len(p), max(0, maxText-l.out.Len()))])
	return len(p), nil
}

// quote is a word of a shell script.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
