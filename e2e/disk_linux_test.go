package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const diskHosts = 30

// disk is a small file system of a test's own.
type disk struct{ dir string }

// mountDisk mounts an empty disk on the directory, until the test ends. The size is in bytes.
func mountDisk(t *testing.T, dir string, size int) disk {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)); err != nil {
		missing(t, "the right to mount ("+err.Error()+")", "run the tests as root, with CAP_SYS_ADMIN")
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return disk{dir}
}

// remount mounts the disk anew, with what is on it.
func (d disk) remount(t *testing.T, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", syscall.MS_REMOUNT|flags, options); err != nil {
		t.Fatal(err)
	}
}

// dumped is the state that Terraform prints, to standard error, when there is no room for it anywhere. OpenTofu prints it
// on one line.
func dumped(stderr string) (state, rest string) {
	begin, end := strings.Index("\n"+stderr, "\n{"), strings.LastIndex(stderr, "}\n")
	if begin < 0 || end < begin {
		return "", stderr
	}
	return stderr[begin : end+2], stderr[:begin] + stderr[end+2:]
}

// created counts the certificates that Terraform says it has made.
func created(stdout string) int {
	return strings.Count(stdout, "Creation complete") + strings.Count(stdout, "Modifications complete")
}

// TestDiskFull fills the disk of the state in the middle of a run. Once there is room, what Terraform says leads back:
// no certificate is lost, no key, and least of all the authority's.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	base := writeWorkspace(t, map[string]string{"main.tf": growingConfig})
	states, cas := []string{""}, []string{""} // by the generation of the authority
	for generation := 1; generation <= 2; generation++ {
		if err := base.apply(growing(diskHosts, generation)...); err != nil {
			t.Fatal(err)
		}
		states, cas = append(states, base.stateText(t)), append(cas, base.fleet(t).authority.Cert)
	}
	const page = 4096
	one, two := len(states[1]), len(states[2])
	for name, c := range map[string]struct {
		generation int  // to apply
		size       int  // of the disk
		beside     bool // only the state is on the disk, not the working directory
		rescued    bool // what Terraform rescued is used; else what was there before
	}{
		"first apply": {1, one / 2, false, true},
		"first apply, state on a disk of its own": {1, one / 2, true, true},
		"rotation, no room for the backup":        {2, one + one/2, false, true},
		"rotation, room for the backup":           {2, one + (one+two)/2 + 3*page, false, true},
		"rotation, nothing was kept":              {2, one + (one+two)/2 + 3*page, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := writeWorkspace(t, nil)
			at := w.dir
			if c.beside {
				at = t.TempDir()
				if err := os.Symlink(filepath.Join(at, "terraform.tfstate"), w.stateFile()); err != nil {
					t.Fatal(err)
				}
			}
			d := mountDisk(t, at, c.size)
			writeFile(t, filepath.Join(w.dir, "main.tf"), growingConfig, 0o600)
			if before := states[c.generation-1]; before != "" {
				writeFile(t, w.stateFile(), before, 0o600)
			}
			rescued := w.fill(t, c.generation, c.beside)
			d.remount(t, 0, "size=100m")
			w.comeBack(t, c.rescued, rescued)
			w.applyAgain(t, diskHosts, c.generation, cas[c.generation-1])
		})
	}
}

// fill applies on a disk that is too small, and returns the state that Terraform leaves to the user.
func (w workspace) fill(t *testing.T, generation int, beside bool) (rescued string) {
	t.Helper()
	r := w.runWith(nil, growingApply(diskHosts, generation)...)
	rescued, said := dumped(r.stderr)
	if r.err == nil || !strings.Contains(said, "no space left on device") {
		t.Fatalf("the disk is not full: %v\n%s", r.err, said)
	}
	if beside {
		if rescued != "" {
			t.Fatal("the state is printed, and there was room for errored.tfstate")
		}
		text, err := os.ReadFile(filepath.Join(w.dir, "errored.tfstate"))
		if err != nil {
			t.Fatal(err)
		}
		rescued = string(text)
	}
	fleet, err := readFleet(rescued)
	if err != nil || rescued == "" {
		t.Fatalf("Terraform leaves no state: %v\n%s", err, said)
	}
	if err := fleet.check(""); err != nil {
		t.Error(err)
	}
	if generation == 1 && len(fleet.leaves)+1 != created(r.stdout) {
		t.Errorf("%d certificates are rescued, and %d were made", len(fleet.leaves)+1, created(r.stdout))
	}
	return rescued
}

// comeBack does what Terraform says, now that there is room: it pushes the state that it left. The state file must go
// first: no command takes one that is cut off, and one from before the run may have the same serial number. Without the
// state that Terraform left, the backup takes its place.
func (w workspace) comeBack(t *testing.T, useRescued bool, rescued string) {
	t.Helper()
	if !json.Valid([]byte(w.stateText(t))) {
		w.mustSay(t, true, "The state file could not be parsed as JSON", nil, growingApply(diskHosts, 1)...)
	} else if !useRescued {
		t.Fatal("the state is whole, so this tests nothing")
	}
	w.move(t, "terraform.tfstate", "damaged.tfstate")
	if !useRescued {
		w.move(t, "terraform.tfstate.backup", "terraform.tfstate")
		return
	}
	writeFile(t, filepath.Join(w.dir, "errored.tfstate"), rescued, 0o600)
	if _, err := w.run("state", "push", "errored.tfstate"); err != nil {
		t.Fatal(err)
	}
	kept, err := readFleet(rescued)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.fleet(t); !reflect.DeepEqual(got, kept) {
		t.Error("the pushed state is another one")
	}
}

// TestReadOnlyState applies where the state cannot be written. Terraform refuses it before it does anything, as it
// cannot lock the state. With -lock=false it goes on, and says that all is well, and stores nothing: the state from
// before is the state still.
func TestReadOnlyState(t *testing.T) {
	t.Parallel()
	w := writeWorkspace(t, nil)
	d := mountDisk(t, w.dir, 100<<20)
	writeFile(t, filepath.Join(w.dir, "main.tf"), growingConfig, 0o600)
	if err := w.apply(growing(diskHosts, 1)...); err != nil {
		t.Fatal(err)
	}
	before, ca := w.stateText(t), w.fleet(t).authority.Cert

	d.remount(t, syscall.MS_RDONLY, "")
	w.mustSay(t, true, "read-only file system", nil, growingApply(diskHosts, 2)...)
	if r := w.runWith(nil, append(growingApply(diskHosts, 2), "-lock=false")...); created(r.stdout) != diskHosts+2 {
		t.Errorf("without a lock: %v\n%s", r.err, r.stderr)
	}
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	entries = slices.DeleteFunc(entries, func(entry os.DirEntry) bool { return entry.Name() == ".terraform.d" }) // of OpenTofu, in its home
	if len(entries) != 2 || w.stateText(t) != before {
		t.Errorf("%v, and the state is another one: %v", entries, w.stateText(t) != before)
	}

	d.remount(t, 0, "")
	w.applyAgain(t, diskHosts, 2, ca)
}
