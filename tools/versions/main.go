// Command versions runs the provider's tests with several versions of Terraform
// and OpenTofu, and says in the end what has passed and what was left out.
//
//	versions [-dir DIR] [-only REGEXP] [-but PROGRAM] [-e2e none|some|all] [-get] [-write README]
//
// It runs in the root of the repository. Each program is taken from PATH, from
// HashiCorp's releases, or compiled, into DIR. Where there is none, its line says
// why: that is no failure, but a test that fails is one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
)

// tested are the versions that the tests run with, and README.md names.
var tested = []release{
	{"Terraform", "1.11.4"},
	{"Terraform", "1.14.0"},
	{"OpenTofu", "1.11.5"},
	{"OpenTofu", "1.12.6"},
}

// release is a version of Terraform or OpenTofu.
type release struct{ product, version string }

func (r release) String() string { return r.product + " " + r.version }

// What a test has come to.
const (
	passed  = "passed"
	some    = "passed, without hosts"
	failed  = "FAILED"
	notRun  = "–"
	leftOut = "left out"
)

// outcome is a line of the table.
type outcome struct {
	release
	obtained   string // in words; why not, where it is left out
	acceptance string
	e2e        string
	date       string // of the commit that was tested
}

func main() {
	dir := flag.String("dir", ".tools/programs", "`folder` of the programs")
	only := flag.String("only", "", "`regular expression` for the versions, such as OpenTofu")
	but := flag.String("but", "", "`program` whose version is left out, as make test runs with it")
	e2e := flag.String("e2e", "none", "`how many` of the end-to-end tests OpenTofu runs: none, some (those that boot no host) or all")
	get := flag.Bool("get", false, "make the programs ready, and run nothing")
	readme := flag.String("write", "", "`file` whose table is brought up to date")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, plan{*dir, *only, *but, *e2e, *get, *readme})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "versions:", err)
		os.Exit(1)
	}
}

// plan is what the command line asks for.
type plan struct {
	dir, only, but, e2e string
	get                 bool
	readme              string
}

func run(ctx context.Context, p plan) error {
	chosen, err := regexp.Compile(p.only)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(p.dir)
	if err != nil {
		return err
	}
	date, err := output(ctx, "git", "log", "-1", "--format=%cs")
	if err != nil {
		return err
	}
	var outcomes []outcome
	for _, r := range tested {
		if !chosen.MatchString(r.String()) {
			continue
		}
		o := outcome{release: r, acceptance: notRun, e2e: notRun, date: date}
		if p.but != "" && r.product == "Terraform" && r.version == versionOf(ctx, p.but) {
			o.obtained, o.acceptance = "make test runs with it", leftOut
		} else {
			o.run(ctx, p, dir)
		}
		outcomes = append(outcomes, o)
	}
	return conclude(outcomes, p)
}

// run obtains the program, and tests with it.
func (o *outcome) run(ctx context.Context, p plan, dir string) {
	program, err := obtain(ctx, o.release, dir)
	if err != nil {
		o.obtained, o.acceptance = err.Error(), leftOut
		return
	}
	o.obtained = program.obtained
	if !p.get {
		o.test(ctx, program, p.e2e)
	}
}

// test runs what is asked for. The end-to-end tests run with Terraform in make test.
func (o *outcome) test(ctx context.Context, p program, e2e string) {
	env := []string{noSettings, "TF_ACC=1", "TF_ACC_TERRAFORM_PATH=" + p.path}
	if o.product == "OpenTofu" {
		env = append(env, "TF_ACC_PROVIDER_HOST=registry.opentofu.org")
	}
	o.acceptance = goTest(ctx, passed, env, "-timeout", "30m", "-run", "^TestAcc", "./internal/provider")
	if o.product != "OpenTofu" {
		return
	}
	switch e2e {
	case "some":
		o.e2e = goTest(ctx, some, append(env, "E2E_HOSTS=none"), "-timeout", "60m", "./e2e")
	case "all":
		o.e2e = goTest(ctx, passed, env, "-timeout", "90m", "./e2e")
	}
}

// goTest returns what a run of tests has come to.
func goTest(ctx context.Context, success string, env []string, args ...string) string {
	command := exec.CommandContext(ctx, "go", append([]string{"test", "-count=1"}, args...)...)
	command.Env = append(os.Environ(), env...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	fmt.Println(strings.Join(env, " "), strings.Join(command.Args, " "))
	if command.Run() != nil {
		return failed
	}
	return success
}

// conclude says what has come of all versions.
func conclude(outcomes []outcome, p plan) error {
	bad := false
	fmt.Println()
	for _, o := range outcomes {
		fmt.Printf("versions: %s: %s; acceptance tests %s, end-to-end tests %s\n", o.release, o.obtained, o.acceptance, o.e2e)
		bad = bad || o.acceptance == failed || o.e2e == failed
	}
	if p.readme != "" && !p.get {
		text, err := os.ReadFile(p.readme)
		if err != nil {
			return err
		}
		updated, err := withTable(string(text), outcomes)
		if err != nil {
			return fmt.Errorf("%s: %w", p.readme, err)
		}
		if err := os.WriteFile(p.readme, []byte(updated), 0o644); err != nil {
			return err
		}
	}
	if bad {
		return errors.New("tests have failed")
	}
	return nil
}

// output is what a program prints, without the line's end.
func output(ctx context.Context, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	var complaint strings.Builder
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w %s", name, strings.Join(args, " "), err, firstLine(complaint.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
