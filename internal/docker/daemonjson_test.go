package docker

import (
	"encoding/json"
	"testing"
)

func TestDaemonJSON(t *testing.T) {
	for _, test := range []struct {
		name string
		o    map[string]any
		want string
	}{
		{"default", nil, `{
  "tlscacert": "/etc/docker/tls/ca.pem",
  "tlscert": "/etc/docker/tls/server-cert.pem",
  "tlskey": "/etc/docker/tls/server-key.pem",
  "tlsverify": true
}
`},
		{"mode tls needs no authority, and says that it does not verify", map[string]any{"mode": "tls", "directory": "/srv/tls"}, `{
  "tls": true,
  "tlscert": "/srv/tls/server-cert.pem",
  "tlskey": "/srv/tls/server-key.pem",
  "tlsverify": false
}
`},
		{"hosts keep the Unix socket", map[string]any{"listen": "hosts", "port": json.Number("12376")}, `{
  "hosts": [
    "unix:///var/run/docker.sock",
    "tcp://0.0.0.0:12376"
  ],
  "tlscacert": "/etc/docker/tls/ca.pem",
  "tlscert": "/etc/docker/tls/server-cert.pem",
  "tlskey": "/etc/docker/tls/server-key.pem",
  "tlsverify": true
}
`},
		{"one address", map[string]any{"listen": "hosts", "address": "fd00::5"}, `{
  "hosts": [
    "unix:///var/run/docker.sock",
    "tcp://[fd00::5]:2376"
  ],
  "tlscacert": "/etc/docker/tls/ca.pem",
  "tlscert": "/etc/docker/tls/server-cert.pem",
  "tlskey": "/etc/docker/tls/server-key.pem",
  "tlsverify": true
}
`},
		{"settings are merged and sorted", map[string]any{"settings": map[string]any{
			"log-opts":                 map[string]any{"max-size": "10m", "labels": "<a>&b"},
			"live-restore":             true,
			"of-a-later-version":       json.Number("100000000000000000000"),
			"max-concurrent-downloads": "7",
			"insecure-registries":      []any{},
		}}, `{
  "insecure-registries": [],
  "live-restore": true,
  "log-opts": {
    "labels": "<a>&b",
    "max-size": "10m"
  },
  "max-concurrent-downloads": 7,
  "of-a-later-version": 100000000000000000000,
  "tlscacert": "/etc/docker/tls/ca.pem",
  "tlscert": "/etc/docker/tls/server-cert.pem",
  "tlskey": "/etc/docker/tls/server-key.pem",
  "tlsverify": true
}
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, err := NewOptions(test.o)
			if err != nil {
				t.Fatal(err)
			}
			got, err := DaemonJSON(o)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// Options that nothing checked must not become a daemon without TLS.
func TestDaemonJSONRefusesZeroOptions(t *testing.T) {
	if text, err := DaemonJSON(Options{}); err == nil {
		t.Errorf("got %s, want an error", text)
	}
}

// Writing daemon.json must not write into the settings it was given.
func TestDaemonJSONLeavesSettingsAlone(t *testing.T) {
	o := DefaultOptions()
	o.Settings = map[string]any{"debug": true}
	if _, err := DaemonJSON(o); err != nil {
		t.Fatal(err)
	}
	if len(o.Settings) != 1 {
		t.Errorf("settings became %v", o.Settings)
	}
}
