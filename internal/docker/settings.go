package docker

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// kind is what dockerd decodes a value of daemon.json into.
type kind int

const (
	anything kind = iota
	text
	boolean
	number // whole
	list
	object
)

func (k kind) String() string {
	return [...]string{"anything", "a string", "true or false", "a whole number", "a list", "an object"}[k]
}

// shape is a kind with what is in it.
type shape struct {
	kind kind
	of   *shape           // the elements of a list, or the values of an object with keys of any name
	keys map[string]shape // the known keys of an object
}

var (
	textShape    = shape{kind: text}
	boolShape    = shape{kind: boolean}
	numberShape  = shape{kind: number}
	textsShape   = shape{kind: list, of: &textShape}
	textMapShape = shape{kind: object, of: &textShape}
)

func objectOf(keys map[string]shape) shape { return shape{kind: object, keys: keys} }
func listOf(element shape) shape           { return shape{kind: list, of: &element} }
func mapOf(element shape) shape            { return shape{kind: object, of: &element} }

// daemonKeys are the keys of daemon.json of Docker 20.10 to 29 on Linux, as the
// struct tags in daemon/config of moby have them, without those of ownSettings.
// A key that is not here is written as it is.
var daemonKeys = func() map[string]shape {
	keys := map[string]shape{
		"builder": objectOf(map[string]shape{
			"gc": objectOf(map[string]shape{
				"enabled": boolShape, "defaultKeepStorage": textShape, "defaultReservedSpace": textShape, "defaultMaxUsedSpace": textShape, "defaultMinFreeSpace": textShape,
				"policy": listOf(objectOf(map[string]shape{
					"all": boolShape, "keepStorage": textShape, "reservedSpace": textShape, "maxUsedSpace": textShape, "minFreeSpace": textShape, // filter has two forms
				})),
			}),
			"entitlements": objectOf(map[string]shape{"network-host": boolShape, "security-insecure": boolShape, "device": boolShape}),
		}),
		"default-address-pools": listOf(objectOf(map[string]shape{"base": textShape, "size": numberShape})),
		"default-network-opts":  mapOf(textMapShape),
		"default-ulimits":       mapOf(objectOf(map[string]shape{"Name": textShape, "Hard": numberShape, "Soft": numberShape})),
		"features":              mapOf(boolShape),
		"proxies":               textMapShape,
		"runtimes":              mapOf(objectOf(map[string]shape{"path": textShape, "runtimeArgs": textsShape, "runtimeType": textShape})),
	}
	for names, s := range map[string]shape{
		`allow-direct-routing cri-containerd debug disable-legacy-registry experimental icc init ip-forward ip-forward-no-drop ip-masq
		 ip6tables iptables ipv6 live-restore no-new-privileges raw-logs selinux-enabled userland-proxy`: boolShape,
		`cpu-rt-period cpu-rt-runtime max-concurrent-downloads max-concurrent-uploads max-download-attempts mtu network-control-plane-mtu
		 network-diagnostic-port oom-score-adjust shutdown-timeout swarm-raft-election-tick swarm-raft-heartbeat-tick`: numberShape,
		`api-cors-header bip bip6 bridge bridge-accept-fwmark cgroup-parent cluster-advertise cluster-store containerd containerd-namespace
		 containerd-plugin-namespace data-root default-cgroupns-mode default-gateway default-gateway-v6 default-init default-ipc-mode
		 default-runtime default-shm-size exec-root firewall-backend fixed-cidr fixed-cidr-v6 graph group host-gateway-ip http-proxy https-proxy
		 init-path ip log-driver log-format log-level metrics-addr no-proxy pidfile resolv-conf seccomp-profile storage-driver
		 swarm-default-advertise-addr userland-proxy-path userns-remap`: textShape,
		`allow-nondistributable-artifacts authorization-plugins cdi-spec-dirs dns dns-opts dns-search exec-opts host-gateway-ips
		 insecure-registries labels node-generic-resources registry-mirrors storage-opts`: textsShape,
		`cluster-store-opts log-opts`: textMapShape,
	} {
		for _, name := range strings.Fields(names) {
			keys[name] = s
		}
	}
	return keys
}()

// ownSettings are the keys of daemon.json that the other options decide.
var ownSettings = map[string]string{
	"hosts":     `use the options "listen" and "port"`,
	"tls":       `use the option "mode"`,
	"tlsverify": `use the option "mode"`,
	"tlscacert": `use the option "directory"`,
	"tlscert":   `use the option "directory"`,
	"tlskey":    `use the option "directory"`,
}

