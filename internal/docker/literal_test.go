package docker

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var literalTexts = []struct {
	name, content, header string // "" for base64
}{
	{"PEM", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "|"},
	{"JSON", "{\n  \"debug\": true\n}\n", "|"},
	{"a unit", "[Unit]\n# comment: yes\n\n[Service]\nExecStartPre=/bin/sh -c 'x: \"y\"'\n", "|"},
	{"no final newline", "a\nb", "|-"},
	{"what is YAML itself", "- a: &b !!c *d {e} [f] | > % @ `\n---\n...\n", "|"},
	{"a blank at the end of a line", "a \nb\n", "|"},
	{"nothing", "", ""},
	{"a newline", "\n", ""},
	{"an empty line first", "\na\n", ""},
	{"an empty line last", "a\n\n", ""},
	{"a blank first", " a\nb\n", ""},
	{"a line of blanks", "a\n  \nb\n", ""},
	{"a line of blanks last", "a\n  ", ""},
	{"a tab", "a\tb\n", ""},
	{"a tab first", "\ta\n", ""},
	{"CRLF", "a\r\nb\r\n", ""},
	{"a carriage return", "a\rb\n", ""},
	{"a control character", "a\x07\n", ""},
	{"a NUL", "a\x00\n", ""},
	{"DEL", "a\x7f\n", ""},
	{"a byte order mark", "\ufeffa\n", ""},
	{"next line", "a\u0085b\n", ""},
	{"a line separator", "a\u2028b\n", ""},
	{"letters beyond ASCII", "{\"labels\":[\"\u014ctepoti\"]}\n", ""},
	{"no UTF-8", "a\xffb\n", ""},
}

func TestLiteralHeader(t *testing.T) {
	for _, test := range literalTexts {
		t.Run(test.name, func(t *testing.T) {
			if header, ok := literalHeader(test.content); header != test.header || ok != (test.header != "") {
				t.Errorf("got %q, %v, want %q", header, ok, test.header)
			}
		})
	}
}

// cloudInitReads decodes write_files as cloud-init does, with its own functions.
const cloudInitReads = `
import sys
from cloudinit import util
from cloudinit.config.cc_write_files import canonicalize_extraction, extract_contents
for f in util.load_yaml(sys.stdin.buffer.read())["write_files"]:
    content = extract_contents(f["content"], canonicalize_extraction(f.get("encoding")))
    sys.stdout.buffer.write(util.encode_text(content).hex().encode() + b"\n")
`

// cloud-init reads what was written, whatever it was.
func TestYAMLContentIsReadBack(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import cloudinit").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no cloud-init: apt-get install cloud-init")
		}
		t.Skip("no cloud-init: apt-get install cloud-init")
	}
	var contents []string
	for _, test := range literalTexts {
		contents = append(contents, test.content)
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same texts in every run
	for range 2000 {
		var b strings.Builder
		for range random.IntN(12) {
			b.WriteString([]string{" ", "\n", "a", "-", ":", "#", "\"", "'", "\t", "\\", "|", "{", "\r", "é"}[random.IntN(14)])
		}
		contents = append(contents, b.String())
	}
	text, want := "#cloud-config\nwrite_files:\n", ""
	for _, content := range contents {
		text += "- path: /x\n" + yamlContent(content)
		want += fmt.Sprintf("%x\n", content)
	}
	read := exec.Command(python, "-c", cloudInitReads)
	read.Stdin = strings.NewReader(text)
	read.Stderr = os.Stderr
	got, err := read.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(got), "\n")
	for i, line := range strings.Split(want, "\n") {
		if i >= len(lines) || lines[i] != line {
			t.Fatalf("text %d: got another than %q", i, contents[min(i, len(contents)-1)])
		}
	}
}
