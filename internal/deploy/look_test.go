package deploy

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

const otherPaths = `{"tlsverify": true, "tlscacert": "/srv/a/ca.pem", "tlscert": "/etc/c.pem", "tlskey": "/var/k.pem"}`

func wantAbout(t *testing.T, err error, about, want string) {
	t.Helper()
	var failure *Error
	switch {
	case !errors.As(err, &failure):
		t.Errorf("got %v, want an Error", err)
	case failure.About != about || !strings.Contains(failure.Text, want):
		t.Errorf("got  %s: %s\nwant %s: %s", failure.About, failure.Text, about, want)
	}
}

func options(t *testing.T, raw map[string]any) docker.Options {
	t.Helper()
	o, err := docker.NewOptions(raw)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestNewTarget(t *testing.T) {
	ca, ops := newAuthority(t, "Docker CA"), newAuthority(t, "Ops CA")
	server, _ := ca.server(t, "web1.example.com", noon)
	held := server
	held.PrivateKeyPEM = ""
	admitted, _ := ops.server(t, "ops.example.com", noon)
	opsOnly := options(t, map[string]any{"clients": []any{map[string]any{"cert_pem": admitted.CACertPEM}}})
	units := []string{"/etc/systemd/system/docker-tls.socket", "/etc/systemd/system/docker.service.d/10-tls.conf"}
	const dir = "/etc/docker/tls/"
	for _, test := range []struct {
		name        string
		d           Delivery
		existing    string
		files       []string // beside those of units
		ca          string
		directories []string
	}{
		{"certificates only", Delivery{Server: server, CertificatesOnly: true}, otherPaths,
			[]string{"/srv/a/ca.pem", "/etc/c.pem", "/var/k.pem"}, server.CACertPEM, []string{"/etc", "/etc/docker", "/srv/a", "/var"}},
		{"certificates only, whatever the options are", Delivery{Server: server, CertificatesOnly: true, Options: docker.Options{Mode: "none"}}, otherPaths,
			[]string{"/srv/a/ca.pem", "/etc/c.pem", "/var/k.pem"}, server.CACertPEM, []string{"/etc", "/etc/docker", "/srv/a", "/var"}},
		{"certificates only, for other clients", Delivery{Server: server, CertificatesOnly: true, Options: opsOnly}, otherPaths,
			[]string{"/srv/a/ca.pem", "/etc/c.pem", "/var/k.pem"}, admitted.CACertPEM, []string{"/etc", "/etc/docker", "/srv/a", "/var"}},
		{"certificates only, of a daemon without clients'", Delivery{Server: server, CertificatesOnly: true}, `{"tls": true, "tlsverify": false, "tlscert": "/srv/c", "tlskey": "/srv/k"}`,
			[]string{"/srv/c", "/srv/k"}, "", []string{"/etc/docker", "/srv"}},
		{"certificates only, with the key on the host", Delivery{Server: held, CertificatesOnly: true}, otherPaths,
			[]string{"/srv/a/ca.pem", "/etc/c.pem"}, server.CACertPEM, []string{"/etc", "/etc/docker", "/srv/a", "/var"}},
		{"options", Delivery{Server: server, Options: docker.DefaultOptions()}, otherPaths,
			append(units, docker.DaemonJSONPath, dir+"ca.pem", dir+"server-cert.pem", dir+"server-key.pem"), server.CACertPEM, []string{"/etc/docker", "/etc/docker/tls", "/etc/systemd/system", "/etc/systemd/system/docker.service.d"}},
		{"options, with the key on the host", Delivery{Server: held, Options: docker.DefaultOptions()}, "",
			append(units, docker.DaemonJSONPath, dir+"ca.pem", dir+"server-cert.pem"), server.CACertPEM, []string{"/etc/docker", "/etc/docker/tls", "/etc/systemd/system", "/etc/systemd/system/docker.service.d"}},
		{"options without clients'", Delivery{Server: server, Options: options(t, map[string]any{"mode": "tls", "listen": "hosts", "directory": "/srv/tls"})}, "",
			[]string{docker.DaemonJSONPath, "/srv/tls/server-cert.pem", "/srv/tls/server-key.pem"}, "", []string{"/etc/docker", "/srv/tls"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := newTarget(test.d, hostFile{content: test.existing})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(test.files)
			if paths := slices.Sorted(maps.Keys(got.files)); !slices.Equal(paths, test.files) {
				t.Errorf("files %v, want %v", paths, test.files)
			}
			if directories := got.directories(); !slices.Equal(directories, test.directories) {
				t.Errorf("directories %v, want %v", directories, test.directories)
			}
			if f := got.files[got.paths.CA]; f.Content != test.ca || test.ca != "" && f.Permissions != "0444" {
				t.Errorf("%s is %v", got.paths.CA, f)
			}
			if f := got.files[got.paths.Cert]; f != (docker.HostFile{Content: server.CertPEM, Permissions: "0444"}) {
				t.Errorf("%s is %v", got.paths.Cert, f)
			}
			if f := got.files[got.paths.Key]; f.Content != test.d.Server.PrivateKeyPEM || f.Content != "" && f.Permissions != "0400" {
				t.Errorf("the key in %s is another, or has the permissions %q", got.paths.Key, f.Permissions)
			}
			if f, delivered := got.files[docker.DaemonJSONPath]; delivered && (f.Content != got.json || f.Permissions != "0644") || !delivered && got.json != test.existing {
				t.Errorf("daemon.json is %s", got.json)
			}
		})
	}
}

// The host's own keys of daemon.json are kept, and former settings are removed.
func TestNewTargetMerges(t *testing.T) {
	server, _ := newAuthority(t, "Docker CA").server(t, "web1.example.com", noon)
	got, err := newTarget(Delivery{Server: server, Options: docker.DefaultOptions(), FormerSettings: []string{"mtu"}}, hostFile{content: `{"debug": true, "mtu": 1400, "tlscert": "/x"}`, mode: 0o640, exists: true})
	if err != nil {
		t.Fatal(err)
	}
	want, err := docker.MergeDaemonJSON(`{"debug": true, "mtu": 1400, "tlscert": "/x"}`, docker.DefaultOptions(), []string{"mtu"})
	if err != nil || got.json != want || !strings.Contains(want, "debug") || strings.Contains(want, "mtu") {
		t.Errorf("got %s, %v", got.json, err)
	}
	if mode := got.files[docker.DaemonJSONPath].Permissions; mode != "0640" {
		t.Errorf("daemon.json gets mode %s", mode)
	}
}

func TestNewTargetErrors(t *testing.T) {
	ca := newAuthority(t, "Docker CA")
	server, _ := ca.server(t, "web1.example.com", noon)
	wrong := server
	wrong.CertPEM = server.CACertPEM
	clients := options(t, map[string]any{"clients": []any{map[string]any{"cert_pem": server.CACertPEM}}})
	for _, test := range []struct {
		name            string
		d               Delivery
		existing, about string
		want            string
	}{
		{"no daemon.json", Delivery{Server: server, CertificatesOnly: true}, "", AboutOptions,
			"/etc/docker/daemon.json names no tlscert and tlskey. Set options, so that they are written there; where they are flags of Docker's unit, take them out of it first. Nothing was changed on the host."},
		{"a relative path", Delivery{Server: server, CertificatesOnly: true}, `{"tlscert": "c.pem", "tlskey": "/etc/k"}`, AboutOptions, `has "c.pem" as tlscert`},
		{"clients of a daemon that asks nobody", Delivery{Server: server, CertificatesOnly: true, Options: clients}, `{"tls": true, "tlscert": "/etc/c", "tlskey": "/etc/k"}`, AboutOptions,
			"/etc/docker/daemon.json names no tlscacert, so that clients would not be asked who they are. Set options, so that it is written there, or leave clients out. Nothing was changed on the host."},
		{"no JSON", Delivery{Server: server, Options: docker.DefaultOptions()}, "{,}", AboutOptions, "is no JSON in line 1"},
		{"a certificate that is none of a server", Delivery{Server: wrong, Options: docker.DefaultOptions()}, "", AboutServer, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := newTarget(test.d, hostFile{content: test.existing})
			wantAbout(t, err, test.about, test.want)
		})
	}
}

