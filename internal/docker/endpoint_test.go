package docker

import (
	"strings"
	"testing"
)

func TestParseEndpoint(t *testing.T) {
	for _, test := range []struct {
		in   string
		want string
	}{
		{"tcp://web1.example.com:2376", "tcp://web1.example.com:2376"},
		{"web1.example.com:12376", "tcp://web1.example.com:12376"},
		{"web1", "tcp://web1:2376"},
		{"tcp://web1", "tcp://web1:2376"},
		{"docker_in_docker:2376", "tcp://docker_in_docker:2376"},
		{"10.0.0.5:2376", "tcp://10.0.0.5:2376"},
		{"10.0.0.5", "tcp://10.0.0.5:2376"},
		{"[2001:db8::1]:2376", "tcp://[2001:db8::1]:2376"},
		{"tcp://[2001:db8::1]", "tcp://[2001:db8::1]:2376"},
		{"2001:db8::1", "tcp://[2001:db8::1]:2376"},
	} {
		t.Run(test.in, func(t *testing.T) {
			e, err := ParseEndpoint(test.in)
			if err != nil {
				t.Fatal(err)
			}
			if e.URL() != test.want {
				t.Errorf("got %s, want %s", e.URL(), test.want)
			}
		})
	}
}

func TestParseEndpointErrors(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"", "host is empty"},
		{"tcp://", "host is empty"},
		{"unix:///var/run/docker.sock", "TLS certificates are for TCP; write tcp://host:port"},
		{"ssh://web1", "TLS certificates are for TCP"},
		{"https://web1:2376", "write tcp:// instead of https://"},
		{"tcp://web1:2376/v1.41", "write tcp://host:port and nothing more"},
		{"root@web1:2376", "write tcp://host:port and nothing more"},
		{"web1:", "the port must be a number from 1 to 65535"},
		{"web1:docker", "the port must be a number"},
		{"web1:0", "the port must be a number"},
		{"web1:65536", "the port must be a number"},
		{"2001:db8::1:x:2376", "an IPv6 address in brackets"},
		{":2376", `"" is neither a host name nor an IP address`},
		{"-web1:2376", `"-web1" is neither`},
		{"web..1", `"web..1" is neither`},
		{"*.example.com:2376", `"*.example.com" is neither`},
	} {
		t.Run(test.in, func(t *testing.T) {
			e, err := ParseEndpoint(test.in)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v, want an error with %q", e, err, test.want)
			}
		})
	}
}
