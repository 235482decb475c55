// Command bench measures what the provider costs beside others, in one run: each
// subject does the same for as many hosts, in turns. It prints a report in Markdown.
//
//	bench [-n HOSTS] [-runs RUNS] [-backends local,http] [-only REGEXP] [-terraform PROGRAM] [-tls-provider PROGRAM]
//
// Run it in the module; it builds the providers. It wants Linux.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

type options struct {
	hosts, runs int
	backends    []string
	terraform   string
	tlsProvider string         // hashicorp/tls, or nothing
	only        *regexp.Regexp // of the subjects besides ours
}

func main() {
	if err := mainError(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func mainError() error {
	var o options
	flag.IntVar(&o.hosts, "n", 200, "number of `hosts`")
	flag.IntVar(&o.runs, "runs", 5, "how often each subject is measured")
	only := flag.String("only", "", "measure ours and the subjects whose names this `regexp` matches")
	backends := flag.String("backends", "local,http", "`backends` of the state: local, http or both")
	flag.StringVar(&o.terraform, "terraform", cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform"), "the `program` to measure with, Terraform or OpenTofu")
	flag.StringVar(&o.tlsProvider, "tls-provider", "", "the `program` of hashicorp/tls, to compare with")
	flag.Parse()
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return err
	}
	o.backends = strings.Split(*backends, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return run(ctx, o, os.Stdout, os.Stderr)
}

// run measures, and writes the report to stdout.
func run(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.terraform, err = find(o.terraform); err != nil {
		return err
	}
	if o.tlsProvider != "" {
		if o.tlsProvider, err = find(o.tlsProvider); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "docker-tls-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{options: o, dir: dir, progress: stderr, results: map[cell][]sample{}}
	stop, err := b.states.serve()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if err := b.measure(ctx); err != nil {
		return err
	}
	head, err := b.head(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n\n%s", head, b.report())
	return err
}

// find is the absolute path of a program.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

func (o options) check() error {
	if o.hosts < 1 || o.runs < 1 {
		return errors.New("-n and -runs begin at 1")
	}
	for _, backend := range o.backends {
		if !slices.Contains([]string{local, remote}, backend) {
			return fmt.Errorf("no backend %q: -backends takes local, http or both", backend)
		}
	}
	return nil
}
