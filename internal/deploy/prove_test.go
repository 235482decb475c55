package deploy

import (
	"slices"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

// What switch.sh reads, and daemon.json with the certificates where they lie
// before the switch.
func TestStagedAndChecked(t *testing.T) {
	c := change{
		target: target{
			files: map[string]docker.HostFile{
				"/etc/c.pem": {Content: "certificate", Permissions: "0444"}, "/var/k.pem": {Content: "key", Permissions: "0400"},
				"/srv/a/ca.pem": {Content: "authorities", Permissions: "0444"},
			},
			paths: docker.CertificatePaths{CA: "/srv/a/ca.pem", Cert: "/etc/c.pem", Key: "/var/k.pem"},
			json:  otherPaths,
		},
		differ: []string{"/etc/c.pem", "/var/k.pem"},
	}
	want := []entry{
		{"new/", ""}, {"new/0", "certificate"}, {"new/1", "key"},
		{"manifest", "0 0444 /etc/c.pem\n1 0400 /var/k.pem\n"},
	}
	if got := c.staged(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	for _, test := range []struct {
		name   string
		differ []string
		paths  docker.CertificatePaths
	}{
		{"nothing is new", nil, docker.CertificatePaths{CA: "/srv/a/ca.pem", Cert: "/etc/c.pem", Key: "/var/k.pem"}},
		{"two are new", c.differ, docker.CertificatePaths{CA: "/srv/a/ca.pem", Cert: "/run/docker-tls/new/0", Key: "/run/docker-tls/new/1"}},
		{"one and the authorities", []string{docker.DaemonJSONPath, "/srv/a/ca.pem", "/var/k.pem"}, docker.CertificatePaths{CA: "/run/docker-tls/new/1", Cert: "/etc/c.pem", Key: "/run/docker-tls/new/2"}},
	} {
		c.differ = test.differ
		text, err := c.checked()
		if err != nil {
			t.Fatal(err)
		}
		want, err := docker.WithCertificates(otherPaths, test.paths)
		if err != nil || text != want {
			t.Errorf("%s: got %s, want %s, %v", test.name, text, want, err)
		}
	}
}
