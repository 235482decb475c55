package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
)

// maxMessage is the longest message of a handshake, in bytes, that all releases
// of Docker read: crypto/tls read no longer one before it had a limit of its own
// for certificates. OpenSSL, by default, reads 100 KiB.
const maxMessage = 64 << 10

// leastLeaf is less than any leaf takes without its names.
const leastLeaf = 256

// maxConstraints is how many bytes name constraints may take. Each cross
// certificate repeats them, and a leaf is delivered with up to [MaxPrevious].
const maxConstraints = 6 << 10

// ErrTooLong is the error about certificates that are too long for a handshake.
var ErrTooLong = errors.New("too long for a TLS handshake")

// message is the length of the Certificate message (RFC 8446, section 4.4.2)
// with these certificates, and more bytes in one of them.
func message(more int, certificates ...*x509.Certificate) int {
	length := 8 + more
	for _, certificate := range certificates {
		length += 5 + len(certificate.Raw)
	}
	return length
}

// CheckChain reports a leaf that is too long to be presented in a handshake with
// the chain behind it.
func CheckChain(leaf *x509.Certificate, crosses []*x509.Certificate) error {
	return checkMessage(message(0, append([]*x509.Certificate{leaf}, crosses...)...), len(crosses))
}

// CheckSize reports names that make a certificate too long, if it is presented
// with the given chain behind it.
func (n Names) CheckSize(crosses []*x509.Certificate) error {
	return checkMessage(message(leastLeaf+n.size(), crosses...), len(crosses))
}

func checkMessage(length, crosses int) error {
	if length <= maxMessage {
		return nil
	}
	advice := "divide the names among several certificates, or use a wildcard"
	if crosses > 0 {
		advice += fmt.Sprintf("; or let the %d cross certificates behind it become fewer, with a shorter overlap_hours of the authority", crosses)
	}
	return fmt.Errorf("the certificate and the chain behind it are %w: with these names they take at least %d bytes, and Docker reads at most %d; %s", ErrTooLong, length, maxMessage, advice)
}

// size is how many bytes the names take in a certificate, at least.
func (n Names) size() int {
	size := 0
	for _, name := range n.DNSNames {
		size += 2 + len(name)
	}
	for _, address := range n.IPAddresses {
		size += 2 + len(address.AsSlice())
	}
	return size
}

// CheckSize reports constraints that are too long to be repeated in the cross
// certificates.
func (c NameConstraints) CheckSize() error {
	size := 0
	for _, domains := range [][]string{c.PermittedDNSDomains, c.ExcludedDNSDomains} {
		for _, domain := range domains {
			size += 4 + len(domain)
		}
	}
	for _, ranges := range [][]netip.Prefix{c.PermittedIPRanges, c.ExcludedIPRanges} {
		for _, prefix := range ranges {
			size += 4 + 2*len(prefix.Addr().AsSlice())
		}
	}
	if size > maxConstraints {
		return fmt.Errorf("the name constraints take %d bytes in a certificate, and at most %d are allowed, because each cross certificate of a rotation repeats them in the handshake: name fewer and wider domains and ranges", size, maxConstraints)
	}
	return nil
}
