package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// sshHost is this machine as a host that Terraform reaches over SSH: an sshd with a configuration and keys of its own.
// systemctl is a stand-in there, which writes down how it was called: no systemd and no docker.service are needed.
type sshHost struct {
	port    string
	hostKey string // the public key that the sshd proves to have
	userKey string // path of the private key that may log in as root
	calls   string // path of the list of systemctl's calls
}

// startSSHHost starts an sshd on 127.0.0.1, which ends with the test.
func startSSHHost(t *testing.T) sshHost {
	t.Helper()
	sshd, keygen := tool(t, "sshd"), tool(t, "ssh-keygen")
	if os.Geteuid() != 0 {
		missing(t, "root", "sshd needs it to let root in: run the tests as root")
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"host", "user"} {
		if r := (invocation{path: keygen, args: []string{"-q", "-t", "ed25519", "-N", "", "-C", "", "-f", in(name)}}).run(); r.err != nil {
			t.Fatalf("ssh-keygen: %v: %s", r.err, r.all())
		}
	}
	hostKey, err := os.ReadFile(in("host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	h := sshHost{port: freePort(t), hostKey: strings.TrimSpace(string(hostKey)), userKey: in("user"), calls: in("calls")}

	if err := os.Mkdir(in("bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeFile(t, in("bin/systemctl"), fmt.Sprintf("#!/bin/sh\necho \"$@\" >> %s\n", h.calls), 0o700)
	writeFile(t, in("sshd_config"), fmt.Sprintf(`ListenAddress 127.0.0.1:%s
HostKey %s
AuthorizedKeysFile %s
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
PidFile none
SetEnv PATH=%s:%s
`, h.port, in("host"), in("user.pub"), in("bin"), os.Getenv("PATH")), 0o600)
	usePrivilegeSeparation(t)

	daemon := serve(t, invocation{path: sshd, args: []string{"-D", "-e", "-f", in("sshd_config")}})
	daemon.ready(t, "sshd listens", func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+h.port)
		return err == nil && conn.Close() == nil
	})
	return h
}

// privilegeSeparation counts the users of the directory where sshd locks up its unprivileged half.
var privilegeSeparation struct {
	sync.Mutex
	users int
	made  bool // by this run, and not by the system service
}

// usePrivilegeSeparation keeps that directory until the test ends. The last test to end removes it, if one has made it.
func usePrivilegeSeparation(t *testing.T) {
	t.Helper()
	const dir = "/run/sshd"
	p := &privilegeSeparation
	p.Lock()
	defer p.Unlock()
	switch err := os.Mkdir(dir, 0o755); {
	case err == nil:
		p.made = true
	case !errors.Is(err, fs.ErrExist):
		t.Fatal(err)
	}
	p.users++
	t.Cleanup(func() {
		p.Lock()
		defer p.Unlock()
		if p.users--; p.users == 0 && p.made {
			p.made = false
			_ = os.Remove(dir)
		}
	})
}

// name is no other host's, not even one of another run of this test.
func (h sshHost) name() string { return "host" + h.port }

// staging is where the example copies files to first: a directory in the home of who logs in, which is root.
func (h sshHost) staging(t *testing.T) string {
	t.Helper()
	root, err := user.Lookup("root")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(root.HomeDir, ".docker-tls-"+h.name())
}

// variables are those of the example, for this host with the given host key.
func (h sshHost) variables(hostKey, directory string) []string {
	return []string{
		fmt.Sprintf(`hosts={%s={address="127.0.0.1",port=%s,host_key=%q}}`, h.name(), h.port, hostKey),
		"private_key_file=" + h.userKey,
		"directory=" + directory,
	}
}

// restarts counts the calls of systemctl so far, each of which must have restarted Docker.
func (h sshHost) restarts(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(h.calls)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	calls := strings.Fields(strings.ReplaceAll(string(text), "restart docker\n", "restart-docker\n"))
	if slices.ContainsFunc(calls, func(call string) bool { return call != "restart-docker" }) {
		t.Errorf("systemctl was called with %q", calls)
	}
	return len(calls)
}

// TestSSHRollout copies certificates to a host over SSH, and again when they are renewed, and only then.
func TestSSHRollout(t *testing.T) {
	t.Parallel()
	docker := tool(t, "docker")
	forEachDockerd(t, func(t *testing.T, binary string) {
		h := startSSHHost(t)
		w := example(t, "ssh-rollout")
		directory := filepath.Join(t.TempDir(), "tls") // in place of /etc/docker/tls of this machine
		vars := h.variables(h.hostKey, directory)
		if err := w.apply(vars...); err != nil {
			t.Fatal(err)
		}
		first := delivered(t, directory)
		if n := h.restarts(t); n != 1 {
			t.Errorf("Docker was restarted %d times, want once", n)
		}
		if _, err := os.Stat(h.staging(t)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want nothing there", h.staging(t), err)
		}

		// Nothing has changed: nothing is copied.
		if err := w.apply(vars...); err != nil {
			t.Fatal(err)
		}
		if n := h.restarts(t); n != 1 {
			t.Errorf("Docker was restarted %d times, want still once", n)
		}

		// Renewed: copied again.
		renew := []string{"apply", "-auto-approve", "-input=false", fmt.Sprintf("-replace=docker_tls_server_cert.host[%q]", h.name())}
		for _, v := range vars {
			renew = append(renew, "-var="+v)
		}
		if _, err := w.run(renew...); err != nil {
			t.Fatal(err)
		}
		second := delivered(t, directory)
		if second.Cert == first.Cert || second.Key == first.Key || second.CA != first.CA {
			t.Error("the host must have a new certificate and key of the same authority")
		}
		if n := h.restarts(t); n != 2 {
			t.Errorf("Docker was restarted %d times, want twice", n)
		}

		// What lies on the host serves the client of the same configuration.
		d := startDockerd(t, binary, daemonTLSVerify, second)
		dir := clientMaterial(output[map[string]string](t, w, "client_files")).write(t)
		if r := dockerVersion(docker, []string{"HOME=" + dir}, fullDocker("127.0.0.1:"+d.port, dir)...).run(); !r.connected() {
			t.Errorf("refused: %v\n%s", r.err, r.all())
		}
	})
}

// TestSSHImpostor copies nothing to a host that does not prove to be the right one.
func TestSSHImpostor(t *testing.T) {
	t.Parallel()
	h, other := startSSHHost(t), startSSHHost(t)
	w := example(t, "ssh-rollout")
	text, err := os.ReadFile(filepath.Join(w.dir, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	const timeout = `timeout     = "1m"`
	if !bytes.Contains(text, []byte(timeout)) {
		t.Fatalf("the example has no %s", timeout)
	}
	// Terraform tries again until its time is over.
	writeFile(t, filepath.Join(w.dir, "main.tf"), strings.Replace(string(text), timeout, `timeout = "2s"`, 1), 0o600)
	directory := filepath.Join(t.TempDir(), "tls")
	err = w.apply(h.variables(other.hostKey, directory)...)
	if err == nil || !strings.Contains(err.Error(), "knownhosts: key mismatch") {
		t.Errorf("want an error that says that the key does not match, got %v", err)
	}
	for _, path := range []string{directory, h.staging(t), h.calls} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want nothing there", path, err)
		}
	}
}

// delivered reads what a rollout has left on a host, and looks at the modes.
func delivered(t *testing.T, directory string) material {
	t.Helper()
	files := map[string]string{}
	for name, mode := range map[string]fs.FileMode{"ca.pem": 0o444, "server-cert.pem": 0o444, "server-key.pem": 0o400} {
		path := filepath.Join(directory, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != mode {
			t.Errorf("%s has the mode %s, want %s", name, info.Mode(), mode)
		}
		files[name] = string(text)
	}
	return material{CA: files["ca.pem"], Cert: files["server-cert.pem"], Key: files["server-key.pem"]}
}
