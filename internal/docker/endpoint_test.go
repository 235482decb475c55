package docker

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
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
		{"tcp://2001:db8::1", "tcp://[2001:db8::1]:2376"},
		{"2001:db8::1:abcd", "tcp://[2001:db8::1:abcd]:2376"},
		{"2001:db8:0:0:0:0:0:1", "tcp://[2001:db8::1]:2376"},
		{"[2001:db8::1:2376]", "tcp://[2001:db8::1:2376]:2376"},
		{"[::ffff:10.0.0.5]:1", "tcp://[::ffff:10.0.0.5]:1"},
		{"tcp://web1:2376/", "tcp://web1:2376"},
		{"tcp://web1/", "tcp://web1:2376"},
		{"web1:02376", "tcp://web1:2376"},
		{"web1.example.com.:2376", "tcp://web1.example.com.:2376"},
		{"tcp://_a.b_:1", "tcp://_a.b_:1"},
		{strings.Repeat("a", 63) + ":1", "tcp://" + strings.Repeat("a", 63) + ":1"},
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
		{"TCP://web1:2376", "TLS certificates are for TCP"},
		{"tcp://web1:2376/v1.41", "write tcp://host:port and nothing more"},
		{"tcp://web1:2376//", "write tcp://host:port and nothing more"},
		{"tcp://web1:2376?x=1", "write tcp://host:port and nothing more"},
		{"tcp://web1:2376#x", "write tcp://host:port and nothing more"},
		{"root@web1:2376", "write tcp://host:port and nothing more"},
		{" web1", "write tcp://host:port and nothing more"},
		{"/", "host is empty"},
		{"web1:", "the port must be a number from 1 to 65535"},
		{"web1:docker", "the port must be a number"},
		{"web1:0", "the port must be a number"},
		{"web1:+2376", "the port must be a number"},
		{"web1:65536", "the port must be a number"},
		{"[::1]:", "the port must be a number"},
		{"2001:db8::1:x:2376", "an IPv6 address in brackets"},
		{"tcp://2001:db8::1:2376", "it is not clear whether the end is a port: write tcp://[2001:db8::1]:2376 or tcp://[2001:db8::1:2376]"},
		{"2001:db8::1:2376", "it is not clear whether the end is a port"},
		{"::1:1", "it is not clear whether the end is a port"},
		{"tcp://[::1", "an IPv6 address in brackets"},
		{"::1]", "an IPv6 address in brackets"},
		{"]::1[", "an IPv6 address in brackets"},
		{"[::1]2376", "an IPv6 address in brackets"},
		{"[10.0.0.5]:2376", "an IPv6 address in brackets"},
		{"[web1]:2376", "an IPv6 address in brackets"},
		{"fe80::1%eth0", `"fe80::1%eth0" has a zone, which neither Docker nor a certificate can name`},
		{"tcp://[fe80::1%eth0]:2376", "has a zone"},
		{"tcp://[fe80::1%25eth0]:2376", "has a zone"},
		{"[fe80::1%\x1b[31m]:2376", `\x1b`},
		{":2376", `"" is neither a host name nor an IP address`},
		{"-web1:2376", `"-web1" is neither`},
		{"web..1", `"web..1" is neither`},
		{"*.example.com:2376", `"*.example.com" is neither`},
		{"b\u00fccher:2376", "is neither a host name nor an IP address"},
		{strings.Repeat("a", 64), "is neither a host name nor an IP address"},
		{strings.Repeat("a.", 127) + "a", "is neither a host name nor an IP address"},
		{"10.0.0.256:2376", `"10.0.0.256" ends in a number, as only an IP address does`},
		{"127.1:2376", "ends in a number"},
	} {
		t.Run(test.in, func(t *testing.T) {
			e, err := ParseEndpoint(test.in)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v, want an error with %q", e, err, test.want)
			}
		})
	}
}

