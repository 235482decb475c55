package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
)

const (
	// minimumVersion is the first Terraform with write-only arguments.
	minimumVersion = "1.11.0"
	// installedVersion is what a machine without Terraform gets: one version, so
	// that every such machine tests the same.
	installedVersion = "1.11.4"

	pathVariable = "TF_ACC_TERRAFORM_PATH"
)

// An installer puts Terraform into dir and returns the path of its binary.
type installer func(ctx context.Context, dir string) (string, error)

// findTerraform returns the absolute path of a Terraform of at least
// minimumVersion: the one that TF_ACC_TERRAFORM_PATH names, else the one on PATH,
// else the one in dir, which it installs there if need be.
func findTerraform(ctx context.Context, dir string, install installer) (string, error) {
	if named := os.Getenv(pathVariable); named != "" {
		path, err := usable(ctx, named)
		if err != nil {
			return "", fmt.Errorf("%s: %w; name another one, or unset it", pathVariable, err)
		}
		return path, nil
	}

	path, onPath := usable(ctx, "terraform")
	if onPath == nil {
		return path, nil
	}
	if path, err := usable(ctx, filepath.Join(dir, product.Terraform.BinaryName())); err == nil {
		return path, nil
	}

	fmt.Fprintf(os.Stderr, "setup: %v; installing Terraform %s into %s\n", onPath, installedVersion, dir)
	path, err := install(ctx, dir)
	if err == nil {
		path, err = usable(ctx, path)
	}
	if err != nil {
		return "", fmt.Errorf("no usable Terraform: %w; installing %s failed: %w\n"+
			"install Terraform %s or newer (https://developer.hashicorp.com/terraform/install) onto PATH, or name one with %s",
			onPath, installedVersion, err, minimumVersion, pathVariable)
	}
	return path, nil
}

// usable returns the absolute path of the Terraform (or OpenTofu) called name, or
// an error that says why it cannot be used.
func usable(ctx context.Context, name string) (string, error) {
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%s is not on PATH", name)
	}
	if err != nil {
		return "", err
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}

	cmd := exec.CommandContext(ctx, path, "version", "-json")
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1") // no call to a server
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s version -json: %w", path, err)
	}
	var found struct {
		Version string `json:"terraform_version"` // OpenTofu calls it that, too
	}
	if err := json.Unmarshal(out, &found); err != nil {
		return "", fmt.Errorf("%s version -json: %w", path, err)
	}
	v, err := version.NewVersion(found.Version)
	if err != nil {
		return "", fmt.Errorf("%s version -json: %w", path, err)
	}
	if v.LessThan(version.Must(version.NewVersion(minimumVersion))) {
		return "", fmt.Errorf("%s is version %s, older than %s", path, v, minimumVersion)
	}
	return path, nil
}

// installTerraform downloads installedVersion from HashiCorp's releases and checks
// its signature and checksum.
func installTerraform(ctx context.Context, dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	release := &releases.ExactVersion{
		Product:    product.Terraform,
		Version:    version.Must(version.NewVersion(installedVersion)),
		InstallDir: dir,
		Timeout:    5 * time.Minute,
	}
	return release.Install(ctx)
}
