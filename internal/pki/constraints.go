package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// NameConstraints limit the names that certificates under an authority may
// carry (RFC 5280, section 4.2.1.10). The zero value is no limit.
type NameConstraints struct {
	PermittedDNSDomains []string // `example.com` and all below it; `.example.com` only below it
	ExcludedDNSDomains  []string
	PermittedIPRanges   []netip.Prefix
	ExcludedIPRanges    []netip.Prefix
}

// CheckDNSDomain reports whether a domain can stand in a name constraint.
func CheckDNSDomain(domain string) error {
	name := strings.TrimPrefix(domain, ".")
	if below, wildcard := strings.CutPrefix(name, "*."); wildcard {
		return fmt.Errorf("%q: a name constraint has no wildcard; %q already covers every name below it", domain, below)
	}
	_, err := ParseDNSName(name)
	return err
}

// ParseIPRange reads a range of addresses in CIDR notation. A range of IPv4 that
// is written as IPv6 becomes IPv4, as with [ParseIPAddress].
func ParseIPRange(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not a range of addresses: write it as in \"10.0.0.0/8\" or \"fd00::/8\"", text)
	}
	if prefix.Addr().Is4In6() {
		// IPv4 addresses are compared with IPv4 ranges alone (RFC 5280, section
		// 4.2.1.10): written as IPv6, the range would constrain nothing.
		if prefix.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%q begins like an IPv4 address and reaches beyond all of these: without the prefix ::ffff: it is one of IPv4, as in \"10.0.0.0/8\", or one of IPv6", text)
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	if prefix != prefix.Masked() {
		return netip.Prefix{}, fmt.Errorf("%q has bits set beyond its prefix length: did you mean %q?", text, prefix.Masked())
	}
	return prefix, nil
}

// ParseNameConstraints checks the four lists and returns them in canonical
// form.
func ParseNameConstraints(permittedDNS, excludedDNS, permittedIP, excludedIP []string) (NameConstraints, error) {
	var c NameConstraints
	for _, part := range []struct {
		from []string
		to   *[]string
	}{{permittedDNS, &c.PermittedDNSDomains}, {excludedDNS, &c.ExcludedDNSDomains}} {
		for _, domain := range part.from {
			if err := CheckDNSDomain(domain); err != nil {
				return NameConstraints{}, err
			}
			*part.to = append(*part.to, strings.ToLower(domain))
		}
	}
	for _, part := range []struct {
		from []string
		to   *[]netip.Prefix
	}{{permittedIP, &c.PermittedIPRanges}, {excludedIP, &c.ExcludedIPRanges}} {
		for _, text := range part.from {
			prefix, err := ParseIPRange(text)
			if err != nil {
				return NameConstraints{}, err
			}
			*part.to = append(*part.to, prefix)
		}
	}
	c.sort()
	return c, nil
}

func (c *NameConstraints) sort() {
	for _, domains := range []*[]string{&c.PermittedDNSDomains, &c.ExcludedDNSDomains} {
		slices.Sort(*domains)
		*domains = slices.Compact(*domains)
	}
	for _, ranges := range []*[]netip.Prefix{&c.PermittedIPRanges, &c.ExcludedIPRanges} {
		slices.SortFunc(*ranges, netip.Prefix.Compare)
		*ranges = slices.Compact(*ranges)
	}
}

// Empty reports whether nothing is constrained.
func (c NameConstraints) Empty() bool {
	return len(c.PermittedDNSDomains)+len(c.ExcludedDNSDomains)+len(c.PermittedIPRanges)+len(c.ExcludedIPRanges) == 0
}

// Equal reports whether two canonical sets of constraints are the same.
func (c NameConstraints) Equal(other NameConstraints) bool {
	return slices.Equal(c.PermittedDNSDomains, other.PermittedDNSDomains) &&
		slices.Equal(c.ExcludedDNSDomains, other.ExcludedDNSDomains) &&
		slices.Equal(c.PermittedIPRanges, other.PermittedIPRanges) &&
		slices.Equal(c.ExcludedIPRanges, other.ExcludedIPRanges)
}

// Check names the first of the names that the constraints forbid. It answers
// early what path validation answers after the issue. Case makes no difference
// in a domain (RFC 5280, section 4.2.1.10), and other tools write capitals.
func (c NameConstraints) Check(names Names) error {
	below := func(name string) func(string) bool {
		return func(domain string) bool {
			domain = strings.ToLower(domain)
			if domain == "" || strings.HasPrefix(domain, ".") {
				return strings.HasSuffix(name, domain)
			}
			return name == domain || strings.HasSuffix(name, "."+domain)
		}
	}
	// A wildcard stands for the excluded name as well: *.a.example for x.a.example.
	covered := func(name string) func(string) bool {
		parent, wildcard := strings.CutPrefix(name, "*.")
		return func(domain string) bool {
			_, rest, _ := strings.Cut(domain, ".")
			return wildcard && strings.EqualFold(rest, parent)
		}
	}
	for _, name := range names.DNSNames {
		if slices.ContainsFunc(c.ExcludedDNSDomains, below(name)) || slices.ContainsFunc(c.ExcludedDNSDomains, covered(name)) || len(c.PermittedDNSDomains) > 0 && !slices.ContainsFunc(c.PermittedDNSDomains, below(name)) {
			return fmt.Errorf("the authority's name constraints do not allow the name %q", name)
		}
	}
	for _, address := range names.IPAddresses {
		inside := func(prefix netip.Prefix) bool { return prefix.Contains(address) }
		if slices.ContainsFunc(c.ExcludedIPRanges, inside) || len(c.PermittedIPRanges) > 0 && !slices.ContainsFunc(c.PermittedIPRanges, inside) {
			return fmt.Errorf("the authority's name constraints do not allow the address %s", address)
		}
	}
	return nil
}