func TestCheckServerName(t *testing.T) {
	for _, good := range []string{"web1", "docker_in_docker", "web1.example.com.", "10.0.0.5", "2001:db8::1"} {
		if err := CheckServerName(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", " ", "web1:2376", "tcp://web1", "[::1]", "fe80::1%lo", "*.example.com", "a\x1b[2Jb"} {
		switch err := CheckServerName(bad); {
		case err == nil:
			t.Errorf("%q passes", bad)
		case strings.Contains(err.Error(), "\x1b"):
			t.Errorf("%q: the error has a control character", bad)
		}
	}
}

// What this parser makes of a host, the docker command takes, to the letter; and
// what it refuses of zones and signs, the docker command refuses too.
func TestParseEndpointAsDockerDoes(t *testing.T) {
	program, err := exec.LookPath("docker")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("no docker command")
	}
	if err != nil {
		t.Skip("no docker command")
	}
	// The proxy is where a daemon would be, so that no name is asked for: the
	// docker command reports what it called.
	port := strconv.Itoa(closedPort(t).Port)
	call := func(host string) string {
		command := exec.CommandContext(patience(t), program, "--config", t.TempDir(), "-H", host, "version")
		command.Env = append(os.Environ(), "HTTP_PROXY=http://127.0.0.1:"+port, "http_proxy=http://127.0.0.1:"+port, "NO_PROXY=", "no_proxy=")
		out, _ := command.CombinedOutput()
		return string(out)
	}
	const refused = "Failed to initialize"
	for _, host := range []string{
		"tcp://web1.example.invalid:2376/", "docker_in_docker:2376", "tcp://_a.b_:1", "[2001:db8::1]:2376", "2001:db8::1",
	} {
		e, err := ParseEndpoint(host)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, spelling := range []string{host, e.URL()} {
			if out := call(spelling); strings.Contains(out, refused) || !strings.Contains(out, e.Host) && !strings.Contains(out, "proxyconnect") {
				t.Errorf("docker -H %s: %s", spelling, out)
			}
		}
	}
	for _, host := range []string{
		"tcp://[fe80::1%eth0]:2376", "tcp://[fe80::1%25eth0]:2376", "fe80::1%eth0", "web1:+2376", "web1:docker", "tcp://[::1", "::1]", "TCP://web1:1", "https://web1:1",
	} {
		if e, err := ParseEndpoint(host); err == nil {
			t.Errorf("%q becomes %v", host, e)
		}
		if out := call(host); !strings.Contains(out, refused) {
			t.Errorf("docker -H %s: %s", host, out)
		}
	}
}

// What is accepted is the same in every spelling of it, and is dialled as it is
// written. A password before an @ is not repeated.
func FuzzParseEndpoint(f *testing.F) {
	for _, seed := range []string{"", "tcp://web1.example.com:2376/", "web1", "[2001:db8::1]:1", "2001:DB8::1", "::1:1", "tcp://[fe80::1%25eth0]:1", "::ffff:10.0.0.5", "a_b.:65535", "https://web1", "tcp://root:sesame-open@web1", "tcp://root:sesame-open@web1/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_ = CheckServerName(text)
		e, err := ParseEndpoint(text)
		if err != nil {
			if user, _, found := strings.Cut(text, "@"); found {
				if _, password, _ := strings.Cut(strings.TrimPrefix(user, "tcp://"), ":"); len(password) > 8 && strings.Contains(err.Error(), password) {
					t.Errorf("the error repeats what is before the @: %v", err)
				}
			}
			return
		}
		for _, spelling := range []string{e.URL(), e.Address(), e.URL() + "/"} {
			if again, err := ParseEndpoint(spelling); err != nil || again != e {
				t.Errorf("%q becomes %v, and %q %v, %v", text, e, spelling, again, err)
			}
		}
		if host, port, err := net.SplitHostPort(e.Address()); err != nil || host != e.Host || port != strconv.Itoa(e.Port) {
			t.Errorf("%q is dialled as %q and %q, %v", text, host, port, err)
		}
		if u, err := url.Parse(e.URL()); err != nil || u.Hostname() != e.Host || u.Port() != strconv.Itoa(e.Port) {
			t.Errorf("%q is the URL %v, %v", text, u, err)
		}
		if err := CheckServerName(e.Host); err != nil {
			t.Errorf("%q is accepted, and no server has the name: %v", text, err)
		}
	})
}
