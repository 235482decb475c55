package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// realHost is a machine of its own, of this machine's distribution: systemd is PID 1 and runs docker.service, sshd and
// cloud-init, and the network is its own. Only the kernel is this machine's. Its disk outlives a boot.
//
// Nothing of it outlives the test binary, however that ends: its first process is the first of a PID namespace and dies
// with the binary, and all others with that one; and then its mounts, which only they see, and its network cable.
type realHost struct {
	name    string // and its hostname
	address string // where this machine and other hosts reach it
	disk    string // directory of what differs from the image
	cgroup  string
	notify  *net.UnixConn // where systemd-nspawn says how the boot goes

	nspawn *exec.Cmd     // runs systemd-nspawn
	off    chan struct{} // closed when the host is off
	init   string        // directory of its systemd in /proc
}

const (
	hostNetwork = "198.51.100." // RFC 5737 section 3: of documentation, so of no network
	hostGateway = hostNetwork + "1"
	bootTimeout = 3 * time.Minute // of a machine that has other work
)

// forEachRealDockerd runs a test with the dockerd of the hosts' distribution, and with the current one that is in the
// directory E2E_DOCKERD_DIR, with its containerd, containerd-shim-runc-v2, runc and docker-proxy.
func forEachRealDockerd(t *testing.T, test func(t *testing.T, dockerd string)) {
	t.Helper()
	t.Run("debian", func(t *testing.T) {
		t.Parallel()
		test(t, "")
	})
	t.Run("current", func(t *testing.T) {
		t.Parallel()
		dir := os.Getenv("E2E_DOCKERD_DIR")
		if dir == "" {
			missing(t, "a current dockerd (E2E_DOCKERD_DIR)", "make current-dockerd")
		}
		test(t, dir)
	})
}

// newRealHost returns a host that has not been booted yet. dockerd is a directory with a dockerd, containerd, runc and so
// on, which it then has in place of the distribution's, or empty.
func newRealHost(t *testing.T, dockerd string) *realHost {
	t.Helper()
	if os.Getenv("E2E_HOSTS") == "none" {
		t.Skip("E2E_HOSTS=none leaves out what boots a host")
	}
	for _, name := range []string{"ip", "mount", "nsenter", "systemctl", "systemd-nspawn"} {
		tool(t, name)
	}
	if os.Geteuid() != 0 {
		missing(t, "root", "a host needs it: run the tests as root")
	}
	findHostImage(t)
	h := &realHost{disk: t.TempDir(), off: make(chan struct{})}
	close(h.off)
	h.claimNumber(t)
	h.hide(t)
	for _, dir := range []string{"upper", "upper/etc", "work", "root", "docker", "containerd"} {
		if err := os.Mkdir(filepath.Join(h.disk, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		h.kill(t)
		_ = h.notify.Close()
		if t.Failed() {
			t.Logf("%s, last lines of its console:\n%s", h.name, tail(h.console(), 40))
		}
	})
	h.write(t, "/etc/hostname", h.name+"\n", 0o644)
	h.write(t, "/etc/systemd/network/10-host0.network", fmt.Sprintf("[Match]\nName=host0\n[Network]\nLinkLocalAddressing=no\n"+
		"[Address]\nAddress=%s/32\nPeer=%s/32\n[Route]\nDestination=%s0/24\nGateway=%s\n", h.address, hostGateway, hostNetwork, hostGateway), 0o644)
	h.seed(t, "#cloud-config\n")
	if dockerd != "" {
		h.replace(t, dockerd)
	}
	return h
}

// claimNumber finds a number that no other host has, not even one of another run. A socket holds it, so that the kernel
// frees it when this run ends in whatever way.
func (h *realHost) claimNumber(t *testing.T) {
	t.Helper()
	for range 1000 {
		number := strconv.Itoa(2 + rand.IntN(253))
		h.name, h.address = "e2e-"+number, hostNetwork+number
		var err error
		if h.notify, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "@docker-tls-" + h.name, Net: "unixgram"}); err != nil {
			continue
		}
		// A host of a run that was killed may still be about to end.
		h.cgroup = filepath.Join(unifiedCgroups(t), "docker-tls-"+h.name)
		if h.gone() {
			return
		}
		_ = h.notify.Close()
	}
	t.Fatal("there are too many hosts")
}

