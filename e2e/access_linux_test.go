package e2e

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// accessHosts are the hosts of the guide, on loopback, with those who may enter each.
func accessHosts(web1, db1 string) string {
	return fmt.Sprintf(`hosts={web1={address="127.0.0.1",admits=[%s]},db1={address="127.0.0.1",admits=[%s]}}`, web1, db1)
}

// accessFiles is what the guide's outputs hold.
type accessFiles struct {
	servers, clients map[string]map[string]string
}

// server is the material of a host.
func (f accessFiles) server(name string) material {
	files := f.servers[name]
	return material{CA: files["ca.pem"], Cert: files["server-cert.pem"], Key: files["server-key.pem"]}
}

// client is the material of a person.
func (f accessFiles) client(name string) material { return clientMaterial(f.clients[name]) }

// access applies the guide's configuration.
func (w workspace) access(t *testing.T, vars ...string) accessFiles {
	t.Helper()
	if err := w.apply(vars...); err != nil {
		t.Fatal(err)
	}
	return accessFiles{output[map[string]map[string]string](t, w, "server_files"), output[map[string]map[string]string](t, w, "client_files")}
}

// accessGuide is a workspace with the configuration of the guide, as printed.
func accessGuide(t *testing.T) workspace {
	t.Helper()
	w := workspace{findTerraform(t), t.TempDir()}
	w.follow(t, "who-may-enter")
	return w
}

// enters asks a daemon for its version, as the docker CLI does.
func enters(t *testing.T, port string, m material) result {
	t.Helper()
	return dockerVersion(tool(t, "docker"), []string{"HOME=" + t.TempDir()}, fullDocker("127.0.0.1:"+port, m.write(t))...).run()
}

// TestWhoMayEnter has each person of the guide call each host.
func TestWhoMayEnter(t *testing.T) {
	t.Parallel()
	tool(t, "docker")
	files := accessGuide(t).access(t, accessHosts(`"anna","ci"`, `"anna","ben"`))
	forEachDockerd(t, func(t *testing.T, binary string) {
		for host, admits := range map[string][]string{"web1": {"anna", "ci"}, "db1": {"anna", "ben"}} {
			d := startDockerd(t, binary, daemonTLSVerify, files.server(host))
			for _, person := range slices.Sorted(maps.Keys(files.clients)) {
				r := enters(t, d.port, files.client(person))
				if want := slices.Contains(admits, person); r.connected() != want || !want && !strings.Contains(r.stderr, "bad certificate") && !strings.Contains(r.stderr, "unknown certificate authority") {
					t.Errorf("%s at %s: connected: %v, want %v (%v)\n%s", person, host, r.connected(), want, r.err, r.all())
				}
			}
		}
	})
	if len(files.clients) != 3 {
		t.Errorf("clients of %q, want three people", slices.Sorted(maps.Keys(files.clients)))
	}
}

// TestLeaverAndRotation takes a person off a host's list and rotates the authority of another, while that other sends
// requests without pause. The first is out, and no request of the second fails, in whichever order files arrive.
func TestLeaverAndRotation(t *testing.T) {
	t.Parallel()
	tool(t, "docker")
	forEachDockerd(t, func(t *testing.T, binary string) {
		for _, clientsFirst := range []bool{false, true} {
			t.Run(fmt.Sprintf("clients first: %v", clientsFirst), func(t *testing.T) {
				t.Parallel()
				w := accessGuide(t)
				before := w.access(t, accessHosts(`"anna","ci"`, `"anna","ben"`))
				socket := listen(t)
				d := activatedDockerd(t, binary, before.server("db1"), socket)
				l := startLoad(t, socket.Addr().String(), map[string]material{"server": before.server("db1"), "client": before.client("anna")})
				l.settle(t)
				if r := enters(t, d.port, before.client("ben")); !r.connected() {
					t.Fatalf("ben is not let in at first: %v\n%s", r.err, r.all())
				}

				l.begin("ben leaves")
				left := w.access(t, accessHosts(`"anna","ci"`, `"anna"`))
				if _, ok := left.clients["ben"]; ok {
					t.Error("ben still has a certificate")
				}
				for _, person := range []string{"anna", "ci"} {
					if !maps.Equal(left.clients[person], before.clients[person]) {
						t.Errorf("the files of %s are others", person)
					}
				}
				if !maps.Equal(left.servers["web1"], before.servers["web1"]) {
					t.Error("the files of web1 are others")
				}
				restart(t, d, socket, left.server("db1"))
				l.settle(t)
				if r := enters(t, d.port, before.client("ben")); r.connected() {
					t.Error("ben is still let in")
				}

				l.begin("anna's authority rotates")
				rotated := w.access(t, accessHosts(`"anna","ci"`, `"anna"`), `rotated={anna="2030-06"}`)
				if !maps.Equal(rotated.clients["ci"], before.clients["ci"]) {
					t.Error("the files of ci are others")
				}
				steps := map[string]func(){
					"the host is updated":     func() { restart(t, d, socket, rotated.server("db1")) },
					"the clients are updated": func() { l.update(t, rotationClients, 2, rotated.client("anna")) },
				}
				order := []string{"the host is updated", "the clients are updated"}
				if clientsFirst {
					slices.Reverse(order)
				}
				for _, step := range order {
					l.begin(step)
					steps[step]()
					l.settle(t)
				}
				l.stop()
				l.report(t, 0)
			})
		}
	})
}

// restart delivers files and restarts the daemon while it has no connection open, which the socket holds back.
func restart(t *testing.T, d *dockerd, socket *net.TCPListener, m material) {
	t.Helper()
	release := holdConnections(t, socket)
	defer release()
	waitForNoConnection(t, d.port)
	d.restart(t, m)
}

// TestWhoMayEnterPlan has wrong lists refused at plan, before any certificate is known.
func TestWhoMayEnterPlan(t *testing.T) {
	t.Parallel()
	w := accessGuide(t)
	leaf := issued(t)["client stranger"].Cert
	for _, test := range []struct{ name, list, want string }{
		{"nobody", "[]", `option "clients" names no authority`},
		{"a leaf", fmt.Sprintf("[{ cert_pem = %q }, docker_tls_ca.person[\"anna\"]]", leaf), "option clients[0].cert_pem, certificate 1:"},
		{"by name", "docker_tls_ca.person", "write values(…) around it"},
	} {
		config := fmt.Sprintf("output \"wrong\" {\n  sensitive = true\n  value = provider::docker::cloud_init(docker_tls_server_cert.host[\"web1\"], { clients = %s })\n}\n", test.list)
		if err := os.WriteFile(filepath.Join(w.dir, "wrong.tf"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := w.run("plan", "-input=false")
		if err == nil || !strings.Contains(strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "│", "")), " "), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
