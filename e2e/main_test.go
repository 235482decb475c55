// Package e2e proves what terraform apply makes against the programs that will use it: real Docker daemons,
// the docker CLI, curl, openssl, and the TLS libraries of other languages. Everything listens on loopback.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// commandTimeout bounds every program a test runs to its end. It is long, as hundreds of certificates take their time on
// a machine that has other work.
const commandTimeout = 5 * time.Minute

// providerBuild is the directory of the provider binary under test and of the Terraform CLI configuration that
// points at it. [TestMain] sets it once, before any test.
var providerBuild string

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// runTests builds the provider into a temporary directory and runs the tests against that build.
func runTests(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "docker-tls-e2e-")
	if err != nil {
		return 1, fmt.Errorf("make a directory for the provider build: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := buildProvider(dir, ".."); err != nil {
		return 1, err
	}
	providerBuild = dir
	return m.Run(), nil
}

// debianPackages names the Debian package of each program that the suite drives.
var debianPackages = map[string]string{
	"ansible-playbook":             "ansible-core",
	"cloud-init":                   "cloud-init",
	"curl":                         "curl",
	"docker":                       "docker-cli (docker.io before Debian 13)",
	"docker-registry":              "docker-registry",
	"dockerd":                      "docker.io",
	"git":                          "git",
	"gnutls-cli":                   "gnutls-bin",
	"ip":                           "iproute2",
	"javac":                        "default-jdk-headless",
	"jq":                           "jq",
	"make":                         "make",
	"mmdebstrap":                   "mmdebstrap",
	"mount":                        "mount",
	"node":                         "nodejs",
	"nsenter":                      "util-linux",
	"openssl":                      "openssl",
	"prometheus":                   "prometheus",
	"prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
	"prometheus-node-exporter":     "prometheus-node-exporter",
	"promtool":                     "prometheus",
	"python3":                      "python3",
	"ssh-add":                      "openssh-client",
	"ssh-agent":                    "openssh-client",
	"ssh-keygen":                   "openssh-client",
	"ssh-keyscan":                  "openssh-client",
	"systemctl":                    "systemd",
	"systemd-nspawn":               "systemd-container",
}

// tool returns the path of a program, or ends the test as [missing] does.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name, "apt-get install "+debianPackages[name])
	}
	return path
}

// missing skips the test for want of a program, or fails it where the whole suite is required: in CI.
func missing(t *testing.T, what, remedy string) {
	t.Helper()
	if required() {
		t.Fatalf("%s is missing and this run requires it: %s", what, remedy)
	}
	t.Skipf("%s is missing: %s", what, remedy)
}

// required reports whether a missing program is a failure.
func required() bool {
	return os.Getenv("CI") == "true" || os.Getenv("E2E_REQUIRED") == "1"
}

// invocation is one run of a program.
type invocation struct {
	path  string
	args  []string
	env   []string // added to PATH; nothing else of the test's own environment is passed on
	dir   string
	stdin string
	open  bool // standard input stays open behind stdin until the program ends
}

// result is what a finished program left.
type result struct {
	stdout, stderr string
	err            error // nil when the program ended with code 0
}

// all returns what the program wrote, on both streams.
func (r result) all() string { return strings.TrimSpace(r.stdout + "\n" + r.stderr) }

// says reports whether Terraform has written a sentence, wherever it has broken the lines.
func says(r result, sentence string) bool {
	words := strings.FieldsFunc(r.all(), func(c rune) bool { return c == ' ' || c == '\n' || c == '│' || c == '╷' || c == '╵' })
	return strings.Contains(strings.Join(words, " "), sentence)
}

// command is the program, not started yet, with no more of the environment than PATH: DOCKER_HOST, proxies, and the like
// of the machine must not change an outcome.
func (i invocation) command(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, i.path, i.args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, i.env...)
	cmd.Dir = i.dir
	return cmd
}

// run runs a program to its end.
func (i invocation) run() result {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := i.command(ctx)
	cmd.Stdin = strings.NewReader(i.stdin)
	if i.open {
		// A pipe of our own: os/exec would wait for the end of any other reader.
		input, output, err := os.Pipe()
		if err != nil {
			return result{err: err}
		}
		defer func() { _, _ = input.Close(), output.Close() }()
		if _, err := output.WriteString(i.stdin); err != nil {
			return result{err: err}
		}
		cmd.Stdin = input
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("%s did not end within %s", filepath.Base(i.path), commandTimeout)
	}
	return result{stdout.String(), stderr.String(), err}
}

// eventually polls until the condition holds, and fails the test at the deadline.
func eventually(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for !holds() {
		select {
		case <-poll.C:
		case <-deadline.C:
			t.Fatalf("waited %s in vain until %s", within, what)
		}
	}
}
