package docker

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Unit is how systemd starts the daemon of a host.
type Unit struct {
	words []string // the command with its arguments; nil if it is not dockerd
}

// UnitProperties are those of systemctl show that [ParseUnit] reads.
var UnitProperties = []string{"LoadState", "ExecStart", "Environment", "EnvironmentFiles"}

// maxCommand bounds a command with its variables, as Linux bounds an argument.
const maxCommand = 128 << 10

var (
	argv       = regexp.MustCompile(`(?m)^ExecStart=\{.*? ; argv\[\]=(.*?) ; ignore_errors=`)
	assignment = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)=(.*)$`)
)

// ParseUnit reads what systemctl show says of docker.service, and below it the texts
// of its environment files. What is not dockerd, such as a script that starts it,
// is not looked into.
func ParseUnit(show string) Unit {
	command := argv.FindStringSubmatch(show)
	if command == nil {
		return Unit{}
	}
	variables := map[string]string{}
	for line := range strings.Lines(show) {
		line = strings.TrimSpace(line)
		if values, is := strings.CutPrefix(line, "Environment="); is {
			for _, value := range strings.Fields(values) {
				assign(variables, strings.Trim(value, `"'`))
			}
			continue
		}
		assign(variables, line)
	}
	left := maxCommand - len(command[1])
	words := strings.Fields(os.Expand(command[1], func(name string) string {
		if left -= len(variables[name]); left < 0 {
			return ""
		}
		return variables[name]
	}))
	if left < 0 || len(words) == 0 || path.Base(words[0]) != "dockerd" {
		return Unit{}
	}
	return Unit{words}
}

// assign reads NAME=VALUE, where the value may be in quotes (systemd.exec(5)).
func assign(variables map[string]string, text string) {
	if m := assignment.FindStringSubmatch(text); m != nil {
		variables[m[1]] = strings.Trim(m[2], `"'`)
	}
}

// Listen is how dockerd can be had listen to a port: by a socket of systemd where it
// takes one, and by itself where the unit does not say where to listen.
func (u Unit) Listen() (string, error) {
	hosts := u.values("host", "H")
	switch {
	case u.words == nil, slices.Contains(hosts, "fd://"):
		return ListenSocket, nil
	case len(hosts) == 0:
		return ListenHosts, nil
	}
	return "", fmt.Errorf("docker.service starts dockerd with -H %s and without -H fd://, so that no port can be added: take -H out of ExecStart, or add -H fd://", strings.Join(hosts, " -H "))
}

// Check reports what would keep dockerd from starting, or its port from answering,
// with the options and with a daemon.json.
func (u Unit) Check(o Options, daemonJSON string) error {
	if u.words == nil {
		return nil
	}
	listen, err := u.Listen()
	switch {
	case err != nil:
		return err
	case o.Listen == ListenSocket && listen != ListenSocket:
		return optionErrorf("option \"listen\" is %q, and docker.service starts dockerd without -H fd://, so that its port would not answer: use %q", ListenSocket, ListenHosts)
	case o.Listen == ListenHosts && listen != ListenHosts:
		return optionErrorf("option \"listen\" is %q, and docker.service starts dockerd with -H, so that dockerd would not start: use %q", ListenHosts, ListenSocket)
	}
	members, err := parseMembers(daemonJSON)
	if err != nil {
		return err
	}
	for _, m := range members {
		if flag := flagOf(m.key); m.key != "hosts" && u.has(flag) {
			return fmt.Errorf("docker.service starts dockerd with --%s, and %s would have %q too, so that dockerd would not start: take one of them out", flag, DaemonJSONPath, Printable(m.key))
		}
	}
	return nil
}

func (u Unit) has(flag string) bool {
	return slices.ContainsFunc(u.words, func(word string) bool { return word == "--"+flag || strings.HasPrefix(word, "--"+flag+"=") })
}

// values are those of a flag, in its long and its short form.
func (u Unit) values(long, short string) (values []string) {
	for i, word := range u.words {
		for _, flag := range []string{"--" + long, "-" + short} {
			switch value, joined := strings.CutPrefix(word, flag+"="); {
			case joined:
				values = append(values, value)
			case word == flag && i+1 < len(u.words):
				values = append(values, u.words[i+1])
			}
		}
	}
	return values
}
