package docker

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// dialError says why no connection came about.
func (p Probe) dialError(ctx context.Context, err error) *ProbeError {
	address := p.Endpoint.Address()
	var noName *net.DNSError
	switch {
	case errors.As(err, &noName) && noName.IsNotFound:
		return probeErrorf(AboutEndpoint, "the name %s does not resolve", p.Endpoint.Host)
	case errors.Is(err, syscall.ECONNREFUSED):
		return probeErrorf(AboutEndpoint, "nothing listens on %s: Docker is not running there (systemctl status docker says why), or not on this port", address)
	case ctx.Err() != nil, isTimeout(err):
		return probeErrorf(AboutEndpoint, "no answer from %s in time: the host is down, or a firewall drops the connection", address)
	}
	return probeErrorf(AboutEndpoint, "cannot connect to %s: %v", address, err)
}

// verify checks a server's chain: validity, authority, purpose, name, and says
// which of them failed. Nil means that a Docker client with p.Roots as its
// ca.pem would accept it.
func (p Probe) verify(chain []*x509.Certificate) *ProbeError {
	if len(chain) == 0 {
		return probeErrorf(AboutServer, "%s sent no certificate", p.Endpoint.Address())
	}
	if len(chain) > maxChain {
		return probeErrorf(AboutServer, "%s sent %d certificates, more than the %d that are looked at", p.Endpoint.Address(), len(chain), maxChain)
	}
	leaf, now := chain[0], p.Now()
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, root := range p.Roots {
		roots.AddCert(root)
	}
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	var invalid x509.CertificateInvalidError
	var stranger x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		what := "the server certificate"
		if !invalid.Cert.Equal(leaf) {
			what = fmt.Sprintf("the authority's certificate %q", invalid.Cert.Subject)
		}
		return probeErrorf(AboutServer, "%s", outOfTime(what, invalid.Cert, now))
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return probeErrorf(AboutServer, "the server certificate is not for servers: its extended key usages are %v, without serverAuth", x509text.ExtKeyUsages(leaf))
	case errors.As(err, &stranger):
		return p.wrongAuthority(leaf, now)
	case err != nil:
		return probeErrorf(AboutServer, "the server certificate does not verify: %v", err)
	}
	if leaf.VerifyHostname(p.name()) != nil {
		return probeErrorf(AboutName, "the name %s is not in the server certificate, which has %s", p.name(), names(leaf))
	}
	return nil
}

// wrongAuthority tells a foreign certificate from an authority that expired:
// crypto/x509 calls both unknown.
func (p Probe) wrongAuthority(leaf *x509.Certificate, now time.Time) *ProbeError {
	var trusted []string
	sameName := false
	for _, root := range p.Roots {
		name := fmt.Sprintf("%q", root.Subject)
		if !slices.Contains(trusted, name) {
			trusted = append(trusted, name)
		}
		if !bytes.Equal(root.RawSubject, leaf.RawIssuer) {
			continue
		}
		sameName = true
		if leaf.CheckSignatureFrom(root) == nil && (now.After(root.NotAfter) || now.Before(root.NotBefore)) {
			return probeErrorf(AboutServer, "%s", outOfTime("the authority's certificate "+name, root, now))
		}
	}
	if sameName {
		return probeErrorf(AboutServer, "the server certificate was signed by another key of %q: it comes from an authority of the same name, but not from the one that is trusted", leaf.Issuer)
	}
	return probeErrorf(AboutServer, "the server certificate was signed by %q, which is not trusted. Trusted are %s", leaf.Issuer, strings.Join(trusted, ", "))
}

// refusal says why the daemon may have refused the client certificate. The
// alert alone seldom does, and gets lost if the daemon hangs up fast, so what
// can be known here is checked first.
func (p Probe) refusal(asked [][]byte, err error) *ProbeError {
	const refused = "the daemon refused the client certificate: "
	leaf := p.Client.Leaf
	if now := p.Now(); now.After(leaf.NotAfter) || now.Before(leaf.NotBefore) {
		return probeErrorf(AboutClient, refused+"%s", outOfTime("it", leaf, now))
	}
	if !x509text.Allows(leaf, x509.ExtKeyUsageClientAuth) {
		return probeErrorf(AboutClient, refused+"it is not for clients: its extended key usages are %v, without clientAuth", x509text.ExtKeyUsages(leaf))
	}
	if issuers := p.clientIssuers(); len(asked) > 0 && !slices.ContainsFunc(asked, func(dn []byte) bool {
		return slices.ContainsFunc(issuers, func(issuer []byte) bool { return bytes.Equal(issuer, dn) })
	}) {
		return probeErrorf(AboutClient, refused+"it was signed by %q, and the daemon takes clients of %s", leaf.Issuer, distinguishedNames(asked))
	}
	return probeErrorf(AboutClient, refused+"%v", err)
}

// clientIssuers are the raw DNs of the issuers along the client's chain.
func (p Probe) clientIssuers() [][]byte {
	issuers := [][]byte{p.Client.Leaf.RawIssuer}
	for _, der := range p.Client.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			issuers = append(issuers, c.RawIssuer)
		}
	}
	return issuers
}

func distinguishedNames(raw [][]byte) string {
	var out []string
	for _, dn := range raw {
		var sequence pkix.RDNSequence
		if _, err := asn1.Unmarshal(dn, &sequence); err != nil {
			continue
		}
		out = append(out, fmt.Sprintf("%q", sequence))
	}
	return strings.Join(out, ", ")
}

func outOfTime(what string, c *x509.Certificate, now time.Time) string {
	if now.Before(c.NotBefore) {
		return fmt.Sprintf("%s is not valid before %s; it is %s here", what, c.NotBefore.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s expired on %s", what, c.NotAfter.UTC().Format(time.RFC3339))
}

// names lists what a certificate may be called.
func names(c *x509.Certificate) string {
	all := make([]string, 0, len(c.DNSNames)+len(c.IPAddresses))
	for _, name := range c.DNSNames {
		all = append(all, fmt.Sprintf("%q", name))
	}
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "no names at all, only the common name " + fmt.Sprintf("%q", c.Subject.CommonName) + ", which no client reads any more"
	}
	return strings.Join(all, ", ")
}

// isRefusal says whether a server that asked for a client certificate turned
// the client away: by an alert, or by hanging up so fast that the alert was
// lost on the way.
func isRefusal(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" || strings.Contains(err.Error(), "remote error: tls:") || isHangUp(err)
}

func isHangUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}
