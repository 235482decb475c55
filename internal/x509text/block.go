package x509text

import (
	"encoding/pem"
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
	return "no PEM block"
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

// notFound is the error for a text without any block of the type that is
// looked for.
func notFound(what, label, text string) error {
	instead := ""
	if kinds := kinds(text); len(kinds) > 0 {
		instead = ", but " + strings.Join(kinds, " and ")
	}
	return fmt.Errorf("no %s found%s: a PEM text that begins with -----BEGIN %s----- is expected", what, instead, label)
}
