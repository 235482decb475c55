package e2e

import (
	"archive/tar"
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// layouts has the files of testdata/programs.tf after each of three generations of the authority: by side, layout and name.
var layouts = fixture[map[string]map[string]map[string]string]{config: "programs.tf", steps: rotated.steps}

// overlapping returns the files of testdata/programs.tf while roots overlap: the server is as new as can be, and its
// client was never updated.
func overlapping(t *testing.T) (server, client, stranger map[string]map[string]string) {
	t.Helper()
	steps := layouts.get(t)
	first, last := steps[0], steps[len(steps)-1]
	return last["server"], first["client"], first["stranger"]
}

// replaced returns files of which those with the names are another's.
func replaced(files, others map[string]string, names ...string) map[string]string {
	files = maps.Clone(files)
	for _, name := range names {
		files[name] = others[name]
	}
	return files
}

// directory writes files into a new one.
func directory(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, files)
	return dir
}

// TestDind starts a daemon with the flags that the entrypoint of docker:dind makes of DOCKER_TLS_CERTDIR, after the
// check that it makes.
func TestDind(t *testing.T) {
	t.Parallel()
	openssl, docker := tool(t, "openssl"), tool(t, "docker")
	server, client, stranger := overlapping(t)
	forEachDockerd(t, func(t *testing.T, binary string) {
		dir := directory(t, server["dind"])
		writeFiles(t, dir, client["dind"])
		other := directory(t, replaced(client["dind"], stranger["dind"], "client/cert.pem", "client/key.pem"))
		another := directory(t, replaced(client["dind"], stranger["dind"], "client/ca.pem"))
		// Without the one, older images make an authority of their own; with the other, all do.
		for name, want := range map[string]bool{"ca/cert.pem": true, "ca/key.pem": false} {
			if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
				t.Errorf("%s exists: %v, want %v", name, err == nil, want)
			}
		}
		verify := invocation{path: openssl, args: []string{"verify", "-CAfile", dir + "/server/ca.pem", dir + "/server/cert.pem"}}.run()
		if verify.err != nil {
			t.Errorf("openssl verify: %v\n%s", verify.err, verify.all())
		}
		daemon := startDockerdIn(t, binary, daemonTLSVerify, filepath.Join(dir, "server"))
		for path, want := range map[string]bool{dir + "/client": true, other + "/client": false, another + "/client": false} {
			r := dockerVersion(docker, []string{"HOME=" + t.TempDir(), "DOCKER_HOST=tcp://127.0.0.1:" + daemon.port, "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH=" + path}).run()
			if r.connected() != want {
				t.Errorf("connected: %v, want %v (%v)\n%s", r.connected(), want, r.err, r.all())
			}
		}
	})
}

// TestBuildkitd builds nothing: it asks a buildkitd for its workers. Compiling it takes minutes, so the test runs where
// `make buildkit` has been, and its directory is in PATH.
func TestBuildkitd(t *testing.T) {
	t.Parallel()
	buildkitd, err := exec.LookPath("buildkitd")
	if err != nil {
		t.Skip(`buildkitd is missing: make buildkit, and PATH="$PWD/.tools:$PATH" make test PKG=./e2e TESTARGS='-run TestBuildkitd -v'`)
	}
	buildctl := filepath.Join(filepath.Dir(buildkitd), "buildctl")
	server, client, stranger := overlapping(t)
	h, address := newRealHost(t, ""), "tcp://127.0.0.1:1234"
	h.boot(t)
	writeFiles(t, h.file("/etc/buildkit"), server["buildkitd"])
	h.serve(t, buildkitd, "--addr", address, "--tlscacert=/etc/buildkit/ca.pem", "--tlscert=/etc/buildkit/cert.pem", "--tlskey=/etc/buildkit/key.pem",
		"--oci-worker-snapshotter=native", "--oci-worker-net=host", "--containerd-worker=false")
	ask := func(files map[string]string, flags string) result {
		dir := directory(t, files)
		args := append([]string{"--addr", address}, strings.Fields(strings.ReplaceAll(flags, "DIR", dir))...)
		return h.reaching(invocation{path: buildctl, env: []string{"HOME=" + dir}, args: append(args, "debug", "workers")}).run()
	}
	asked := func(r result) bool { return r.err == nil && strings.Contains(r.stdout, "PLATFORMS") }
	ours, theirs := client["buildx"], stranger["buildx"]
	const full = "--tlscacert=DIR/ca.pem --tlscert=DIR/cert.pem --tlskey=DIR/key.pem"
	eventually(t, time.Minute, "buildkitd answers", func() bool { return asked(ask(ours, full)) })
	for name, test := range map[string]struct {
		files map[string]string
		flags string
		want  bool
	}{
		"its client":              {ours, full, true},
		"its client, --tlsdir":    {ours, "--tlsdir=DIR", true},
		"a stranger":              {replaced(ours, theirs, "cert.pem", "key.pem"), full, false},
		"without a certificate":   {ours, "--tlscacert=DIR/ca.pem", false},
		"trust in another's root": {replaced(ours, theirs, "ca.pem"), full, false},
	} {
		if r := ask(test.files, test.flags); asked(r) != test.want {
			t.Errorf("%s: answered: %v, want %v (%v)\n%s", name, asked(r), test.want, r.err, r.all())
		}
	}
}

