package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/bench/usage"
)

// bench is one run of the benchmark.
type bench struct {
	options
	dir      string // of all that it makes
	states   states
	subjects []*subject
	progress io.Writer
	results  map[cell][]sample
}

// workspace is a subject with a state.
type workspace struct {
	*bench
	*subject
	name    string
	backend string
	hosts   int
}

// open makes a workspace in which nothing is applied yet.
func (b *bench) open(ctx context.Context, s *subject, backend string, hosts int) (*workspace, error) {
	dir, err := os.MkdirTemp(b.dir, "workspace-")
	if err != nil {
		return nil, err
	}
	w := &workspace{bench: b, subject: s, name: filepath.Base(dir), backend: backend, hosts: hosts}
	if backend == remote {
		// The providers are in no registry, so init comes before there are any.
		state := b.states.url + "/" + w.name
		text := fmt.Sprintf("terraform {\n  backend \"http\" {\n    address        = %[1]q\n    lock_address   = %[1]q\n    unlock_address = %[1]q\n  }\n}\n", state)
		if err := w.write("backend.tf", text); err != nil {
			return nil, err
		}
		if _, err := w.terraform(ctx, "init", "-input=false"); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.write("main.tf", s.config), w.vary("1")); err != nil {
		return nil, err
	}
	if s.keys {
		keys, err := hostKeys(hosts)
		if err == nil {
			err = w.write(keysFile, keys)
		}
		if err != nil {
			return nil, err
		}
	}
	if s.module == "" {
		return w, nil
	}
	if err := w.write("host/main.tf", s.module); err != nil {
		return nil, err
	}
	_, err = w.terraform(ctx, "get")
	return w, err
}

// close removes the workspace.
func (w *workspace) close() error {
	w.states.forget(w.name)
	return os.RemoveAll(w.path(""))
}

func (w *workspace) path(file string) string { return filepath.Join(w.dir, w.name, file) }

func (w *workspace) write(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(w.path(file)), 0o700); err != nil {
		return err
	}
	return os.WriteFile(w.path(file), []byte(text), 0o600)
}

// vary writes the variables. Another generation rotates the authority.
func (w *workspace) vary(generation string) error {
	hosts := map[string]string{}
	for i := range w.hosts {
		hosts[fmt.Sprintf("web%d", i)] = netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String()
	}
	text, err := json.Marshal(map[string]any{"hosts": hosts, "generation": generation, "pad": string(bytes.Repeat([]byte("x"), w.pad))})
	if err != nil {
		return err
	}
	return w.write("terraform.tfvars.json", string(text))
}

// apply applies, and checks how many resources that has added and changed.
func (w *workspace) apply(ctx context.Context, added, changed int) (usage.Command, error) {
	out, err := w.terraform(ctx, "apply", "-auto-approve", "-input=false")
	if err != nil {
		return usage.Command{}, err
	}
	if want := fmt.Sprintf("Resources: %d added, %d changed, 0 destroyed.", added, changed); !bytes.Contains(out.stdout, []byte(want)) {
		return usage.Command{}, fmt.Errorf("apply of %s does not say %q", w.subject.name, want)
	}
	return out.usage, nil
}

// plan plans, and checks that there is nothing to do.
func (w *workspace) plan(ctx context.Context, args ...string) (usage.Command, error) {
	out, err := w.terraform(ctx, append([]string{"plan", "-detailed-exitcode", "-input=false"}, args...)...)
	return out.usage, err
}

// state is what the backend has.
func (w *workspace) state() ([]byte, error) {
	if w.backend == remote {
		return w.states.get(w.name), nil
	}
	return os.ReadFile(w.path("terraform.tfstate"))
}

// hostBytes are the bytes that a host takes in a state.
func hostBytes(state []byte, hosts int) (int, error) {
	var all struct {
		Resources []struct {
			Name      string
			Instances []json.RawMessage
		}
	}
	if err := json.Unmarshal(state, &all); err != nil {
		return 0, fmt.Errorf("state: %w", err)
	}
	sum, instances := 0, 0
	for _, resource := range all.Resources {
		if resource.Name == "host" {
			for _, instance := range resource.Instances {
				sum += len(instance)
				instances++
			}
		}
	}
	if instances == 0 || instances%hosts != 0 {
		return 0, fmt.Errorf("state: %d resources for %d hosts", instances, hosts)
	}
	return sum / hosts, nil
}

type output struct {
	stdout []byte
	usage  usage.Command
}

// terraform runs terraform in the workspace, with nothing of the environment but
// PATH. Its own error output hides sensitive values, so it may be shown.
func (w *workspace) terraform(ctx context.Context, args ...string) (output, error) {
	file := w.path("usage.json")
	if err := os.RemoveAll(file); err != nil {
		return output{}, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(w.dir, "rusage"), append([]string{usage.Core, w.options.terraform}, args...)...)
	cmd.Dir = w.path("")
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.path(""), "TMPDIR=" + w.dir,
		"TF_CLI_CONFIG_FILE=" + filepath.Join(w.dir, w.provider, "terraform.rc"),
		"TF_IN_AUTOMATION=1", "TF_CLI_ARGS=-no-color", "CHECKPOINT_DISABLE=1",
		usage.File + "=" + file, "BENCH_EMPTY_STATE=" + w.recordedState(),
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); ctx.Err() != nil {
		return output{}, ctx.Err()
	} else if err != nil {
		return output{}, fmt.Errorf("%s: terraform %s: %w\n%s", w.subject.name, args[0], err, stderr.Bytes())
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return output{}, err
	}
	used, err := usage.Parse(text)
	if err != nil {
		return output{}, fmt.Errorf("%s: terraform %s: %w", w.subject.name, args[0], err)
	}
	return output{stdout.Bytes(), used}, nil
}

// recordedState is the state of ours that the empty provider takes its values from.
func (b *bench) recordedState() string { return filepath.Join(b.dir, "recorded.tfstate") }
