//go:build unix

package process

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// endWithTerraform ends the process when Terraform has gone without ending it, as it goes when it is killed. Terraform
// holds the other end of standard output as long as it lives; poll(2) tells when that end is closed.
func endWithTerraform() {
	stdout := []unix.PollFd{{Fd: 1}}
	go func() {
		for {
			n, err := unix.Poll(stdout, -1)
			if err != nil && !errors.Is(err, unix.EINTR) {
				return
			}
			if n > 0 {
				os.Exit(1)
			}
		}
	}()
}
