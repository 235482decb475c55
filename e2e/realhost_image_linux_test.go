package e2e

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// hostPackages are what a host has beyond apt and what it depends on.
const hostPackages = "systemd-sysv,dbus,iproute2,iptables,procps,ca-certificates,busybox-static,docker.io,openssh-server,cloud-init"

// hostFiles are what the image of all hosts has beyond its packages.
var hostFiles = map[string]string{
	// cloud-init waits neither for a network that it would set up nor for a cloud that is not there.
	"etc/cloud/cloud.cfg.d/99-e2e.cfg": `datasource_list: [NoCloud]
network: {config: disabled}
locale: false
package_update: false
ssh_genkeytypes: [ed25519]
`,
}

// hostImage is the root file system that all hosts of this run begin with.
var hostImage struct {
	sync.Once
	dir string
	err error
}

// findHostImage returns the directory of the image. The first run builds it, in a minute or two, into the cache of the
// user, and later runs find it there until `make clean` or another list of packages.
func findHostImage(t *testing.T) string {
	t.Helper()
	builder := tool(t, "mmdebstrap")
	tool(t, "apt-get")
	hostImage.Do(func() {
		began := time.Now()
		var built bool
		if hostImage.dir, built, hostImage.err = cachedHostImage(builder); built {
			report := fmt.Sprintf("\nthe image of the hosts was built in %s", time.Since(began).Round(time.Second))
			t.Log(report)
			keepReport(t, report)
		}
	})
	if hostImage.err != nil {
		t.Fatal(hostImage.err)
	}
	return hostImage.dir
}

// cachedHostImage returns the image of the cache, and whether it had to be built for that.
func cachedHostImage(builder string) (dir string, built bool, err error) {
	sources, err := aptSources()
	if err != nil {
		return "", false, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", false, err
	}
	cache = filepath.Join(cache, "terraform-provider-docker-tls")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", false, err
	}
	dir = filepath.Join(cache, fmt.Sprintf("host-%.8x", sha256.Sum256(fmt.Append(nil, hostPackages, hostFiles, sources))))

	// One build at a time, of all runs on this machine.
	lock, err := os.OpenFile(filepath.Join(cache, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", false, err
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", false, err
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return dir, false, err
	}
	unfinished := dir + ".building"
	if err := os.RemoveAll(unfinished); err != nil {
		return "", false, err
	}
	if err := buildHostImage(builder, unfinished, sources); err != nil {
		return "", false, errors.Join(err, os.RemoveAll(unfinished))
	}
	return dir, true, os.Rename(unfinished, dir)
}

// aptSources are this machine's sources of its own distribution, one a line: the hosts are of the same release.
func aptSources() (string, error) {
	r := invocation{path: "apt-get", args: []string{"indextargets", "--format", "$(ORIGIN) deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"}}.run()
	if r.err != nil {
		return "", fmt.Errorf("list the sources of apt: %w: %s", r.err, r.all())
	}
	var sources strings.Builder
	for line := range strings.Lines(r.stdout) {
		if origin, source, _ := strings.Cut(line, " "); origin == "Debian" || origin == "Ubuntu" {
			sources.WriteString(source)
		}
	}
	if sources.Len() == 0 {
		return "", errors.New("apt knows no source of Debian or Ubuntu: run apt-get update")
	}
	return sources.String(), nil
}

// buildHostImage makes the root file system. No service runs in it.
func buildHostImage(builder, dir, sources string) error {
	// In a mount namespace of its own, and killed with the test: nothing stays mounted in an unfinished image.
	cmd := exec.Command("/bin/sh", "-c", `mount --make-rprivate / && exec "$@"`, "sh",
		builder, "--quiet", "--mode=root", "--variant=apt", "--include="+hostPackages,
		"--aptopt=Acquire::Languages none", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
		releaseOf(sources), dir, "-")
	cmd.Stdin = strings.NewReader(sources)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the image of the hosts: %w\n%s", err, tail(string(out), 40))
	}
	r := invocation{path: "systemctl", args: []string{"--root=" + dir, "enable", "systemd-networkd"}}.run()
	if r.err != nil {
		return fmt.Errorf("enable systemd-networkd: %w: %s", r.err, r.all())
	}
	// Each host has its own. cloud-init makes the keys of sshd.
	own, err := filepath.Glob(filepath.Join(dir, "etc/ssh/ssh_host_*"))
	if err != nil {
		return err
	}
	for _, path := range append(own, filepath.Join(dir, "etc/hostname"), filepath.Join(dir, "etc/resolv.conf")) {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	for path, text := range hostFiles {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// releaseOf returns the release of the first source, "deb URI RELEASE COMPONENT".
func releaseOf(sources string) string { return strings.Fields(sources)[2] }
