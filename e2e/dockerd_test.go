package e2e

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// How dockerd treats its clients. `--tls` alone would still verify them: dockerd takes an unset tlsverify for true.
var (
	daemonTLSVerify = []string{"--tlsverify"}
	daemonTLS       = []string{"--tls", "--tlsverify=false"}
)

// dockerd is a daemon with directories of its own.
type dockerd struct {
	port    string
	command []string
	dir     string // data, runtime state, log
	files   string // ca.pem, cert.pem, key.pem
	socket  *net.TCPListener
	cmd     *exec.Cmd
	done    chan struct{} // closed when the process has ended
}

// forEachDockerd runs a test against every dockerd of PATH: Debian's, and a newer one where there is one.
func forEachDockerd(t *testing.T, test func(t *testing.T, binary string)) {
	t.Helper()
	tool(t, "dockerd")
	if os.Geteuid() != 0 {
		missing(t, "root", "dockerd needs it: run the tests as root")
	}
	found := dockerds(t)
	for _, version := range slices.Sorted(maps.Keys(found)) {
		t.Run("dockerd "+version, func(t *testing.T) { test(t, found[version]) })
	}
}

// dockerds lists the daemons of PATH by version, each file once, however many links lead to it.
func dockerds(t *testing.T) map[string]string {
	t.Helper()
	seen, found := map[string]bool{}, map[string]string{}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path, err := exec.LookPath(filepath.Join(dir, "dockerd"))
		if err != nil {
			continue
		}
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		if seen[path] {
			continue
		}
		seen[path] = true
		r := invocation{path: path, args: []string{"--version"}}.run()
		if r.err != nil {
			t.Fatalf("%s --version: %v: %s", path, r.err, r.all())
		}
		version, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(r.stdout), "Docker version "), ",")
		if _, ok := found[version]; !ok {
			found[version] = path
		}
	}
	return found
}

// startDockerd starts a daemon on a free port of 127.0.0.1 and 127.0.0.2 and returns once it answers in TLS.
func startDockerd(t *testing.T, binary string, mode []string, m material) *dockerd {
	t.Helper()
	return startDockerdIn(t, binary, mode, m.write(t))
}

// startDockerdIn does so with the ca.pem, cert.pem, and key.pem of a directory.
func startDockerdIn(t *testing.T, binary string, mode []string, files string) *dockerd {
	t.Helper()
	port := freePort(t)
	d := newDockerd(t)
	d.port, d.files = port, files
	d.command = []string{binary, "-H", "tcp://127.0.0.1:" + port, "-H", "tcp://127.0.0.2:" + port}
	d.start(t, mode)
	// Not before: the socket is there early, and a daemon that fails to start drops the connections that wait.
	dialer := &net.Dialer{Timeout: time.Second}
	eventually(t, time.Minute, "dockerd answers", func() bool {
		select {
		case <-d.done:
			t.Fatalf("dockerd ended: %v", d.cmd.ProcessState)
		default:
		}
		conn, err := tls.DialWithDialer(dialer, "tcp", net.JoinHostPort("127.0.0.1", port), &tls.Config{InsecureSkipVerify: true})
		return err == nil && conn.Close() == nil
	})
	return d
}

// givenPorts are the ports that freePort has returned.
var givenPorts sync.Map

