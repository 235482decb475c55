package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// workload is a container that runs on a host for as long as it may.
type workload struct {
	host *realHost
	id   string
	pid  string // of its process, on the host
	born string // when that began, by the host's kernel
}

// work ends when it is asked to, which the first process of a container must say: the host shuts down at once then.
const work = `trap "exit 0" TERM; /bin/busybox sleep 2147483647 & wait`

// startWorkload runs a container of the host's own busybox, as no registry is within reach.
func startWorkload(t *testing.T, h *realHost, flags ...string) workload {
	t.Helper()
	h.must(t, "/bin/sh", "-c", "docker image inspect workload >/dev/null 2>&1 || tar --create --directory=/ bin/busybox | docker import - workload")
	run := append([]string{"run", "--detach"}, flags...)
	w := workload{host: h, id: h.must(t, "docker", append(run, "workload", "/bin/busybox", "sh", "-c", work)...)}
	w.pid = h.must(t, "docker", "inspect", "--format={{.State.Pid}}", w.id)
	var running bool
	if w.born, running = h.process(w.pid); !running {
		t.Fatalf("the workload ended at once: %s", h.must(t, "docker", "inspect", "--format={{json .State}}", w.id))
	}
	return w
}

// process says when a process of the host began, and whether it runs: see proc_pid_stat(5).
func (h *realHost) process(pid string) (born string, running bool) {
	stat, err := os.ReadFile(h.file("/proc/" + pid + "/stat"))
	if err != nil {
		return "", false
	}
	// The name of the program, in parentheses, may have spaces. The state follows, and the start is field 22.
	f := strings.Fields(string(stat)[strings.LastIndex(string(stat), ")")+1:])
	return f[19], f[0] != "Z" && f[0] != "X"
}

// alive reports whether the very process that startWorkload began still runs, whatever dockerd says or whether it runs.
func (w workload) alive() bool {
	born, running := w.host.process(w.pid)
	return running && born == w.born
}

// known fails the test unless dockerd says that the container runs in that very process.
func (w workload) known(t *testing.T) {
	t.Helper()
	var state struct {
		Running bool
		Pid     int
	}
	if err := json.Unmarshal([]byte(w.host.must(t, "docker", "inspect", "--format={{json .State}}", w.id)), &state); err != nil {
		t.Fatal(err)
	}
	if !state.Running || fmt.Sprint(state.Pid) != w.pid {
		t.Errorf("dockerd says running: %v in process %d, want %s", state.Running, state.Pid, w.pid)
	}
}
