package docker

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestPathsIn(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       CertificatePaths
	}{
		{"all three", `{"tlscacert": "/a/ca.pem", "tlscert": "/b/c.pem", "tlskey": "/c/k.pem", "tlsverify": true}`, CertificatePaths{"/a/ca.pem", "/b/c.pem", "/c/k.pem"}},
		{"no authority", `{"tls": true, "tlsverify": false, "tlscert": "/b/c.pem", "tlskey": "/c/k.pem"}`, CertificatePaths{"", "/b/c.pem", "/c/k.pem"}},
		{"every character of a path", `{"tlscert": "/srv/docker_1.2+x@y/c-.pem", "tlskey": "/srv/.k"}`, CertificatePaths{"", "/srv/docker_1.2+x@y/c-.pem", "/srv/.k"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := PathsIn(test.text); err != nil || got != test.want {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func TestPathsInErrors(t *testing.T) {
	const plain = "it must be a plain absolute path of letters, digits and . _ + @ -"
	for _, test := range []struct{ name, text, want string }{
		{"no file", "", ErrNoPaths.Error()},
		{"no key", `{"tlscert": "/b/c.pem"}`, ErrNoPaths.Error()},
		{"no certificate", `{"tlskey": "/c/k.pem"}`, ErrNoPaths.Error()},
		{"a number", `{"tlscert": 1, "tlskey": "/c/k.pem"}`, ErrNoPaths.Error()},
		{"relative", `{"tlscert": "c.pem", "tlskey": "/c/k.pem"}`, `has "c.pem" as tlscert: ` + plain},
		{"relative authority", `{"tlscacert": "ca.pem", "tlscert": "/etc/c.pem", "tlskey": "/c/k.pem"}`, `has "ca.pem" as tlscacert: ` + plain},
		{"a blank", `{"tlscert": "/b/c.pem", "tlskey": "/c/my key"}`, `has "/c/my key" as tlskey: ` + plain},
		{"a quotation mark", `{"tlscert": "/b/c.pem", "tlskey": "/c/'; reboot; '"}`, plain},
		{"a line break", `{"tlscert": "/b/c.pem", "tlskey": "/c/k\n0 0400 /etc/passwd"}`, plain},
		{"a directory", `{"tlscert": "/b/", "tlskey": "/c/k"}`, plain},
		{"a file of the root directory", `{"tlscert": "/b", "tlskey": "/c/k"}`, plain},
		{"a path that climbs", `{"tlscert": "/etc/../srv/c.pem", "tlskey": "/c/k"}`, plain},
		{"one file for two", `{"tlscert": "/etc/docker/both.pem", "tlskey": "/etc/docker/both.pem"}`, `names /etc/docker/both.pem twice: the certificate, its key and tlscacert must be files of their own`},
		{"one certificate for two", `{"tlscacert": "/etc/c.pem", "tlscert": "/etc/c.pem", "tlskey": "/etc/k.pem"}`, `names /etc/c.pem twice`},
		{"no JSON", `{"tlscert": "/b/c.pem"`, "is no JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := PathsIn(test.text)
			wantText(t, err, test.want)
			if got != (CertificatePaths{}) {
				t.Errorf("an error, and paths too: %v", got)
			}
			if errors.Is(err, ErrNoPaths) != (test.want == ErrNoPaths.Error()) {
				t.Errorf("errors.Is is wrong about %v", err)
			}
		})
	}
}

// What a host has that was set up by these options.
const tlsverifyJSON = `{
  "tlscacert": "/etc/docker/tls/ca.pem",
  "tlscert": "/etc/docker/tls/server-cert.pem",
  "tlskey": "/etc/docker/tls/server-key.pem",
  "tlsverify": true
}
`

func TestMergeDaemonJSON(t *testing.T) {
	type m = map[string]any
	const paths = `  "tlscacert": "/etc/docker/tls/ca.pem",
  "tlscert": "/etc/docker/tls/server-cert.pem",
  "tlskey": "/etc/docker/tls/server-key.pem",
`
	for _, test := range []struct {
		name     string
		existing string
		options  m
		former   []string
		want     string
	}{
		{"no file", "", nil, nil, tlsverifyJSON},
		{"an empty file", "\n", nil, nil, tlsverifyJSON},
		{"an empty object", "{}", nil, nil, tlsverifyJSON},
		{"foreign keys stay, in their order", `{"zone":1,"debug":true,"log-opts":{"b":"2","a":"1"}}`, nil, nil,
			"{\n  \"zone\": 1,\n  \"debug\": true,\n  \"log-opts\": {\n    \"b\": \"2\",\n    \"a\": \"1\"\n  },\n" + paths + "  \"tlsverify\": true\n}\n"},
		{"a key stays in its place", `{"tlskey":"/old/key.pem","debug":true,"tlsverify":false}`, nil, nil,
			"{\n  \"tlskey\": \"/etc/docker/tls/server-key.pem\",\n  \"debug\": true,\n  \"tlsverify\": true,\n" +
				"  \"tlscacert\": \"/etc/docker/tls/ca.pem\",\n  \"tlscert\": \"/etc/docker/tls/server-cert.pem\"\n}\n"},
		{"what changes nothing is left as it is, to the octet", "{\t\"tlsverify\":true,\n\n" + paths + "\"a\":1.0}\r\n", nil, nil, "{\t\"tlsverify\":true,\n\n" + paths + "\"a\":1.0}\r\n"},
		{"numbers keep their digits", `{"a":100000000000000000000,"b":1.50,"c":1e3,"d":-0}`, nil, nil,
			"{\n  \"a\": 100000000000000000000,\n  \"b\": 1.50,\n  \"c\": 1e3,\n  \"d\": -0,\n" + paths + "  \"tlsverify\": true\n}\n"},
		{"letters keep their form", `{"labels":["a=<ä>&\u00e4"]}`, nil, nil,
			"{\n  \"labels\": [\n    \"a=<ä>&\\u00e4\"\n  ],\n" + paths + "  \"tlsverify\": true\n}\n"},
		{"hosts become the socket", `{"hosts":["unix:///var/run/docker.sock","tcp://0.0.0.0:2376"],"debug":true}`, nil, nil,
			"{\n  \"debug\": true,\n" + paths + "  \"tlsverify\": true\n}\n"},
		{"the socket becomes hosts", tlsverifyJSON, m{"listen": "hosts"}, nil,
			"{\n" + paths + "  \"tlsverify\": true,\n  \"hosts\": [\n    \"unix:///var/run/docker.sock\",\n    \"tcp://0.0.0.0:2376\"\n  ]\n}\n"},
		{"tlsverify becomes tls", tlsverifyJSON, m{"mode": "tls"}, nil,
			"{\n  \"tlscert\": \"/etc/docker/tls/server-cert.pem\",\n  \"tlskey\": \"/etc/docker/tls/server-key.pem\",\n  \"tlsverify\": false,\n  \"tls\": true\n}\n"},
		{"tls becomes tlsverify", `{"tls":true,"tlsverify":false}`, nil, nil, "{\n  \"tlsverify\": true,\n" + paths[:len(paths)-2] + "\n}\n"},
		{"a setting that was there", `{"live-restore":false}`, m{"settings": m{"live-restore": true}}, nil,
			"{\n  \"live-restore\": true,\n" + paths + "  \"tlsverify\": true\n}\n"},
		{"a setting is replaced as a whole", `{"log-opts":{"a":"1","b":"2"}}`, m{"settings": m{"log-opts": m{"a": "3"}}}, nil,
			"{\n  \"log-opts\": {\n    \"a\": \"3\"\n  },\n" + paths + "  \"tlsverify\": true\n}\n"},
		{"a former setting goes", `{"debug":true,"mtu":1400}`, nil, []string{"mtu", "dns"}, "{\n  \"debug\": true,\n" + paths + "  \"tlsverify\": true\n}\n"},
		{"a former setting that is wanted stays", `{"mtu":1400,"debug":true}`, m{"settings": m{"mtu": json.Number("1450")}}, []string{"mtu"},
			"{\n  \"mtu\": 1450,\n  \"debug\": true,\n" + paths + "  \"tlsverify\": true\n}\n"},
		{"a former setting alone is a change", `{"mtu":1400,` + tlsverifyJSON[1:], nil, []string{"mtu"}, tlsverifyJSON},
		// The drop-in looks for the line with grep.
		{"tlsverify with a blank before the colon", strings.Replace(tlsverifyJSON, `verify":`, `verify" :`, 1), nil, nil, tlsverifyJSON},
		{"tlsverify in two lines", strings.Replace(tlsverifyJSON, `verify": `, "verify\":\n", 1), nil, nil, tlsverifyJSON},
		{"tlsverify with an escape", strings.Replace(tlsverifyJSON, `"tlsv`, `"\u0074lsv`, 1), nil, nil, tlsverifyJSON},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, err := NewOptions(test.options)
			if err != nil {
				t.Fatal(err)
			}
			got, err := MergeDaemonJSON(test.existing, o, test.former)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if again, err := MergeDaemonJSON(got, o, test.former); err != nil || again != got {
				t.Errorf("a second time gives %v\n%s", err, again)
			}
			passesDropIn(t, got, o)
		})
	}
}

// passesDropIn runs the check of TLS that the drop-in makes at each start.
func passesDropIn(t *testing.T, text string, o Options) {
	t.Helper()
	if _, err := exec.LookPath("grep"); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "daemon.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(serviceDropIn(o, false)) {
		if command, found := strings.CutPrefix(line, "ExecStartPre=/bin/grep "); found {
			command = "grep " + strings.Replace(command, DaemonJSONPath, file, 1)
			if out, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", command).CombinedOutput(); err != nil {
				t.Errorf("the drop-in would stop Docker: %v %s", err, out)
			}
			return
		}
	}
	t.Error("the drop-in makes no such check")
}

