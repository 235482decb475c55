package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"mime/multipart"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// zone is what a client of a zone gets.
type zone struct {
	Files   map[string]string `json:"files"`
	Env     map[string]string `json:"env"`      // for files in ~/.docker
	ZoneEnv map[string]string `json:"zone_env"` // for files in ~/.docker/NAME
}

// TestDelivery sets up hosts by their user data in each way there is, and calls each as Docker's guide has its clients
// do.
func TestDelivery(t *testing.T) {
	t.Parallel()
	w := workspace{terraform: findTerraform(t), dir: t.TempDir()}
	if err := w.write("delivery.tf"); err != nil {
		t.Fatal(err)
	}
	hostKey, request := keyAndRequest(t)
	if err := w.apply("request=" + request); err != nil {
		t.Fatal(err)
	}
	var hosts map[string]struct {
		Files    material `json:"files"`
		UserData string   `json:"user_data"`
	}
	var zones map[string]zone
	for name, value := range map[string]any{"hosts": &hosts, "zones": &zones} {
		if err := w.output(name, value); err != nil {
			t.Fatal(err)
		}
	}
	// In the home directory of whoever applied, for DOCKER_CERT_PATH names it.
	for name, z := range zones {
		writeFiles(t, filepath.Join(w.dir, ".docker", name), z.Files)
	}

	for _, test := range []struct {
		name, directory string
		units           []string
		zone, otherZone string
		strangers       bool // are served
	}{
		{"socket", "/etc/docker/tls", socketUnits, "zone1", "zone2", false},
		{"hosts", "/etc/docker/tls", nil, "zone2", "zone1", false},
		{"tls", "/etc/docker/certs", socketUnits, "zone1", "zone2", true},
		{"request", "/etc/docker/tls", socketUnits, "zone2", "zone1", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			given := hosts[test.name]
			acceptedBySchema(t, given.UserData)
			keepsKey := given.Files.Key == ""
			if keepsKey {
				given.Files.Key = hostKey
			}
			want := map[string]written{
				"/etc/docker/daemon.json":           {mode: 0o644},
				test.directory + "/server-cert.pem": {0o444, given.Files.Cert},
				test.directory + "/server-key.pem":  {0o400, given.Files.Key},
			}
			if !test.strangers {
				want[test.directory+"/ca.pem"] = written{0o444, given.Files.CA}
			}
			// The user data of others that comes first.
			others := hostsDropIn(t)
			if test.units != nil {
				others = "#cloud-config\nwrite_files: [{path: /etc/other, content: other}]\nruncmd: [install -m 0644 /etc/other /etc/other.ran]\n"
				want["/etc/other"], want["/etc/other.ran"] = written{0o644, "other"}, written{0o644, "other"}
			}
			for _, unit := range test.units {
				want[unit] = written{mode: 0o644}
			}
			forEachRealDockerd(t, func(t *testing.T, dockerd string) {
				h := newRealHost(t, dockerd)
				if keepsKey {
					h.write(t, keyPlace(t, given.UserData), hostKey, 0o400)
				}
				h.seed(t, composed(t, others, given.UserData))
				h.boot(t)
				if units := h.failed(t); units != nil {
					t.Errorf("%q failed", units)
				}
				h.has(t, want)
				if test.units != nil {
					h.checkUnits(t)
				}
				home, other := t.TempDir(), t.TempDir()
				writeFiles(t, filepath.Join(home, ".docker"), zones[test.zone].Files)
				writeFiles(t, filepath.Join(other, ".docker"), zones[test.otherZone].Files)
				for _, call := range guideCalls(t, zones[test.zone], zones[test.otherZone], home, other, test.strangers) {
					t.Run(call.name, func(t *testing.T) {
						if r := h.reaching(call.invocation).run(); r.connected() != call.connects {
							t.Errorf("connected: %v, want %v (%v)\n%s", r.connected(), call.connects, r.err, r.all())
						}
					})
				}
			})
		})
	}
}

