package docker

import (
	"encoding/json"
	"fmt"
	"net/netip"
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

const defaultDirectory = "/etc/docker/tls"

// DaemonJSONPath is where dockerd reads its configuration.
const DaemonJSONPath = "/etc/docker/daemon.json"

// Options say how a daemon is set up. The zero value is not usable: take
// [DefaultOptions] or [NewOptions].
type Options struct {
	Mode      string           // ModeTLSVerify or ModeTLS
	Directory string           // absolute, where the certificates lie on the host
	Port      int              // TCP port, 1 to 65535
	Listen    string           // ListenSocket or ListenHosts
	Clients   []authorityRoots // whose clients may enter; nil means those of the server's own
	Address   netip.Addr       // the only one to listen on; the zero value means all
	Settings  map[string]any   // more of daemon.json, as encoding/json marshals it
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
var optionKeys = []string{"mode", "directory", "port", "listen", "address", "clients", "settings"}

// NewOptions checks raw options: values as encoding/json decodes them, numbers
// as [json.Number]. A missing key, and one that is nil or [Unknown], has its
// default.
// Every error is an [*OptionError].
func NewOptions(raw map[string]any) (Options, error) {
	o := DefaultOptions()
	if err := checkKeys(raw, optionKeys); err != nil {
		return Options{}, err
	}
	for _, key := range optionKeys {
		value := raw[key]
		if isAbsent(value) {
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
		case "address":
			o.Address, err = listenAddress(value)
		case "clients":
			o.Clients, err = clients(value, o.Mode)
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
		return "", optionErrorf("option \"directory\" is %s: it must be absolute, such as %q", describe(s), defaultDirectory)
	}
	d := strings.TrimSuffix(s, "/")
	if !plainPath.MatchString(d) || path.Clean(d) != d {
		return "", optionErrorf("option \"directory\" is %s: it must be a plain absolute path of letters, digits and . _ + @ -, such as %q", describe(s), defaultDirectory)
	}
	return d, nil
}

func port(value any) (int, error) {
	n, ok := wholeNumber(value)
	if !ok || n < 1 || n > 65535 {
		return 0, optionErrorf("option \"port\" is %s: it must be a whole number from 1 to 65535, such as %d", describe(value), DefaultPort)
	}
	return int(n), nil
}

// clients reads the option of that name. A daemon that asks nobody for a
// certificate would let in all others too.
func clients(value any, mode string) ([]authorityRoots, error) {
	if mode == ModeTLS {
		return nil, optionErrorf("option \"clients\" says who may enter, and with mode %q everybody may: use mode %q", ModeTLS, ModeTLSVerify)
	}
	return trusted("clients", value)
}

// listenAddress reads the address of an interface that a daemon listens on.
func listenAddress(value any) (netip.Addr, error) {
	s, _ := value.(string)
	ip, err := netip.ParseAddr(s)
	var fault string
	switch {
	case err != nil:
		fault = "it must be an IP address alone, no name, network or port"
	case ip.Zone() != "":
		fault = "it must have no zone, which Docker cannot name"
	case ip.Unmap().IsMulticast(), ip.Unmap() == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		fault = "it must be the address of one host, which multicast and broadcast are not"
	case ip.Is6() && ip.IsLinkLocalUnicast():
		fault = "it must not be link-local, which needs a zone, and Docker cannot name one"
	default:
		return ip.Unmap(), nil
	}
	return netip.Addr{}, optionErrorf("option \"address\" is %s: %s, such as \"10.0.0.5\"", describe(value), fault)
}

// describe names a value that is wrong. What is long was meant for another
// option, and is not repeated: it may be secret.
func describe(value any) string {
	switch v := value.(type) {
	case string:
		if len(v) > 64 {
			return fmt.Sprintf("a string of %d characters", len(v))
		}
		return fmt.Sprintf("%q", v)
	case json.Number:
		return "the number " + v.String()
	case bool:
		return fmt.Sprintf("the boolean %t", v)
	}
	return kindOf(value)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// endpoint is the address and the port to listen on.
func (o Options) endpoint() Endpoint { return Endpoint{Host: o.Address.String(), Port: o.Port} }

func (o Options) caFile() string   { return path.Join(o.Directory, "ca.pem") }
func (o Options) certFile() string { return path.Join(o.Directory, "server-cert.pem") }
func (o Options) keyFile() string  { return path.Join(o.Directory, "server-key.pem") }