// registryConfig is that of a registry which serves only who has a certificate.
const registryConfig = `version: 0.1
log: {accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: /var/lib/docker-registry}}
http:
  addr: :5000
  tls:
    certificate: /etc/docker/registry/domain.crt
    key: /etc/docker/registry/domain.key
    clientcas: [/etc/docker/registry/ca.crt]
`

// registryName is a name of the server in testdata/programs.tf.
const registryName = "docker.e2e.test"

// TestRegistry pushes an image to a registry through dockerd, and pulls it again. dockerd has its files for the registry
// where it always looks, so all of it runs on a host of its own. The host's address is outside of 127.0.0.0/8, for which
// dockerd 20.10 reads no files.
func TestRegistry(t *testing.T) {
	t.Parallel()
	registry, curl := tool(t, "docker-registry"), tool(t, "curl")
	server, client, stranger := overlapping(t)
	forEachRealDockerd(t, func(t *testing.T, dockerd string) {
		h := newRealHost(t, dockerd)
		h.write(t, "/etc/hosts", h.address+" "+registryName+"\n127.0.0.1 localhost\n", 0o644)
		h.boot(t)
		h.write(t, "/etc/docker/registry/config.yml", registryConfig, 0o644)
		writeFiles(t, h.file("/etc/docker/registry"), server["registry"])
		files := directory(t, client["docker"])
		h.serve(t, registry, "serve", "/etc/docker/registry/config.yml")
		eventually(t, time.Minute, "the registry answers", func() bool {
			r := invocation{path: curl, args: append(fullCurl(files), "--silent",
				"--resolve", registryName+":5000:"+h.address, "https://"+registryName+":5000/v2/")}.run()
			return r.stdout == "{}"
		})
		run := func(stdin string, args ...string) invocation {
			return h.on(invocation{path: "docker", stdin: stdin, args: args})
		}
		const image = registryName + ":5000/e2e:1"
		must(t, run(tarball(t), "import", "-", image))

		certs := h.file("/etc/docker/certs.d/" + registryName + ":5000")
		full, theirs := client["registry"], stranger["registry"]
		for _, test := range []struct {
			name  string
			files map[string]string
			want  bool
		}{
			{"no file", nil, false},
			{"no client certificate", map[string]string{"ca.crt": full["ca.crt"]}, false},
			{"a stranger", replaced(full, theirs, "client.cert", "client.key"), false},
			{"trust in another's root", replaced(full, theirs, "ca.crt"), false},
			{"its client", full, true},
		} {
			if err := os.RemoveAll(certs); err != nil {
				t.Fatal(err)
			}
			writeFiles(t, certs, test.files)
			if r := run("", "push", image).run(); (r.err == nil) != test.want {
				t.Errorf("%s: pushed: %v, want %v\n%s", test.name, r.err == nil, test.want, r.all())
			}
		}
		const loopback = "127.0.0.1:5000/e2e:1"
		writeFiles(t, h.file("/etc/docker/certs.d/127.0.0.1:5000"), full)
		must(t, run("", "tag", image, loopback))
		if pushed, current := run("", "push", loopback).run().err == nil, dockerd != ""; pushed != current {
			t.Errorf("reads the files of a registry in 127.0.0.0/8: %v, the guide says otherwise", pushed)
		}
		must(t, run("", "image", "rm", image, loopback))
		must(t, run("", "pull", image))
	})
}

