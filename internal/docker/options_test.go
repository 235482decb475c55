package docker

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
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
		{"highest port", map[string]any{"port": json.Number("65535")}, with(func(o *Options) { o.Port = 65535 })},
		{"hosts", map[string]any{"listen": "hosts"}, with(func(o *Options) { o.Listen = ListenHosts })},
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

func TestNewOptionsErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		raw  map[string]any
		want string
	}{
		{"unknown key", map[string]any{"prot": json.Number("1")}, `unknown option "prot": the options are mode, directory, port, listen, settings`},
		{"unknown key that is null", map[string]any{"prot": nil}, `unknown option "prot"`},
		{"unknown mode", map[string]any{"mode": "none"}, `option "mode" is "none": it must be one of ["tlsverify" "tls"]`},
		{"plain is no mode", map[string]any{"mode": "plain"}, `option "mode" is "plain"`},
		{"mode of a wrong type", map[string]any{"mode": true}, `option "mode" is the boolean true`},
		{"unknown listen", map[string]any{"listen": "fd"}, `option "listen" is "fd": it must be one of ["socket" "hosts"]`},
		{"port of a wrong type", map[string]any{"port": "2376"}, `option "port" is "2376": it must be a number`},
		{"port too low", map[string]any{"port": json.Number("0")}, `option "port" is 0: it must be a whole number from 1 to 65535`},
		{"port too high", map[string]any{"port": json.Number("65536")}, `option "port" is 65536`},
		{"port with a fraction", map[string]any{"port": json.Number("2376.5")}, `option "port" is 2376.5`},
		{"relative directory", map[string]any{"directory": "tls"}, `option "directory" is "tls": it must be absolute`},
		{"empty directory", map[string]any{"directory": ""}, `it must be absolute`},
		{"root directory", map[string]any{"directory": "/"}, `must be a plain absolute path`},
		{"directory that climbs", map[string]any{"directory": "/etc/../tmp"}, `must be a plain absolute path`},
		{"directory with a blank", map[string]any{"directory": "/etc/my tls"}, `must be a plain absolute path`},
		{"directory with a line break", map[string]any{"directory": "/etc/tls\n- path: /x"}, `must be a plain absolute path`},
		{"directory of a wrong type", map[string]any{"directory": json.Number("7")}, `option "directory" is the number 7`},
		{"settings of a wrong type", map[string]any{"settings": []any{}}, `option "settings" is a list`},
		{"settings with hosts", map[string]any{"settings": map[string]any{"hosts": []any{}}}, `option "settings" has "hosts", which would overwrite the TLS setup: use the options "listen" and "port" instead`},
		{"settings with tls", map[string]any{"settings": map[string]any{"tls": false}}, `use the option "mode"`},
		{"settings with tlsverify", map[string]any{"settings": map[string]any{"tlsverify": false}}, `use the option "mode"`},
		{"settings with tlscacert", map[string]any{"settings": map[string]any{"tlscacert": "x"}}, `use the option "directory"`},
		{"settings with tlscert", map[string]any{"settings": map[string]any{"tlscert": "x"}}, `use the option "directory"`},
		{"settings with tlskey", map[string]any{"settings": map[string]any{"tlskey": "x"}}, `use the option "directory"`},
		{"settings with another case", map[string]any{"settings": map[string]any{"TLSVerify": nil}}, `has "TLSVerify"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewOptions(test.raw)
			var bad *OptionError
			if !errors.As(err, &bad) {
				t.Fatalf("got %v, want an OptionError", err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %s\nwant %s", err, test.want)
			}
		})
	}
}
