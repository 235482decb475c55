package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// client is one program or TLS library that talks to a daemon with full client verification. It returns what it
// printed: the daemon's version document when it got through.
type client struct {
	name string
	get  func(port string, m material) result
}

// compileJava compiles the client in Java, once for all tests.
var compileJava struct {
	once sync.Once
	err  error
}

// javaClasses returns the directory of the compiled client in Java.
func javaClasses(javac string) (string, error) {
	classes := filepath.Join(providerBuild, "classes") // not in a test's own directory: that goes when the first test ends
	compileJava.once.Do(func() {
		if r := (invocation{path: javac, args: []string{"-d", classes, "testdata/Client.java"}}).run(); r.err != nil {
			compileJava.err = fmt.Errorf("javac: %w: %s", r.err, r.all())
		}
	})
	return classes, compileJava.err
}

// connected reports whether the daemon answered. The answer is what counts: in TLS 1.3 a client has finished its
// handshake before the daemon looks at the client's certificate.
func (r result) connected() bool { return strings.Contains(r.stdout, "ApiVersion") }

// rawRequest is for clients that bring TLS only.
const rawRequest = "GET /version HTTP/1.0\r\n\r\n"

// dockerVersion is a call of the docker CLI that asks the daemon for its version.
func dockerVersion(docker string, env []string, flags ...string) invocation {
	return invocation{path: docker, env: env, args: append(flags, "version", "--format", "{{json .Server}}")}
}

// fullDocker are the docker CLI's flags for verification both ways.
func fullDocker(address, dir string) []string {
	return []string{"--host", "tcp://" + address, "--tlsverify", "--tlscacert", dir + "/ca.pem", "--tlscert", dir + "/cert.pem", "--tlskey", dir + "/key.pem"}
}

// curlVersion is a call of curl that asks the daemon for its version.
func curlVersion(curl, address string, flags ...string) invocation {
	return invocation{path: curl, args: append(flags, "--silent", "--show-error", "https://"+address+"/version")}
}

// fullCurl are curl's flags for verification both ways.
func fullCurl(dir string) []string {
	return []string{"--cacert", dir + "/ca.pem", "--cert", dir + "/cert.pem", "--key", dir + "/key.pem"}
}

// clients returns the programs that must be there, and the libraries that are. Beside Go, which always is, at least
// one more library is required where the suite is.
func clients(t *testing.T) []client {
	t.Helper()
	docker, curl, openssl, gnutls := tool(t, "docker"), tool(t, "curl"), tool(t, "openssl"), tool(t, "gnutls-cli")
	// The programs get their files from a directory, as Docker's clients do.
	command := func(build func(port, dir string) invocation) func(string, material) result {
		return func(port string, m material) result { return build(port, m.write(t)).run() }
	}
	list := []client{
		{"docker", command(func(port, dir string) invocation {
			return dockerVersion(docker, []string{"HOME=" + dir}, fullDocker("127.0.0.1:"+port, dir)...)
		})},
		{"curl", command(func(port, dir string) invocation {
			return curlVersion(curl, "127.0.0.1:"+port, fullCurl(dir)...)
		})},
		{"openssl s_client", command(func(port, dir string) invocation {
			return invocation{path: openssl, stdin: rawRequest, args: []string{
				"s_client", "-quiet", "-verify_return_error", "-verify_ip", "127.0.0.1", "-x509_strict", "-CAfile", dir + "/ca.pem",
				"-cert", dir + "/cert.pem", "-cert_chain", dir + "/cert.pem", "-key", dir + "/key.pem", "-connect", "127.0.0.1:" + port}}
		})},
		{"gnutls-cli", command(func(port, dir string) invocation {
			// gnutls-cli passes the end of its input on to the daemon, which then drops the request.
			return invocation{path: gnutls, stdin: rawRequest, open: true, args: []string{
				"--x509cafile", dir + "/ca.pem", "--x509certfile", dir + "/cert.pem", "--x509keyfile", dir + "/key.pem",
				"--port", port, "127.0.0.1"}}
		})},
		{"Go crypto/tls", func(port string, m material) result {
			config, err := m.config()
			if err != nil {
				return result{err: err}
			}
			body, _, err := get(context.Background(), config, "https://127.0.0.1:"+port+"/version")
			return result{body, "", err}
		}},
	}
	// Each library has a small program that takes the host, the port, and the directory.
	libraries := []struct {
		name, needs string
		program     func(path string) []string
	}{
		{"Python ssl", "python3", func(path string) []string { return []string{path, "testdata/client.py"} }},
		{"Node.js tls", "node", func(path string) []string { return []string{path, "testdata/client.mjs"} }},
		{"Java JSSE", "javac", func(path string) []string {
			classes, err := javaClasses(path)
			if err != nil {
				t.Fatal(err)
			}
			// A program that runs once is not worth the time of the optimizing compiler and of parallel collectors.
			return []string{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classes, "Client"}
		}},
	}
	found := 0
	for _, l := range libraries {
		path, err := exec.LookPath(l.needs)
		if err != nil {
			t.Logf("without %s: apt-get install %s", l.name, debianPackages[l.needs])
			continue
		}
		found++
		program := l.program(path)
		list = append(list, client{l.name, command(func(port, dir string) invocation {
			return invocation{path: program[0], args: append(program[1:len(program):len(program)], "127.0.0.1", port, dir)}
		})})
	}
	if found == 0 && required() {
		t.Fatal("this run requires at least one TLS library beside Go's: apt-get install python3")
	}
	return list
}

// config is what a client in Go makes of its files. It resumes no session: each connection has a full handshake.
func (m material) config() (*tls.Config, error) {
	pair, err := tls.X509KeyPair([]byte(m.Cert), []byte(m.Key))
	if err != nil {
		return nil, fmt.Errorf("load the client certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(m.CA)) {
		return nil, errors.New("ca.pem holds no certificate")
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots}, nil
}

// get makes one request on a new connection with a full handshake, and returns the body and the daemon's certificate.
func get(ctx context.Context, config *tls.Config, url string) (body string, daemon *x509.Certificate, err error) {
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", nil, err
	}
	response, err := (&http.Client{Transport: transport, Timeout: time.Minute}).Do(request)
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return "", nil, fmt.Errorf("read the answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("the daemon answered %s", response.Status)
	}
	return string(text), response.TLS.PeerCertificates[0], nil
}
