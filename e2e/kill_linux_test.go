package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	killsInCI       = 20
	killsByDefault  = 4
	killedHosts     = 60
	clockTicks      = 100 // of processor time in a second, in /proc: USER_HZ of Linux
	providerProgram = "terraform-provider-docker-tls"
)

// number is what an environment variable says, or else a default.
func number(t *testing.T, name string, byDefault int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return byDefault
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s is no number: %v", name, err)
	}
	return n
}

// phase is one of the two runs of Terraform that are killed: the first apply, or a rotation of what it made.
type phase struct {
	name   string
	target int    // generation of the authority
	state  string // before the run
	ca     string // the roots before the run: what hosts and clients trust that have no new files yet

	mu    sync.Mutex
	takes time.Duration // processor time of terraform in a run that nobody kills
}

// killed is a run of Terraform that is killed.
type killed struct {
	workspace
	*phase
	hosts int
	kills string // the program that is killed
}

// TestKill kills Terraform, or the provider alone, with SIGKILL at random moments of a first apply and of a rotation,
// and then does what a user does: apply once more.
//
// Terraform writes its state file in place: after each resource it empties the file, and only then composes the text
// to write. Killed in between, it leaves an empty file. The state from before the run is in terraform.tfstate.backup
// then, unless there was none.
func TestKill(t *testing.T) {
	t.Parallel()
	hosts, kills := number(t, "TF_ACC_KILL_HOSTS", killedHosts), killsByDefault
	if os.Getenv("CI") == "true" {
		kills = killsInCI
	}
	kills = number(t, "TF_ACC_KILLS", kills)

	// Two runs that nobody kills say how long it takes.
	base := writeWorkspace(t, map[string]string{"main.tf": growingConfig})
	first, rotation := &phase{name: "first apply", target: 1}, &phase{name: "rotation", target: 2}
	killed{base, first, hosts, ""}.runUntil(t, math.MaxInt64)
	rotation.state, rotation.ca = base.stateText(t), base.fleet(t).authority.Cert
	killed{base, rotation, hosts, ""}.runUntil(t, math.MaxInt64)
	mustSeeLostKeys(t, rotation.state)

	for seed, program := range []string{"terraform", providerProgram} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			for _, phase := range []*phase{first, rotation} {
				outcomes := map[string]int{}
				for i := range kills / 2 {
					share := (float64(i) + random.Float64()) / float64(kills/2)
					t.Run(fmt.Sprintf("%s,seed=%d,share=%.3f", phase.name, seed, share), func(t *testing.T) {
						w := writeWorkspace(t, map[string]string{"main.tf": growingConfig})
						k := killed{w, phase, hosts, program}
						outcomes[k.try(t, share)]++
					})
				}
				text := fmt.Sprintf(" %s of %d hosts, %s killed: %v", phase.name, hosts, program, outcomes)
				t.Log(text)
				keepReport(t, text)
			}
		})
	}
}

// mustSeeLostKeys makes sure that the checks below see what they look for.
func mustSeeLostKeys(t *testing.T, state string) {
	t.Helper()
	for what, damage := range map[string]func(f *storedFleet, a, b string){
		"two keys are exchanged": func(f *storedFleet, a, b string) {
			one, other := f.leaves[a], f.leaves[b]
			one.Key = other.Key
			f.leaves[a] = one
		},
		"a key is missing":              func(f *storedFleet, a, _ string) { f.leaves[a] = stored{Cert: f.leaves[a].Cert} },
		"the authority has another key": func(f *storedFleet, a, _ string) { f.authority.Key = f.leaves[a].Key },
		"there is another authority": func(f *storedFleet, a, _ string) {
			f.authority = f.leaves[a]
		},
	} {
		f, err := readFleet(state)
		if err != nil {
			t.Fatal(err)
		}
		names := slices.Sorted(maps.Keys(f.leaves))
		if err := f.check(""); err != nil {
			t.Fatal(err)
		}
		if damage(&f, names[0], names[1]); f.check("") == nil {
			t.Errorf("nobody notices that %s", what)
		}
	}
}

// try kills a run after a share of the processor time that it takes, and says what the state was then.
func (k killed) try(t *testing.T, share float64) string {
	t.Helper()
	for hit := false; !hit; {
		writeFile(t, k.stateFile(), k.state, 0o600)
		if k.state == "" {
			if err := os.Remove(k.stateFile()); err != nil {
				t.Fatal(err)
			}
		}
		k.mu.Lock()
		moment := time.Duration(share * float64(k.takes))
		k.mu.Unlock()
		hit = k.runUntil(t, moment) // a run that ended before has said how long it takes
	}
	outcome := k.recover(t)
	k.applyAgain(t, k.hosts, k.target, k.ca)
	if exists(t, filepath.Join(k.dir, ".terraform.tfstate.lock.info")) {
		t.Error("the lock is left")
	}
	return outcome
}