// notJSON are texts that no dockerd starts with, and what is said of them.
var notJSON = []struct{ name, text, want string }{
	{"a comment", "{\n  // sesame\n  \"debug\": true\n}", "is no JSON in line 2: JSON has no comments and no comma after the last entry"},
	{"a comma after the last entry", "{\n  \"debug\": true,\n}", "is no JSON in line 3"},
	{"text behind the end", `{"debug": true} sesame`, "is no JSON"},
	{"half of it", `{"debug": "sesame`, "is no JSON: it ends too early"},
	{"a list", `["sesame"]`, "is JSON, but no object"},
	{"a string", `"sesame"`, "is JSON, but no object"},
	{"a byte order mark", "\ufeff{}", "begins with a byte order mark, which an older dockerd refuses: save it as UTF-8 without one"},
	{"a key twice", `{"debug": "sesame", "debug": false}`, `has the key "debug" twice: remove one`},
	{"a key with control characters, twice", `{"\u001b[2J": 1, "\u001b[2J": 2}`, `has the key "` + "\uFFFD" + `[2J" twice`},
}

func TestMergeDaemonJSONErrors(t *testing.T) {
	for _, test := range notJSON {
		t.Run(test.name, func(t *testing.T) {
			got, err := MergeDaemonJSON(test.text, DefaultOptions(), nil)
			wantText(t, err, test.want)
			if got != "" {
				t.Errorf("an error, and a text too: %s", got)
			}
			_, err = WithCertificates(test.text, CertificatePaths{})
			wantText(t, err, test.want)
			wantText(t, CheckDaemonJSON(test.text), test.want)
		})
	}
	if text, err := MergeDaemonJSON("{}", Options{}, nil); err == nil {
		t.Errorf("without a mode: %s", text)
	}
}

