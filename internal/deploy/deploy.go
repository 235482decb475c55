// Package deploy puts a certificate on a host whose Docker runs, through Docker's
// own API, and proves from outside that it is served. What cannot be proved is
// undone, by the host itself if need be. It knows no Terraform.
//
// # One visit
//
//	reach    the daemon lets the visit in, over TLS, or SSH leads to its socket
//	look     a container that never runs carries the host's files here: what differs?
//	start    the one command of another has the host's systemd run switch.sh, which waits
//	stage    the new files go into the host's memory, in /run
//	         from here on it is switch.sh that works: it has dockerd check the files, keeps the old
//	         ones, puts the new ones into their places, and restarts Docker
//	prove    from outside, the new certificate is served, and the visit is let in with the new files
//	confirm  switch.sh forgets the old files; without this it puts them back, and restarts Docker again
package deploy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Host is a daemon that runs, or is about to, and what lets a visit in.
type Host struct {
	Endpoint docker.Endpoint
	Roots    []*x509.Certificate // the authorities whose daemons are trusted with what is delivered
	// Known is the SHA-256 fingerprint, in lower-case hex, of the certificate that a
	// delivery has proved it to serve; empty if none has.
	Known string
	// Visitor makes the client certificate of a visit. A host whose clock is wrong
	// may refuse one that is valid for minutes, and is shown one that is valid for
	// a day around now (wide).
	Visitor func(wide bool) (tls.Certificate, error)
	// Via is another way in than the port: it dials on the host, where the visit
	// calls Docker's socket. Nil: the visit comes over TLS, and needs a Visitor.
	Via interface {
		Dial(ctx context.Context, network, address string) (net.Conn, error)
	}
	Now func() time.Time
}

// Delivery is what a host is to have, and to serve.
type Delivery struct {
	Server  docker.Identity
	Options docker.Options // of these, only Clients counts with CertificatesOnly
	// CertificatesOnly leaves daemon.json and the units as they are: the
	// certificates go to the files that daemon.json names. A host that is visited by
	// Via and has no TLS yet is set up all the same, with the default options.
	CertificatesOnly bool
	FormerSettings   []string      // keys of daemon.json that an earlier delivery had in Options.Settings
	Restart          bool          // of docker.service by systemd; without, files are written and nothing is proved
	Timeout          time.Duration // for the host to answer, and again for the proof
}

// defaultOptions are the default ones, for the clients of the delivery.
func (d Delivery) defaultOptions() docker.Options {
	o := docker.DefaultOptions()
	o.Clients = d.Options.Clients
	return o
}

// Result is what a delivery has found, or brought about.
type Result struct {
	Written           []string // paths of the files that differed
	FingerprintSHA256 string   // of the certificate that the host serves now, in lower-case hex; empty if it serves none
	DockerVersion     string   // as the daemon says
	Warnings          []string // whole sentences
}

// Deliver makes the host have what the delivery says, and serve it. A host that
// has it all and serves it is left alone. Every error is an [*Error], and then the
// host serves what it served before, or is about to.
func (h Host) Deliver(ctx context.Context, d Delivery) (Result, error) {
	v, err := h.reach(ctx, d.Timeout)
	if err != nil {
		return Result{}, err
	}
	result := Result{DockerVersion: v.version, Warnings: v.warnings()}
	defer v.leave(ctx)
	// One lifetime to wait for another visit, and one of its own.
	ctx, cancel := context.WithTimeout(ctx, 2*lifetime(d.Timeout))
	defer cancel()
	change, err := v.look(ctx, d)
	if err != nil {
		return Result{}, err
	}
	switch {
	case change.none(d, v.leaf()):
	case !d.Restart:
		err = v.write(ctx, d, change)
	default:
		err = v.transact(ctx, d, change)
	}
	if err != nil {
		return Result{}, err
	}
	result.Written = change.differ
	if leaf := v.leaf(); leaf != nil {
		result.FingerprintSHA256 = x509text.Fingerprint(leaf)
	}
	return result, nil
}

// transact brings a change about that the host can undo by itself.
func (v *visit) transact(ctx context.Context, d Delivery, c change) error {
	if err := v.start(ctx, d, c); err != nil {
		return err
	}
	err := v.stage(ctx, c)
	var failure *Error
	if errors.As(err, &failure) { // the host has heard nothing
		v.tell(ctx, "cancel")
		return err
	}
	return v.prove(ctx, d, c, err)
}

// Served returns the fingerprint of the certificate that the host serves, as
// [Result.FingerprintSHA256] has it, after one handshake and without trust in it.
// ctx limits it.
func (h Host) Served(ctx context.Context) (string, error) {
	chain, err := h.probe().Served(ctx)
	if err != nil {
		return "", err
	}
	return x509text.Fingerprint(chain[0]), nil
}

// What an error can be about, in [Error.About].
const (
	AboutHost    = "host"    // the host cannot be reached, cannot be trusted, or is no host for this
	AboutServer  = "server"  // the certificate or its key
	AboutVisitor = "visitor" // the host does not let the visit in
	AboutOptions = "options" // what the host has, or its dockerd says, does not go with them
	AboutRestart = "restart" // the host has no systemd
)

// Error says why a delivery failed, and what the host serves now. Its text is whole
// sentences for people; About is for whoever has to point at the input in question.
type Error struct {
	About string
	Text  string
}

func (e *Error) Error() string { return e.Text }

const maxLines = 20

// errorf is where every error passes through: its text may have what a host has
// sent, and goes to a terminal.
func errorf(about, format string, a ...any) *Error {
	lines := strings.Split(fmt.Sprintf(format, a...), "\n")
	for i, line := range lines {
		lines[i] = docker.Printable(line)
	}
	return &Error{About: about, Text: strings.Join(lines[:min(len(lines), maxLines)], "\n")}
}
