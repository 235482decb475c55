package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// fakeTerraform writes a program that says it is the given version of Terraform.
func fakeTerraform(t *testing.T, dir, version string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell script")
	}
	path := filepath.Join(dir, "terraform")
	script := fmt.Sprintf("#!/bin/sh\n[ \"$*\" = 'version -json' ] && echo '{\"terraform_version\": \"%s\"}'\n", version)
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindTerraform(t *testing.T) {
	const none = ""
	for _, test := range []struct {
		name                     string
		named, onPath, inDir     string // versions
		installs                 string // version that the installer brings; none: it fails
		want, wantErr, doNotWant string
	}{
		{name: "named by the variable", named: "1.11.0", onPath: "1.12.0", want: "named"},
		{name: "named, but too old: no silent substitute", named: "1.10.5", onPath: "1.12.0",
			wantErr: "terraform is version 1.10.5, older than 1.11.0; name another one, or unset it"},
		{name: "on PATH", onPath: "1.11.4", inDir: "1.12.0", want: "path"},
		{name: "the minimum's prerelease is older", onPath: "1.11.0-rc1", inDir: "1.11.4", want: "dir"},
		{name: "too old on PATH, installed before", onPath: "1.5.7", inDir: "1.11.4", want: "dir"},
		{name: "too old on PATH, install", onPath: "1.5.7", installs: "1.11.4", want: "dir"},
		{name: "none, install", installs: "1.11.4", want: "dir"},
		{name: "none, cannot install",
			wantErr: "terraform is not on PATH; installing 1.11.4 failed: no network\ninstall Terraform 1.11.0 or newer"},
		{name: "too old, cannot install", onPath: "1.5.7",
			wantErr: "terraform is version 1.5.7, older than 1.11.0; installing 1.11.4 failed: no network"},
		{name: "says no version", onPath: "x", wantErr: "terraform version -json: malformed version: x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			dirs := map[string]string{}
			for name, version := range map[string]string{"named": test.named, "path": test.onPath, "dir": test.inDir} {
				dirs[name] = filepath.Join(root, name)
				if err := os.Mkdir(dirs[name], 0o700); err != nil {
					t.Fatal(err)
				}
				if version != none {
					fakeTerraform(t, dirs[name], version)
				}
			}
			t.Setenv("PATH", dirs["path"])
			t.Setenv(pathVariable, "")
			if test.named != none {
				t.Setenv(pathVariable, filepath.Join(dirs["named"], "terraform"))
			}
			install := func(_ context.Context, dir string) (string, error) {
				if test.installs == none {
					return "", errors.New("no network")
				}
				return fakeTerraform(t, dir, test.installs), nil
			}

			got, err := findTerraform(t.Context(), dirs["dir"], install)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) {
					t.Fatalf("error %v, want one with %q", err, test.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(dirs[test.want], "terraform"); got != want {
				t.Errorf("found %s, want %s", got, want)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	dir := t.TempDir()
	fakeTerraform(t, dir, "1.11.4")
	t.Setenv("PATH", dir)
	for _, test := range []struct {
		programs []string
		want     string
	}{
		{nil, ""},
		{[]string{"terraform"}, ""},
		{[]string{"terraform", "no-such-program"},
			"missing no-such-program: the tests that need them are skipped (Debian, Ubuntu: apt-get install no-such-program)"},
		{[]string{"gnutls-cli", "terraform", "docker"},
			"missing gnutls-cli, docker: the tests that need them are skipped (Debian, Ubuntu: apt-get install gnutls-bin docker.io)"},
	} {
		if got := missing(test.programs); got != test.want {
			t.Errorf("missing(%q)\n got %q\nwant %q", test.programs, got, test.want)
		}
	}
}