// hide has this machine reach nobody at the host's address while the host is off: another route may lead to a stranger.
func (h *realHost) hide(t *testing.T) {
	t.Helper()
	route := func(action string) result {
		return invocation{path: "ip", args: []string{"route", action, "unreachable", h.address, "metric", "1000"}}.run() // that of the cable has 0
	}
	if r := route("replace"); r.err != nil {
		t.Fatalf("ip route: %v: %s", r.err, r.all())
	}
	t.Cleanup(func() { route("delete") })
}

// unifiedCgroups returns where this machine has the cgroups of version 2.
func unifiedCgroups(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1]
		}
	}
	missing(t, "a mount of cgroup2", "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified")
	return ""
}

// removeCgroup removes a cgroup and those below it. It fails while there is a process in one of them.
func removeCgroup(dir string) error {
	below, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, entry := range below {
		if entry.IsDir() {
			err = errors.Join(err, removeCgroup(filepath.Join(dir, entry.Name())))
		}
	}
	return errors.Join(err, os.Remove(dir))
}

// seed has cloud-init take user data at the next boot, as that of a new instance.
func (h *realHost) seed(t *testing.T, userData string) {
	t.Helper()
	h.write(t, "/var/lib/cloud/seed/nocloud/meta-data", fmt.Sprintf("instance-id: %016x\nlocal-hostname: %s\n", rand.Uint64(), h.name), 0o644)
	h.write(t, "/var/lib/cloud/seed/nocloud/user-data", userData, 0o600)
}

// bootHost puts the disk over the image ($1 and $2), and runs systemd-nspawn. All mounts are its own, also that of the
// cgroups, so that systemd-nspawn gives the host those of version 2 whatever this machine has.
const bootHost = `set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
shift 2
systemd-nspawn "$@" || exit` // and not exec: systemd-nspawn is not made to be the first process

// boot switches the host on and waits until all that it does at boot is done, cloud-init included.
func (h *realHost) boot(t *testing.T) {
	t.Helper()
	h.switchOn(t)
	h.booted(t)
}

// switchOn returns when the host has its first process and its network cable. It boots by itself from there.
func (h *realHost) switchOn(t *testing.T) {
	t.Helper()
	if h.isOn() {
		t.Fatalf("%s is on already", h.name)
	}
	args := []string{"-c", bootHost, "sh", findHostImage(t), h.disk,
		// Docker's data is not on the overlay, which Docker's own could not lie on.
		"--directory=" + h.disk + "/root", "--bind=" + h.disk + "/docker:/var/lib/docker", "--bind=" + h.disk + "/containerd:/var/lib/containerd",
		"--machine=" + h.name, "--boot", "--quiet", "--register=no", "--keep-unit", "--notify-ready=yes",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no", "--network-veth",
		// A container's runtime needs what systemd-nspawn would withhold.
		"--capability=all", "--system-call-filter=add_key keyctl bpf"}
	h.start(t, args)
	// systemd-nspawn counts processes by its own namespace.
	h.init = fmt.Sprintf("/proc/%d/root/proc/%s", h.nspawn.Process.Pid, h.notified(t, "X_NSPAWN_LEADER_PID="))
	h.connect(t)
}

// programs are where the distribution has those that a current dockerd comes with.
var programs = map[string]string{
	"dockerd": "/usr/sbin", "docker-proxy": "/usr/sbin", "runc": "/usr/sbin", "containerd": "/usr/bin", "containerd-shim-runc-v2": "/usr/bin",
}

// replace puts the programs of a directory in place of the distribution's. runc starts no container where it is mounted.
func (h *realHost) replace(t *testing.T, dockerd string) {
	t.Helper()
	for name, dir := range programs {
		h.bring(t, filepath.Join(dockerd, name), dir)
	}
}

// bring copies a program of this machine into a directory of the host.
func (h *realHost) bring(t *testing.T, program, dir string) {
	t.Helper()
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, filepath.Join(dir, filepath.Base(program)), string(text), 0o755)
}

// serve has a program of this machine run on the host until that is off, as a service with the name of the program. Its
// log is shown if the test fails: only a program that logs no key is started so.
func (h *realHost) serve(t *testing.T, program string, args ...string) {
	t.Helper()
	const dir = "/usr/local/bin"
	h.bring(t, program, dir)
	name := filepath.Base(program)
	h.must(t, "systemd-run", append([]string{"--quiet", "--setenv=HOME=/root", "--unit=" + name, filepath.Join(dir, name)}, args...)...)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s, last lines of its log:\n%s", name, tail(h.journal(t, name), 40))
		}
	})
}

