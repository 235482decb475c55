package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// host is a machine for user data to set up: in its namespaces /etc, /run, and /var are folders below root, and the
// network is a loopback interface of its own, so that every path and port is the real one. The programs, and a copy
// of /etc without what Docker has there, are this machine's.
type host struct {
	root string
	pid  string // of the process that holds the namespaces
}

// holdNamespaces makes the namespaces that it starts in a host's, and keeps them until its standard input ends: with
// the test at the latest.
const holdNamespaces = `set -e
mount --make-rprivate /
ip link set lo up
for dir in etc run var; do mount --bind "$1/$dir" "/$dir"; done
echo ready
exec cat`

func newHost(t *testing.T) *host {
	t.Helper()
	tool(t, "ip")
	if os.Geteuid() != 0 {
		missing(t, "root", "namespaces need it: run the tests as root")
	}
	root := t.TempDir()
	for _, dir := range []string{"run", "var/lib", "var/log", "var/tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/run", filepath.Join(root, "var/run")); err != nil {
		t.Fatal(err)
	}
	if r := (invocation{path: "cp", args: []string{"-a", "/etc", root}}).run(); r.err != nil {
		t.Fatalf("copy /etc: %v: %s", r.err, r.all())
	}
	if err := os.RemoveAll(filepath.Join(root, "etc/docker")); err != nil {
		t.Fatal(err)
	}

	cmd := exec.Command("/bin/sh", "-c", holdNamespaces, "sh", root)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		missing(t, "the right to make namespaces ("+err.Error()+")", "run the tests with CAP_SYS_ADMIN")
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatalf("set up the namespaces: %q, %v", line, stderr.String())
	}
	return &host{root, fmt.Sprint(cmd.Process.Pid)}
}

// on has a program run on the host.
func (h *host) on(i invocation) invocation { return h.enter(i, "--net", "--mount") }

// reaching has a program run in this machine's files and the host's network: a client of the host.
func (h *host) reaching(i invocation) invocation { return h.enter(i, "--net") }

func (h *host) enter(i invocation, namespaces ...string) invocation {
	args := append([]string{"--target", h.pid}, namespaces...)
	i.args = append(append(args, "--", i.path), i.args...)
	i.path = "nsenter"
	return i
}

// file returns what a path of the host is called on this machine.
func (h *host) file(path string) string { return filepath.Join(h.root, path) }

func (h *host) write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.file(path)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.file(path), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// cloudConfig has cloud-init take user data from a folder and do no more than user data of this provider asks for:
// the other modules would set up the machine that the test runs on.
const cloudConfig = `datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: [write-files]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user]
`

// boot runs cloud-init on the host as systemd does at the first boot, stage by stage.
func (h *host) boot(t *testing.T, userData string) {
	t.Helper()
	cloudInit := tool(t, "cloud-init")
	h.write(t, "/etc/cloud/cloud.cfg.d/99-e2e.cfg", cloudConfig, 0o644)
	h.write(t, "/var/lib/cloud/seed/nocloud/meta-data", "instance-id: e2e\n", 0o644)
	h.write(t, "/var/lib/cloud/seed/nocloud/user-data", userData, 0o600)
	for _, stage := range []string{"init --local", "init", "modules --mode config", "modules --mode final"} {
		// No systemd runs on the host: of what runcmd asks, systemctl does what concerns files.
		r := h.on(invocation{path: cloudInit, args: strings.Fields(stage), env: []string{"SYSTEMD_OFFLINE=1"}}).run()
		if r.err != nil {
			t.Fatalf("cloud-init %s: %v\n%s", stage, r.err, r.all())
		}
	}
}

// composed puts user data behind another part that has files and commands as well.
func composed(t *testing.T, userData string) string {
	t.Helper()
	var text bytes.Buffer
	w := multipart.NewWriter(&text)
	fmt.Fprintf(&text, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=%q\n\n", w.Boundary())
	for _, part := range []string{"#cloud-config\nwrite_files: [{path: /etc/other, content: other}]\nruncmd: [install -m 0644 /etc/other /etc/other.ran]\n", userData} {
		body, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {"text/cloud-config"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := body.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// listenStream is the address of a systemd socket.
var listenStream = regexp.MustCompile(`(?m)^ListenStream=(.*)$`)

// startDockerd starts the daemon with nothing but what is on the host, as Docker's packages do: on the sockets that
// systemd opens where user data brought a socket unit, and else as daemon.json says. It begins with no data, whatever
// ran before, and returns when the daemon answers on its Unix socket.
func (h *host) startDockerd(t *testing.T, binary string) *dockerd {
	t.Helper()
	curl := tool(t, "curl")
	if err := os.RemoveAll(h.file("/var/lib/docker")); err != nil {
		t.Fatal(err)
	}
	command := invocation{path: binary}
	if unit, err := os.ReadFile(h.file("/etc/systemd/system/docker-tls.socket")); err == nil {
		address := listenStream.FindStringSubmatch(string(unit))
		if address == nil {
			t.Fatalf("the socket unit has no address:\n%s", unit)
		}
		command = invocation{path: tool(t, "systemd-socket-activate"), args: []string{"-l", "/run/docker.sock", "-l", address[1], binary, "-H", "fd://"}}
	}
	command = h.on(command)
	d := newDockerd(t)
	d.command = append([]string{command.path}, command.args...)
	d.run(t)
	eventually(t, time.Minute, "dockerd answers on its Unix socket", func() bool {
		select {
		case <-d.done:
			t.Fatalf("dockerd ended: %v", d.cmd.ProcessState)
		default:
		}
		r := h.on(invocation{path: curl, args: []string{"--silent", "--unix-socket", "/run/docker.sock", "http://docker/_ping"}}).run()
		return r.stdout == "OK"
	})
	return d
}
