package e2e

import (
	"regexp"
	"testing"
)

// TestRefusals tries what must not work, and checks that it fails for the right reason: what the client says where the
// client refuses the daemon, what the daemon logs where the daemon refuses the client.
func TestRefusals(t *testing.T) {
	t.Parallel()
	files := issued(t)
	docker, curl, openssl := tool(t, "docker"), tool(t, "curl"), tool(t, "openssl")

	ci := files["client ECDSA_P256"]
	certless := material{CA: ci.CA}
	// A party that trusts the right authority and proves itself with the wrong certificate.
	with := func(m material) material { return material{ci.CA, m.Cert, m.Key} }

	dockerAt := func(host string) func(port, dir string) invocation {
		return func(port, dir string) invocation {
			return dockerVersion(docker, []string{"HOME=" + dir}, fullDocker(host+":"+port, dir)...)
		}
	}
	curlAt := func(host string) func(port, dir string) invocation {
		return func(port, dir string) invocation {
			flags := append(fullCurl(dir), "--resolve", host+":"+port+":127.0.0.1")
			return curlVersion(curl, host+":"+port, flags...)
		}
	}
	// s_client checks the purpose of the daemon's certificate, and no name unless it is told to.
	sClient := func(port, dir string) invocation {
		return invocation{path: openssl, stdin: rawRequest, args: []string{"s_client", "-quiet", "-verify_return_error",
			"-CAfile", dir + "/ca.pem", "-cert", dir + "/cert.pem", "-key", dir + "/key.pem", "-connect", "127.0.0.1:" + port}}
	}

	type attempt struct {
		name   string
		client material
		call   func(port, dir string) invocation
		says   string // pattern in the client's output
		logs   string // pattern in the daemon's log
		passes bool   // the counter-check: this one must connect
	}
	daemons := []struct {
		name     string
		m        material
		attempts []attempt
	}{
		{"server certificate", files["server ECDSA_P256"], []attempt{
			{name: "docker, right", client: ci, call: dockerAt("127.0.0.1"), passes: true},
			{name: "docker, no client certificate", client: certless, call: func(port, dir string) invocation {
				return dockerVersion(docker, []string{"HOME=" + t.TempDir()}, "--host", "tcp://127.0.0.1:"+port, "--tlsverify", "--tlscacert", dir+"/ca.pem")
			}, logs: `client didn't provide a certificate`},
			{name: "curl, no client certificate", client: certless, call: func(port, dir string) invocation {
				return curlVersion(curl, "127.0.0.1:"+port, "--cacert", dir+"/ca.pem")
			}, logs: `client didn't provide a certificate`},
			// Go sends no certificate when none is from an authority that the daemon names; OpenSSL sends it all the same.
			{name: "docker, client of another authority", client: with(files["client stranger"]), call: dockerAt("127.0.0.1"), logs: `client didn't provide a certificate`},
			{name: "curl, client of another authority", client: with(files["client stranger"]), call: curlAt("127.0.0.1"), logs: `certificate signed by unknown authority`},
			{name: "docker, server certificate as a client's", client: with(files["server ECDSA_P256"]), call: dockerAt("127.0.0.1"), logs: `incompatible key usage`},
			{name: "curl, server certificate as a client's", client: with(files["server ECDSA_P256"]), call: curlAt("127.0.0.1"), logs: `incompatible key usage`},
			{name: "docker, address that is no SAN", client: ci, call: dockerAt("127.0.0.2"), says: `certificate is valid for 127\.0\.0\.1, ::1, not 127\.0\.0\.2`},
			{name: "curl, address that is no SAN", client: ci, call: func(port, dir string) invocation {
				return curlVersion(curl, "127.0.0.2:"+port, fullCurl(dir)...)
			}, says: `no alternative certificate subject name matches target host name '127\.0\.0\.2'`},
			{name: "docker, another authority", client: files["client stranger"], call: dockerAt("127.0.0.1"), says: `certificate signed by unknown authority`},
			{name: "curl, another authority", client: files["client stranger"], call: curlAt("127.0.0.1"), says: `unable to get local issuer certificate`},
			{name: "docker, no TLS", client: ci, call: func(port, dir string) invocation {
				return dockerVersion(docker, []string{"HOME=" + dir}, "--host", "tcp://127.0.0.1:"+port)
			}, says: `HTTP request to an HTTPS server`},
		}},
		{"server certificate without addresses", files["server named"], []attempt{
			{name: "curl, the name", client: ci, call: curlAt("docker.e2e.test"), passes: true},
			{name: "curl, below the wildcard", client: ci, call: curlAt("web1.hosts.e2e.test"), passes: true},
			{name: "curl, two labels below the wildcard", client: ci, call: curlAt("a.web1.hosts.e2e.test"), says: `no alternative certificate subject name matches`},
			{name: "curl, wrong host name", client: ci, call: curlAt("localhost"), says: `no alternative certificate subject name matches target host name 'localhost'`},
			{name: "docker, wrong host name", client: ci, call: dockerAt("localhost"), says: `certificate is valid for .*docker\.e2e\.test.*, not localhost`},
			{name: "docker, address of a host certified by name", client: ci, call: dockerAt("127.0.0.1"), says: `doesn't contain any IP SANs`},
		}},
		{"client certificate as a daemon's", files["client ECDSA_P256"], []attempt{
			{name: "docker", client: ci, call: dockerAt("127.0.0.1"), says: `x509: `},
			{name: "curl", client: ci, call: curlAt("127.0.0.1"), says: `unsupported certificate purpose|unsuitable certificate purpose`},
			{name: "openssl", client: ci, call: sClient, says: `unsupported certificate purpose|unsuitable certificate purpose`},
		}},
	}
	forEachDockerd(t, func(t *testing.T, binary string) {
		for _, daemon := range daemons {
			t.Run(daemon.name, func(t *testing.T) {
				d := startDockerd(t, binary, daemonTLSVerify, daemon.m)
				for _, a := range daemon.attempts {
					t.Run(a.name, func(t *testing.T) {
						before := len(d.log())
						r := a.call(d.port, a.client.write(t)).run()
						if r.connected() != a.passes {
							t.Fatalf("connected: %v, want %v\n%s", r.connected(), a.passes, r.all())
						}
						if !regexp.MustCompile(a.says).MatchString(r.all()) {
							t.Errorf("the client says %q, want a match of %q", r.all(), a.says)
						}
						d.waitForLog(t, before, a.logs)
					})
				}
			})
		}
	})
}
