package via

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// DefaultPort is that of SSH (RFC 4253, section 4.1).
const DefaultPort = 22

// Target is a user on a host that sshd lets in.
type Target struct {
	User string
	Host string // name or IP address, without brackets
	Port int
}

var (
	// userName is what useradd and Active Directory call a user, short of what an
	// option of a command could begin with.
	userName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.@+\\$-]*$`)
	zoneName = regexp.MustCompile(`^[A-Za-z0-9_.-]*$`) // of an interface
	hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$`)
)

// ParseTarget reads ssh://user@name[:port]. An IPv6 address stands in brackets.
func ParseTarget(text string) (Target, error) {
	const write = "write ssh://user@name or ssh://user@name:port"
	rest, found := strings.CutPrefix(text, "ssh://")
	if !found {
		return Target{}, errors.New("the address does not begin with ssh://: " + write) // it may have a password
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return Target{}, fmt.Errorf("%q names no user: %s, as in ssh://root@%s", text, write, rest)
	}
	user, address := rest[:at], rest[at+1:]
	if strings.Contains(user, ":") { // the text is not repeated
		return Target{}, errors.New("there is a password behind the user: " + write + ", without it. Keys alone let the visit in")
	}
	if !userName.MatchString(user) {
		return Target{}, fmt.Errorf("%q is not the name of a user: %s", user, write)
	}
	if strings.ContainsAny(address, "/?#") {
		return Target{}, fmt.Errorf("%q has something behind the address: %s and nothing more", text, write)
	}
	host, port, err := splitAddress(address)
	if err != nil {
		return Target{}, fmt.Errorf("%q: %w", text, err)
	}
	return Target{User: user, Host: host, Port: port}, nil
}

func splitAddress(address string) (string, int, error) {
	host, text := address, ""
	if inside, bracketed := strings.CutPrefix(address, "["); bracketed {
		var closed bool
		host, text, closed = strings.Cut(inside, "]")
		if ip, err := netip.ParseAddr(host); !closed || err != nil || !ip.Is6() || !zoneName.MatchString(ip.Zone()) || text != "" && text[0] != ':' {
			return "", 0, errors.New("brackets are for IPv6 addresses, as in ssh://root@[2001:db8::1]:22")
		}
	} else {
		if strings.Count(address, ":") > 1 {
			return "", 0, errors.New("write an IPv6 address in brackets, as in ssh://root@[2001:db8::1]:22")
		}
		if i := strings.IndexByte(address, ':'); i >= 0 {
			host, text = address[:i], address[i:]
		}
		if !hostName.MatchString(host) {
			return "", 0, fmt.Errorf("%q is neither a host name nor an IP address", host)
		}
	}
	if text == "" {
		return host, DefaultPort, nil
	}
	port, err := strconv.ParseUint(text[1:], 10, 16)
	if err != nil || port == 0 {
		return "", 0, errors.New("the port must be a number from 1 to 65535")
	}
	return host, int(port), nil
}

// Address is host:port, as [net.Dial] takes it.
func (t Target) Address() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// URL is what [ParseTarget] reads.
func (t Target) URL() string { return "ssh://" + t.User + "@" + t.Address() }