// composed makes user data of several parts.
func composed(t *testing.T, parts ...string) string {
	t.Helper()
	var text bytes.Buffer
	w := multipart.NewWriter(&text)
	fmt.Fprintf(&text, "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=%q\n\n", w.Boundary())
	for _, part := range parts {
		body, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {"text/cloud-config"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := body.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// guideDropIn is the part of user data with which docker.service takes no socket from systemd.
var guideDropIn = regexp.MustCompile("(?s)\n  ```yaml\n(  #cloud-config\n.*?)  ```\n")

// hostsDropIn returns what the guide has before the user data of a host with listen = "hosts".
func hostsDropIn(t *testing.T) string {
	t.Helper()
	part := guideDropIn.FindStringSubmatch(guideText(t, "delivery"))
	if part == nil {
		t.Fatal(`the guide has no drop-in for listen = "hosts"`)
	}
	// Debian has dockerd elsewhere than Docker's own packages.
	return strings.NewReplacer("\n  ", "\n", "/usr/bin/dockerd", "/usr/sbin/dockerd").Replace(strings.TrimPrefix(part[1], "  "))
}

// keyAndRequest makes a key as a host does that keeps it, and the request for its certificate.
func keyAndRequest(t *testing.T) (key, request string) {
	t.Helper()
	keyFile := filepath.Join(t.TempDir(), "server-key.pem")
	r := invocation{path: tool(t, "openssl"), args: []string{
		"req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyFile, "-subj", "/CN=host"}}.run()
	if r.err != nil {
		t.Fatalf("openssl req: %v\n%s", r.err, r.all())
	}
	text, err := os.ReadFile(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text), r.stdout
}

// keyNotice is what user data says where the host that keeps its key has to have it.
var keyNotice = regexp.MustCompile(`(?m)^# The private key .* must lie in (\S+)`)

func keyPlace(t *testing.T, userData string) string {
	t.Helper()
	place := keyNotice.FindStringSubmatch(userData)
	if place == nil {
		t.Fatal("the user data does not say where the host's key must lie")
	}
	return place[1]
}

// guideCall is a way to call a daemon that Docker's guide shows.
type guideCall struct {
	name string
	invocation
	connects bool
}

// guideCalls are the guide's calls with the files of a zone in ~/.docker of home, and of another zone in that of other.
func guideCalls(t *testing.T, own, foreign zone, home, other string, strangers bool) []guideCall {
	t.Helper()
	docker, curl := tool(t, "docker"), tool(t, "curl")
	call := func(home string, env map[string]string) invocation {
		return dockerVersion(docker, append(environment(env), "HOME="+home))
	}
	address := strings.TrimPrefix(own.Env["DOCKER_HOST"], "tcp://")
	return []guideCall{
		{"~/.docker", call(home, own.Env), true},
		{"~/.docker of another zone", call(other, own.Env), false},
		// The home directory has the files of the wrong zone, to show which are read.
		{"DOCKER_CERT_PATH", call(other, own.ZoneEnv), true},
		{"DOCKER_CERT_PATH of another zone", call(home, foreign.ZoneEnv), false},
		{"curl", curlVersion(curl, address, fullCurl(home+"/.docker")...), true},
		{"curl of another zone", curlVersion(curl, address, fullCurl(other+"/.docker")...), false},
		{"curl without a certificate", curlVersion(curl, address, "--cacert", home+"/.docker/ca.pem"), strangers},
	}
}

// environment is a map of variables as a process takes them.
func environment(env map[string]string) []string {
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

// writeFiles writes files by name, such as client_files returns. A name may have directories.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, text, 0o400)
	}
}

// acceptedBySchema checks user data as the operator of a cloud can, before any host sees it.
func acceptedBySchema(t *testing.T, userData string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "user-data")
	if err := os.WriteFile(path, []byte(userData), 0o600); err != nil {
		t.Fatal(err)
	}
	r := invocation{path: tool(t, "cloud-init"), args: []string{"schema", "--config-file", path}}.run()
	if r.err != nil || !regexp.MustCompile(`(?m)^Valid (cloud-config|schema)`).MatchString(r.stdout) || strings.Contains(r.all(), "deprecat") {
		t.Errorf("cloud-init schema: %v\n%s", r.err, r.all())
	}
}

// written is a file of a host. Where the content is empty, any will do but none.
type written struct {
	mode    fs.FileMode
	content string
}

var socketUnits = []string{"/etc/systemd/system/docker-tls.socket", "/etc/systemd/system/docker.service.d/10-tls.conf"}

// daemonID is what old versions of dockerd write beside daemon.json.
const daemonID = "/etc/docker/key.json"

// has checks that the host has the files, and no others where they lie.
func (h *realHost) has(t *testing.T, want map[string]written) {
	t.Helper()
	for _, path := range slices.Sorted(maps.Keys(want)) {
		info, err := os.Stat(h.file(path))
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode() != want[path].mode {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want[path].mode)
		}
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 0 || owner.Gid != 0 {
			t.Errorf("%s belongs to %d:%d, want root:root", path, owner.Uid, owner.Gid)
		}
		// The content is not shown: it may be a key.
		if text, err := os.ReadFile(h.file(path)); err != nil || want[path].content != "" && string(text) != want[path].content {
			t.Errorf("%s has other content, or none: %d bytes, %v", path, len(text), err)
		}
	}
	for path := range strings.Lines(h.must(t, "find", "/etc/docker", "-type", "f", "-not", "-path", daemonID)) {
		if path = strings.TrimSpace(path); want[path].mode == 0 {
			t.Errorf("the host has %s too", path)
		}
	}
}

// checkUnits has systemd verify the socket and Docker's own service with the drop-in, and looks whether the socket is
// enabled.
func (h *realHost) checkUnits(t *testing.T) {
	t.Helper()
	r := h.on(invocation{path: "systemd-analyze", args: []string{"verify", "--man=no", "docker-tls.socket", "docker.service"}}).run()
	// systemd warns of keys that it does not know, and goes on. Units of others are not looked at.
	if r.err != nil || strings.Contains(r.all(), "docker") {
		t.Errorf("systemd-analyze verify: %v\n%s", r.err, r.all())
	}
	h.must(t, "systemctl", "is-enabled", "docker-tls.socket")
	if !strings.Contains(h.read(t, socketUnits[1]), "\nExecStartPre=") {
		t.Error("nothing is checked before a start of the daemon")
	}
}