// wantText fails unless err says want, and shows no value, which is sesame.
func wantText(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("no error, want %s", want)
	case strings.Contains(err.Error(), "sesame"):
		t.Errorf("the error shows a value: %v", err)
	case !strings.Contains(err.Error(), want):
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestWithCertificates(t *testing.T) {
	for _, test := range []struct {
		name, text string
		paths      CertificatePaths
		want       string
	}{
		{"all", `{"debug":true,"tlskey":"/k","tlscacert":"/a","tlscert":"/c"}`, CertificatePaths{"/run/0", "/run/1", "/run/2"},
			"{\n  \"debug\": true,\n  \"tlskey\": \"/run/2\",\n  \"tlscacert\": \"/run/0\",\n  \"tlscert\": \"/run/1\"\n}\n"},
		{"none is added", `{"tlscert":"/c"}`, CertificatePaths{"/run/0", "/run/1", "/run/2"}, "{\n  \"tlscert\": \"/run/1\"\n}\n"},
		{"no authority", `{"tlscacert":"/a","tlscert":"/c"}`, CertificatePaths{Cert: "/run/1"}, "{\n  \"tlscacert\": \"/a\",\n  \"tlscert\": \"/run/1\"\n}\n"},
		{"an empty file", "", CertificatePaths{"/run/0", "/run/1", "/run/2"}, "{}\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := WithCertificates(test.text, test.paths); err != nil || got != test.want {
				t.Errorf("got %v\n%s\nwant\n%s", err, got, test.want)
			}
		})
	}
}

