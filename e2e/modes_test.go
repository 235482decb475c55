package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// clientMode is a way to call a daemon that Docker's guide names.
type clientMode struct {
	name     string
	verifies bool // the client verifies the daemon
	presents bool // the client presents a certificate
	call     func(port, dir string) invocation
}

// clientModes lists every client mode. The directory holds ca.pem, cert.pem, and key.pem of the client.
func clientModes(t *testing.T) []clientMode {
	t.Helper()
	docker, curl := tool(t, "docker"), tool(t, "curl")
	// A home directory of its own keeps the CLI away from the ~/.docker of whoever runs the test. It wants a ca.pem
	// there even where it verifies nothing.
	cli := func(dir string, env []string, flags ...string) invocation {
		return dockerVersion(docker, append([]string{"HOME=" + homeWith(t, dir, "ca.pem")}, env...), flags...)
	}
	atHome := func(dir string, env []string, flags ...string) invocation {
		return dockerVersion(docker, append([]string{"HOME=" + homeWith(t, dir, "ca.pem", "cert.pem", "key.pem")}, env...), flags...)
	}
	return []clientMode{
		{"--tls", false, false, func(port, dir string) invocation {
			return cli(dir, nil, "--host", "tcp://127.0.0.1:"+port, "--tls")
		}},
		{"--tlsverify + ca", true, false, func(port, dir string) invocation {
			return cli(dir, nil, "--host", "tcp://127.0.0.1:"+port, "--tlsverify", "--tlscacert", dir+"/ca.pem")
		}},
		{"--tls + cert + key", false, true, func(port, dir string) invocation {
			return cli(dir, nil, "--host", "tcp://127.0.0.1:"+port, "--tls", "--tlscert", dir+"/cert.pem", "--tlskey", dir+"/key.pem")
		}},
		{"--tlsverify + ca + cert + key", true, true, func(port, dir string) invocation {
			return cli(dir, nil, fullDocker("127.0.0.1:"+port, dir)...)
		}},
		{"--tlsverify + ca + cert + key, by name", true, true, func(port, dir string) invocation {
			return cli(dir, nil, fullDocker("localhost:"+port, dir)...)
		}},
		{"DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH", true, true, func(port, dir string) invocation {
			return cli(dir, []string{"DOCKER_HOST=tcp://127.0.0.1:" + port, "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH=" + dir})
		}},
		{"DOCKER_HOST, DOCKER_TLS, DOCKER_CERT_PATH", false, true, func(port, dir string) invocation {
			return cli(dir, []string{"DOCKER_HOST=tcp://127.0.0.1:" + port, "DOCKER_TLS=1", "DOCKER_CERT_PATH=" + dir})
		}},
		{"~/.docker, DOCKER_HOST, DOCKER_TLS_VERIFY", true, true, func(port, dir string) invocation {
			return atHome(dir, []string{"DOCKER_HOST=tcp://127.0.0.1:" + port, "DOCKER_TLS_VERIFY=1"})
		}},
		{"~/.docker, --tlsverify", true, true, func(port, dir string) invocation {
			return atHome(dir, nil, "--host", "tcp://127.0.0.1:"+port, "--tlsverify")
		}},
		{"curl --cacert", true, false, func(port, dir string) invocation {
			return curlVersion(curl, "127.0.0.1:"+port, "--cacert", dir+"/ca.pem")
		}},
		{"curl --cacert --cert --key", true, true, func(port, dir string) invocation {
			return curlVersion(curl, "127.0.0.1:"+port, fullCurl(dir)...)
		}},
	}
}

// homeWith returns a home directory whose ~/.docker holds some of the files of a directory.
func homeWith(t *testing.T, dir string, names ...string) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".docker"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Symlink(filepath.Join(dir, name), filepath.Join(home, ".docker", name)); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

// TestModes calls daemons in both of their modes in every mode that a client has. A daemon of another authority shows
// which clients verify whom they talk to.
func TestModes(t *testing.T) {
	t.Parallel()
	files, modes := issued(t), clientModes(t)
	forEachDockerd(t, func(t *testing.T, binary string) {
		for _, daemon := range []struct {
			name    string
			mode    []string
			m       material
			accepts func(clientMode) bool
		}{
			{"tlsverify", daemonTLSVerify, files["server ECDSA_P256"], func(c clientMode) bool { return c.presents }},
			{"tls", daemonTLS, files["server ECDSA_P256"], func(clientMode) bool { return true }},
			{"tls of another authority", daemonTLS, files["server stranger"], func(c clientMode) bool { return !c.verifies }},
		} {
			t.Run(daemon.name, func(t *testing.T) {
				d := startDockerd(t, binary, daemon.mode, daemon.m)
				for _, mode := range modes {
					t.Run(mode.name, func(t *testing.T) {
						r := mode.call(d.port, files["client ECDSA_P256"].write(t)).run()
						if want := daemon.accepts(mode); r.connected() != want || (r.err == nil) != want {
							t.Errorf("connected: %v (%v), want %v\n%s", r.connected(), r.err, want, r.all())
						}
					})
				}
			})
		}
	})
}

// TestKeyAlgorithms makes a full handshake with authority, daemon, and client of each algorithm.
func TestKeyAlgorithms(t *testing.T) {
	t.Parallel()
	files, modes := issued(t), clientModes(t)
	forEachDockerd(t, func(t *testing.T, binary string) {
		for _, algorithm := range algorithms {
			t.Run(algorithm.name, func(t *testing.T) {
				d := startDockerd(t, binary, daemonTLSVerify, files["server "+algorithm.name])
				for _, mode := range modes {
					if !mode.verifies || !mode.presents {
						continue
					}
					t.Run(mode.name, func(t *testing.T) {
						if r := mode.call(d.port, files["client "+algorithm.name].write(t)).run(); !r.connected() {
							t.Errorf("refused: %v\n%s", r.err, r.all())
						}
					})
				}
			})
		}
	})
}
