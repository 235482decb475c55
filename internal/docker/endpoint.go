package docker

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Endpoint is the TCP address of a daemon.
type Endpoint struct {
	Host string // name or IP address, without brackets
	Port int
}

// hostLabel is what stands between the dots of a host name: letters, digits and
// inner hyphens (RFC 1034, section 3.5). Underscores too, which Compose and
// container networks use, and which Go, curl and OpenSSL compare.
var hostLabel = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)

// maxHostName is the longest host name in text form (RFC 1034, section 3.1).
const maxHostName = 253

// checkHost reports what is neither a name that a resolver may be asked for nor
// an IP address, without brackets. A certificate cannot name the zone of an
// address, and the docker command takes none in any spelling.
func checkHost(host string) error {
	if address, err := netip.ParseAddr(host); err == nil {
		if address.Zone() != "" {
			return fmt.Errorf("%q has a zone, which neither Docker nor a certificate can name: use an address without one, or a name", host)
		}
		return nil
	}
	name := strings.TrimSuffix(host, ".")
	labels := strings.Split(name, ".")
	if len(name) > maxHostName || slices.ContainsFunc(labels, func(label string) bool { return !hostLabel.MatchString(label) }) {
		return fmt.Errorf("%q is neither a host name nor an IP address", host)
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return fmt.Errorf("%q ends in a number, as only an IP address does, and is none", host)
	}
	return nil
}

// CheckServerName reports a name that no certificate can have: it must be a host
// name or an IP address, with nothing beside it.
func CheckServerName(name string) error {
	if name == "" {
		return errors.New("the server name is empty: leave it out to look for the one in the host")
	}
	if err := checkHost(name); err != nil {
		return fmt.Errorf("the server name must be a host name or an IP address alone: %w", err)
	}
	return nil
}

// ParseEndpoint reads "tcp://host:port", "host:port" or "host"; the port is
// [DefaultPort] if it is missing, as with the docker command. A final slash means
// nothing, there as here.
func ParseEndpoint(s string) (Endpoint, error) {
	if strings.Contains(s, "@") { // there may be a password before it
		return Endpoint{}, errors.New("host has an @: write tcp://host:port and nothing more. A certificate lets in, no user and no password")
	}
	address := s
	if scheme, rest, found := strings.Cut(s, "://"); found {
		switch scheme {
		case "tcp":
			address = rest
		case "http", "https":
			return Endpoint{}, fmt.Errorf("host %q: write tcp:// instead of %s://, as in DOCKER_HOST", s, scheme)
		default:
			return Endpoint{}, fmt.Errorf("host %q: TLS certificates are for TCP; write tcp://host:port", s)
		}
	}
	address = strings.TrimSuffix(address, "/")
	if address == "" {
		return Endpoint{}, errors.New("host is empty: write tcp://host:port or host:port")
	}
	if strings.ContainsAny(address, "/?# ") {
		return Endpoint{}, fmt.Errorf("host %q: write tcp://host:port and nothing more", s)
	}
	host, port, err := splitHostPort(address)
	if err == nil {
		err = checkHost(host)
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("host %q: %w", s, err)
	}
	e := Endpoint{Host: host, Port: port}
	if ip, err := netip.ParseAddr(host); err == nil {
		e.Host = ip.String()
	}
	return e, nil
}

var errBrackets = errors.New("write tcp://host:port, an IPv6 address in brackets, as in tcp://[2001:db8::1]:2376")

// splitHostPort takes an address apart. Brackets are for IPv6 addresses alone
// (RFC 3986, section 3.2.2). One without brackets has no port: where its end
// could be one, the docker command takes it for a part of the address, and its
// user may have meant a port.
func splitHostPort(address string) (host string, port int, err error) {
	if inside, bracketed := strings.CutPrefix(address, "["); bracketed {
		host, rest, closed := strings.Cut(inside, "]")
		ip, err := netip.ParseAddr(host)
		if !closed || err != nil || !ip.Is6() {
			return "", 0, errBrackets
		}
		if rest == "" {
			return host, DefaultPort, nil
		}
		text, colon := strings.CutPrefix(rest, ":")
		if !colon {
			return "", 0, errBrackets
		}
		port, err = parsePort(text)
		return host, port, err
	}
	host, text, found := strings.Cut(address, ":")
	switch {
	case !found:
		return host, DefaultPort, nil
	case !strings.Contains(text, ":"):
		port, err = parsePort(text)
		return host, port, err
	}
	last := strings.LastIndexByte(address, ':')
	_, err = netip.ParseAddr(address)
	_, errBefore := netip.ParseAddr(address[:last])
	_, errPort := parsePort(address[last+1:])
	switch {
	case err != nil:
		return "", 0, errBrackets
	case errBefore == nil && errPort == nil:
		return "", 0, fmt.Errorf("it is not clear whether the end is a port: write tcp://[%s]:%s or tcp://[%s]", address[:last], address[last+1:], address)
	}
	return address, DefaultPort, nil
}

// parsePort takes digits alone: no sign, as no URL has one.
func parsePort(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, errors.New("the port must be a number from 1 to 65535")
	}
	return int(n), nil
}

// Address is host:port, as [net.Dial] takes it.
func (e Endpoint) Address() string { return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)) }

// URL is tcp://host:port, as DOCKER_HOST takes it.
func (e Endpoint) URL() string { return "tcp://" + e.Address() }

// CheckName reports a certificate without the name or address of the endpoint:
// clients would refuse it there.
func (e Endpoint) CheckName(certificate *x509.Certificate) error {
	if certificate.VerifyHostname(e.Host) == nil {
		return nil
	}
	return fmt.Errorf("the name %s is not in the server certificate, which has %s", e.Host, names(certificate))
}
