package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// renewal is beside the example when a certificate is to be renewed.
const renewal = `resource "docker_tls_server_cert" "host" {
  rotation_triggers = { run = 2 }
}
`

// TestAnsible delivers certificates to a host that exists, and again when they are renewed. Docker restarts when what it
// reads is new, and only then.
func TestAnsible(t *testing.T) {
	t.Parallel()
	forEachRealDockerd(t, func(t *testing.T, dockerd string) {
		h := newRealHost(t, dockerd)
		h.boot(t)
		p := playbookFor(t, h)
		p.apply(t)
		starts := h.starts(t)
		expect := func(failed, changes bool, restarts int) {
			t.Helper()
			p.play(t, failed, changes)
			if n := h.starts(t) - starts; n != restarts {
				t.Errorf("Docker has restarted %d times, want %d", n, restarts)
			}
		}

		// A host that does not prove to be the right one gets nothing.
		p.hostKey = otherHostKey
		expect(true, false, 0)
		h.absent(t, certificateDirectory)
		p.hostKey = h.hostKey(t)

		p.play(t, false, true, "--check")
		h.absent(t, certificateDirectory)
		expect(false, true, 1)
		h.has(t, p.files(t))
		h.checkUnits(t)
		p.serves(t)
		expect(false, false, 1)

		// The renewed certificate is on the host, and Docker does not restart: the next run sees to it.
		writeFile(t, filepath.Join(p.dir, "renewal_override.tf"), renewal, 0o600)
		p.apply(t)
		h.must(t, "systemctl", "mask", "--runtime", "docker.service")
		expect(true, true, 1)
		h.must(t, "systemctl", "unmask", "--runtime", "docker.service")
		expect(false, true, 2)
		h.has(t, p.files(t))
		p.serves(t)
		expect(false, false, 2)

		// A file that someone has changed on the host.
		h.write(t, "/etc/docker/daemon.json", "{}\n", 0o644)
		expect(false, true, 3)
		p.serves(t)

		p.leftNoKey(t)
	})
}

// playbook is the example ansible for one host.
type playbook struct {
	workspace
	host       *realHost
	privateKey string   // path of the key to log in with
	hostKey    string   // that the host has to prove to have
	keys       []string // that the host was to have so far
}

// playbookFor returns the example for a host that is on.
func playbookFor(t *testing.T, h *realHost) *playbook {
	t.Helper()
	tool(t, "ansible-playbook")
	return &playbook{workspace: example(t, "ansible"), host: h, privateKey: h.letIn(t), hostKey: h.hostKey(t)}
}

// logOptions are settings that Ansible would take for an expression of its own.
const logOptions = `{live-restore=true,log-opts={tag="{{.Name}}"}}`

// apply applies the example.
func (p *playbook) apply(t *testing.T) {
	t.Helper()
	if err := p.workspace.apply(fmt.Sprintf("hosts={%s=%q}", p.host.name, p.host.address), "settings="+logOptions); err != nil {
		t.Fatal(err)
	}
	p.keys = append(p.keys, p.files(t)[certificateDirectory+"/server-key.pem"].content)
}

// files returns what the host is to have.
func (p *playbook) files(t *testing.T) map[string]written {
	t.Helper()
	inventory := output[struct {
		Meta struct {
			HostVars map[string]struct {
				Files map[string]struct {
					Base64 []byte
					Mode   string
				} `json:"docker_tls_files"`
			} `json:"hostvars"`
		} `json:"_meta"`
	}](t, p.workspace, "inventory")
	files := map[string]written{}
	for path, file := range inventory.Meta.HostVars[p.host.name].Files {
		mode, err := strconv.ParseUint(file.Mode, 8, 9)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = written{fs.FileMode(mode), string(file.Base64)}
	}
	return files
}

// recap is Ansible's last line on a host.
var recap = regexp.MustCompile(`(?m)^\S+ +: ok=\d+ +changed=(\d+) `)

// play runs the playbook, which must fail or not, and change something or not.
func (p *playbook) play(t *testing.T, fails, changes bool, flags ...string) {
	t.Helper()
	known := filepath.Join(t.TempDir(), "known_hosts")
	writeFile(t, known, p.host.address+" "+p.hostKey+"\n", 0o600)
	r := invocation{
		path: tool(t, "ansible-playbook"), dir: p.dir,
		args: append(flags, "-vvv", "--diff", "--inventory=inventory.sh", "--user=root", "--private-key="+p.privateKey, "playbook.yml"),
		env: append(p.command().env, p.path(t), "LC_ALL=C.UTF-8", "TMPDIR="+p.dir, "ANSIBLE_PIPELINING=true",
			// No connection outlives the run, and nothing of this machine's own settings counts.
			"ANSIBLE_SSH_ARGS=-F /dev/null -o ControlMaster=no -o IdentitiesOnly=yes",
			"ANSIBLE_SSH_COMMON_ARGS=-o GlobalKnownHostsFile=/dev/null -o UserKnownHostsFile="+known),
	}.run()
	for _, key := range p.keys {
		if holdsSecret([]byte(r.all()), key) {
			t.Fatal("Ansible prints a private key")
		}
	}
	if (r.err != nil) != fails {
		t.Fatalf("ansible-playbook: %v, want a failure: %v\n%s", r.err, fails, tail(r.all(), 60))
	}
	if counted := recap.FindStringSubmatch(r.stdout); counted == nil || (counted[1] != "0") != changes {
		t.Errorf("want a run that changes something: %v\n%s", changes, tail(r.all(), 60))
	}
}

// serves calls the daemon as the client of the example, and as strangers.
func (p *playbook) serves(t *testing.T) {
	t.Helper()
	client := clientMaterial(output[map[string]string](t, p.workspace, "client_files"))
	p.host.serves(t, client)
	docker, address := tool(t, "docker"), p.host.address+":2376"
	// One who knows the right authority, and has a certificate of another.
	stranger := issued(t)["client"]
	stranger.CA = client.CA
	for _, call := range []guideCall{
		{"the client", dockerVersion(docker, nil, fullDocker(address, client.write(t))...), true},
		{"a certificate of another authority", dockerVersion(docker, nil, fullDocker(address, stranger.write(t))...), false},
		{"no certificate", curlVersion(tool(t, "curl"), address, "--cacert", client.write(t)+"/ca.pem"), false},
	} {
		if r := call.run(); r.connected() != call.connects {
			t.Errorf("%s: connected: %v, want %v (%v)\n%s", call.name, r.connected(), call.connects, r.err, r.all())
		}
	}
}

// leftNoKey looks for private keys in what the runs have left on this machine, but for the state, and in what the host
// has logged.
func (p *playbook) leftNoKey(t *testing.T) {
	t.Helper()
	left := map[string][]byte{"the journal": []byte(p.host.must(t, "journalctl", "--boot", "--no-pager"))}
	err := filepath.WalkDir(p.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), "terraform.tfstate") {
			return err
		}
		left[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range left {
		for _, key := range p.keys {
			if holdsSecret(content, key) {
				t.Errorf("a private key is in %s", name)
			}
		}
	}
	if temporary := p.host.must(t, "find", "/root/.ansible", "-type", "f"); temporary != "" {
		t.Errorf("Ansible has left files on the host:\n%s", temporary)
	}
}
