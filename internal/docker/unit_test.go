package docker

import (
	"path"
	"strings"
	"testing"
)

// showing is what systemctl show says of a unit that starts a command.
func showing(command string, more ...string) string {
	return "LoadState=loaded\nExecStart={ path=/usr/bin/dockerd ; argv[]=" + command +
		" ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n" + strings.Join(more, "\n")
}

func TestUnit(t *testing.T) {
	const debian, file = "/usr/sbin/dockerd -H fd:// $DOCKER_OPTS", "EnvironmentFiles=/etc/default/docker (ignore_errors=yes)"
	socket, hosts := DefaultOptions(), DefaultOptions()
	hosts.Listen = ListenHosts
	for _, test := range []struct {
		name, show string
		listen     string // or a part of the error
		o          Options
		json, want string // a part of the error of Check
	}{
		{"Debian", showing(debian, file), ListenSocket, socket, `{"tlsverify": true}`, ""},
		{"Docker's own", showing("/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock"), ListenSocket, socket, `{"containerd": "/run/containerd/containerd.sock"}`,
			`with --containerd, and /etc/docker/daemon.json would have "containerd" too`},
		{"Fedora", showing("/usr/bin/dockerd --host=fd:// --exec-opt native.cgroupdriver=systemd $OPTIONS", "OPTIONS='--live-restore --log-driver=journald'"), ListenSocket, socket,
			`{"debug": true, "live-restore": true}`, "with --live-restore"},
		{"a list's flag is its singular", showing("/usr/bin/dockerd -H fd:// --label a=b"), ListenSocket, socket, `{"labels": ["c=d"]}`, "with --label,"},
		{"openSUSE, where no -H is", showing("/usr/bin/dockerd --add-runtime oci=/usr/sbin/docker-runc $DOCKER_NETWORK_OPTIONS"), ListenHosts, hosts, `{"hosts": []}`, ""},
		{"no -H, and a socket", showing("/usr/bin/dockerd"), ListenHosts, socket, "", `use "hosts"`},
		{"-H fd://, and hosts", showing(debian), ListenSocket, hosts, "", `use "socket"`},
		{"-H unix:// alone", showing("/usr/bin/dockerd -H unix:///var/run/docker.sock"), "-H unix:///var/run/docker.sock and without -H fd://", socket, "", "add -H fd://"},
		{"-H tcp:// from a variable", showing("/usr/bin/dockerd ${HOSTS}", `Environment="HOSTS=-H=tcp://0.0.0.0:2375" OTHER=x`), "-H tcp://0.0.0.0:2375 and without", hosts, "", "take -H out"},
		{"a variable that nobody uses", showing("/usr/bin/dockerd -H fd://", file, "DOCKER_OPTS=--debug"), ListenSocket, socket, `{"debug": true}`, ""},
		{"a comment in a file", showing(debian, file, `#DOCKER_OPTS="--debug"`), ListenSocket, socket, `{"debug": true}`, ""},
		{"a flag in a file", showing(debian, file, `DOCKER_OPTS="--debug"`), ListenSocket, socket, `{"debug": true}`, "with --debug"},
		{"TLS by flags", showing("/usr/bin/dockerd -H fd:// --tlsverify --tlscert=/c"), ListenSocket, socket, `{"tlscert": "/d"}`, "with --tlscert"},
		{"variables that multiply", showing("/usr/bin/dockerd"+strings.Repeat(" $A", 100), "A="+strings.Repeat("a", 1<<11)), ListenSocket, socket, `{"debug": true}`, ""},
		{"a script", showing("/usr/local/bin/start-docker"), ListenSocket, socket, `{"debug": true}`, ""},
		{"no unit", "LoadState=not-found\n", ListenSocket, socket, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := ParseUnit(test.show)
			listen, err := u.Listen()
			if err != nil {
				listen = err.Error()
			}
			if !strings.Contains(listen, test.listen) {
				t.Errorf("listens by %q, want %q", listen, test.listen)
			}
			switch err := u.Check(test.o, test.json); {
			case err == nil && test.want != "":
				t.Errorf("no error, want %q", test.want)
			case err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// Whatever a host says of its unit, what comes of it is dockerd or nothing, and not
// much longer than what was said.
func FuzzParseUnit(f *testing.F) {
	f.Add(showing("/usr/sbin/dockerd -H fd:// $DOCKER_OPTS", "DOCKER_OPTS='--debug'"), `{"debug": true}`)
	f.Add(showing("/usr/bin/dockerd ${HOSTS}", `Environment="HOSTS=-H=tcp://0.0.0.0:2375" OTHER=x`), `{"hosts": []}`)
	f.Add(showing("$A$A$A/dockerd", "A=/"), "")
	f.Add(showing("/usr/bin/dockerd"+strings.Repeat(" $A", 100), "A="+strings.Repeat("a", 1<<11)), "")
	f.Add(showing("/usr/bin/dockerd -H", "A"), "{")
	f.Add("ExecStart={ ; argv[]=dockerd $ ${ ${} ; ignore_errors=", "{}")
	f.Fuzz(func(t *testing.T, show, daemonJSON string) {
		u := ParseUnit(show)
		size := 0
		for _, word := range u.words {
			size += len(word)
		}
		if size > maxCommand {
			t.Errorf("the command has %d octets", size)
		}
		if u.words != nil && path.Base(u.words[0]) != "dockerd" {
			t.Errorf("it starts %q", u.words[0])
		}
		listen, err := u.Listen()
		if (listen == ListenSocket || listen == ListenHosts) != (err == nil) {
			t.Errorf("it listens by %q, %v", listen, err)
		}
		o := DefaultOptions()
		o.Listen = listen
		if err == nil && daemonJSON == "" {
			if err := u.Check(o, ""); err != nil {
				t.Errorf("it listens by %q, and refuses that: %v", listen, err)
			}
		}
		_ = u.Check(DefaultOptions(), daemonJSON)
	})
}
