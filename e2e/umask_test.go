package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// writesKey is a command that writes a private key, a passphrase, or a state with keys, into a file. The folder store
	// is a secret store.
	writesKey = regexp.MustCompile(`>>? ?["']?[^\s"'|<>=]*(key[^\s"'|<>=]*\.pem|\.key\b|key\.pem[^\s"']*|\.tfstate\b|\bstore/|passphrase)|-keyout [^-]|-out[= ]\S*\.tfstate\b|\btee [^|]*key`)
	// blockEnd is where one shell ends and another begins.
	blockEnd = regexp.MustCompile("^\\s*(```.*|EOT|EOF)\\s*$|<<-?\"?EO")
	// keyFile is a resource of hashicorp/local for secrets, which asks for a permission.
	keyFile = regexp.MustCompile(`local_sensitive_file`)
	// outside is a default that is not in the folder of the example.
	outside = regexp.MustCompile(`(?m)^\s*default\s*=\s*"[~/].*$`)
)

const ownerAlone = `file_permission = "0600"`

// careless lists the lines of a text that write a key for others to read.
func careless(text string) (lines []string) {
	masked := false
	for _, line := range strings.Split(text, "\n") {
		if blockEnd.MatchString(line) {
			masked = false
		}
		subshell := strings.Contains(line, "umask 077 &&")
		masked = masked || !subshell && strings.Contains(line, "umask 077")
		if writesKey.MatchString(line) && !masked && !subshell {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	for _, at := range keyFile.FindAllStringIndex(text, -1) {
		after := strings.ReplaceAll(text[at[1]:min(len(text), at[1]+250)], `\"`, `"`)
		if !strings.Contains(strings.Join(strings.Fields(after), " "), ownerAlone) {
			lines = append(lines, "local_sensitive_file without "+ownerAlone)
		}
	}
	return lines
}

func TestCareless(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want int
	}{
		{"terraform output -raw key > key.pem", 1},
		{"umask 077\nterraform output -raw key > key.pem", 0},
		{"(umask 077 && terraform output -raw key > ~/.docker/key.pem)", 0},
		{"(umask 077 && true)\nterraform output -raw key >~/.docker/key.pem", 1},
		{"```sh\numask 077\n```\n```sh\nterraform output -raw key > key.pem\n```", 1},
		{"command = <<-EOT\n  umask 077\n  printf %s \"$KEY\" > key.pem.new\nEOT\ncommand = <<-EOT\n  printf %s \"$KEY\" > \"server-key.pem\"\nEOT", 1},
		{"openssl req -new \\\n  -keyout server-key.pem -out web1.csr", 1},
		{"terraform output -raw key | tee key.pem", 1},
		{"terraform output -raw key > domain.key", 1},
		{"terraform state pull > before.tfstate", 1},
		{"openssl enc -d -in state.enc -out older.tfstate", 1},
		{"terraform output -json ca >store/ca.json", 1},
		{"openssl rand -base64 24 > passphrase", 1},
		{"umask 077\ncat >store/encryption.hcl <<END", 0},
		{"terraform output -raw metrics > docker-tls.prom\nssh-keyscan host >web1.pub", 0},
		{"local_sensitive_file with\n# file_permission = \"0600\"", 0},
		{"resource \"local_sensitive_file\" \"key\" {\n  content = 1\n}", 1},
	} {
		if got := careless(test.text); len(got) != test.want {
			t.Errorf("%q: %q, want %d lines", test.text, got, test.want)
		}
	}
}

// TestKeysAreWrittenForTheirOwner reads every command that a reader may copy.
func TestKeysAreWrittenForTheirOwner(t *testing.T) {
	t.Parallel()
	read := 0
	for _, tree := range []string{"README.md", "SECURITY.md", "CONTRIBUTING.md", "templates", "examples", "modules", "internal/functions", "internal/resources"} {
		err := filepath.WalkDir(filepath.Join("..", tree), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") || !slices.Contains([]string{".md", ".tmpl", ".tf", ".sh", ".yml", ".go"}, filepath.Ext(path)) {
				return err
			}
			text, err := os.ReadFile(path)
			read++
			for _, line := range careless(string(text)) {
				t.Errorf("%s writes a key that others may read, begin with umask 077:\n%s", path, line)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read < 100 {
		t.Errorf("only %d files were read", read)
	}
}

// TestExamplesStayInTheirFolder looks for defaults that lead out of it.
func TestExamplesStayInTheirFolder(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"../examples/*/*.tf", "../examples/*/*/*.tf", "../modules/*/*.tf"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files (%v)", pattern, len(paths), err)
		}
		for _, path := range paths {
			if found := outside.FindString(readText(t, path)); found != "" {
				t.Errorf("%s has a default outside of its folder: %s", path, strings.TrimSpace(found))
			}
		}
	}
}
