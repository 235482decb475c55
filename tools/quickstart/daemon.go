package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/docker/go-connections/tlsconfig"
)

// A daemon serves clients over TLS until it is stopped.
type daemon struct {
	name    string
	address string // host:port
	// ask returns what a client with the files in dir gets to know.
	ask  func(ctx context.Context, dir string) (string, error)
	stop func() error
}

// findDockerd returns the path of a dockerd that this user can start, or an error
// that says why there is none.
func findDockerd() (string, error) {
	if runtime.GOOS != "linux" {
		return "", errors.New("dockerd runs on Linux only")
	}
	for _, dir := range []string{"", "/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, "dockerd")); err == nil {
			if os.Geteuid() != 0 {
				return "", errors.New("dockerd needs root")
			}
			return path, nil
		}
	}
	return "", errors.New("dockerd is not installed (Debian, Ubuntu: apt-get install docker.io)")
}

// startDockerd starts dockerd at path as Docker's guide does, with the files in
// the folder server, apart from every other Docker on this machine: all it writes
// goes to temp, and it makes no network.
func startDockerd(ctx context.Context, path, server, client, temp string) (*daemon, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(temp, "dockerd.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // dockerd has its own descriptor

	in := func(name string) string { return filepath.Join(temp, name) }
	// An empty configuration, whatever this machine's /etc/docker/daemon.json says.
	if err := os.WriteFile(in("daemon.json"), []byte("{}\n"), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command(path,
		"--tlsverify",
		"--tlscacert="+filepath.Join(server, "ca.pem"),
		"--tlscert="+filepath.Join(server, "server-cert.pem"),
		"--tlskey="+filepath.Join(server, "server-key.pem"),
		"--host=tcp://"+address,
		"--config-file="+in("daemon.json"),
		"--data-root="+in("data"), "--exec-root="+in("exec"), "--pidfile="+in("dockerd.pid"),
		"--containerd-namespace=docker-tls-quickstart", "--containerd-plugins-namespace=docker-tls-quickstart-plugins",
		"--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it went is in its log
		close(exited)
	}()

	d := &daemon{address: address, stop: func() error { return terminate(cmd.Process, exited) }}
	version, err := untilReady(ctx, address, client, exited)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("dockerd did not start: %w%s", err, tail(log.Name())), d.stop())
	}
	d.name = "dockerd " + version + " --tlsverify"
	d.ask = func(ctx context.Context, dir string) (string, error) {
		return dockerVersion(ctx, address, dir, temp, version)
	}
	return d, nil
}

// freeAddress returns a loopback address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// untilReady returns the version of the daemon at address as soon as it answers a
// client with the files in dir.
func untilReady(ctx context.Context, address, dir string, exited <-chan struct{}) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		body, err := get(ctx, address, dir, "/version")
		if err == nil {
			var v struct{ Version string }
			err = json.Unmarshal(body, &v)
			return v.Version, err
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return "", err
		}
		select {
		case <-exited:
			return "", errors.New("it exited")
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-again.C:
		}
	}
}

// dockerVersion runs `docker version` with the files in dir as DOCKER_CERT_PATH.
// Where there is no docker command, a request to the same endpoint, which gave
// version, has to do.
func dockerVersion(ctx context.Context, address, dir, temp, version string) (string, error) {
	docker, err := exec.LookPath("docker")
	if err != nil {
		return "GET /version says " + version + " (no docker command here; Debian, Ubuntu: apt-get install docker.io)", nil //nolint:nilerr // said
	}
	cmd := exec.CommandContext(ctx, docker, "version", "--format", "{{.Client.Version}}, server {{.Server.Version}}")
	cmd.Env = append(without(os.Environ(), "DOCKER_"),
		"DOCKER_HOST=tcp://"+address, "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH="+dir,
		"DOCKER_CONFIG="+filepath.Join(temp, "config"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("docker version: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return "docker version says client " + string(bytes.TrimSpace(out)), nil
}

// terminate ends a process, by force if it takes too long.
func terminate(p *os.Process, exited <-chan struct{}) error {
	if err := p.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-exited:
		return nil
	case <-time.After(30 * time.Second):
		err := p.Kill()
		<-exited
		return errors.Join(errors.New("dockerd did not stop within 30 seconds and was killed"), err)
	}
}

// tail returns the last lines of a log, or nothing when it cannot be read.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil || len(text) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "\n    " + strings.Join(lines[max(0, len(lines)-3):], "\n    ")
}

// startListener stands in for dockerd: it accepts TLS connections with the files
// in the folder server and the settings of dockerd's own listener
// (github.com/docker/docker/cmd/dockerd, newAPIServerTLSConfig).
func startListener(server string) (*daemon, error) {
	config, err := tlsconfig.Server(tlsconfig.Options{
		CAFile:             filepath.Join(server, "ca.pem"),
		CertFile:           filepath.Join(server, "server-cert.pem"),
		KeyFile:            filepath.Join(server, "server-key.pem"),
		ClientAuth:         tls.RequireAndVerifyClientCert,
		ExclusiveRootPools: true,
	})
	if err != nil {
		return nil, err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return nil, err
	}
	s := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // the refusal is wanted
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "the listener sees the user %q", r.TLS.PeerCertificates[0].Subject.CommonName)
		}),
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	address := l.Addr().String()
	return &daemon{
		name:    "a TLS listener with dockerd's --tlsverify settings",
		address: address,
		ask: func(ctx context.Context, dir string) (string, error) {
			body, err := get(ctx, address, dir, "/")
			return string(body), err
		},
		stop: func() error {
			if err := s.Close(); err != nil {
				return err
			}
			if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
	}, nil
}
