package docker

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/coreos/ignition/v2/config/v3_4"
	"github.com/vincent-petithory/dataurl"
)

const wantSocket = `[Unit]
Description=Docker API over TLS

[Socket]
ListenStream=2376
BindIPv6Only=both
Service=docker.service

[Install]
WantedBy=sockets.target
`

const wantDropIn = `[Unit]
Wants=docker-tls.socket
After=docker-tls.socket

[Service]
# Without TLS in daemon.json, port 2376 would be in the clear.
ExecStartPre=/bin/grep -q '"tlsverify": *true' /etc/docker/daemon.json
ExecStartPre=/bin/sh -c 'c="$(systemctl show -pExecStart docker) $(env) "; case $c in *fd://*) ;; */dockerd*) echo "docker-tls: no -H fd:// in ExecStart, so its port would not answer: add it, or use listen = hosts"; exit 1; esac'
`

// written is one file as user data delivers it.
type written struct{ mode, content string }

// cloudFile is a file as user data delivers it: PEM, JSON and units are literal blocks.
var cloudFile = regexp.MustCompile(`(?m)^- path: (\S+)\n  owner: root:root\n  permissions: '(\d{4})'\n  content: \|\n((?:   .*\n|\n)+)`)

func cloudFiles(t *testing.T, text string) map[string]written {
	t.Helper()
	files := map[string]written{}
	for _, m := range cloudFile.FindAllStringSubmatch(text, -1) {
		files[m[1]] = written{m[2], strings.ReplaceAll(strings.TrimPrefix(m[3], "   "), "\n   ", "\n")}
	}
	if n := strings.Count(text, "path: "); n != len(files) {
		t.Fatalf("%d files, but %d are well-formed and distinct", n, len(files))
	}
	return files
}

func ignitionFiles(t *testing.T, text string) map[string]written {
	t.Helper()
	config, report, err := v3_4.ParseCompatibleVersion([]byte(text))
	if err != nil || len(report.Entries) > 0 {
		t.Fatalf("Ignition rejects it: %v\n%s", err, report.String())
	}
	files := map[string]written{}
	for _, f := range config.Storage.Files {
		if !*f.Overwrite {
			t.Errorf("%s fails where the image has one", f.Path)
		}
		u, err := dataurl.DecodeString(*f.Contents.Source)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Path] = written{fmt.Sprintf("%04o", *f.Mode), string(u.Data)}
	}
	for _, u := range config.Systemd.Units {
		if u.Contents != nil {
			if u.Enabled == nil || !*u.Enabled {
				t.Errorf("%s is not enabled", u.Name)
			}
			files["/etc/systemd/system/"+u.Name] = written{"0644", *u.Contents}
		}
		for _, d := range u.Dropins {
			files["/etc/systemd/system/"+u.Name+".d/"+d.Name] = written{"0644", *d.Contents}
		}
	}
	return files
}

// Both kinds of user data deliver the same files.
func TestUserData(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Identity, *Options)
		files  func(Identity) map[string]written // beside daemon.json
	}{
		{"default", func(*Identity, *Options) {}, func(id Identity) map[string]written {
			return map[string]written{
				"/etc/docker/tls/ca.pem":                           {"0444", id.CACertPEM},
				"/etc/docker/tls/server-cert.pem":                  {"0444", id.CertPEM},
				"/etc/docker/tls/server-key.pem":                   {"0400", id.PrivateKeyPEM},
				"/etc/systemd/system/docker-tls.socket":            {"0644", wantSocket},
				"/etc/systemd/system/docker.service.d/10-tls.conf": {"0644", wantDropIn},
			}
		}},
		{"the host keeps its key", func(id *Identity, _ *Options) { id.PrivateKeyPEM = "" }, func(id Identity) map[string]written {
			return map[string]written{
				"/etc/docker/tls/ca.pem":                {"0444", id.CACertPEM},
				"/etc/docker/tls/server-cert.pem":       {"0444", id.CertPEM},
				"/etc/systemd/system/docker-tls.socket": {"0644", wantSocket},
				"/etc/systemd/system/docker.service.d/10-tls.conf": {"0644",
					"# The private key stays on this host and must lie in /etc/docker/tls/server-key.pem (root:root, 0400).\n" + wantDropIn},
			}
		}},
		{"tls elsewhere", func(_ *Identity, o *Options) { o.Mode, o.Port, o.Directory = ModeTLS, 4711, "/srv/tls" }, func(id Identity) map[string]written {
			return map[string]written{
				"/srv/tls/server-cert.pem":              {"0444", id.CertPEM},
				"/srv/tls/server-key.pem":               {"0400", id.PrivateKeyPEM},
				"/etc/systemd/system/docker-tls.socket": {"0644", strings.ReplaceAll(wantSocket, "2376", "4711")},
				"/etc/systemd/system/docker.service.d/10-tls.conf": {"0644",
					strings.NewReplacer("2376", "4711", `"tlsverify"`, `"tls"`).Replace(wantDropIn)},
			}
		}},
		{"one address", func(_ *Identity, o *Options) { o.Address = netip.MustParseAddr("fd00::5") }, func(id Identity) map[string]written {
			return map[string]written{
				"/etc/docker/tls/ca.pem":          {"0444", id.CACertPEM},
				"/etc/docker/tls/server-cert.pem": {"0444", id.CertPEM},
				"/etc/docker/tls/server-key.pem":  {"0400", id.PrivateKeyPEM},
				"/etc/systemd/system/docker-tls.socket": {"0644",
					strings.Replace(wantSocket, "ListenStream=2376\nBindIPv6Only=both", "ListenStream=[fd00::5]:2376\nFreeBind=true", 1)},
				"/etc/systemd/system/docker.service.d/10-tls.conf": {"0644", wantDropIn},
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, o := one(t), DefaultOptions()
			test.change(&server, &o)
			want := test.files(server)
			config, err := DaemonJSON(o)
			if err != nil {
				t.Fatal(err)
			}
			want["/etc/docker/daemon.json"] = written{"0644", config}

			cloud, err := CloudConfig(server, o)
			if err != nil {
				t.Fatal(err)
			}
			sameFiles(t, "cloud-config", cloudFiles(t, cloud), want)
			for _, command := range []string{
				"\n- systemctl daemon-reload\n- systemctl enable docker-tls.socket\n",
				"; then systemctl stop docker-tls.socket; systemctl restart docker; fi\n",
			} {
				if _, commands, _ := strings.Cut(cloud, "runcmd:"); !strings.Contains(commands, command) {
					t.Errorf("no %q in\n%s", command, commands)
				}
			}

			ignition, err := Ignition(server, o)
			if err != nil {
				t.Fatal(err)
			}
			sameFiles(t, "Ignition", ignitionFiles(t, ignition), want)
		})
	}
}