// What is said is what a real dockerd says too: see TestCheckDaemonJSONAsDockerd.
var (
	goodDaemonJSON = []string{
		"", "{}", tlsverifyJSON,
		`{"hosts": ["fd://"], "tls": true, "tlsverify": false}`,
		`{"debug": null, "log-opts": {"max-size": null}}`,
		`{"mtu": 1450, "labels": ["a=b"], "log-opts": {"max-file": "3"}, "features": {"buildkit": true}}`,
		`{"default-ulimits": {"nofile": {"name": "nofile", "Hard": 64000, "Soft": 64000}}}`,
		`{"runtimes": {"other": {"path": "/usr/bin/other", "runtimeArgs": ["--x"]}}}`,
	}
	badDaemonJSON = []struct{ text, want string }{
		{`{"sesamo": "sesame"}`, `has the key "sesamo", which dockerd does not know`},
		{`{"Debug": true}`, `has the key "Debug", which dockerd does not know: write "debug"`},
		{`{"TLSVerify": true}`, `has the key "TLSVerify", which dockerd does not know: write "tlsverify"`},
		{`{"ho` + "\u017f" + `ts": []}`, `which dockerd does not know: write "hosts"`},
		{`{"debug": "true"}`, `has a string as "debug", where dockerd wants true or false`},
		{`{"tlsverify": "true"}`, `has a string as "tlsverify", where dockerd wants true or false`},
		{`{"hosts": "sesame"}`, `has a string as "hosts", where dockerd wants a list`},
		{`{"mtu": "1450"}`, `has a string as "mtu", where dockerd wants a whole number`},
		{`{"mtu": 1450.0}`, `has a number as "mtu", where dockerd wants a whole number`},
		{`{"log-driver": {"sesame": 1}}`, `has an object as "log-driver", where dockerd wants a string`},
		{`{"log-opts": {"max-file": 3}}`, `has a number as "log-opts.max-file", where dockerd wants a string`},
		{`{"labels": ["a=b", 3]}`, `has a number as "labels[1]", where dockerd wants a string`},
		{`{"log-opts": ["sesame"]}`, `has a list as "log-opts", where dockerd wants an object`},
		{`{"default-address-pools": [{"base": "10.0.0.0/8", "size": "24"}]}`, `has a string as "default-address-pools[0].size", where dockerd wants a whole number`},
	}
)

