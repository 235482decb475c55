package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// README.md names the versions that the tests run with, and no other.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := linesOf(table.FindString(string(text)))
	for name := range lines {
		if !slices.ContainsFunc(tested, func(r release) bool { return r.String() == name }) {
			t.Errorf("the table in README.md has %s, which is not tested: take it out, or add it to tested", name)
		}
	}
	for _, r := range tested {
		if line := lines[r.String()]; line == nil {
			t.Errorf("the table in README.md lacks %s: run make versions", r)
		} else if slices.Contains(line, failed) {
			t.Errorf("%s has failed: %v", r, line)
		}
	}
}

func TestWithTable(t *testing.T) {
	const before = "above\n<!-- make versions writes this -->\n| OpenTofu 1.11.5 | compiled | passed | passed, without hosts | 2026-01-01 |\n| OpenTofu 1.0.0 | x | x | x | x |\n<!-- end -->\nbelow\n"
	got, err := withTable(before, []outcome{
		{tested[0], downloaded, passed, notRun, "2026-02-02"},
		{tested[1], "no network", leftOut, notRun, "2026-02-02"},
		{tested[2], "compiled", failed, notRun, "2026-02-02"},
	})
	want := "above\n<!-- make versions writes this -->\n" + header +
		"| Terraform 1.11.4 | downloaded | passed | – | 2026-02-02 |\n| OpenTofu 1.11.5 | compiled | FAILED | passed, without hosts | 2026-02-02 |\n\n<!-- end -->\nbelow\n"
	if err != nil || got != want {
		t.Errorf("got\n%s\nwant\n%s%v", got, want, err)
	}
	if again, err := withTable(got, nil); err != nil || again != got {
		t.Errorf("a second time gives\n%s%v", again, err)
	}
	if _, err := withTable("no table", nil); err == nil {
		t.Error("no error without a table")
	}
}

func TestWithoutMissing(t *testing.T) {
	const backends = "import (\n\tbackendHTTP \"github.com/hashicorp/terraform/internal/backend/remote-state/http\"\n" +
		"\tbackendS3 \"github.com/hashicorp/terraform/internal/backend/remote-state/s3\"\n)\n\nvar list = map[string]any{\n\t\"http\": backendHTTP.New(),\n\t\"s3\": backendS3.New(),\n}\n"
	const mod = "module github.com/hashicorp/terraform\n\nrequire (\n\tgithub.com/hashicorp/terraform/internal/backend/remote-state/s3 v0.0.0\n" +
		"\tgithub.com/hashicorp/terraform/internal/legacy v0.0.0\n\texample.com/a v1.0.0\n)\n\n" +
		"replace github.com/hashicorp/terraform/internal/backend/remote-state/s3 => ./internal/backend/remote-state/s3\n"
	source := t.TempDir()
	list, file := filepath.Join(source, "internal", "backend", "init", "init.go"), filepath.Join(source, "go.mod")
	write(t, list, backends)
	write(t, file, mod)
	if err := withoutMissing(source); err != nil {
		t.Fatal(err)
	}
	if got := read(t, list); strings.Contains(got, "S3") || strings.Contains(got, "s3") || strings.Count(got, "backendHTTP") != 2 {
		t.Errorf("the list is\n%s", got)
	}
	if got := read(t, file); strings.Contains(got, "internal") || !strings.Contains(got, "example.com/a") {
		t.Errorf("go.mod is\n%s", got)
	}
	write(t, file, mod)
	if err := withoutMissing(source); err == nil {
		t.Error("no error where the list has no such backend")
	}
	write(t, file, "module github.com/hashicorp/terraform\n")
	if err := withoutMissing(source); err != nil {
		t.Errorf("where nothing is missing: %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
