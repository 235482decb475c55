package docker

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// unitCheck is a command with which systemd looks at docker.service before it
// starts dockerd.
var unitCheck = regexp.MustCompile(`(?m)^ExecStartPre=/bin/sh -c '([^']*)'$`)

// dropInCheck returns the unitChecks as systemd has them, in the drop-in of a
// host with settings.
func dropInCheck(t *testing.T) string {
	t.Helper()
	o := DefaultOptions()
	o.Settings = map[string]any{
		"live-restore": true, "log-driver": "journald", "log-opts": map[string]any{}, "dns": []any{}, "runtimes": map[string]any{},
		"insecure-registries": []any{}, "later key'$": true,
	}
	dropIn := serviceDropIn(o, false)
	checks := unitCheck.FindAllStringSubmatch(dropIn, -1)
	if len(checks) != 2 {
		t.Fatalf("%d checks, want 2, in\n%s", len(checks), dropIn)
	}
	return checks[0][1] + "; " + checks[1][1]
}

// The check knows a dockerd that takes its sockets from systemd by what systemd
// is about to run. systemctl stands in for that of a host, with what systemd 252
// answers there.
func TestSocketCheck(t *testing.T) {
	check := dropInCheck(t)
	shown := func(path, argv string) string {
		return "ExecStart={ path=" + path + " ; argv[]=" + path + " " + argv +
			" ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }"
	}
	for _, test := range []struct {
		name, shown string
		env         []string
		clash       string // a flag; "fd" is -H fd://
	}{
		{"Debian", shown("/usr/sbin/dockerd", "-H fd:// --containerd=/run/containerd/containerd.sock $DOCKER_OPTS"), nil, ""},
		{"Docker CE", shown("/usr/bin/dockerd", "-H fd:// --containerd=/run/containerd/containerd.sock"), nil, ""},
		{"Flatcar", shown("/usr/lib/flatcar/dockerd", "--host=fd:// $DOCKER_SELINUX $DOCKER_OPTS"), nil, ""},
		{"from a variable", shown("/usr/bin/dockerd", "$OPTIONS"), []string{"OPTIONS=--selinux-enabled -H fd://"}, ""},
		{"openSUSE", shown("/usr/bin/dockerd", "--add-runtime oci=/usr/sbin/docker-runc $DOCKER_NETWORK_OPTIONS $DOCKER_OPTS"), []string{"DOCKER_OPTS=--log-level=warn"}, "fd"},
		{"the usual drop-in", shown("/usr/bin/dockerd", ""), nil, "fd"},
		{"docker-machine", shown("/usr/bin/dockerd", "-H tcp://0.0.0.0:2376 -H unix:///var/run/docker.sock"), nil, "fd"},
		{"a flag", shown("/usr/bin/dockerd", "-H fd:// --live-restore"), nil, "live-restore"},
		{"a flag with a value", shown("/usr/bin/dockerd", "-H fd:// --log-driver=json-file --x"), nil, "log-driver"},
		{"a flag of a variable", shown("/usr/bin/dockerd", "-H fd:// $OPTIONS"), []string{"OPTIONS=--live-restore"}, "live-restore"},
		{"the last flag of a variable", shown("/usr/bin/dockerd", "-H fd:// $OPTIONS"), []string{"OPTIONS=--selinux-enabled --log-opt max-size=1m"}, "log-opt"},
		{"a flag that is repeated", shown("/usr/bin/dockerd", "-H fd:// --insecure-registry=a:5000"), nil, "insecure-registry"},
		{"a flag by another name", shown("/usr/bin/dockerd", "-H fd:// --add-runtime oci=/usr/sbin/runc"), nil, "add-runtime"},
		{"a longer flag", shown("/usr/bin/dockerd", "-H fd:// --dns-search example.com --log-level=warn"), nil, ""},
		{"another program", shown("/usr/local/bin/start-docker", ""), nil, ""},
		{"no answer", "", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			stub := "#!/bin/sh\n[ \"$*\" = \"show -pExecStart docker\" ] && cat '" + dir + "/shown'\n"
			if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte(stub), 0o700); err != nil {
				t.Fatal(err)
			}
			run := exec.Command("/bin/sh", "-c", check)
			run.Env = append([]string{"PATH=" + dir + ":/usr/bin:/bin"}, test.env...)
			if err := os.WriteFile(filepath.Join(dir, "shown"), []byte(test.shown), 0o600); err != nil {
				t.Fatal(err)
			}
			said, err := run.CombinedOutput()
			want := ""
			switch test.clash {
			case "":
			case "fd":
				want = "docker-tls: " + noSocketMessage + "\n"
			default:
				want = "docker-tls: " + test.clash + " is set in /etc/docker/daemon.json and by --" + test.clash + " in ExecStart or its variables: remove one\n"
			}
			if (err == nil) != (test.clash == "") || string(said) != want {
				t.Errorf("got %v, %q, want %q", err, said, want)
			}
		})
	}
}
