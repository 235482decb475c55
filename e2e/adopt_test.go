package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// guidePassphrase protects the keys that Docker's guide encrypts.
const guidePassphrase = "correct horse"

// edition is one edition of Docker's guide, as testdata/docker-guide.sh runs it.
type edition struct {
	name   string
	locals string // what the certificates name, for testdata/adopt.tf
	client string // base name of the client's files
	mends  []string
	// oldServer is how a client of today can talk to the guide's daemon.
	oldServer func(t *testing.T) []clientCall
}

// clientCall is a program that calls a daemon of localhost with both sides verified.
type clientCall struct {
	name string
	call func(port, dir string) invocation
}

func dockerCall(t *testing.T) clientCall {
	docker := tool(t, "docker")
	return clientCall{"docker", func(port, dir string) invocation {
		return dockerVersion(docker, []string{"HOME=" + dir}, fullDocker("localhost:"+port, dir)...)
	}}
}

func curlCall(t *testing.T) clientCall {
	curl := tool(t, "curl")
	return clientCall{"curl", func(port, dir string) invocation {
		return curlVersion(curl, "localhost:"+port, append(fullCurl(dir), "--ipv4")...)
	}}
}

var editions = []edition{
	{
		name: "2014",
		locals: `client = { country = "AU", province = "Queensland", locality = "Brisbane", organization = "Docker Inc", common_name = "client" }
			addresses = null`,
		client: "client-",
		mends:  []string{"no subjectAltName", "no extendedKeyUsage", "X.509 version 1", "no keyUsage"},
		// The daemon's certificate has no subjectAltName, which the docker CLI has wanted since 20.10. OpenSSL does not.
		oldServer: func(t *testing.T) []clientCall { return []clientCall{curlCall(t)} },
	},
	{
		name: "current",
		locals: `client = { common_name = "client" }
			addresses = ["10.10.10.20", "127.0.0.1"]`,
		mends:     []string{"no keyUsage"},
		oldServer: func(t *testing.T) []clientCall { return []clientCall{dockerCall(t), curlCall(t)} },
	},
}

// guideRun is what the commands of the guide made for one host. They make three keys, of RSA 4096 today, so they run
// once for all tests.
type guideRun struct {
	once sync.Once
	dir  string
	err  error
}

// guideRuns are the runs so far, by edition and host.
var guideRuns sync.Map

// run returns a directory with the files that the commands of the guide make. It is the test's own.
func (e edition) run(t *testing.T, host string) string {
	t.Helper()
	tool(t, "openssl")
	value, _ := guideRuns.LoadOrStore(e.name+" "+host, &guideRun{})
	made := value.(*guideRun)
	made.once.Do(func() { made.dir, made.err = e.make(host) })
	if made.err != nil {
		t.Fatal(made.err)
	}
	dir := t.TempDir()
	// Not by Go: os.CopyFS would lose the modes.
	if r := (invocation{path: "cp", args: []string{"-a", made.dir + "/.", dir}}).run(); r.err != nil {
		t.Fatalf("copy the files of the guide: %v: %s", r.err, r.all())
	}
	return dir
}

// make runs the commands of the guide in a new directory.
func (e edition) make(host string) (dir string, err error) {
	script, err := filepath.Abs("testdata/docker-guide.sh")
	if err != nil {
		return "", fmt.Errorf("find the script: %w", err)
	}
	// Not in a test's own directory: that goes when the first test ends.
	if dir, err = os.MkdirTemp(providerBuild, "guide-"); err != nil {
		return "", fmt.Errorf("make a directory for the guide: %w", err)
	}
	r := invocation{path: script, args: []string{e.name}, dir: dir, env: []string{"HOST=" + host, "PASSPHRASE=" + guidePassphrase}}.run()
	if r.err != nil {
		return "", fmt.Errorf("docker-guide.sh %s: %w\n%s", e.name, r.err, r.stderr)
	}
	return dir, nil
}

// imports are the resources to import, by address, with their ids.
func (e edition) imports(dir string) [][2]string {
	file := func(name string) string { return filepath.Join(dir, name) }
	return [][2]string{
		{"docker_tls_ca.this", file("ca.pem") + "," + file("ca-key.pem")},
		{"docker_tls_server_cert.host", file("server-cert.pem") + "," + file("server-key.pem") + "," + file("ca.pem")},
		{"docker_tls_client_cert.client", file(e.client+"cert.pem") + "," + file(e.client+"key.pem") + "," + file("ca.pem")},
	}
}

// files are what the guide delivers to the daemon and to the client.
func (e edition) files(t *testing.T, dir string) (server, client material) {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	ca := read("ca.pem")
	return material{ca, read("server-cert.pem"), read("server-key.pem")}, material{ca, read(e.client + "cert.pem"), read(e.client + "key.pem")}
}

// workspace has the configuration of the adopted PKI.
func (e edition) workspace(t *testing.T) workspace {
	t.Helper()
	w := writeWorkspace(t, map[string]string{"locals.tf": "locals {\n" + e.locals + "\n}\n"})
	if err := w.write("adopt.tf"); err != nil {
		t.Fatal(err)
	}
	return w
}

// passphrase is the environment in which the guide's keys can be imported.
var passphrase = []string{"DOCKER_TLS_IMPORT_PASSPHRASE=" + guidePassphrase}

