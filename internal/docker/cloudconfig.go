package docker

import (
	"fmt"
	"strings"
)

// CloudConfig returns #cloud-config user data that turns a host into a TLS
// daemon. Errors of the options are [*OptionError].
//
// write_files runs before sysinit.target, long before packages are installed:
// a Docker that comes with the image, from a package or from a later script
// finds its configuration in place. Only a Docker that already runs must be
// restarted, which runcmd does, last of all.
func CloudConfig(server Identity, o Options) (string, error) {
	files, err := hostFiles(server, o)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("#cloud-config\n")
	if server.PrivateKeyPEM == "" {
		fmt.Fprintf(&b, "# %s\n", keyNotice(o))
	}
	// Lists of this part are appended to those of earlier parts, not dropped.
	b.WriteString("merge_how: 'list(append)+dict(no_replace,recurse_list)+str()'\n")
	b.WriteString("write_files:\n")
	for _, f := range files {
		// The mode is a quoted string: cloud-init reads a bare 400 as decimal.
		fmt.Fprintf(&b, "- path: %s\n  owner: root:root\n  permissions: '%04o'\n%s", f.path, f.mode, yamlContent(f.content))
	}
	b.WriteString("runcmd:\n")
	if o.Listen == ListenSocket {
		// A socket that is open keeps its port until it is stopped.
		fmt.Fprintf(&b, `- systemctl daemon-reload
- systemctl enable %[1]s
- if systemctl cat docker >/dev/null 2>&1; then systemctl stop %[1]s; systemctl restart docker; fi
`, socketUnitName)
	} else {
		// A drop-in of another part is new to systemd, and Docker may have failed
		// without it more often than systemd allows.
		b.WriteString("- if systemctl cat docker >/dev/null 2>&1; then systemctl daemon-reload; systemctl reset-failed docker; systemctl restart docker;" +
			" elif [ -x /etc/init.d/docker ]; then /etc/init.d/docker restart; fi\n")
	}
	return b.String(), nil
}
