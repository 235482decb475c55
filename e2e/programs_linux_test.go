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

// Files of Docker's other programs, by name: where each of them looks for what.

// dindFiles are those of docker:dind in DOCKER_TLS_CERTDIR.
func dindFiles(server, client material) map[string]string {
	return map[string]string{
		"server/ca.pem": server.CA, "server/cert.pem": server.Cert, "server/key.pem": server.Key,
		"client/ca.pem": client.CA, "client/cert.pem": client.Cert, "client/key.pem": client.Key,
		"ca/cert.pem": server.CA,
	}
}

// buildkitFiles are those of a buildkitd, and of a client of one.
func buildkitFiles(m material) map[string]string {
	return map[string]string{"ca.pem": m.CA, "cert.pem": m.Cert, "key.pem": m.Key}
}

// registryFiles are those of a registry's client, in /etc/docker/certs.d/HOST:PORT.
func registryFiles(m material) map[string]string {
	return map[string]string{"ca.crt": m.CA, "client.cert": m.Cert, "client.key": m.Key}
}

// TestDind starts a daemon with the flags that the entrypoint of docker:dind makes of DOCKER_TLS_CERTDIR, after the
// check that it makes, while roots overlap: the daemon is as new as can be, and its client was never updated.
func TestDind(t *testing.T) {
	t.Parallel()
	openssl, docker := tool(t, "openssl"), tool(t, "docker")
	versions := generations(t)
	server, client, stranger := versions[len(versions)-1]["server"], versions[0]["client"], issued(t)["client stranger"]
	forEachDockerd(t, func(t *testing.T, binary string) {
		dir, other := t.TempDir(), t.TempDir()
		writeFiles(t, dir, dindFiles(server, client))
		writeFiles(t, other, dindFiles(server, stranger))
		verify := invocation{path: openssl, args: []string{"verify", "-CAfile", dir + "/server/ca.pem", dir + "/server/cert.pem"}}.run()
		if verify.err != nil {
			t.Errorf("openssl verify: %v\n%s", verify.err, verify.all())
		}
		daemon := startDockerdIn(t, binary, daemonTLSVerify, filepath.Join(dir, "server"))
		for path, want := range map[string]bool{dir + "/client": true, other + "/client": false} {
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
	versions := generations(t)
	server, client, stranger := versions[len(versions)-1]["server"], versions[0]["client"], issued(t)["client stranger"]
	h, address := newRealHost(t, ""), "tcp://127.0.0.1:1234"
	h.boot(t)
	writeFiles(t, h.file("/etc/buildkit"), buildkitFiles(server))
	h.serve(t, buildkitd, "--addr", address, "--tlscacert=/etc/buildkit/ca.pem", "--tlscert=/etc/buildkit/cert.pem", "--tlskey=/etc/buildkit/key.pem",
		"--oci-worker-snapshotter=native", "--oci-worker-net=host", "--containerd-worker=false")
	ask := func(files map[string]string, flags string) result {
		dir := t.TempDir()
		writeFiles(t, dir, files)
		args := append([]string{"--addr", address}, strings.Fields(strings.ReplaceAll(flags, "DIR", dir))...)
		return h.reaching(invocation{path: buildctl, env: []string{"HOME=" + dir}, args: append(args, "debug", "workers")}).run()
	}
	asked := func(r result) bool { return r.err == nil && strings.Contains(r.stdout, "PLATFORMS") }
	const full = "--tlscacert=DIR/ca.pem --tlscert=DIR/cert.pem --tlskey=DIR/key.pem"
	eventually(t, time.Minute, "buildkitd answers", func() bool { return asked(ask(buildkitFiles(client), full)) })
	for name, test := range map[string]struct {
		files map[string]string
		flags string
		want  bool
	}{
		"its client":              {buildkitFiles(client), full, true},
		"its client, --tlsdir":    {buildkitFiles(client), "--tlsdir=DIR", true},
		"a stranger":              {buildkitFiles(material{client.CA, stranger.Cert, stranger.Key}), full, false},
		"without a certificate":   {buildkitFiles(client), "--tlscacert=DIR/ca.pem", false},
		"trust in another's root": {buildkitFiles(material{stranger.CA, client.Cert, client.Key}), full, false},
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
    certificate: /etc/docker/registry/cert.pem
    key: /etc/docker/registry/key.pem
    clientcas: [/etc/docker/registry/ca.pem]
`

// registryName is a name of the certificate "server named".
const registryName = "docker.e2e.test"

// TestRegistry pushes an image to a registry through dockerd, and pulls it again. dockerd has its files for the registry
// where it always looks, so all of it runs on a host of its own. The host's address is outside of 127.0.0.0/8, for which
// dockerd 20.10 reads no files.
func TestRegistry(t *testing.T) {
	t.Parallel()
	registry, curl := tool(t, "docker-registry"), tool(t, "curl")
	all := issued(t)
	server, client, stranger := all["server named"], all["client ECDSA_P256"], all["client stranger"]
	forEachRealDockerd(t, func(t *testing.T, dockerd string) {
		h := newRealHost(t, dockerd)
		h.write(t, "/etc/hosts", h.address+" "+registryName+"\n127.0.0.1 localhost\n", 0o644)
		h.boot(t)
		h.write(t, "/etc/docker/registry/config.yml", registryConfig, 0o644)
		writeFiles(t, h.file("/etc/docker/registry"), map[string]string{"ca.pem": server.CA, "cert.pem": server.Cert, "key.pem": server.Key})
		files := client.write(t)
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
		full := registryFiles(client)
		for _, test := range []struct {
			name  string
			files map[string]string
			want  bool
		}{
			{"no file", nil, false},
			{"no client certificate", map[string]string{"ca.crt": full["ca.crt"]}, false},
			{"a stranger", withFiles(full, map[string]string{"client.cert": stranger.Cert, "client.key": stranger.Key}), false},
			{"trust in another's root", withFiles(full, map[string]string{"ca.crt": stranger.CA}), false},
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

// withFiles returns files of which some are others.
func withFiles(files, others map[string]string) map[string]string {
	files = maps.Clone(files)
	maps.Copy(files, others)
	return files
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
	versions := generations(t)
	server, client, stranger := versions[len(versions)-1]["server"], versions[0]["client"], issued(t)["client stranger"]
	h, address := newRealHost(t, ""), "127.0.0.1:2376"
	h.boot(t)
	writeFiles(t, h.file("/etc/podman"), map[string]string{"ca.pem": server.CA, "cert.pem": server.Cert, "key.pem": server.Key})
	// It creates no container, but does not start without the programs for that.
	h.write(t, "/etc/containers/containers.conf", "[engine]\nruntime = \"runc\"\nhelper_binaries_dir = [\"/etc/podman/bin\"]\nconmon_path = [\"/etc/podman/bin/conmon\"]\n", 0o644)
	h.write(t, "/etc/podman/bin/netavark", "#!/bin/sh\n", 0o755)
	h.write(t, "/etc/podman/bin/conmon", "#!/bin/sh\necho conmon version 2.1.13\n", 0o755)
	h.serve(t, podman, "--storage-driver=vfs", "system", "service", "--time=0",
		"--tls-cert=/etc/podman/cert.pem", "--tls-key=/etc/podman/key.pem", "--tls-client-ca=/etc/podman/ca.pem", "tcp://"+address)
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
	eventually(t, time.Minute, "podman answers", func() bool { return withDocker(client.write(t)) })
	for name, test := range map[string]struct {
		files material
		want  bool
	}{
		"its client":              {client, true},
		"a stranger":              {material{client.CA, stranger.Cert, stranger.Key}, false},
		"trust in another's root": {material{stranger.CA, client.Cert, client.Key}, false},
	} {
		dir := test.files.write(t)
		if d, p := withDocker(dir), withPodman(dir); d != test.want || p != test.want {
			t.Errorf("%s: answered docker: %v, and podman: %v, want %v", name, d, p, test.want)
		}
	}
}