// Within reports whether outer allows every name that c allows.
func (c NameConstraints) Within(outer NameConstraints) bool {
	domainIn := func(domains []string) func(string) bool {
		return func(domain string) bool {
			return slices.ContainsFunc(domains, func(around string) bool {
				return domain == around || strings.HasSuffix(domain, "."+strings.TrimPrefix(around, "."))
			})
		}
	}
	rangeIn := func(ranges []netip.Prefix) func(netip.Prefix) bool {
		return func(inner netip.Prefix) bool {
			return slices.ContainsFunc(ranges, func(around netip.Prefix) bool {
				return around.Bits() <= inner.Bits() && around.Contains(inner.Addr())
			})
		}
	}
	return allIn(c.PermittedDNSDomains, outer.PermittedDNSDomains, domainIn(outer.PermittedDNSDomains)) &&
		allIn(c.PermittedIPRanges, outer.PermittedIPRanges, rangeIn(outer.PermittedIPRanges)) &&
		everyOne(outer.ExcludedDNSDomains, domainIn(c.ExcludedDNSDomains)) &&
		everyOne(outer.ExcludedIPRanges, rangeIn(c.ExcludedIPRanges))
}

// allIn reports whether all that is permitted lies in what is permitted around
// it. An empty list permits everything.
func allIn[T any](permitted, around []T, in func(T) bool) bool {
	return len(around) == 0 || len(permitted) > 0 && everyOne(permitted, in)
}

func everyOne[T any](values []T, holds func(T) bool) bool {
	return !slices.ContainsFunc(values, func(value T) bool { return !holds(value) })
}

// CheckEmailUnder reports an e-mail address that an authority's name constraints
// do not allow. Only authorities from elsewhere have such constraints. Those on
// URIs never matter: no certificate that is issued here has one.
func CheckEmailUnder(email string, authority *x509.Certificate) error {
	if email == "" {
		return nil
	}
	matches := func(constraint string) bool { return emailMatches(constraint, email) }
	// crypto/x509 takes an excluded host for all hosts below it as well.
	excluded := func(constraint string) bool { return matches(constraint) || matches("."+constraint) }
	permitted := authority.PermittedEmailAddresses
	if slices.ContainsFunc(authority.ExcludedEmailAddresses, excluded) || len(permitted) > 0 && !slices.ContainsFunc(permitted, matches) {
		return fmt.Errorf("the name constraints of the authority %q do not allow the e-mail address %q", authority.Subject, email)
	}
	return nil
}

// emailMatches reports whether an address lies within a constraint: a mailbox, a
// host, or with a leading dot all hosts of a domain (RFC 5280, section
// 4.2.1.10). Case matters only before the @ (section 7.5).
func emailMatches(constraint, email string) bool {
	at := strings.LastIndex(email, "@")
	local, host := email[:at+1], strings.ToLower(email[at+1:])
	if i := strings.LastIndex(constraint, "@"); i >= 0 {
		return constraint[:i+1] == local && strings.EqualFold(constraint[i+1:], host)
	}
	constraint = strings.ToLower(constraint)
	return constraint == "" || host == constraint || strings.HasPrefix(constraint, ".") && strings.HasSuffix(host, constraint)
}

// errEmptyConstraints is what an extension without content would be (RFC 5280,
// section 4.2.1.10: it MUST NOT be an empty sequence).
var errEmptyConstraints = errors.New("name constraints without any domain or range are not allowed: leave them out")

// CheckNotEmpty reports constraints that were written down but constrain
// nothing.
func (c NameConstraints) CheckNotEmpty() error {
	if c.Empty() {
		return errEmptyConstraints
	}
	return nil
}

func ipNets(prefixes []netip.Prefix) []*net.IPNet {
	var nets []*net.IPNet
	for _, prefix := range prefixes {
		nets = append(nets, &net.IPNet{
			IP:   prefix.Addr().AsSlice(),
			Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen()),
		})
	}
	return nets
}

func prefixes(nets []*net.IPNet) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, ipNet := range nets {
		address, ok := netip.AddrFromSlice(ipNet.IP)
		if bits, _ := ipNet.Mask.Size(); ok {
			prefixes = append(prefixes, netip.PrefixFrom(address, bits).Masked())
		}
	}
	return prefixes
}
