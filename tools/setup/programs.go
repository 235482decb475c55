package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// packages names the Debian and Ubuntu package of a program whose package is not
// called like the program.
var packages = map[string]string{
	"ansible-playbook": "ansible-core",
	"docker":           "docker.io",
	"dockerd":          "docker.io",
	"gnutls-cli":       "gnutls-bin",
	"ip":               "iproute2",
	"javac":            "default-jdk-headless",
	"node":             "nodejs",
	"nsenter":          "util-linux",
	"promtool":         "prometheus",
	"ssh-keygen":       "openssh-client",
	"ssh-keyscan":      "openssh-client",
	"systemctl":        "systemd",
	"systemd-nspawn":   "systemd-container",
}

// missing returns one line that names those of the programs that are not installed
// and the packages that bring them, or "" when all are there.
func missing(programs []string) string {
	var absent, install []string
	for _, program := range programs {
		if installed(program) {
			continue
		}
		absent = append(absent, program)
		pkg, ok := packages[program]
		if !ok {
			pkg = program
		}
		if !slices.Contains(install, pkg) {
			install = append(install, pkg)
		}
	}
	if len(absent) == 0 {
		return ""
	}
	return fmt.Sprintf("missing %s: the tests that need them are skipped (Debian, Ubuntu: apt-get install %s)",
		strings.Join(absent, ", "), strings.Join(install, " "))
}

// installed looks on PATH and in the folders of system programs, which are not on
// every user's PATH.
func installed(program string) bool {
	for _, dir := range []string{"", "/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if _, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return true
		}
	}
	return false
}