// settings checks the option of that name. Its errors have keys and kinds and
// never a value, which may be secret.
func settings(value any) (map[string]any, error) {
	m, ok := value.(map[string]any)
	if !ok {
		return nil, optionErrorf("option \"settings\" is %s: it must be an object of daemon.json keys, such as { live-restore = true }", kindOf(value))
	}
	for _, key := range sortedKeys(m) {
		if own, is := folded(ownSettings, key); is {
			return nil, optionErrorf("option \"settings\" has %q, which would overwrite the TLS setup: %s instead", key, ownSettings[own])
		}
		if known, is := folded(daemonKeys, key); is && known != key {
			return nil, optionErrorf("option \"settings\" has %q, which dockerd takes for no option: write %q", key, known)
		}
	}
	return objectOf(daemonKeys).fitObject("settings", m)
}

// folded finds the key that encoding/json, and so dockerd, takes a name for: it
// ignores case, by the folding of Unicode, in which the long s is an s.
func folded[V any](keys map[string]V, name string) (string, bool) {
	if _, exact := keys[name]; exact {
		return name, true
	}
	for key := range keys {
		if strings.EqualFold(key, name) {
			return key, true
		}
	}
	return "", false
}

// fit converts a value to what dockerd decodes, where nothing is lost by it:
// Terraform unifies the branches of a conditional and the elements of a map, so a
// boolean may arrive as a string, and a string as a number. Null is left out at
// any depth: dockerd may take it for a value, and a list of strings for "".
func (s shape) fit(at string, value any) (any, error) {
	wrong := func() (any, error) {
		return nil, optionErrorf("option %q is %s: dockerd wants %s there", at, kindOf(value), s.kind)
	}
	switch v := value.(type) {
	case map[string]any:
		if s.kind != object && s.kind != anything {
			return wrong()
		}
		return s.fitObject(at, v)
	case []any:
		if s.kind != list && s.kind != anything {
			return wrong()
		}
		out := make([]any, 0, len(v))
		for i, element := range v {
			if isAbsent(element) {
				continue
			}
			fitted, err := s.inside("").fit(fmt.Sprintf("%s[%d]", at, i), element)
			if err != nil {
				return nil, err
			}
			out = append(out, fitted)
		}
		return out, nil
	}
	fitted, ok := s.kind.convert(value)
	if !ok {
		return wrong()
	}
	return fitted, nil
}

func (s shape) fitObject(at string, values map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(values))
	for _, key := range sortedKeys(values) {
		if isAbsent(values[key]) {
			continue
		}
		var err error
		if out[key], err = s.inside(key).fit(at+"."+key, values[key]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// inside is the shape of what is in a list or an object.
func (s shape) inside(key string) shape {
	if s.of != nil {
		return *s.of
	}
	known, _ := folded(s.keys, key)
	return s.keys[known]
}

// convert converts a value that is neither a list nor an object.
func (k kind) convert(value any) (any, bool) {
	switch k {
	case anything:
		return value, true
	case text:
		switch v := value.(type) {
		case string:
			return v, true
		case json.Number:
			return v.String(), true
		case bool:
			return fmt.Sprint(v), true
		}
	case boolean:
		switch value {
		case true, "true":
			return true, true
		case false, "false":
			return false, true
		}
	case number:
		n, ok := wholeNumber(value)
		return json.Number(fmt.Sprint(n)), ok
	}
	return nil, false
}

// wholeNumber reads a number, or a string that Terraform would convert to one.
func wholeNumber(value any) (int64, bool) {
	var digits string
	switch v := value.(type) {
	case json.Number:
		digits = v.String()
	case string:
		digits = v
	default:
		return 0, false
	}
	// No prefix of another base, no underscores, and no exponent that takes long to write out.
	if len(digits) > 64 || strings.Trim(digits, "+-.0123456789") != "" {
		return 0, false
	}
	f, _, err := big.ParseFloat(digits, 10, 256, big.ToNearestEven)
	if err != nil || !f.IsInt() {
		return 0, false
	}
	n, accuracy := f.Int64()
	return n, accuracy == big.Exact
}

// kindOf names what a value is, and nothing of what is in it.
func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return fmt.Sprintf("of type %T", value)
}
