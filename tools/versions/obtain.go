package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/go-version"
	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
)

// program is a Terraform or OpenTofu that is there.
type program struct {
	path     string
	obtained string // how, in words
}

// noSettings keeps the user's settings out: OpenTofu prints a warning where its version is read if their file is missing.
const noSettings = "TF_CLI_CONFIG_FILE=/dev/null"

const (
	downloaded      = "downloaded"
	terraformModule = "github.com/hashicorp/terraform"
)

// obtain finds a version on PATH or in dir, where it was put before, or else puts it
// there: the release of HashiCorp, or what the source compiles to.
func obtain(ctx context.Context, r release, dir string) (program, error) {
	name := map[string]string{"Terraform": "terraform", "OpenTofu": "tofu"}[r.product]
	if path, err := exec.LookPath(name); err == nil && versionOf(ctx, path) == r.version {
		return program{path, downloaded}, nil
	}
	home := filepath.Join(dir, name+"-"+r.version)
	path, note := filepath.Join(home, name), filepath.Join(home, "obtained")
	if text, err := os.ReadFile(note); err == nil && versionOf(ctx, path) == r.version {
		return program{path, string(text)}, nil
	}
	if err := os.MkdirAll(home, 0o755); err != nil {
		return program{}, err
	}
	obtained, err := put(ctx, r, path)
	if err != nil {
		return program{}, err
	}
	if found := versionOf(ctx, path); found != r.version {
		return program{}, fmt.Errorf("it says that it is version %q", found)
	}
	return program{path, obtained}, os.WriteFile(note, []byte(obtained), 0o600)
}

// put puts a version at path, and says how.
func put(ctx context.Context, r release, path string) (string, error) {
	if r.product == "OpenTofu" {
		return "compiled", compile(ctx, "github.com/opentofu/opentofu", r.version, "./cmd/tofu", path)
	}
	exact := &releases.ExactVersion{Product: product.Terraform, Version: version.Must(version.NewVersion(r.version)), InstallDir: filepath.Dir(path), Timeout: 2 * time.Minute}
	_, err := exact.Install(ctx)
	if err == nil {
		return downloaded, nil
	}
	if err := compile(ctx, terraformModule, r.version, ".", path); err != nil {
		return "", err
	}
	fmt.Fprintf(os.Stderr, "versions: %s is compiled, as it could not be downloaded: %v\n", r, err)
	return "compiled, without its remote backends", nil
}

// versionOf is the version that a program says to be, or "".
func versionOf(ctx context.Context, path string) string {
	command := exec.CommandContext(ctx, path, "version", "-json")
	command.Env = append(os.Environ(), noSettings, "CHECKPOINT_DISABLE=1") // no call to a server
	out, err := command.Output()
	var found struct {
		Version string `json:"terraform_version"` // OpenTofu calls it that, too
	}
	if err != nil || json.Unmarshal(out, &found) != nil {
		return ""
	}
	return found.Version
}

// compile compiles a module of the Go module proxy.
func compile(ctx context.Context, module, version, pkg, path string) error {
	text, err := output(ctx, "go", "mod", "download", "-json", module+"@v"+version)
	if err != nil {
		return err
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal([]byte(text), &downloaded); err != nil {
		return err
	}
	source := downloaded.Dir
	if module == terraformModule {
		if source, err = os.MkdirTemp("", "docker-tls-versions-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(source) }()
		if err := errors.Join(os.CopyFS(source, os.DirFS(downloaded.Dir)), withoutMissing(source)); err != nil {
			return err
		}
	}
	_, err = output(ctx, "go", "-C", source, "build", "-ldflags", "-X "+module+"/version.dev=no", "-o", path, pkg)
	return err
}

// missing are modules inside of Terraform's own, which the proxy does not have:
// most of its remote backends. No test uses one.
var missing = regexp.MustCompile(`(?m)^.*terraform/internal/(legacy|backend/remote-state/(\w+)) .*\n`)

// withoutMissing takes out of Terraform's source what its module on the proxy lacks.
func withoutMissing(source string) error {
	mod := filepath.Join(source, "go.mod")
	text, err := os.ReadFile(mod)
	if err != nil {
		return err
	}
	gone := missing.FindAllStringSubmatch(string(text), -1)
	if len(gone) == 0 {
		return nil
	}
	backends := filepath.Join(source, "internal", "backend", "init", "init.go")
	list, err := os.ReadFile(backends)
	if err != nil {
		return err
	}
	reduced := string(list)
	for _, match := range gone {
		if match[2] != "" {
			reduced = withoutImport(reduced, "internal/backend/remote-state/"+match[2])
		}
	}
	if reduced == string(list) {
		return errors.New("its list of backends has another form than it is known to have")
	}
	return errors.Join(
		os.WriteFile(mod, []byte(missing.ReplaceAllString(string(text), "")), 0o600),
		os.WriteFile(backends, []byte(reduced), 0o600))
}

// withoutImport takes the import of a package, and each line that uses it, out of the
// text of a Go file.
func withoutImport(text, suffix string) string {
	line := regexp.MustCompile(`(?m)^\s*(\w+) "[^"]*` + regexp.QuoteMeta(suffix) + `"\n`)
	found := line.FindStringSubmatch(text)
	if found == nil {
		return text
	}
	text = strings.Replace(text, found[0], "", 1)
	return regexp.MustCompile(`(?m)^.*\b`+found[1]+`\..*\n`).ReplaceAllString(text, "")
}
