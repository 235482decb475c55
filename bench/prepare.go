package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/bench/usage"
)

const module = "github.com/seed-2716f8bf/terraform-provider-docker-tls"

// packages are the programs of this module that are measured, by their folder.
var packages = map[string]string{"ours": module, "empty": module + "/bench/empty", "plainest": module + "/bench/plainest"}

// probeHosts is for how many hosts the bytes in a state are found out.
const probeHosts = 2

// prepare builds what is measured, and finds out how much the others must store.
func (b *bench) prepare(ctx context.Context) error {
	if err := build(ctx, module+"/bench/rusage", filepath.Join(b.dir, "rusage")); err != nil {
		return err
	}
	b.subjects = slices.DeleteFunc(subjects(b.tlsProvider != ""), func(s *subject) bool { return s.name != ours && !b.only.MatchString(s.name) })
	for _, s := range b.subjects {
		if err := b.install(ctx, s); err != nil {
			return err
		}
	}
	state, err := b.probe(ctx, b.subjects[0])
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.recordedState(), state, 0o600); err != nil {
		return err
	}
	want, err := hostBytes(state, probeHosts)
	if err != nil {
		return err
	}
	for _, s := range b.subjects {
		if s.name == plainest || s.name == builtIn {
			if err := b.fit(ctx, s, want); err != nil {
				return err
			}
		}
	}
	return nil
}

// probe is the state of a subject with a few hosts.
func (b *bench) probe(ctx context.Context, s *subject) ([]byte, error) {
	w, err := b.open(ctx, s, local, probeHosts)
	if err != nil {
		return nil, err
	}
	if _, err := w.apply(ctx, probeHosts*s.perHost+s.others, 0); err != nil {
		return nil, err
	}
	state, err := w.state()
	return state, errors.Join(err, w.close())
}

// fit makes a subject store as many bytes a host.
func (b *bench) fit(ctx context.Context, s *subject, want int) error {
	state, err := b.probe(ctx, s)
	if err != nil {
		return err
	}
	least, err := hostBytes(state, probeHosts)
	if err != nil {
		return err
	}
	if s.pad = want - least; s.pad < 0 {
		return fmt.Errorf("%s stores %d bytes a host at least, and ours only %d", s.name, least, want)
	}
	return nil
}

// install makes the folder of a subject's provider. Terraform starts a script in it,
// which starts rusage, which starts the provider.
func (b *bench) install(ctx context.Context, s *subject) error {
	dir := filepath.Join(b.dir, s.provider)
	program := filepath.Join(dir, "program", "terraform-provider-"+path.Base(s.source))
	if err := os.MkdirAll(filepath.Dir(program), 0o700); err != nil {
		return err
	}
	config := ""
	if s.provider != "" {
		if s.provider == "tls" {
			program = b.tlsProvider
		} else if err := build(ctx, packages[s.provider], program); err != nil {
			return err
		}
		script := fmt.Sprintf("#!/bin/sh\nexec '%s' %s '%s' \"$@\"\n", filepath.Join(b.dir, "rusage"), usage.Provider, program)
		if err := os.WriteFile(filepath.Join(dir, "terraform-provider-"+path.Base(s.source)), []byte(script), 0o700); err != nil {
			return err
		}
		config = fmt.Sprintf("provider_installation {\n  dev_overrides {\n    %q = %q\n  }\n  direct {}\n}\n", s.source, dir)
	}
	return os.WriteFile(filepath.Join(dir, "terraform.rc"), []byte(config), 0o600)
}

// build builds a program as a release is built.
func build(ctx context.Context, pkg, program string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}