// must runs a program that has to succeed.
func must(t *testing.T, i invocation) {
	t.Helper()
	if r := i.run(); r.err != nil {
		t.Fatalf("%s %s: %v\n%s", i.path, strings.Join(i.args, " "), r.err, r.all())
	}
}

// tarball is an archive with one file, of which `docker import` makes an image.
func tarball(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	if err := w.WriteHeader(&tar.Header{Name: "hello", Size: 5, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// TestPodman asks a Podman for its version, with podman and with docker. Distributions are late with the version that
// has TLS, and compiling it takes minutes, so the test runs where `make podman` has been, and its directory is in PATH.
func TestPodman(t *testing.T) {
	t.Parallel()
	podman, err := exec.LookPath("podman")
	if err != nil || !strings.Contains(invocation{path: podman, args: []string{"--help"}}.run().stdout, "--tls-ca") {
		t.Skip(`podman 5.7 is missing: make podman, and PATH="$PWD/.tools:$PATH" make test PKG=./e2e TESTARGS='-run TestPodman -v'`)
	}
	docker := tool(t, "docker")
	server, client, stranger := overlapping(t)
	h, address := newRealHost(t, ""), "127.0.0.1:2376"
	h.boot(t)
	writeFiles(t, h.file("/etc/podman"), server["podman"])
	// It creates no container, but does not start without the programs for that.
	h.write(t, "/etc/containers/containers.conf", "[engine]\nruntime = \"runc\"\nhelper_binaries_dir = [\"/etc/podman/bin\"]\nconmon_path = [\"/etc/podman/bin/conmon\"]\n", 0o644)
	h.write(t, "/etc/podman/bin/netavark", "#!/bin/sh\n", 0o755)
	h.write(t, "/etc/podman/bin/conmon", "#!/bin/sh\necho conmon version 2.1.13\n", 0o755)
	h.serve(t, podman, "--storage-driver=vfs", "system", "service", "--time=0",
		"--tls-cert=/etc/podman/cert.pem", "--tls-key=/etc/podman/key.pem", "--tls-client-ca=/etc/podman/client-ca.pem", "tcp://"+address)
	withDocker := func(dir string) bool {
		return h.reaching(dockerVersion(docker, []string{"HOME=" + dir}, fullDocker(address, dir)...)).run().connected()
	}
	withPodman := func(dir string) bool {
		run := func(args ...string) result {
			return h.reaching(invocation{path: podman, env: []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir}, args: args}).run()
		}
		added := run("system", "connection", "add", "e2e", "--tls-ca="+dir+"/ca.pem", "--tls-cert="+dir+"/cert.pem", "--tls-key="+dir+"/key.pem", "tcp://"+address)
		if added.err != nil {
			t.Errorf("podman system connection add: %v\n%s", added.err, added.all())
		}
		return strings.Contains(run("--remote", "--connection=e2e", "version").stdout, "Server:")
	}
	ours, theirs := client["podman"], stranger["podman"]
	eventually(t, time.Minute, "podman answers", func() bool { return withDocker(directory(t, ours)) })
	for name, test := range map[string]struct {
		files map[string]string
		want  bool
	}{
		"its client":              {ours, true},
		"a stranger":              {replaced(ours, theirs, "cert.pem", "key.pem"), false},
		"trust in another's root": {replaced(ours, theirs, "ca.pem"), false},
	} {
		dir := directory(t, test.files)
		if d, p := withDocker(dir), withPodman(dir); d != test.want || p != test.want {
			t.Errorf("%s: answered docker: %v, and podman: %v, want %v", name, d, p, test.want)
		}
	}
}
