package docker

import (
	"fmt"
	"strings"
)

// Names of the units of [ListenSocket].
const (
	socketUnitName = "docker-tls.socket"
	dropInName     = "10-tls.conf"
)

// socketUnit opens the TCP port and hands it to docker.service beside the
// Unix socket of docker.socket. dockerd, started with -H fd:// by every
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
func serviceDropIn(o Options, keyOnHost bool) string {
	guard := "tlsverify"
	if o.Mode == ModeTLS {
		guard = "tls"
	}
	var b strings.Builder
	if keyOnHost {
		fmt.Fprintf(&b, "# %s\n", keyNotice(o))
	}
	fmt.Fprintf(&b, `[Unit]
Wants=%[1]s
After=%[1]s

[Service]
# Without TLS in daemon.json, port %[2]d would be in the clear.
ExecStartPre=/bin/grep -q '"%[3]s": *true' %[4]s
`, socketUnitName, o.Port, guard, daemonJSONPath)
	return b.String()
}

// keyNotice tells the operator where a key that is not delivered must lie.
func keyNotice(o Options) string {
	return fmt.Sprintf("The private key stays on this host and must lie in %s (root:root, 0400).", o.keyFile())
}
