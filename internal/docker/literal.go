package docker

import (
	"encoding/base64"
	"strings"
)

// yamlContent returns the keys "encoding" and "content" of a write_files entry
// that cloud-init writes to the file byte for byte. PEM as a literal block is a
// fifth shorter than in base64, which it is already, and compresses.
func yamlContent(content string) string {
	header, ok := literalHeader(content)
	if !ok {
		return "  encoding: b64\n  content: '" + base64.StdEncoding.EncodeToString([]byte(content)) + "'\n" // quoted: it may be empty
	}
	const indent = "\n   " // a block is indented further than its key
	return "  content: " + header + indent + strings.ReplaceAll(strings.TrimSuffix(content, "\n"), "\n", indent) + "\n"
}

// literalHeader is the header of a literal block (YAML 1.1, section 9.3) that
// is read back as it was written, and false if there is none that every reader
// agrees on: control characters and tabs, line breaks other than \n, what is not
// ASCII, blanks that begin the text or a line of nothing else, empty lines at
// the end.
func literalHeader(content string) (header string, ok bool) {
	text, ends := strings.CutSuffix(content, "\n")
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" && strings.Trim(line, " ") == "" {
			return "", false
		}
	}
	for _, r := range text {
		if (r < ' ' || r > '~') && r != '\n' {
			return "", false
		}
	}
	switch {
	case text == "", strings.HasPrefix(text, " "), strings.HasPrefix(text, "\n"), strings.HasSuffix(text, "\n"):
		return "", false
	case ends:
		return "|", true
	}
	return "|-", true
}
