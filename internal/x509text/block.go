package x509text

import (
	"encoding/pem"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// blocks yields the PEM blocks of a text. What stands around them is passed
// over, as RFC 7468, section 5.2, wants of explanatory text.
func blocks(text string) iter.Seq[*pem.Block] {
	return func(yield func(*pem.Block) bool) {
		for block, rest := pem.Decode([]byte(text)); block != nil && yield(block); block, rest = pem.Decode(rest) {
		}
	}
}

// begun counts the blocks that begin, those whose type begins with label.
// encoding/pem passes over one that is damaged without a word.
func begun(text, label string) int { return strings.Count("\n"+text, "\n-----BEGIN "+label) }

var errBroken = errors.New("a PEM block among the certificates is damaged or cut off")

// Contents says of what kind a text is, in words that follow "contains": `a
// certificate and an encrypted private key`, `no PEM block`. It never repeats
// the text.
func Contents(text string) string {
	kinds := kinds(text)
	switch {
	case len(kinds) > 0:
		return strings.Join(kinds, " and ")
	case strings.TrimSpace(text) == "":
		return "nothing"
	case strings.HasPrefix(text, "\x30\x82") || strings.HasPrefix(text, "\x30\x81"):
		return "DER and not PEM (convert it with openssl)"
	case strings.Contains(text, "\x00"):
		return "UTF-16 or binary data and not PEM"
	}
	if spoilt := spoilt(text); spoilt != "" {
		return spoilt
	}
	return "no PEM block"
}

// spoilt says what has become of a PEM text on its way through variables,
// templates and secret stores, if it is one without any block that can be read.
func spoilt(text string) string {
	begin := strings.Index(text, "-----BEGIN ")
	switch {
	case strings.HasPrefix(strings.TrimSpace(text), "LS0tLS1CRUdJTi"):
		return "the base64 of a PEM text (decode it with base64decode)"
	case begin < 0:
		return ""
	case strings.Contains(text, `\n`):
		return `a PEM text with the two characters \n where its lines end (make line breaks of them with replace(…, "\\n", "\n"))`
	case !strings.Contains(strings.TrimSpace(text[begin:]), "\n"):
		return "a PEM text on one line (its line breaks are lost: give it as it is in its file, with file() for instance)"
	case strings.HasPrefix(text, "\ufeff"):
		return "a PEM text behind a byte order mark (save it without)"
	case begin > 0 && (text[begin-1] == ' ' || text[begin-1] == '\t'), strings.Contains(text[begin:], "\n "), strings.Contains(text[begin:], "\n\t"):
		return "a PEM text that is indented (begin its lines at the margin, or write it with <<-EOT)"
	}
	return "a PEM text that is damaged or cut off"
}

// fileName reports a text that can be the name of a PEM file, and no secret.
func fileName(text string) bool {
	text = strings.TrimSpace(text)
	for _, end := range []string{".pem", ".crt", ".cer", ".key", ".csr"} {
		if strings.HasSuffix(text, end) && !strings.ContainsAny(text, "\n") {
			return true
		}
	}
	return false
}

// kinds names what the blocks of a text are, each kind once. A block of EC
// PARAMETERS belongs to the key behind it.
func kinds(text string) []string {
	var kinds []string
	for block := range blocks(text) {
		if kind := kindOf(block); block.Type != "EC PARAMETERS" && !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

func kindOf(block *pem.Block) string {
	switch {
	case block.Type == "CERTIFICATE":
		return "a certificate"
	case strings.HasSuffix(block.Type, "CERTIFICATE REQUEST"):
		return "a certificate request"
	case block.Type == "OPENSSH PRIVATE KEY":
		return "a private key of SSH"
	case !isPrivateKey(block):
		return fmt.Sprintf("a PEM block of type %q", block.Type)
	case encrypted(block):
		return "an encrypted private key"
	}
	return "a private key"
}

// NotFound is the error for a text without any block of the type that is looked
// for.
func NotFound(what, label, text string) error {
	instead := ""
	if kinds := kinds(text); len(kinds) > 0 {
		instead = ", but " + strings.Join(kinds, " and ")
	} else if spoilt := spoilt(text); spoilt != "" {
		instead = ", but " + spoilt
	} else if fileName(text) {
		instead = ", but what looks like the name of a file (read it with file())"
	}
	return fmt.Errorf("no %s found%s: a PEM text that begins with -----BEGIN %s----- is expected", what, instead, label)
}
