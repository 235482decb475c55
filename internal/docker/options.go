package docker

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// How a daemon treats its clients over TCP.
const (
	// ModeTLSVerify serves only clients whose certificate the authority signed.
	ModeTLSVerify = "tlsverify"
	// ModeTLS encrypts, but serves everyone.
	ModeTLS = "tls"
	// ModePlain is what [Probe.Run] reports of a daemon without TLS. It is
	// never configured here.
	ModePlain = "plain"
)

// Who opens the daemon's TCP port.
const (
	// ListenSocket has systemd open it and hand it over, which works with
	// Docker's packaged unit as it is.
	ListenSocket = "socket"
	// ListenHosts has dockerd open it, by "hosts" in daemon.json.
	ListenHosts = "hosts"
)

// DefaultPort is the IANA port of Docker over TLS.
const DefaultPort = 2376

const (
	defaultDirectory = "/etc/docker/tls"
	daemonJSONPath   = "/etc/docker/daemon.json"
)

// Options say how a daemon is set up. The zero value is not usable: take
// [DefaultOptions] or [NewOptions].
type Options struct {
	Mode      string         // ModeTLSVerify or ModeTLS
	Directory string         // absolute, where the certificates lie on the host
	Port      int            // TCP port, 1 to 65535
	Listen    string         // ListenSocket or ListenHosts
	Settings  map[string]any // more of daemon.json, as encoding/json marshals it
}

// OptionError is an error of the options, not of the certificates given beside
// them.
type OptionError struct{ text string }

func (e *OptionError) Error() string { return e.text }

func optionErrorf(format string, a ...any) *OptionError {
	return &OptionError{fmt.Sprintf(format, a...)}
}

// DefaultOptions are what a daemon gets that asks for nothing.
func DefaultOptions() Options {
	return Options{Mode: ModeTLSVerify, Directory: defaultDirectory, Port: DefaultPort, Listen: ListenSocket}
}

// optionKeys are the keys of NewOptions, in the order in which messages list them.
var optionKeys = []string{"mode", "directory", "port", "listen", "settings"}

// NewOptions checks raw options: values as encoding/json decodes them, numbers
// as [json.Number]. A missing key, and one that is nil, has its default.
// Every error is an [*OptionError].
func NewOptions(raw map[string]any) (Options, error) {
	o := DefaultOptions()
	for _, key := range sortedKeys(raw) {
		value := raw[key]
		if !slices.Contains(optionKeys, key) {
			return Options{}, optionErrorf("unknown option %q: the options are %s", key, strings.Join(optionKeys, ", "))
		}
		if value == nil {
			continue
		}
		var err error
		switch key {
		case "mode":
			o.Mode, err = oneOf(key, value, ModeTLSVerify, ModeTLS)
		case "directory":
			o.Directory, err = directory(value)
		case "port":
			o.Port, err = port(value)
		case "listen":
			o.Listen, err = oneOf(key, value, ListenSocket, ListenHosts)
		case "settings":
			o.Settings, err = settings(value)
		}
		if err != nil {
			return Options{}, err
		}
	}
	return o, nil
}

func oneOf(key string, value any, allowed ...string) (string, error) {
	s, ok := value.(string)
	if !ok || !slices.Contains(allowed, s) {
		return "", optionErrorf("option %q is %s: it must be one of %q", key, describe(value), allowed)
	}
	return s, nil
}

// plainPath holds characters that mean nothing to a shell, to YAML or to
// systemd, so that a directory is the same in every file it is written to.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._+@-]+)+$`)

func directory(value any) (string, error) {
	s, ok := value.(string)
	if !ok {
		return "", optionErrorf("option \"directory\" is %s: it must be a string such as %q", describe(value), defaultDirectory)
	}
	if !path.IsAbs(s) {
		// dockerd would look for a relative tlscacert from its working directory.
		return "", optionErrorf("option \"directory\" is %q: it must be absolute, such as %q", s, defaultDirectory)
	}
	d := strings.TrimSuffix(s, "/")
	if !plainPath.MatchString(d) || path.Clean(d) != d {
		return "", optionErrorf("option \"directory\" is %q: it must be a plain absolute path of letters, digits and . _ + @ -, such as %q", s, defaultDirectory)
	}
	return d, nil
}

func port(value any) (int, error) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, optionErrorf("option \"port\" is %s: it must be a number such as %d", describe(value), DefaultPort)
	}
	i, err := n.Int64()
	if err != nil || i < 1 || i > 65535 {
		return 0, optionErrorf("option \"port\" is %s: it must be a whole number from 1 to 65535", n)
	}
	return int(i), nil
}

// ownSettings are the keys of daemon.json that the other options decide.
var ownSettings = map[string]string{
	"hosts":     `use the options "listen" and "port"`,
	"tls":       `use the option "mode"`,
	"tlsverify": `use the option "mode"`,
	"tlscacert": `use the option "directory"`,
	"tlscert":   `use the option "directory"`,
	"tlskey":    `use the option "directory"`,
}

func settings(value any) (map[string]any, error) {
	m, ok := value.(map[string]any)
	if !ok {
		return nil, optionErrorf("option \"settings\" is %s: it must be an object of daemon.json keys, such as { live-restore = true }", describe(value))
	}
	out := make(map[string]any, len(m))
	for _, key := range sortedKeys(m) {
		// dockerd decodes daemon.json with encoding/json, which ignores case.
		if hint, own := ownSettings[strings.ToLower(key)]; own {
			return nil, optionErrorf("option \"settings\" has %q, which would overwrite the TLS setup: %s instead", key, hint)
		}
		if v := m[key]; v != nil {
			out[key] = withoutNulls(v)
		}
	}
	return out, nil
}

// withoutNulls leaves out what is nil, at any depth. dockerd would take a null in
// a list for an empty text.
func withoutNulls(value any) any {
	switch value := value.(type) {
	case []any:
		kept := []any{}
		for _, element := range value {
			if element != nil {
				kept = append(kept, withoutNulls(element))
			}
		}
		return kept
	case map[string]any:
		kept := map[string]any{}
		for key, element := range value {
			if element != nil {
				kept[key] = withoutNulls(element)
			}
		}
		return kept
	}
	return value
}

// describe names a value of the wrong kind without showing what is in it.
func describe(value any) string {
	switch v := value.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case json.Number:
		return "the number " + v.String()
	case bool:
		return fmt.Sprintf("the boolean %t", v)
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return fmt.Sprintf("of type %T", value)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (o Options) caFile() string   { return path.Join(o.Directory, "ca.pem") }
func (o Options) certFile() string { return path.Join(o.Directory, "server-cert.pem") }
func (o Options) keyFile() string  { return path.Join(o.Directory, "server-key.pem") }
