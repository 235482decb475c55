package docker

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// Endpoint is the TCP address of a daemon.
type Endpoint struct {
	Host string // name or IP address, without brackets
	Port int
}

// hostName is what a resolver may be asked: letters, digits, inner hyphens,
// dots; underscores too, which container networks use.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)

// ParseEndpoint reads "tcp://host:port", "host:port" or "host"; the port is
// [DefaultPort] if it is missing, as with the docker command.
func ParseEndpoint(s string) (Endpoint, error) {
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
	if address == "" {
		return Endpoint{}, errors.New("host is empty: write tcp://host:port or host:port")
	}
	if strings.ContainsAny(address, "/?#@ ") {
		return Endpoint{}, fmt.Errorf("host %q: write tcp://host:port and nothing more", s)
	}
	e := Endpoint{Host: address, Port: DefaultPort}
	if addr, err := netip.ParseAddr(strings.Trim(address, "[]")); err == nil {
		e.Host = addr.String() // an address without a port, bracketed or not
		return e, nil
	}
	if strings.Contains(address, ":") {
		host, portText, err := net.SplitHostPort(address)
		if err != nil {
			return Endpoint{}, fmt.Errorf("host %q: write tcp://host:port, an IPv6 address in brackets", s)
		}
		n, err := strconv.Atoi(portText)
		if err != nil || n < 1 || n > 65535 {
			return Endpoint{}, fmt.Errorf("host %q: the port must be a number from 1 to 65535", s)
		}
		e = Endpoint{Host: host, Port: n}
	}
	if _, err := netip.ParseAddr(e.Host); err != nil && !hostName.MatchString(e.Host) {
		return Endpoint{}, fmt.Errorf("host %q: %q is neither a host name nor an IP address", s, e.Host)
	}
	return e, nil
}

// Address is host:port, as [net.Dial] takes it.
func (e Endpoint) Address() string { return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)) }

// URL is tcp://host:port, as DOCKER_HOST takes it.
func (e Endpoint) URL() string { return "tcp://" + e.Address() }