func (h *realHost) start(t *testing.T, args []string) {
	t.Helper()
	if err := os.Mkdir(h.cgroup, 0o755); err != nil {
		t.Fatal(err)
	}
	cgroup, err := os.Open(h.cgroup)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cgroup.Close() }()
	console, err := os.OpenFile(filepath.Join(h.disk, "console"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = console.Close() }()
	cmd := exec.Command("/bin/sh", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NOTIFY_SOCKET=" + h.notify.LocalAddr().String()}
	cmd.Stdout, cmd.Stderr = console, console
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL,
		UseCgroupFD: true, CgroupFD: int(cgroup.Fd()),
	}
	// What an earlier boot has said is of no interest.
	for err := error(nil); err == nil; {
		_ = h.notify.SetReadDeadline(time.Now().Add(time.Millisecond))
		_, err = h.notify.Read(make([]byte, 4096))
	}
	if err := h.notify.SetReadDeadline(time.Now().Add(bootTimeout)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	off := make(chan struct{})
	h.nspawn, h.off, h.init = cmd, off, ""
	go func() {
		_ = cmd.Wait()                           // how it ended is in cmd.ProcessState
		_ = h.notify.SetReadDeadline(time.Now()) // there is nothing to wait for
		close(off)
	}()
}

// notified waits for a line of systemd-nspawn that begins so, and returns the rest of it. See sd_notify(3).
func (h *realHost) notified(t *testing.T, prefix string) string {
	t.Helper()
	buffer := make([]byte, 4096)
	for {
		n, err := h.notify.Read(buffer)
		if err != nil {
			t.Fatalf("%s does not boot: waited in vain for %s", h.name, prefix)
		}
		for line := range strings.Lines(string(buffer[:n])) {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
				return rest
			}
		}
	}
}

