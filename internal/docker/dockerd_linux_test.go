package docker

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// daemons are the dockerd programs of this machine: the one in PATH and that
// of the distribution.
func daemons(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, name := range []string{"dockerd", "/usr/sbin/dockerd", "/usr/bin/dockerd"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		if path, err = filepath.EvalSymlinks(path); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	why := ""
	switch {
	case os.Geteuid() != 0:
		why = "dockerd needs root"
	case len(found) == 0:
		why = "no dockerd: apt-get install docker.io"
	}
	if why != "" && os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	if why != "" {
		t.Skip(why)
	}
	return found
}

// freePort is free, and will be for the moment it takes to use it.
func freePort(t *testing.T) int {
	t.Helper()
	return closedPort(t).Port
}

// startDockerd starts a daemon from the daemon.json and the certificates that
// a host would be given, and waits until it answers on its Unix socket. With
// plain it leaves TLS out, which no function of this package ever does.
func startDockerd(t *testing.T, program string, server Identity, o Options, plain bool) Endpoint {
	t.Helper()
	// Not t.TempDir: containerd needs a short path, and dockerd leaves its data-root mounted.
	dir, err := os.MkdirTemp("", "dockerd") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Unmount(filepath.Join(dir, "data"), syscall.MNT_DETACH)
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	o.Directory = filepath.Join(dir, "tls")
	o.Settings = map[string]any{
		"data-root": filepath.Join(dir, "data"), "exec-root": filepath.Join(dir, "exec"), "pidfile": filepath.Join(dir, "pid"),
		"iptables": false, "ip6tables": false, "bridge": "none", "storage-driver": "vfs",
	}
	files, err := tlsFiles(server, o)
	if err != nil {
		t.Fatal(err)
	}
	if plain {
		text, err := json.Marshal(o.Settings)
		if err != nil {
			t.Fatal(err)
		}
		files = []file{{DaemonJSONPath, modeConfig, string(text)}}
	}
	config := filepath.Join(dir, "daemon.json")
	for _, f := range files {
		if f.path == DaemonJSONPath {
			f.path = config
		}
		if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f.path, []byte(f.content), os.FileMode(f.mode)); err != nil {
			t.Fatal(err)
		}
	}
	e := Endpoint{"127.0.0.1", freePort(t)}
	socket := filepath.Join(dir, "docker.sock")
	var log bytes.Buffer
	command := exec.Command(program, "--config-file", config, "-H", "unix://"+socket, "-H", e.URL())
	command.Stdout, command.Stderr = &log, &log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Env = append(os.Environ(), "HOME="+dir)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { defer close(exited); _ = command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(20 * time.Second):
			_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
			<-exited
		}
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // its containerd, if any is left
		if t.Failed() {
			t.Logf("%s:\n%s", program, log.String())
		}
	})

	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	local := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		if response, err := local.Get("http://docker/_ping"); err == nil {
			if err := response.Body.Close(); err != nil {
				t.Fatal(err)
			}
			if response.StatusCode == http.StatusOK {
				return e
			}
		}
		select {
		case <-exited:
			t.Fatalf("%s ended before it answered: %s", program, command.ProcessState)
		case <-ctx.Done():
			t.Fatalf("%s does not answer", program)
		case <-tick.C:
		}
	}
}

