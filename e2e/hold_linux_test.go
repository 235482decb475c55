package e2e

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// holdConnections makes the kernel drop what new clients send to a listening socket, until release is called. They do
// not notice: TCP sends it again. Open connections go on. On a host, a firewall rule that drops new connections to the
// port does the same.
func holdConnections(t *testing.T, socket *net.TCPListener) (release func()) {
	t.Helper()
	raw, err := socket.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	control := func(what string, set func(fd int) error) {
		var failed error
		if err := raw.Control(func(fd uintptr) { failed = set(int(fd)) }); err != nil {
			failed = err
		}
		if failed != nil {
			t.Fatalf("%s: %v", what, failed)
		}
	}
	// One instruction: return 0, the number of bytes of a packet to keep. See Linux's networking/filter.rst.
	drop := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	control("attach a socket filter", func(fd int) error {
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(drop)), Filter: &drop[0]})
	})
	return func() {
		control("detach the socket filter", func(fd int) error {
			return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
		})
	}
}

// waitForNoConnection waits until no connection to a local port is open: each request has its answer.
func waitForNoConnection(t *testing.T, port string) {
	t.Helper()
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	local := fmt.Sprintf(":%04X", number)
	eventually(t, 30*time.Second, "no connection to the daemon is open", func() bool {
		table, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(table)) {
			// sl, local address, remote address, state: 01 is ESTABLISHED, 08 is CLOSE_WAIT.
			if f := strings.Fields(line); len(f) > 3 && strings.HasSuffix(f[1], local) && (f[3] == "01" || f[3] == "08") {
				return false
			}
		}
		return true
	})
}