// connect gives this machine's end of the host's cable an address, and lets hosts reach each other through it.
func (h *realHost) connect(t *testing.T) {
	t.Helper()
	cable := h.cable()
	for _, args := range []string{"address add " + hostGateway + " peer " + h.address + " dev " + cable, "link set " + cable + " up"} {
		if r := (invocation{path: "ip", args: strings.Fields(args)}).run(); r.err != nil {
			t.Fatalf("ip %s: %v: %s", args, r.err, r.all())
		}
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+cable+"/forwarding", []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// booted waits until systemd has nothing more to start.
func (h *realHost) booted(t *testing.T) {
	t.Helper()
	h.notified(t, "READY=1")
	r := h.on(invocation{path: "systemctl", args: []string{"is-system-running", "--wait"}}).run()
	if state := strings.TrimSpace(r.stdout); state != "running" && state != "degraded" {
		t.Fatalf("%s is %q after its boot: %s", h.name, state, r.all())
	}
}

// failed lists the units that have failed since the boot.
func (h *realHost) failed(t *testing.T) []string {
	t.Helper()
	r := h.on(invocation{path: "systemctl", args: []string{"list-units", "--failed", "--plain", "--no-legend"}}).run()
	if r.err != nil {
		t.Fatalf("systemctl list-units: %v: %s", r.err, r.all())
	}
	var units []string
	for line := range strings.Lines(r.stdout) {
		units = append(units, strings.Fields(line)[0])
	}
	return units
}

// on has a program of the host run there, as root.
func (h *realHost) on(i invocation) invocation {
	return h.enter(i, "mount", "net", "pid", "uts", "ipc", "cgroup")
}

// reaching has a program of this machine run in the host's network, where 127.0.0.1 is the host.
func (h *realHost) reaching(i invocation) invocation { return h.enter(i, "net") }

func (h *realHost) enter(i invocation, namespaces ...string) invocation {
	var args []string
	for _, namespace := range namespaces {
		file := strings.Replace(namespace, "mount", "mnt", 1)
		args = append(args, "--"+namespace+"="+h.init+"/ns/"+file)
	}
	i.args = append(append(args, "--", i.path), i.args...)
	i.path = "nsenter"
	return i
}

// must runs a program on the host, and returns what it wrote to its standard output. It must end well.
func (h *realHost) must(t *testing.T, program string, args ...string) string {
	t.Helper()
	r := h.on(invocation{path: program, args: args}).run()
	if r.err != nil {
		t.Fatalf("%s %s on %s: %v\n%s", program, strings.Join(args, " "), h.name, r.err, r.all())
	}
	return strings.TrimSpace(r.stdout)
}

// journal returns what a unit has logged since the boot.
func (h *realHost) journal(t *testing.T, unit string) string {
	t.Helper()
	return h.must(t, "journalctl", "--boot", "--no-pager", "--unit="+unit)
}

// isOn reports whether the host is on.
func (h *realHost) isOn() bool {
	select {
	case <-h.off:
		return false
	default:
		return true
	}
}

// file returns what a path of the host is called on this machine, where no symbolic link on the way is absolute. While
// the host is off, it has only the files that are not of the image.
func (h *realHost) file(path string) string {
	if h.isOn() {
		return filepath.Join(h.init, "root", path)
	}
	return filepath.Join(h.disk, "upper", path)
}

func (h *realHost) read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(h.file(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (h *realHost) write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.file(path)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.file(path), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// console returns what the host and systemd-nspawn have written on the console, at all boots.
func (h *realHost) console() string {
	text, err := os.ReadFile(filepath.Join(h.disk, "console"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// rebootCode is what systemd-nspawn with --keep-unit ends with when the host asks for a reboot.
const rebootCode = 133

// reboot has the host reboot, and waits until it has.
func (h *realHost) reboot(t *testing.T) {
	t.Helper()
	h.on(invocation{path: "systemctl", args: []string{"reboot"}}).run() // the host may be quicker than the answer
	if code := h.ended(t); code != rebootCode {
		t.Fatalf("%s ended with %d in place of a reboot", h.name, code)
	}
	h.boot(t)
}

// shutdown switches the host off as its owner does.
func (h *realHost) shutdown(t *testing.T) {
	t.Helper()
	h.on(invocation{path: "systemctl", args: []string{"poweroff"}}).run()
	if code := h.ended(t); code != 0 {
		t.Fatalf("%s ended with %d in place of a shutdown", h.name, code)
	}
}

// ended waits until the host has switched itself off, and returns what systemd-nspawn ended with.
func (h *realHost) ended(t *testing.T) int {
	t.Helper()
	select {
	case <-h.off:
		h.clear(t)
		return h.nspawn.ProcessState.ExitCode()
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s does not end", h.name)
		return 0
	}
}

// kill cuts the power. The disk is what it was at that moment.
func (h *realHost) kill(t *testing.T) {
	t.Helper()
	if h.isOn() {
		if err := os.WriteFile(filepath.Join(h.cgroup, "cgroup.kill"), []byte("1"), 0o200); err != nil {
			t.Error(err)
		}
		<-h.off
	}
	h.clear(t)
}

// clear waits until nothing of a host that is off is left, so that it can be switched on again.
func (h *realHost) clear(t *testing.T) {
	t.Helper()
	eventually(t, 30*time.Second, "nothing of the host is left", h.gone)
}

// gone reports whether no process and no network cable of the host is left. The kernel takes the cable away some time
// after the last process.
func (h *realHost) gone() bool {
	_, err := os.Stat("/sys/class/net/" + h.cable())
	return removeCgroup(h.cgroup) == nil && errors.Is(err, os.ErrNotExist)
}

// cable is what systemd-nspawn calls this machine's end of the host's network cable.
func (h *realHost) cable() string { return "ve-" + h.name }

// The network of the host is cut when all packets are dropped, without a word to either side. Connections stay open.
var packetsDropped = []string{"PREROUTING --in-interface host0", "OUTPUT --out-interface host0"}

// cut drops all that goes to and from the host, until restore or a boot.
func (h *realHost) cut(t *testing.T) { h.filter(t, "--insert") }

// restore ends what cut began.
func (h *realHost) restore(t *testing.T) { h.filter(t, "--delete") }

func (h *realHost) filter(t *testing.T, action string) {
	t.Helper()
	for _, packets := range packetsDropped {
		h.must(t, "iptables", strings.Fields("--wait --table raw "+action+" "+packets+" --jump DROP")...)
	}
}
