//go:build linux

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/bench/usage"
)

// TestRun runs programs that end in several ways, and reads what was recorded.
func TestRun(t *testing.T) {
	for script, want := range map[string]int{"true": 0, "exit 3": 3, "kill -KILL $$": 137} {
		t.Run(script, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "usage.json")
			code, err := run(file, usage.Core, []string{"sh", "-c", script})
			if err != nil || code != want {
				t.Fatalf("the exit code is %d (%v), not %d", code, err, want)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			used, err := usage.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if used.Wall <= 0 || used.CoreCPU <= 0 || used.CoreMaxRSS < 100_000 {
				t.Errorf("a shell used %+v", used)
			}
		})
	}
	if _, err := run(filepath.Join(t.TempDir(), "usage.json"), usage.Core, []string{"/nothing"}); err == nil {
		t.Error("a program that is not there has run")
	}
}
