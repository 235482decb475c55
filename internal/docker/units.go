package docker

import (
	"fmt"
	"regexp"
	"strings"
)

// Names of the units of [ListenSocket].
const (
	socketUnitName = "docker-tls.socket"
	dropInName     = "10-tls.conf"
)

// What a host says that cannot start dockerd as it should. A shell has it in
// double quotes within systemd's single ones, and $f is the flag.
const (
	noSocketMessage = "no -H fd:// in ExecStart, so its port would not answer: add it, or use listen = hosts"
	clashMessage    = "$f is set in " + DaemonJSONPath + " and by --$f in ExecStart or its variables: remove one"
)

// socketUnit opens the TCP port and hands it to docker.service beside the
// Unix socket of docker.socket. dockerd, started with -H fd:// by nearly every
// packaged unit, serves all sockets it is handed and wraps the TCP ones in TLS
// (moby daemon/listeners). systemd holds the port while Docker restarts, so
// connections wait instead of being refused.
//
// FreeBind opens the port of an address that the host does not have yet: the
// socket is there long before the network.
func socketUnit(o Options) string {
	listen := fmt.Sprintf("ListenStream=%d\nBindIPv6Only=both", o.Port)
	if o.Address.IsValid() {
		listen = fmt.Sprintf("ListenStream=%s\nFreeBind=true", o.endpoint().Address())
	}
	return fmt.Sprintf(`[Unit]
Description=Docker API over TLS

[Socket]
%s
Service=docker.service

[Install]
WantedBy=sockets.target
`, listen)
}

// serviceDropIn makes docker.service start the socket before itself, however
// it is started: systemd refuses to open a socket for a service that already
// runs. Wants rather than Requires, so that a port that is taken costs the
// port and not the containers.
//
// The check before the start exists because the port and its TLS live in two
// files: were daemon.json ever replaced by one without TLS, dockerd would serve
// the socket it is handed in the clear.
//
// unitChecks does the rest.
func serviceDropIn(o Options, keyOnHost bool) string {
	var b strings.Builder
	if keyOnHost {
		fmt.Fprintf(&b, "# %s\n", keyNotice(o))
	}
	fmt.Fprintf(&b, `[Unit]
Wants=%[1]s
After=%[1]s

[Service]
# Without TLS in daemon.json, port %[2]d would be in the clear.
ExecStartPre=/bin/grep -q '%[3]s' %[4]s
`, socketUnitName, o.Port, o.guard(), DaemonJSONPath)
	for _, check := range unitChecks(o) {
		fmt.Fprintf(&b, "ExecStartPre=/bin/sh -c '%s'\n", check)
	}
	return b.String()
}

// guard is what a line of daemon.json has where TLS is on: a regular expression.
func (o Options) guard() string {
	if o.Mode == ModeTLS {
		return `"tls": *true`
	}
	return `"tlsverify": *true`
}

// unitChecks are scripts that look at what systemd is about to run, whichever
// files say so, and at the variables from which that may have its flags. The
// one that fails is in systemctl status, with what it says.
//
// Without -H fd:// dockerd takes no socket of systemd's: the port would accept
// connections that nobody answers, or dockerd would find it taken. A unit that
// starts another program passes: what that does is not known. A setting that is
// a flag too stops dockerd, which says so where systemctl status does not show it.
func unitChecks(o Options) []string {
	const command = `c="$(systemctl show -pExecStart docker) $(env) "; `
	checks := []string{command + `case $c in *fd://*) ;; */dockerd*) echo "docker-tls: ` + noSocketMessage + `"; exit 1; esac`}
	var flags []string
	for _, key := range sortedKeys(o.Settings) {
		if flag := flagOf(key); plainFlag.MatchString(flag) {
			flags = append(flags, flag)
		}
	}
	if len(flags) > 0 {
		checks = append(checks, command+"for f in "+strings.Join(flags, " ")+`; do case $c in *--$f[!-a-z]*) echo "docker-tls: `+clashMessage+`"; exit 1; esac; done`)
	}
	return checks
}

// plainFlag is a flag that means nothing to a shell and to systemd.
var plainFlag = regexp.MustCompile(`^[a-z0-9-]+$`)

// flagOf is dockerd's flag for a key of daemon.json: a flag has one value, and is
// repeated for a list.
func flagOf(key string) string {
	switch key {
	case "insecure-registries":
		return "insecure-registry"
	case "runtimes":
		return "add-runtime"
	}
	if kind := daemonKeys[key].kind; kind == list || kind == object {
		return strings.TrimSuffix(key, "s")
	}
	return key
}

// keyNotice tells the operator where a key that is not delivered must lie.
func keyNotice(o Options) string {
	return fmt.Sprintf("The private key stays on this host and must lie in %s (root:root, 0400).", o.keyFile())
}
