package docker

import (
	"errors"
	"net"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// Bounds of what is taken from a server that may be anybody's.
const (
	maxRead    = 1 << 20         // octets of one connection: certificates, headers and body
	maxHeader  = 64 << 10        // octets of the header of an answer
	maxChain   = 16              // certificates: a leaf, and a cross certificate for each rotation
	maxWait    = 3 * time.Second // for a server to turn a silent stranger away
	maxMessage = 2000            // characters of an error
)

var errTooMuch = errors.New("it sent more than a daemon does, 1 MiB")

// boundedConn fails once so much was read.
type boundedConn struct {
	net.Conn
	left int
}

func (c *boundedConn) Read(b []byte) (int, error) {
	if c.left == 0 && len(b) > 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// Printable replaces what a terminal would not print but obey, and cuts what is
// long.
func Printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "\u2026"
	}
	return text
}

var versionText = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+~:_-]{0,127}$`)

// isVersion tells the version of a daemon, or of its API, from other text.
func isVersion(text string) bool { return versionText.MatchString(text) }
