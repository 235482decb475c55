// Command setup makes ready what the quickstart and the tests run besides Go.
//
//	setup [-install-dir DIR] [PROGRAM ...]
//
// It prints the path of a Terraform that is new enough, which it installs into
// DIR when there is none, and names on standard error, in one line, each PROGRAM
// that is not installed. A missing program is no failure: the tests that need it
// skip, or fail where CI=true.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	dir := flag.String("install-dir", ".tools", "`folder` to install Terraform into when there is none")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	path, err := findTerraform(ctx, *dir, installTerraform)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
	if line := missing(flag.Args()); line != "" {
		fmt.Fprintln(os.Stderr, "setup:", line)
	}
	if _, err := fmt.Println(path); err != nil {
		os.Exit(1)
	}
}