// The three modes, of each real dockerd, as the probe sees them.
func TestProbeRealDockerd(t *testing.T) {
	for _, program := range daemons(t) {
		version, err := exec.Command(program, "--version").Output()
		if err != nil {
			t.Fatal(err)
		}
		// These certificates are checked by a real daemon: they must be valid now.
		validity := x509.Certificate{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
		ca, foreign := newAuthority(t, validity, 0), newAuthority(t, validity, 0)
		leaf := func(a authority, template x509.Certificate) Identity {
			template.NotBefore, template.NotAfter = validity.NotBefore, validity.NotAfter
			return a.identity(t, template, 0)
		}
		server, ci := leaf(ca, serverTemplate()), leaf(ca, clientTemplate())
		name, _, _ := strings.Cut(strings.TrimSpace(string(version)), ",")

		for _, test := range []struct {
			mode, want    string
			strangersTalk bool
		}{{ModeTLSVerify, ModeTLSVerify, false}, {ModeTLS, ModeTLS, true}, {ModePlain, ModePlain, true}} {
			t.Run(name+" "+test.mode, func(t *testing.T) {
				o := DefaultOptions()
				if test.mode == ModeTLS {
					o.Mode = ModeTLS
				}
				p := Probe{
					Endpoint: startDockerd(t, program, server, o, test.mode == ModePlain),
					Roots:    []*x509.Certificate{ca.cert}, Now: time.Now,
				}
				stranger, err := p.Run(patience(t))
				if err != nil {
					t.Fatal(err)
				}
				if stranger.Mode != test.want || stranger.Verified == (test.mode == ModePlain) || (stranger.ServerVersion != "") != test.strangersTalk {
					t.Errorf("a stranger sees %+v", stranger)
				}
				p.Client = pair(t, ci)
				client, err := p.Run(patience(t))
				if err != nil {
					t.Fatal(err)
				}
				if client.Mode != test.want || client.ServerVersion == "" || client.APIVersion == "" {
					t.Errorf("a client sees %+v", client)
				}
				t.Logf("%s, %s, server %s, API %s", client.Mode, client.TLSVersion, client.ServerVersion, client.APIVersion)
				if test.mode != ModeTLSVerify {
					return
				}
				p.Client = pair(t, leaf(foreign, clientTemplate()))
				report, err := p.Run(patience(t))
				wantProbeError(t, report, err, AboutClient, "the daemon refused the client certificate: ")
				p.Roots = []*x509.Certificate{foreign.cert}
				report, err = p.Run(patience(t))
				wantProbeError(t, report, err, AboutServer, "but not from the one that is trusted")
			})
		}
	}
}

// The archive, read by the docker command itself.
func TestContextArchiveImport(t *testing.T) {
	program, err := exec.LookPath("docker")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("no docker command")
	}
	if err != nil {
		t.Skip("no docker command")
	}
	client := one(t)
	e := Endpoint{"web1.example.com", freePort(t)}
	archive, err := ContextArchive("web1", e, client, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	docker := func(stdin []byte, arguments ...string) []byte {
		command := exec.Command(program, append([]string{"--config", dir}, arguments...)...)
		command.Stdin = bytes.NewReader(stdin)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("docker %v: %v\n%s", arguments, err, out)
		}
		return out
	}
	// By way of base64, as the user's shell gets it.
	again, err := base64.StdEncoding.DecodeString(base64.StdEncoding.EncodeToString(archive))
	if err != nil {
		t.Fatal(err)
	}
	docker(again, "context", "import", "web1", "-")
	var got []struct {
		Name      string
		Endpoints map[string]struct{ Host string }
		Storage   struct{ TLSPath string }
	}
	if err := json.Unmarshal(docker(nil, "context", "inspect", "web1"), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Endpoints["docker"].Host != "tcp://web1.example.com:"+strconv.Itoa(e.Port) {
		t.Fatalf("got %+v", got)
	}
	for name, want := range map[string]string{"ca.pem": client.CACertPEM, "cert.pem": client.CertPEM, "key.pem": client.PrivateKeyPEM} {
		content, err := os.ReadFile(filepath.Join(got[0].Storage.TLSPath, "docker", name))
		if err != nil {
			t.Error(err)
		} else if string(content) != want {
			t.Errorf("%s was imported otherwise", name)
		}
	}
}

// A dockerd decodes what the settings become, whatever kinds Terraform made of
// them. It does not start: its certificates are missing, which it notices after
// that.
func TestSettingsOfRealDockerd(t *testing.T) {
	var awry func(s shape) any
	awry = func(s shape) any {
		switch s.kind {
		case boolean:
			return "true"
		case number:
			return "3"
		case list:
			return []any{awry(*s.of), nil}
		case object:
			out := map[string]any{"absent": nil}
			for key, inside := range s.keys {
				out[key] = awry(inside)
			}
			if s.of != nil {
				out["x"] = awry(*s.of)
			}
			return out
		}
		return "10.0.0.1"
	}
	raw := awry(objectOf(daemonKeys)).(map[string]any)
	raw["log-opts"] = map[string]any{"max-file": json.Number("3")}
	raw["default-shm-size"] = json.Number("67108864")
	// An older dockerd names what is in these, and not the options.
	delete(raw, "proxies")
	delete(raw, "default-network-opts")
	for _, program := range daemons(t) {
		dir := t.TempDir()
		start := func(settings map[string]any) string {
			o, err := NewOptions(map[string]any{"directory": filepath.Join(dir, "tls"), "settings": settings})
			if err != nil {
				t.Fatal(err)
			}
			config, err := DaemonJSON(o)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "daemon.json")
			if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(patience(t), program, "--config-file", path).CombinedOutput()
			if err == nil {
				t.Fatalf("%s has started: %s", program, out)
			}
			return string(out)
		}
		settings := maps.Clone(raw)
		out := start(settings)
		// An older dockerd names the options that it does not have.
		if _, names, found := strings.Cut(out, "the following directives don't match any configuration option: "); found {
			for _, name := range strings.Split(strings.TrimSpace(names), ", ") {
				delete(settings, name)
			}
			out = start(settings)
		}
		if len(settings) < 50 || strings.Contains(out, "unmarshal") || strings.Contains(out, "invalid size") || strings.Contains(out, "don't match") {
			t.Errorf("of %d options, %s says: %s", len(settings), program, out)
		}
		t.Logf("%d of %d options: %s", len(settings), len(raw), out)
		out = start(map[string]any{"debug": "true", "log-opts": map[string]any{"max-file": json.Number("3")}, "dns": []any{nil}})
		if !strings.Contains(out, "ca.pem") && !strings.Contains(out, "X509") {
			t.Errorf("%s says: %s", program, out)
		}
	}
}

// A dockerd refuses what CheckDaemonJSON refuses, and gets as far as its
// certificates, which are missing, with what that accepts.
func TestCheckDaemonJSONAsDockerd(t *testing.T) {
	o := DefaultOptions()
	o.Directory = filepath.Join(t.TempDir(), "tls")
	for _, program := range daemons(t) {
		says := func(text string) string {
			path := filepath.Join(t.TempDir(), "daemon.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(patience(t), program, "--config-file", path).CombinedOutput()
			if err == nil {
				t.Fatalf("%s has started: %s", program, out)
			}
			return string(out)
		}
		refused := func(said string) bool {
			return strings.Contains(said, "unmarshal") || strings.Contains(said, "don't match any configuration option")
		}
		for _, text := range goodDaemonJSON {
			merged, err := MergeDaemonJSON(text, o, nil)
			if err != nil {
				t.Fatal(err)
			}
			if said := says(merged); refused(said) || !strings.Contains(said, o.Directory) {
				t.Errorf("%s says of %s: %s", program, text, said)
			}
		}
		for _, test := range badDaemonJSON {
			if said := says(test.text); !refused(said) {
				t.Errorf("%s says of %s: %s", program, test.text, said)
			}
		}
	}
}