// importAll imports the files with terraform import, and checks what it warns of: once, and of everything.
func (e edition) importAll(t *testing.T, w workspace, dir string) {
	t.Helper()
	var said strings.Builder
	for _, i := range e.imports(dir) {
		r := w.runWith(passphrase, "import", i[0], i[1])
		if r.err != nil {
			t.Fatalf("import %s: %v\n%s", i[0], r.err, r.all())
		}
		if n := strings.Count(r.stdout, "Warning: A certificate to be renewed some day"); n > 1 {
			t.Errorf("the import of %s warns %d times", i[0], n)
		}
		said.WriteString(r.stdout)
	}
	for _, mend := range e.mends {
		if !strings.Contains(strings.Join(strings.Fields(said.String()), " "), mend) {
			t.Errorf("no import says %q:\n%s", mend, said.String())
		}
	}
}

// checkEmpty fails the test where terraform plans anything, or warns still.
func checkEmpty(t *testing.T, w workspace, args ...string) {
	t.Helper()
	out, err := w.run(append([]string{"plan", "-detailed-exitcode", "-input=false"}, args...)...)
	if err != nil {
		t.Fatalf("the plan is not empty: %v\n%s", err, out)
	}
	if strings.Contains(out, "renewed some day") {
		t.Errorf("a plan after the import warns:\n%s", out)
	}
}

// TestAdoptDockerGuide takes over what Docker's guide made, without touching the old daemon and the old client: what
// is issued from then on works with both, and so does what a rotation issues.
func TestAdoptDockerGuide(t *testing.T) {
	t.Parallel()
	for _, e := range editions {
		t.Run(e.name, func(t *testing.T) {
			dir := e.run(t, "localhost")
			oldServer, oldClient := e.files(t, dir)
			w := e.workspace(t)
			e.importAll(t, w, dir)
			checkEmpty(t, w)
			checkEmpty(t, w, "-refresh=false")

			apply := func(vars ...string) map[string]material {
				t.Helper()
				if err := w.apply(vars...); err != nil {
					t.Fatal(err)
				}
				files, err := w.materials()
				if err != nil {
					t.Fatal(err)
				}
				return files
			}
			issued := apply("issue=true")
			rotated := apply("issue=true", "generation=1")
			if n := strings.Count(rotated["client"].CA, "BEGIN CERTIFICATE"); n != 2 {
				t.Errorf("after the rotation ca.pem has %d roots, want the new one and the old one", n)
			}

			type connection struct {
				name   string
				client material
				calls  []clientCall
			}
			docker := []clientCall{dockerCall(t), curlCall(t)}
			forEachDockerd(t, func(t *testing.T, binary string) {
				for _, daemon := range []struct {
					name    string
					m       material
					clients []connection
				}{
					{"old daemon", oldServer, []connection{
						{"old client", oldClient, e.oldServer(t)},
						{"new client", issued["new client"], e.oldServer(t)},
						{"client after the rotation", rotated["new client"], e.oldServer(t)},
						{"old client, renewed", rotated["client"], e.oldServer(t)},
					}},
					{"new daemon", issued["new server"], []connection{
						{"old client", oldClient, docker},
						{"new client", issued["new client"], docker},
						{"client after the rotation", rotated["new client"], docker},
					}},
					{"daemon after the rotation", rotated["new server"], []connection{
						{"old client", oldClient, docker},
						{"new client", issued["new client"], docker},
						{"client after the rotation", rotated["new client"], docker},
					}},
					{"old daemon, renewed", rotated["server"], []connection{
						{"old client", oldClient, docker},
						{"client after the rotation", rotated["client"], docker},
					}},
				} {
					t.Run(daemon.name, func(t *testing.T) {
						d := startDockerd(t, binary, daemonTLSVerify, daemon.m)
						for _, c := range daemon.clients {
							for _, call := range c.calls {
								t.Run(c.name+", "+call.name, func(t *testing.T) {
									if r := call.call(d.port, c.client.write(t)).run(); !r.connected() {
										t.Errorf("refused: %v\n%s", r.err, r.all())
									}
								})
							}
						}
					})
				}
			})
		})
	}
}

// importPlan is what terraform says of a plan that imports and does nothing else.
var importPlan = regexp.MustCompile(`Plan: 3 to import, 0 to add, 0 to change, 0 to destroy\.`)

// TestAdoptByImportBlocks does with import blocks what TestAdoptDockerGuide does with terraform import.
func TestAdoptByImportBlocks(t *testing.T) {
	t.Parallel()
	for _, e := range editions {
		t.Run(e.name, func(t *testing.T) {
			dir, w := e.run(t, "localhost"), e.workspace(t)
			var blocks strings.Builder
			for _, i := range e.imports(dir) {
				fmt.Fprintf(&blocks, "import {\n  to = %s\n  id = %q\n}\n", i[0], i[1])
			}
			if err := os.WriteFile(filepath.Join(w.dir, "import.tf"), []byte(blocks.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			r := w.runWith(passphrase, "plan", "-input=false")
			if r.err != nil || !importPlan.MatchString(r.stdout) {
				t.Errorf("the plan does more than import: %v\n%s", r.err, r.all())
			}
			if r := w.runWith(passphrase, "apply", "-auto-approve", "-input=false"); r.err != nil {
				t.Fatalf("apply: %v\n%s", r.err, r.all())
			}
			checkEmpty(t, w)
		})
	}
}
