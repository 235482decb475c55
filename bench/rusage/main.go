//go:build linux

// Command rusage runs a program and records what it used.
//
//	rusage NAME PROGRAM [ARGUMENT ...]
//
// The program has its standard streams and its signals. BENCH_USAGE_FILE names the
// file that gets a line at the start and one at the end: see package usage.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/bench/usage"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "rusage: want NAME PROGRAM [ARGUMENT ...]")
		os.Exit(2)
	}
	code, err := run(os.Getenv(usage.File), os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "rusage:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func run(file, name string, command []string) (code int, err error) {
	// Whoever kills this process means the program. The kernel tells a program of the
	// end of the thread that started it.
	runtime.LockOSThread()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		Setpgid:   true, // a terminal's Ctrl-C comes once, from here
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	if err := usage.Append(file, usage.Process{Name: name, PID: cmd.Process.Pid}); err != nil {
		return 0, errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	forward(cmd.Process)
	if err := cmd.Wait(); cmd.ProcessState == nil {
		return 0, err
	}
	process, err := measure(name, cmd.ProcessState, time.Since(began))
	if err != nil {
		return 0, err
	}
	return exitCode(cmd.ProcessState), usage.Append(file, process)
}

// forward sends the first signal on. Terraform takes a second one for an order to
// drop everything.
func forward(process *os.Process) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() { _ = process.Signal(<-signals) }()
}

func measure(name string, state *os.ProcessState, wall time.Duration) (usage.Process, error) {
	ended, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return usage.Process{}, errors.New("the system does not say what a process used")
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		return usage.Process{}, err
	}
	return usage.Process{
		Name: name, PID: state.Pid(), Ended: true, Wall: wall,
		CPU:    state.UserTime() + state.SystemTime(),
		Own:    time.Duration(own.Utime.Nano() + own.Stime.Nano()),
		MaxRSS: ended.Maxrss * 1024,
	}, nil
}

// exitCode is what a shell would say.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