func TestChangeNone(t *testing.T) {
	ca := newAuthority(t, "Docker CA")
	_, old := ca.server(t, "web1.example.com", noon)
	_, leaf := ca.server(t, "web1.example.com", noon)
	for _, test := range []struct {
		name    string
		differ  []string
		restart bool
		serves  bool
		want    bool
	}{
		{"all is there, and served", nil, true, true, true},
		{"all is there, and another is served", nil, true, false, false},
		{"all is there, and nobody asks what is served", nil, false, false, true},
		{"a file differs", []string{"/etc/c.pem"}, true, true, false},
		{"a file differs, without restart", []string{"/etc/c.pem"}, false, true, false},
	} {
		served := old
		if test.serves {
			served = leaf
		}
		if got := (change{differ: test.differ, leaf: leaf}).none(Delivery{Restart: test.restart}, served); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

func TestDiffers(t *testing.T) {
	for _, test := range []struct {
		name   string
		there  hostFile
		wanted docker.HostFile
		want   bool
	}{
		{"the same", hostFile{content: "a", mode: 0o444, exists: true}, docker.HostFile{Content: "a", Permissions: "0444"}, false},
		{"a link to elsewhere", hostFile{link: "../a", exists: true}, docker.HostFile{Content: "a", Permissions: "0444"}, true},
		{"other content", hostFile{content: "b", mode: 0o444, exists: true}, docker.HostFile{Content: "a", Permissions: "0444"}, true},
		{"absent", hostFile{}, docker.HostFile{Permissions: "0444"}, true},
		{"public, with another mode", hostFile{content: "a", mode: 0o600, exists: true}, docker.HostFile{Content: "a", Permissions: "0644"}, false},
		{"a key for root", hostFile{content: "a", mode: 0o600, exists: true}, docker.HostFile{Content: "a", Permissions: "0400"}, false},
		{"a key for a group", hostFile{content: "a", mode: 0o440, exists: true}, docker.HostFile{Content: "a", Permissions: "0400"}, true},
		{"a key for all", hostFile{content: "a", mode: 0o404, exists: true}, docker.HostFile{Content: "a", Permissions: "0400"}, true},
	} {
		if got := differs(test.there, test.wanted); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
