package via

import (
	"fmt"
	"strings"
	"unicode"
)

// What an error can be about, in [Error.About].
const (
	AboutVia         = "via"             // the address, whether it is reached, and the user there
	AboutHostKey     = "host_key"        // what the host proves to be
	AboutPrivateKey  = "private_key_pem" // what the user proves to be, the agent included
	AboutPassphrase  = "private_key_passphrase"
	AboutJump        = "jump_host" // the same as AboutVia, of the jump host
	AboutJumpHostKey = "jump_host_key"
)

// Error says why there is no way in. Its text is whole sentences for people, with
// no secret in them; About is for whoever has to point at the input in question.
type Error struct {
	About string
	Text  string
	Waits bool // a host that is booting does this too: a later attempt may do better
}

func (e *Error) Error() string { return e.Text }

// maxText is how much of what a host has sent is worth repeating.
const maxText = 4096

// errorf is where every error passes through: its text may have what a host has
// sent, and goes to a terminal.
func errorf(about, format string, a ...any) *Error {
	text := strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, fmt.Sprintf(format, a...))
	return &Error{About: about, Text: strings.ToValidUTF8(text[:min(len(text), maxText)], "")}
}

// mayPass marks an error that waiting may mend.
func mayPass(e *Error) *Error {
	e.Waits = true
	return e
}