// freePort returns a port that was free a moment ago and that no other test of this run gets. It is below those that
// Linux gives to outgoing connections (32768 and up), so that no client takes it before the daemon does.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(10000 + rand.IntN(32768-10000))
		if _, given := givenPorts.LoadOrStore(port, true); given {
			continue
		}
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil && l.Close() == nil {
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// activatedDockerd starts a daemon on a socket that the caller holds, as systemd socket activation does
// (sd_listen_fds(3)): the socket is descriptor 3, and LISTEN_PID is the daemon's own pid, which only the process
// itself can know before it starts. Connections made while no daemon runs wait in the socket's backlog.
func activatedDockerd(t *testing.T, binary string, m material, socket *net.TCPListener) *dockerd {
	t.Helper()
	d := newDockerd(t)
	d.port, d.files, d.socket = strconv.Itoa(socket.Addr().(*net.TCPAddr).Port), m.write(t), socket
	d.command = []string{"/bin/sh", "-c", `LISTEN_PID=$$; export LISTEN_PID; exec "$@"`, "sh", binary, "-H", "fd://"}
	d.start(t, daemonTLSVerify)
	return d
}

// newDockerd prepares the directories of a daemon, and the end of the daemon at the end of the test.
func newDockerd(t *testing.T) *dockerd {
	t.Helper()
	dir, err := os.MkdirTemp("", "dockerd-") //nolint:usetesting // the paths of t.TempDir are too long for dockerd's Unix sockets
	if err != nil {
		t.Fatal(err)
	}
	d := &dockerd{dir: dir}
	t.Cleanup(func() {
		if err := d.stop(); err != nil {
			t.Error(err)
		}
		unmountBelow(t, d.dir)
		if t.Failed() {
			t.Logf("%s, last lines of its log:\n%s", strings.Join(d.command, " "), tail(d.log(), 40))
		}
		if err := os.RemoveAll(d.dir); err != nil {
			t.Error(err)
		}
	})
	return d
}

// start starts the daemon. It needs no kernel feature beyond root: no bridge, no firewall rules, no overlay.
func (d *dockerd) start(t *testing.T, mode []string) {
	t.Helper()
	d.run(t, slices.Concat(mode, []string{
		"--data-root", filepath.Join(d.dir, "data"), "--exec-root", filepath.Join(d.dir, "exec"), "--pidfile", filepath.Join(d.dir, "pid"),
		"--containerd-namespace", "e2e", "--containerd-plugins-namespace", "e2e-plugins",
		"--storage-driver=vfs", "--bridge=none", "--iptables=false", "--ip6tables=false",
		"--tlscacert", filepath.Join(d.files, "ca.pem"), "--tlscert", filepath.Join(d.files, "cert.pem"), "--tlskey", filepath.Join(d.files, "key.pem"),
	})...)
}

// run starts the process.
func (d *dockerd) run(t *testing.T, flags ...string) {
	t.Helper()
	cmd := exec.Command(d.command[0], slices.Concat(d.command[1:], flags)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.dir}
	log, err := os.OpenFile(d.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the daemon has a descriptor of its own
	cmd.Stdout, cmd.Stderr = log, log
	if d.socket != nil {
		file, err := d.socket.File()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		cmd.ExtraFiles = []*os.File{file}
		cmd.Env = append(cmd.Env, "LISTEN_FDS=1")
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", d.command[0], err)
	}
	done := make(chan struct{})
	d.cmd, d.done = cmd, done
	go func() {
		_ = cmd.Wait() // how it ended is in cmd.ProcessState
		close(done)
	}()
}

// restart delivers new files in place of the old ones and restarts the daemon: dockerd reads them only at its start.
func (d *dockerd) restart(t *testing.T, m material) {
	t.Helper()
	m.writeTo(t, d.files)
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	d.start(t, daemonTLSVerify)
}

// stop ends the daemon as systemd does: SIGTERM, and SIGKILL only when that does not help.
func (d *dockerd) stop() error {
	if d.cmd == nil {
		return nil
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop dockerd: %w", err)
	}
	select {
	case <-d.done:
		return nil
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("dockerd ignored SIGTERM for 30 seconds"), d.cmd.Process.Kill())
	}
}

// log returns what the daemon has logged so far. dockerd logs no key.
func (d *dockerd) log() string {
	text, err := os.ReadFile(d.logPath())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (d *dockerd) logPath() string { return filepath.Join(d.dir, "log") }

// waitForLog waits for a line that matches the pattern after the given offset of the log.
func (d *dockerd) waitForLog(t *testing.T, offset int, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	eventually(t, 10*time.Second, "dockerd logs "+pattern, func() bool { return re.MatchString(d.log()[offset:]) })
}

// unmountBelow unmounts what dockerd leaves mounted below its directories, so that they can be removed.
func unmountBelow(t *testing.T, dir string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Error(err)
		return
	}
	for line := range strings.Lines(string(mounts)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			if r := (invocation{path: "umount", args: []string{"-l", fields[1]}}).run(); r.err != nil {
				t.Errorf("umount %s: %v: %s", fields[1], r.err, r.all())
			}
		}
	}
}

// tail returns the last lines of a text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
