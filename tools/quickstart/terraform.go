package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A result is what an apply made: files by name, and Terraform's own summary.
type result struct {
	summary                  string
	serverFiles, clientFiles map[string]string
}

// apply applies the configuration in the folder example with the provider in
// providerDir, and keeps the state in the folder out, so that a second run finds
// everything in place.
func apply(ctx context.Context, providerDir, example, out, temp string) (*result, error) {
	// The state holds private keys, and Terraform writes it readable to all.
	if err := os.MkdirAll(out, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(out, 0o700); err != nil {
		return nil, err
	}
	state, err := filepath.Abs(filepath.Join(out, "terraform.tfstate"))
	if err != nil {
		return nil, err
	}
	config, err := overrideProvider(providerDir, temp)
	if err != nil {
		return nil, err
	}
	terraform := func(args ...string) ([]byte, error) {
		path := cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform")
		cmd := exec.CommandContext(ctx, path, append([]string{"-chdir=" + example}, args...)...)
		cmd.Env = append(without(os.Environ(), "TF_"), "TF_CLI_CONFIG_FILE="+config, "CHECKPOINT_DISABLE=1")
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it saves its state
		cmd.WaitDelay = 30 * time.Second
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		stdout, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w\n%s", path, args[0], err, stderr.Bytes())
		}
		return stdout, nil
	}

	applied, err := terraform("apply", "-auto-approve", "-input=false", "-no-color", "-state="+state, "-backup=-")
	if err != nil {
		return nil, fmt.Errorf("%w\n(if %s comes from another version of the provider, remove it)", err, state)
	}
	if err := os.Chmod(state, 0o600); err != nil {
		return nil, err
	}
	outputs, err := terraform("output", "-json", "-no-color", "-state="+state)
	if err != nil {
		return nil, err
	}
	var values struct {
		Server struct{ Value map[string]string } `json:"server_files"`
		Client struct{ Value map[string]string } `json:"client_files"`
	}
	if err := json.Unmarshal(outputs, &values); err != nil {
		return nil, fmt.Errorf("terraform output: %w", err)
	}
	return &result{summary(applied), values.Server.Value, values.Client.Value}, nil
}

var resources = regexp.MustCompile(`(?m)^Apply complete! Resources: (.*)\.$`)

// summary returns "3 added, 0 changed, 0 destroyed" from an apply's output.
func summary(applied []byte) string {
	if m := resources.FindSubmatch(applied); m != nil {
		return string(m[1])
	}
	return "done"
}

// overrideProvider writes a configuration of the Terraform command by which it
// takes the provider from dir instead of from a registry, without an init.
func overrideProvider(dir, temp string) (path string, err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	path = filepath.Join(temp, "terraform.rc")
	text := "provider_installation {\n  dev_overrides {\n    \"seed-2716f8bf/docker-tls\" = " +
		strconv.Quote(filepath.ToSlash(dir)) + "\n  }\n  direct {}\n}\n"
	return path, os.WriteFile(path, []byte(text), 0o600)
}

// without returns the environment without the variables that begin with prefix:
// a user's own settings of a command are not for this run.
func without(environment []string, prefix string) []string {
	var kept []string
	for _, variable := range environment {
		if !strings.HasPrefix(variable, prefix) {
			kept = append(kept, variable)
		}
	}
	return kept
}
