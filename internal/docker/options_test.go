package docker

import (
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"unicode"
)

func TestNewOptions(t *testing.T) {
	with := func(change func(*Options)) Options {
		o := DefaultOptions()
		change(&o)
		return o
	}
	for _, test := range []struct {
		name string
		raw  map[string]any
		want Options
	}{
		{"none", nil, DefaultOptions()},
		{"nil values are defaults", map[string]any{"mode": nil, "directory": nil, "port": nil, "listen": nil, "settings": nil}, DefaultOptions()},
		{"mode", map[string]any{"mode": "tls"}, with(func(o *Options) { o.Mode = ModeTLS })},
		{"directory", map[string]any{"directory": "/srv/docker_1.2+x@y/tls-"}, with(func(o *Options) { o.Directory = "/srv/docker_1.2+x@y/tls-" })},
		{"directory with a final slash", map[string]any{"directory": "/srv/tls/"}, with(func(o *Options) { o.Directory = "/srv/tls" })},
		{"lowest port", map[string]any{"port": json.Number("1")}, with(func(o *Options) { o.Port = 1 })},
		{"port as a string", map[string]any{"port": "12376"}, with(func(o *Options) { o.Port = 12376 })},
		{"highest port", map[string]any{"port": json.Number("65535")}, with(func(o *Options) { o.Port = 65535 })},
		{"hosts", map[string]any{"listen": "hosts"}, with(func(o *Options) { o.Listen = ListenHosts })},
		{"address", map[string]any{"address": "10.0.0.5"}, with(func(o *Options) { o.Address = netip.MustParseAddr("10.0.0.5") })},
		{"IPv6 address", map[string]any{"address": "FD00:0::5"}, with(func(o *Options) { o.Address = netip.MustParseAddr("fd00::5") })},
		{"IPv4 address in IPv6", map[string]any{"address": "::ffff:10.0.0.5"}, with(func(o *Options) { o.Address = netip.MustParseAddr("10.0.0.5") })},
		{"IPv4 only", map[string]any{"address": "0.0.0.0"}, with(func(o *Options) { o.Address = netip.IPv4Unspecified() })},
		{"loopback", map[string]any{"address": "::1"}, with(func(o *Options) { o.Address = netip.IPv6Loopback() })},
		{"no address", map[string]any{"address": nil}, DefaultOptions()},
		{
			"settings, without what is null",
			map[string]any{"settings": map[string]any{
				"live-restore": true, "labels": nil, "dns": []any{"10.0.0.1", nil}, "log-opts": map[string]any{"max-size": "10m", "tag": nil},
			}},
			with(func(o *Options) {
				o.Settings = map[string]any{"live-restore": true, "dns": []any{"10.0.0.1"}, "log-opts": map[string]any{"max-size": "10m"}}
			}),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := NewOptions(test.raw)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// Terraform unifies types, so that booleans and numbers arrive as strings. What
// dockerd decodes is written; null is not, at any depth.
func TestSettingsFit(t *testing.T) {
	type m = map[string]any
	for _, test := range []struct {
		name     string
		in, want m
	}{
		{"booleans", m{"debug": "true", "iptables": "false", "live-restore": true}, m{"debug": true, "iptables": false, "live-restore": true}},
		{"numbers", m{"mtu": "1450", "shutdown-timeout": json.Number("15")}, m{"mtu": json.Number("1450"), "shutdown-timeout": json.Number("15")}},
		{"strings", m{"log-opts": m{"max-file": json.Number("3"), "mode": "non-blocking", "compress": true}, "default-shm-size": json.Number("67108864")},
			m{"log-opts": m{"max-file": "3", "mode": "non-blocking", "compress": "true"}, "default-shm-size": "67108864"}},
		{"lists", m{"node-generic-resources": []any{json.Number("1"), "a=b"}}, m{"node-generic-resources": []any{"1", "a=b"}}},
		{"objects within", m{"default-ulimits": m{"nofile": m{"Name": "nofile", "hard": "64000"}}, "builder": m{"GC": m{"enabled": "true"}}, "features": m{"buildkit": "true"}},
			m{"default-ulimits": m{"nofile": m{"Name": "nofile", "hard": json.Number("64000")}}, "builder": m{"GC": m{"enabled": true}}, "features": m{"buildkit": true}}},
		{"null", m{"debug": nil, "dns": []any{nil, "10.0.0.2"}, "log-opts": m{"max-size": nil}, "later": m{"a": []any{nil, m{"b": nil}}}},
			m{"dns": []any{"10.0.0.2"}, "log-opts": m{}, "later": m{"a": []any{m{}}}}},
		{"what is not known here", m{"later": m{"a": "true", "b": json.Number("3")}, "runtimes": m{"kata": m{"options": m{"x": "1"}}}},
			m{"later": m{"a": "true", "b": json.Number("3")}, "runtimes": m{"kata": m{"options": m{"x": "1"}}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := NewOptions(m{"settings": test.in})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Settings, test.want) {
				t.Errorf("got  %v\nwant %v", got.Settings, test.want)
			}
		})
	}
}

func TestNewOptionsErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		raw  map[string]any
		want string
	}{
		{"unknown key", map[string]any{"prot": json.Number("1")}, `unknown option "prot": the options are mode, directory, port, listen, address, clients, settings`},
		{"unknown key that is null", map[string]any{"prot": nil}, `unknown option "prot"`},
		{"unknown mode", map[string]any{"mode": "none"}, `option "mode" is "none": it must be one of ["tlsverify" "tls"]`},
		{"plain is no mode", map[string]any{"mode": "plain"}, `option "mode" is "plain"`},
		{"mode of a wrong type", map[string]any{"mode": true}, `option "mode" is the boolean true`},
		{"unknown listen", map[string]any{"listen": "fd"}, `option "listen" is "fd": it must be one of ["socket" "hosts"]`},
		{"port of a wrong type", map[string]any{"port": true}, `option "port" is the boolean true: it must be a whole number from 1 to 65535, such as 2376`},
		{"port that is no number", map[string]any{"port": "docker"}, `option "port" is "docker"`},
		{"port in hex", map[string]any{"port": "0x948"}, `option "port" is "0x948"`},
		{"port that is long", map[string]any{"port": strings.Repeat("sesame", 99)}, `option "port" is a string of 594 characters`},
		{"mode that is long", map[string]any{"mode": strings.Repeat("sesame", 99)}, `option "mode" is a string of 594 characters`},
		{"directory that is long", map[string]any{"directory": strings.Repeat("sesame", 99)}, `option "directory" is a string of 594 characters`},
		{"port too low", map[string]any{"port": json.Number("0")}, `option "port" is the number 0: it must be a whole number from 1 to 65535`},
		{"port too high", map[string]any{"port": json.Number("65536")}, `option "port" is the number 65536`},
		{"port with a fraction", map[string]any{"port": json.Number("2376.5")}, `option "port" is the number 2376.5`},
		{"relative directory", map[string]any{"directory": "tls"}, `option "directory" is "tls": it must be absolute`},
		{"empty directory", map[string]any{"directory": ""}, `it must be absolute`},
		{"root directory", map[string]any{"directory": "/"}, `must be a plain absolute path`},
		{"directory that climbs", map[string]any{"directory": "/etc/../tmp"}, `must be a plain absolute path`},
		{"directory with a blank", map[string]any{"directory": "/etc/my tls"}, `must be a plain absolute path`},
		{"directory with a line break", map[string]any{"directory": "/etc/tls\n- path: /x"}, `must be a plain absolute path`},
		{"directory of a wrong type", map[string]any{"directory": json.Number("7")}, `option "directory" is the number 7`},
		{"address that is a name", map[string]any{"address": "web1"}, `option "address" is "web1": it must be an IP address alone, no name, network or port, such as "10.0.0.5"`},
		{"address with a port", map[string]any{"address": "10.0.0.5:2376"}, `it must be an IP address alone`},
		{"address in brackets", map[string]any{"address": "[fd00::5]"}, `it must be an IP address alone`},
		{"address with a network", map[string]any{"address": "10.0.0.0/8"}, `it must be an IP address alone`},
		{"address with leading zeros", map[string]any{"address": "10.0.0.05"}, `it must be an IP address alone`},
		{"address that is empty", map[string]any{"address": ""}, `it must be an IP address alone`},
		{"address with a line break", map[string]any{"address": "10.0.0.5\n"}, `it must be an IP address alone`},
		{"address that is a list", map[string]any{"address": []any{"10.0.0.5"}}, `option "address" is a list: it must be an IP address alone`},
		{"address that is long", map[string]any{"address": strings.Repeat("sesame", 99)}, `option "address" is a string of 594 characters`},
		{"address with a zone", map[string]any{"address": "fe80::1%eth0"}, `it must have no zone`},
		{"link-local address", map[string]any{"address": "fe80::1"}, `it must not be link-local`},
		{"multicast", map[string]any{"address": "224.0.0.1"}, `multicast and broadcast`},
		{"multicast of IPv6", map[string]any{"address": "ff02::1"}, `multicast and broadcast`},
		{"multicast in IPv6", map[string]any{"address": "::ffff:224.0.0.1"}, `multicast and broadcast`},
		{"broadcast", map[string]any{"address": "255.255.255.255"}, `multicast and broadcast`},
		{"settings of a wrong type", map[string]any{"settings": []any{}}, `option "settings" is a list`},
		{"settings in JSON", map[string]any{"settings": `{"log-opts":{"splunk-token":"sesame"}}`}, `option "settings" is a string: it must be an object of daemon.json keys`},
		{"settings with hosts", map[string]any{"settings": map[string]any{"hosts": []any{}}}, `option "settings" has "hosts", which would overwrite the TLS setup: use the options "listen" and "port" instead`},
		{"settings with tls", map[string]any{"settings": map[string]any{"tls": false}}, `use the option "mode"`},
		{"settings with tlsverify", map[string]any{"settings": map[string]any{"tlsverify": false}}, `use the option "mode"`},
		{"settings with tlscacert", map[string]any{"settings": map[string]any{"tlscacert": "x"}}, `use the option "directory"`},
		{"settings with tlscert", map[string]any{"settings": map[string]any{"tlscert": "x"}}, `use the option "directory"`},
		{"settings with tlskey", map[string]any{"settings": map[string]any{"tlskey": "x"}}, `use the option "directory"`},
		{"settings with another case", map[string]any{"settings": map[string]any{"TLSVerify": nil}}, `has "TLSVerify", which would overwrite the TLS setup`},
		{"settings with a long s", map[string]any{"settings": map[string]any{"ho\u017fts": []any{}}}, `which would overwrite the TLS setup`},
		{"settings with a Kelvin sign", map[string]any{"settings": map[string]any{"tls\u212aey": "x"}}, `which would overwrite the TLS setup`},
		{"settings that dockerd would not find", map[string]any{"settings": map[string]any{"Debug": true}}, `option "settings" has "Debug", which dockerd takes for no option: write "debug"`},
		{"a boolean that is none", map[string]any{"settings": map[string]any{"debug": "sesame"}}, `option "settings.debug" is a string: dockerd wants true or false there`},
		{"a boolean that is a number", map[string]any{"settings": map[string]any{"debug": json.Number("1")}}, `option "settings.debug" is a number: dockerd wants true or false there`},
		{"a number that is none", map[string]any{"settings": map[string]any{"mtu": "sesame"}}, `option "settings.mtu" is a string: dockerd wants a whole number there`},
		{"a number with a fraction", map[string]any{"settings": map[string]any{"mtu": json.Number("1.5")}}, `dockerd wants a whole number there`},
		{"a number that is too large", map[string]any{"settings": map[string]any{"mtu": json.Number("9223372036854775808")}}, `dockerd wants a whole number there`},
		{"a string for a list", map[string]any{"settings": map[string]any{"dns": "sesame"}}, `option "settings.dns" is a string: dockerd wants a list there`},
		{"a list for a map", map[string]any{"settings": map[string]any{"log-opts": []any{"sesame"}}}, `option "settings.log-opts" is a list: dockerd wants an object there`},
		{"a map for a string", map[string]any{"settings": map[string]any{"log-driver": map[string]any{"sesame": "sesame"}}}, `option "settings.log-driver" is an object: dockerd wants a string there`},
		{"deep in a map", map[string]any{"settings": map[string]any{"default-ulimits": map[string]any{"nofile": map[string]any{"Hard": "sesame"}}}}, `option "settings.default-ulimits.nofile.Hard" is a string: dockerd wants a whole number there`},
		{"deep in a list", map[string]any{"settings": map[string]any{"default-address-pools": []any{map[string]any{"size": true}}}}, `option "settings.default-address-pools[0].size" is a boolean`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewOptions(test.raw)
			var bad *OptionError
			if !errors.As(err, &bad) {
				t.Fatalf("got %v, want an OptionError", err)
			}
			if strings.Contains(err.Error(), "sesame") {
				t.Errorf("the error shows a value: %s", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}

// What is accepted can be written, is JSON that dockerd knows the keys of, and puts
// no line of its own into a unit.
func FuzzNewOptions(f *testing.F) {
	for _, seed := range []string{
		"{}", `{"mode": "tls", "listen": "hosts", "port": "2376", "address": "::1", "directory": "/srv/tls/"}`,
		`{"settings": {"live-restore": "true", "log-opts": {"max-file": 3}, "labels": ["a", null], "x'y\n": {"a": 1e400}}}`,
		`{"clients": [{"cert_pem": "sesame"}]}`, `{"layout": "dind", "daemons": []}`, `{"Port": 1}`, `{"port": 1e9, "settings": null}`, `{"settings": {"mtu": "1450", "HOSTS": []}}`,
	} {
		f.Add(seed)
	}
	lines := strings.Count(socketUnit(DefaultOptions())+serviceDropIn(DefaultOptions(), true), "\n")
	f.Fuzz(func(t *testing.T, text string) {
		raw, _ := decodeJSON(json.RawMessage(text)).(map[string]any)
		for _, read := range []func(map[string]any) (FileOptions, error){NewServerFileOptions, NewClientFileOptions, NewContextOptions} {
			if _, err := read(raw); err != nil && !errors.As(err, new(*OptionError)) {
				t.Errorf("no error of the options: %v", err)
			}
		}
		o, err := NewOptions(raw)
		if err != nil {
			if !errors.As(err, new(*OptionError)) {
				t.Errorf("no error of the options: %v", err)
			}
			return
		}
		written := mustDaemonJSON(t, o)
		if !json.Valid([]byte(written)) || !guarded(written, o) {
			t.Errorf("it is no daemon.json with TLS: %s", written)
		}
		if err := CheckDaemonJSON(written); err != nil && !strings.HasSuffix(err.Error(), "which dockerd does not know") {
			t.Errorf("dockerd would not start: %v", err)
		}
		if merged, err := MergeDaemonJSON(written, o, nil); err != nil || merged != written {
			t.Errorf("it is not left as it is: %s, %v", merged, err)
		}
		units := socketUnit(o) + serviceDropIn(o, true)
		if got := strings.Count(units, "\n"); got > lines+2 || strings.ContainsFunc(units, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("the units are\n%s", units)
		}
	})
}