func sameFiles(t *testing.T, kind string, got, want map[string]written) {
	t.Helper()
	for name, w := range want {
		g, ok := got[name]
		switch {
		case !ok:
			t.Errorf("%s lacks %s", kind, name)
		case g.mode != w.mode:
			t.Errorf("%s: %s has mode %s, want %s", kind, name, g.mode, w.mode)
		case g.content != w.content && strings.HasSuffix(name, "-key.pem"):
			t.Errorf("%s: %s is another key", kind, name)
		case g.content != w.content:
			t.Errorf("%s: %s is\n%s\nwant\n%s", kind, name, g.content, w.content)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s has %s too", kind, name)
		}
	}
}

func TestCloudConfigHead(t *testing.T) {
	server := one(t)
	for _, test := range []struct {
		name, key, want string
	}{
		{"with the key", server.PrivateKeyPEM, "#cloud-config\nmerge_how: 'list(append)+dict(no_replace,recurse_list)+str()'\nwrite_files:\n"},
		{"without it", "", "#cloud-config\n# The private key stays on this host and must lie in /etc/docker/tls/server-key.pem (root:root, 0400).\nmerge_how: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			server.PrivateKeyPEM = test.key
			got, err := CloudConfig(server, DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(got, test.want) {
				t.Errorf("got\n%.200s\nwant\n%s", got, test.want)
			}
		})
	}
}

// On a host without systemd there is no socket to hand over.
func TestCloudConfigHosts(t *testing.T) {
	o := DefaultOptions()
	o.Listen = ListenHosts
	got, err := CloudConfig(one(t), o)
	if err != nil {
		t.Fatal(err)
	}
	if files := cloudFiles(t, got); len(files) != 4 || !strings.Contains(files["/etc/docker/daemon.json"].content, "tcp://0.0.0.0:2376") {
		t.Errorf("got %v", sortedKeys(files))
	}
	if strings.Contains(got, "docker-tls.socket") || !strings.Contains(got, "/etc/init.d/docker restart") {
		_, commands, _ := strings.Cut(got, "runcmd:")
		t.Errorf("got\n%s", commands)
	}
}

func TestIgnitionRefusesHosts(t *testing.T) {
	o := DefaultOptions()
	o.Listen = ListenHosts
	_, err := Ignition(one(t), o)
	var bad *OptionError
	if !errors.As(err, &bad) || !strings.Contains(err.Error(), `use "socket"`) {
		t.Errorf("got %v, want an OptionError that says what to use", err)
	}
}

// Clouds limit user data: 16 KiB raw on AWS, and every other part of a
// machine's user data wants room too.
func TestUserDataSize(t *testing.T) {
	for _, test := range []struct {
		name            string
		bits            int
		cloud, ignition int
	}{
		{"ECDSA_P256", 0, 3400, 4 << 10},
		{"RSA_4096", 4096, 10000, 12 << 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			ca := newAuthority(t, x509.Certificate{}, test.bits)
			server := ca.identity(t, serverTemplate(), test.bits)
			cloud, err := CloudConfig(server, DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			ignition, err := Ignition(server, DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("cloud-config %d bytes, Ignition %d bytes", len(cloud), len(ignition))
			if len(cloud) >= test.cloud || len(ignition) >= test.ignition {
				t.Errorf("cloud-config %d, Ignition %d bytes: want less than %d and %d", len(cloud), len(ignition), test.cloud, test.ignition)
			}
		})
	}
}
