// Command quickstart applies examples/quickstart with a provider that was built
// from this tree, writes the certificates where dockerd and docker read them, and
// proves them: a daemon that uses the server's answers a client that has the
// client's, and refuses one that has none.
//
//	quickstart [-provider-dir DIR] [-example DIR]
//
// Terraform is the one that TF_ACC_TERRAFORM_PATH names, or the one on PATH. The
// daemon is a real dockerd where one can be started (Linux, root), and otherwise a
// TLS listener with the settings that dockerd gives its own; with CI=true, a
// dockerd that does not start is an error.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// limit bounds the whole run; it takes seconds where nothing hangs.
const limit = 5 * time.Minute

func main() {
	providerDir := flag.String("provider-dir", "bin", "`folder` of the provider's binary")
	example := flag.String("example", "examples/quickstart", "`folder` of the configuration; the results go to out/ in it")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	ctx, cancel := context.WithTimeout(ctx, limit)
	err := run(ctx, os.Stdout, *providerDir, *example)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, providerDir, example string) (err error) {
	temp, err := os.MkdirTemp("", "docker-tls-quickstart-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()

	done := func(format string, a ...any) { fmt.Fprintf(w, "  ✓ "+format+"\n", a...) }

	fmt.Fprintln(w)
	out := filepath.Join(example, "out")
	applied, err := apply(ctx, providerDir, example, out, temp)
	if err != nil {
		return err
	}
	done("terraform apply: %s", applied.summary)

	server, client := filepath.Join(out, "server"), filepath.Join(out, "client")
	if err := writeFiles(server, applied.serverFiles); err != nil {
		return err
	}
	if err := writeFiles(client, applied.clientFiles); err != nil {
		return err
	}
	done("certificates and keys written, the keys for you alone")

	if err := prove(ctx, done, server, client, temp); err != nil {
		return err
	}
	fmt.Fprintf(w, `
  %[1]s
    server/   ca.pem  server-cert.pem  server-key.pem   for dockerd
    client/   ca.pem  cert.pem         key.pem          for ~/.docker
    terraform.tfstate                                   holds every private key: keep it as safe as them

  Try it
    cd %[1]s
    sudo dockerd --tlsverify --tlscacert=server/ca.pem --tlscert=server/server-cert.pem \
      --tlskey=server/server-key.pem -H tcp://127.0.0.1:2376
    DOCKER_HOST=tcp://127.0.0.1:2376 DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=client docker version

`, filepath.ToSlash(out))
	return nil
}

// prove starts a daemon with the files in the folder server and shows that it
// serves those who hold the files in the folder client, and no one else.
func prove(ctx context.Context, done func(string, ...any), server, client, temp string) (err error) {
	d, instead, err := startDaemon(ctx, server, client, temp)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	done("%s on %s%s", d.name, d.address, instead)

	answer, err := d.ask(ctx, client)
	if err != nil {
		return fmt.Errorf("the client with a certificate: %w", err)
	}
	done("with the client certificate: %s", answer)

	alert, err := refused(ctx, d.address, client)
	if err != nil {
		return fmt.Errorf("the client without a certificate: %w", err)
	}
	done("without a certificate: refused (%s)", alert)
	return nil
}

// startDaemon starts a dockerd, or else the listener that stands in for it; then
// instead says why.
func startDaemon(ctx context.Context, server, client, temp string) (d *daemon, instead string, err error) {
	path, why := findDockerd()
	if why == nil {
		if d, why = startDockerd(ctx, path, server, client, temp); why == nil {
			return d, "", nil
		}
	}
	if os.Getenv("CI") == "true" || ctx.Err() != nil {
		return nil, "", why
	}
	d, err = startListener(server)
	return d, "; " + why.Error(), err
}
