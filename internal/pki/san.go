package pki

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// maxDNSName is the longest host name in text form (RFC 1034, section 3.1).
const maxDNSName = 253

// ParseDNSName checks a host name for a subjectAltName of type dNSName (RFC
// 5280, section 4.2.1.6; preferred name syntax of RFC 1034, section 3.5, and
// underscores) and returns it in lower case. One leading wildcard label is
// accepted.
func ParseDNSName(name string) (string, error) {
	switch {
	case strings.TrimSpace(name) == "":
		return "", errors.New("a DNS name must not be blank")
	case strings.ContainsAny(name, " \t\r\n"):
		return "", fmt.Errorf("%q contains white space: give each name as an element of its own", name)
	case strings.Contains(name, "://"):
		return "", fmt.Errorf("%q is a URL: give the host name alone, without the scheme", name)
	}
	if _, err := netip.ParsePrefix(name); err == nil {
		return "", fmt.Errorf("%q is a network: a certificate names single hosts, by name here or by address in ip_addresses", name)
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return "", fmt.Errorf("%q is an IP address: put it into ip_addresses", name)
	}
	if _, err := netip.ParseAddrPort(name); err == nil {
		return "", fmt.Errorf("%q is an IP address with a port: put the address alone into ip_addresses", name)
	}
	switch {
	case strings.Contains(name, "/"):
		return "", fmt.Errorf("%q contains a slash: give the host name alone", name)
	case strings.Contains(name, ":"):
		return "", fmt.Errorf("%q contains a port: give the host name alone", name)
	case len(name) > maxDNSName:
		return "", fmt.Errorf("a DNS name has at most %d characters, not %d", maxDNSName, len(name))
	}
	labels := strings.Split(name, ".")
	for i, label := range labels {
		if i == 0 && label == "*" {
			if len(labels) == 1 {
				return "", errors.New("\"*\" alone matches no host: a wildcard stands before a domain, as in \"*.example.com\"")
			}
			continue
		}
		if err := checkLabel(label); err != nil {
			return "", fmt.Errorf("%q is not a DNS name: %w", name, err)
		}
	}
	if labels[0] == "*" && strings.Contains(name, "_") {
		// valid_star in OpenSSL's crypto/x509/v3_utl.c knows no underscore.
		return "", fmt.Errorf("%q is a wildcard before a label with an underscore, which OpenSSL, and with it Docker's SDK for Python, never matches: name the hosts one by one", name)
	}
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return "", fmt.Errorf("%q ends in a number, as only an IP address does: check it, and put addresses into ip_addresses", name)
	}
	// Not before the check: the Kelvin sign, among others, becomes an ASCII letter.
	return strings.ToLower(name), nil
}

func checkLabel(label string) error {
	switch {
	case label == "":
		return errors.New("it has an empty label (two dots in a row, or a dot at either end)")
	case len(label) > 63:
		return fmt.Errorf("a label has at most 63 characters, not %d", len(label))
	case label[0] == '-' || label[len(label)-1] == '-':
		return fmt.Errorf("the label %q begins or ends with a hyphen", label)
	case strings.Contains(label, "*"):
		return errors.New("a wildcard must be the whole first label, as in \"*.example.com\"")
	}
	for _, r := range label {
		if r >= 0x80 {
			return fmt.Errorf("the label %q is not ASCII: write it in its xn-- form (RFC 5890)", label)
		}
		// RFC 1034, section 3.5, has no underscore, but Compose and container networks
		// have: Go, curl and OpenSSL compare it as any other character.
		if r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return fmt.Errorf("the label %q contains %q: letters, digits, hyphens and underscores are allowed (RFC 1034, section 3.5)", label, r)
		}
	}
	return nil
}

// ParseIPAddress checks an address for a subjectAltName of type iPAddress (RFC
// 5280, section 4.2.1.6) and returns it in canonical form: an IPv4 address
// written as IPv6 becomes IPv4.
func ParseIPAddress(text string) (netip.Addr, error) {
	address, err := netip.ParseAddr(text)
	if err == nil && address.Zone() == "" {
		return address.Unmap(), nil
	}
	if err == nil {
		return netip.Addr{}, fmt.Errorf("%q has a zone: a certificate names the address alone, without %%%s", text, address.Zone())
	}
	if _, err := netip.ParsePrefix(text); err == nil {
		return netip.Addr{}, fmt.Errorf("%q is a network: a certificate names single addresses, without a prefix length", text)
	}
	if _, err := netip.ParseAddrPort(text); err == nil {
		return netip.Addr{}, fmt.Errorf("%q has a port: give the address alone", text)
	}
	if strings.Contains(text, "://") {
		return netip.Addr{}, fmt.Errorf("%q is a URL: give the address alone", text)
	}
	if _, err := ParseDNSName(text); err == nil {
		return netip.Addr{}, fmt.Errorf("%q is a name, not an IP address: put it into dns_names", text)
	}
	if _, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return netip.Addr{}, fmt.Errorf("%q is in brackets: give the address without them", text)
	}
	return netip.Addr{}, fmt.Errorf("%q is not an IP address: write it as in 10.0.0.5, without leading zeros, or as in 2001:db8::5", text)
}

// Names are the subject alternative names of a server.
type Names struct {
	DNSNames    []string
	IPAddresses []netip.Addr
}

// ParseNames checks names and addresses and returns them in canonical form:
// sorted, each once.
func ParseNames(dnsNames, ipAddresses []string) (Names, error) {
	var names Names
	for _, text := range dnsNames {
		name, err := ParseDNSName(text)
		if err != nil {
			return Names{}, err
		}
		names.DNSNames = append(names.DNSNames, name)
	}
	for _, text := range ipAddresses {
		address, err := ParseIPAddress(text)
		if err != nil {
			return Names{}, err
		}
		names.IPAddresses = append(names.IPAddresses, address)
	}
	slices.Sort(names.DNSNames)
	names.DNSNames = slices.Compact(names.DNSNames)
	slices.SortFunc(names.IPAddresses, netip.Addr.Compare)
	names.IPAddresses = slices.Compact(names.IPAddresses)
	return names, nil
}

// Equal reports whether two canonical sets of names are the same.
func (n Names) Equal(other Names) bool {
	return slices.Equal(n.DNSNames, other.DNSNames) && slices.Equal(n.IPAddresses, other.IPAddresses)
}

// Empty reports whether there is no name at all.
func (n Names) Empty() bool { return len(n.DNSNames)+len(n.IPAddresses) == 0 }

// CommonName is the common name that a server gets when none is configured:
// the first of its names in sort order, wildcards after other names and
// addresses last. Names that are too long for a common name are passed over;
// when none is left, it is empty.
func (n Names) CommonName() string {
	for _, wildcard := range []bool{false, true} {
		for _, name := range n.DNSNames {
			if strings.HasPrefix(name, "*.") == wildcard && len(name) <= MaxCommonName {
				return name
			}
		}
	}
	if len(n.IPAddresses) > 0 {
		return n.IPAddresses[0].String()
	}
	return ""
}