// runUntil runs terraform apply until terraform has used so much processor time, and then kills one of its programs. It
// reports whether there was one to kill; if not, the run has ended, and its processor time is recorded.
func (k killed) runUntil(t *testing.T, moment time.Duration) (hit bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	call := k.command(growingApply(k.hosts, k.target)...)
	call.env = append(call.env, "TMPDIR="+k.dir) // where the provider listens: a socket stays when it is killed
	cmd := call.command(ctx)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for used := time.Duration(0); ; {
		select {
		case err := <-ended:
			if err != nil && !hit {
				t.Fatalf("terraform apply: %v\n%s", err, stderr.String())
			}
			if !hit {
				k.mu.Lock()
				k.takes = used
				k.mu.Unlock()
			}
			k.mustEndProviders(t)
			return hit
		case <-poll.C:
			used = max(used, processorTime(cmd.Process.Pid))
			if used >= moment && !hit {
				hit = k.kill(t, cmd.Process.Pid)
			}
		}
	}
}

// kill kills terraform, or each provider that it runs at the moment, and reports whether there was one.
func (k killed) kill(t *testing.T, terraform int) bool {
	t.Helper()
	pids := []int{terraform}
	if k.kills == providerProgram {
		pids = k.providers(t)
	}
	hit := false
	for _, pid := range pids {
		hit = syscall.Kill(pid, syscall.SIGKILL) == nil || hit
	}
	return hit
}

// mustEndProviders waits until no provider is left of a Terraform that has ended, whatever has ended it.
func (k killed) mustEndProviders(t *testing.T) {
	t.Helper()
	eventually(t, 30*time.Second, "no provider is left", func() bool { return len(k.providers(t)) == 0 })
}

// providers are the processes of the provider that work for this workspace.
func (k killed) providers(t *testing.T) []int {
	t.Helper()
	return k.programs(t, providerProgram)
}

// programs are the processes of a program that work for this workspace.
func (w workspace) programs(t *testing.T, name string) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// Both fail for a process that has ended by now.
		dir, _ := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd"))
		program, _ := os.Readlink(filepath.Join("/proc", entry.Name(), "exe"))
		if dir == w.dir && filepath.Base(program) == name {
			pids = append(pids, pid)
		}
	}
	return pids
}

// processorTime is what a process has used so far, without its children; 0 when it has ended (proc_pid_stat(5)).
func processorTime(pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest) // from the third field on
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / clockTicks
}

// recover does what a user has to do before the next apply, and says what the state was.
func (k killed) recover(t *testing.T) (outcome string) {
	t.Helper()
	text := k.stateText(t)
	if text == k.state {
		return "the state is as before"
	}
	if json.Valid([]byte(text)) {
		if pulled, err := k.run("state", "pull"); err != nil || pulled == "" {
			t.Fatalf("terraform state pull gives %d bytes: %v", len(pulled), err)
		}
		return "the state is whole"
	}
	outcome = "the state is empty"
	if text != "" {
		outcome = "the state is cut off"
	}
	if k.kills != "terraform" {
		t.Fatalf("%s, and Terraform was not killed", outcome)
	}
	if k.state == "" { // before the first apply there is nothing to go back to
		if err := os.Remove(k.stateFile()); err != nil {
			t.Fatal(err)
		}
		return outcome
	}
	if backup, err := os.ReadFile(k.stateFile() + ".backup"); err != nil || !json.Valid(backup) {
		t.Fatalf("%s, and there is no backup: %v", outcome, err)
	}
	k.move(t, "terraform.tfstate.backup", "terraform.tfstate")
	return outcome + ", and its backup is whole"
}

// TestProviderEndsWithTerraform has a Terraform gone after it has started the provider, and before it calls it for the
// first time.
func TestProviderEndsWithTerraform(t *testing.T) {
	t.Parallel()
	provider := invocation{path: filepath.Join(providerBuild, providerProgram), env: []string{
		"TMPDIR=" + t.TempDir(), "TF_PLUGIN_MAGIC_COOKIE=d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
	}}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := provider.command(ctx)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Errorf("the provider does not say where it listens: %v", err)
	}
	if err := stdout.Close(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
	if ctx.Err() != nil {
		t.Error("the provider is left")
	}
}