func TestCheckDaemonJSON(t *testing.T) {
	for _, text := range goodDaemonJSON {
		if err := CheckDaemonJSON(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, test := range badDaemonJSON {
		t.Run(test.text, func(t *testing.T) { wantText(t, CheckDaemonJSON(test.text), test.want) })
	}
}

func FuzzMergeDaemonJSON(f *testing.F) {
	for _, seed := range append(slices.Clone(goodDaemonJSON), `{"a":1,"A":{"b":[1e9,"\ud800"]},"mtu":1}`, `{"\u0000":-0.0,"<":"\u2028"}`, `{"tlsverify" : true}`, "{\"\xff\":1}") {
		f.Add(seed)
	}
	for _, test := range notJSON {
		f.Add(test.text)
	}
	o := DefaultOptions()
	o.Settings = map[string]any{"debug": true}
	f.Fuzz(func(t *testing.T, existing string) {
		merged, err := MergeDaemonJSON(existing, o, []string{"mtu"})
		if err != nil {
			return
		}
		if !json.Valid([]byte(merged)) {
			t.Fatalf("it is no JSON: %q", merged)
		}
		if again, err := MergeDaemonJSON(merged, o, []string{"mtu"}); err != nil || again != merged {
			t.Errorf("a second time gives %q, %v", again, err)
		}
		if !guarded(merged, o) {
			t.Errorf("the drop-in would stop Docker: %q", merged)
		}
		before, after := decoded(t, existing), decoded(t, merged)
		for key, value := range decoded(t, mustDaemonJSON(t, o)) {
			if !reflect.DeepEqual(after[key], value) {
				t.Errorf("%q is %v", key, after[key])
			}
			delete(after, key)
			delete(before, key)
		}
		for key := range ownSettings {
			delete(before, key)
		}
		delete(before, "mtu")
		if !reflect.DeepEqual(before, after) {
			t.Errorf("the other keys were %v and are %v", before, after)
		}
	})
}

// A dockerd decodes what is accepted, and no value is repeated.
func FuzzCheckDaemonJSON(f *testing.F) {
	for _, seed := range goodDaemonJSON {
		f.Add(seed)
	}
	for _, test := range badDaemonJSON {
		f.Add(test.text)
	}
	for _, test := range notJSON {
		f.Add(test.text)
	}
	f.Add(`{"tlscert": "/etc/docker/tls/server-cert.pem", "tlskey": "/etc/docker/tls/server-key.pem", "tlscacert": "/etc/docker/tls/../ca.pem"}`)
	f.Fuzz(func(t *testing.T, text string) {
		err := CheckDaemonJSON(text)
		if err != nil {
			var values struct{ Debug, Hosts, Labels any }
			_ = json.Unmarshal([]byte(text), &values)
			for _, value := range []any{values.Debug, values.Hosts, values.Labels} {
				if secret, is := value.(string); is && len(secret) > 30 && strings.Contains(err.Error(), secret) {
					t.Errorf("a value is repeated: %v", err)
				}
			}
			if len(err.Error()) > 5*maxMessage {
				t.Errorf("the error has %d octets", len(err.Error()))
			}
		}
		var config struct {
			Hosts, Labels         []string
			TLS, TLSVerify, Debug *bool
			MTU                   *int64
			LogDriver             *string           `json:"log-driver"`
			LogOpts               map[string]string `json:"log-opts"`
			Features              map[string]bool
			Runtimes              map[string]struct{ Path string }
			DefaultNetworkOpts    map[string]map[string]string `json:"default-network-opts"`
			DefaultAddressPools   []struct {
				Base string
				Size int64
			} `json:"default-address-pools"`
		}
		if strings.TrimSpace(text) != "" && err == nil {
			if err := json.Unmarshal([]byte(text), &config); err != nil {
				t.Errorf("it is accepted, and dockerd does not decode it: %v", err)
			}
		}
		paths, err := PathsIn(text)
		if err != nil {
			return
		}
		if paths.Cert == paths.Key || path.Clean(paths.Cert) != paths.Cert || strings.ContainsAny(paths.Cert+paths.Key+paths.CA, " \n'\"$\\") {
			t.Errorf("the certificates lie in %q", paths)
		}
		moved := CertificatePaths{Cert: "/run/docker-tls/new/0", Key: "/run/docker-tls/new/1"}
		if paths.CA != "" {
			moved.CA = "/run/docker-tls/new/2"
		}
		other, err := WithCertificates(text, moved)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := PathsIn(other); err != nil || got != moved {
			t.Errorf("they are moved to %q, %v", got, err)
		}
	})
}

func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	members, _ := decodeJSON(json.RawMessage(text)).(map[string]any)
	if members == nil {
		members = map[string]any{}
	}
	return members
}

func mustDaemonJSON(t *testing.T, o Options) string {
	t.Helper()
	text, err := DaemonJSON(o)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
