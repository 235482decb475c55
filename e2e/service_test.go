package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// service is a program that runs until the test ends.
type service struct {
	log  string
	done chan struct{} // closed when the process has ended
}

// serve starts a program, with no more of the environment than [invocation.run] passes on. At the end of the test it
// is stopped with SIGTERM. Its log is shown if the test fails: only a program that logs no key is started so.
func serve(t *testing.T, i invocation) *service {
	t.Helper()
	s := &service{log: filepath.Join(t.TempDir(), filepath.Base(i.path)+".log"), done: make(chan struct{})}
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // the process has a descriptor of its own
	cmd := exec.Command(i.path, i.args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, i.env...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = i.dir, log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is in cmd.ProcessState
		close(s.done)
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Error(err)
		}
		select {
		case <-s.done:
		case <-time.After(30 * time.Second):
			t.Errorf("%s ignored SIGTERM for 30 seconds", i.path)
			_ = cmd.Process.Kill()
		}
		if t.Failed() {
			t.Logf("%s, last lines of its log:\n%s", i.path, tail(s.text(), 40))
		}
	})
	return s
}

// text is the log so far.
func (s *service) text() string {
	text, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// ready polls until the service answers as it should, and fails the test if it ends before.
func (s *service) ready(t *testing.T, what string, answers func() bool) {
	t.Helper()
	eventually(t, time.Minute, what, func() bool {
		select {
		case <-s.done:
			t.Fatalf("it ended before %s", what)
		default:
		}
		return answers()
	})
}
