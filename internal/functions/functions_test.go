package functions

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"math/big"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
)

// rootPEM is an authority, of none of the leaves: no function verifies a chain.
var rootPEM = sync.OnceValue(newRoot)

// newRoot is an authority with a key of its own, and the name of every other.
func newRoot() string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Docker CA"},
		NotBefore: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// selfSigned returns the certificate of a leaf and its key as PEM.
func selfSigned(t *testing.T) (certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0xabc), Subject: pkix.Name{CommonName: "ci", Organization: []string{"Example"}},
		NotBefore: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

var (
	identityTypes = map[string]attr.Type{"ca_cert_pem": types.StringType, "cert_pem": types.StringType, "private_key_pem": types.StringType}
)

// identityOf is a resource as Terraform hands it to a function. "" is null.
func identityOf(ca, cert, key string) attr.Value {
	text := func(s string) attr.Value {
		if s == "" {
			return types.StringNull()
		}
		return types.StringValue(s)
	}
	return types.ObjectValueMust(identityTypes, map[string]attr.Value{
		"ca_cert_pem":     text(ca),
		"cert_pem":        text(cert),
		"private_key_pem": text(key),
	})
}

// object is an HCL object literal.
func object(attributes map[string]attr.Value) attr.Value {
	kinds := map[string]attr.Type{}
	for k, v := range attributes {
		kinds[k] = v.Type(context.Background())
	}
	return types.ObjectValueMust(kinds, attributes)
}

// authorityOf is a docker_tls_ca as far as it matters, and the key that does not.
func authorityOf(cert attr.Value) attr.Value {
	return object(map[string]attr.Value{"cert_pem": cert, "private_key_pem": types.StringNull()})
}

func number(f float64) attr.Value { return types.NumberValue(big.NewFloat(f)) }

// dynamic is the variadic argument of options.
func dynamic(values ...attr.Value) attr.Value {
	kinds, elements := make([]attr.Type, len(values)), make([]attr.Value, len(values))
	for i, v := range values {
		kinds[i], elements[i] = types.DynamicType, types.DynamicValue(v)
	}
	return types.TupleValueMust(kinds, elements)
}

func text(values ...attr.Value) attr.Value {
	kinds := make([]attr.Type, len(values))
	for i := range values {
		kinds[i] = types.StringType
	}
	return types.TupleValueMust(kinds, values)
}

// run calls a function as the framework does, the variadic argument, if any,
// as the tuple that the framework makes of it.
func run(t *testing.T, name string, arguments ...attr.Value) (attr.Value, *function.FuncError) {
	t.Helper()
	for _, build := range All() {
		f := build()
		var meta function.MetadataResponse
		f.Metadata(t.Context(), function.MetadataRequest{}, &meta)
		if meta.Name != name {
			continue
		}
		var definition function.DefinitionResponse
		f.Definition(t.Context(), function.DefinitionRequest{}, &definition)
		if definition.Definition.VariadicParameter != nil && len(arguments) == len(definition.Definition.Parameters) {
			arguments = append(arguments, types.TupleValueMust([]attr.Type{}, []attr.Value{}))
		}
		result, failure := definition.Definition.Return.NewResultData(t.Context())
		if failure != nil {
			t.Fatal(failure)
		}
		resp := function.RunResponse{Result: result}
		f.Run(t.Context(), function.RunRequest{Arguments: function.NewArgumentsData(arguments)}, &resp)
		return resp.Result.Value(), resp.Error
	}
	t.Fatalf("no function %s", name)
	return nil, nil
}

func runText(t *testing.T, name string, arguments ...attr.Value) string {
	t.Helper()
	value, failure := run(t, name, arguments...)
	if failure != nil {
		t.Fatal(failure)
	}
	return value.(basetypes.StringValue).ValueString()
}

func TestDefinitions(t *testing.T) {
	var names []string
	for _, build := range All() {
		f := build()
		var meta function.MetadataResponse
		f.Metadata(t.Context(), function.MetadataRequest{}, &meta)
		names = append(names, meta.Name)
		var d function.DefinitionResponse
		f.Definition(t.Context(), function.DefinitionRequest{}, &d)
		var v function.DefinitionValidateResponse
		d.Definition.ValidateImplementation(t.Context(), function.DefinitionValidateRequest{FuncName: meta.Name}, &v)
		if d.Diagnostics.HasError() || v.Diagnostics.HasError() {
			t.Errorf("%s: %v %v", meta.Name, d.Diagnostics, v.Diagnostics)
		}
		parameters := d.Definition.Parameters
		if d.Definition.VariadicParameter != nil {
			parameters = append(parameters, d.Definition.VariadicParameter)
		}
		for _, p := range parameters {
			if p.GetName() == "" || p.GetMarkdownDescription() == "" {
				t.Errorf("%s: parameter %q is not documented", meta.Name, p.GetName())
			}
		}
		if d.Definition.Summary == "" || d.Definition.MarkdownDescription == "" {
			t.Errorf("%s is not documented", meta.Name)
		}
	}
	want := "client_env client_files cloud_init daemon_json docker_context host_files ignition inventory metrics parse_certificate server_files"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s", got)
	}
}

func TestResults(t *testing.T) {
	cert, key := selfSigned(t)
	server := identityOf(rootPEM(), cert, key)
	hostHeld := identityOf(rootPEM(), cert, "")

	if got := runText(t, "cloud_init", server, dynamic()); !strings.HasPrefix(got, "#cloud-config\n") || !holds(got, key) {
		t.Error("cloud_init delivers no key")
	}
	if got := runText(t, "cloud_init", hostHeld, dynamic(object(map[string]attr.Value{"directory": types.StringValue("/srv/tls")}))); !strings.Contains(got, "must lie in /srv/tls/server-key.pem") {
		t.Error("cloud_init does not say where the key must lie")
	}
	if got := runText(t, "ignition", server, dynamic()); !strings.HasPrefix(got, `{"ignition":{"version":"3.4.0"}`) {
		t.Error("ignition returns something else")
	}
	if got, failure := run(t, "client_files", server); failure != nil || len(got.(basetypes.MapValue).Elements()) != 3 {
		t.Errorf("client_files: %v", failure)
	}
	if got, failure := run(t, "client_files", hostHeld); failure != nil || len(got.(basetypes.MapValue).Elements()) != 2 {
		t.Errorf("client_files without the key: %v", failure)
	}
	if got, failure := run(t, "server_files", server); failure != nil || !got.(basetypes.MapValue).Elements()["server-key.pem"].Equal(types.StringValue(key)) {
		t.Errorf("server_files: %v", failure)
	}
	files, failure := run(t, "host_files", server)
	if failure != nil {
		t.Fatal(failure)
	}
	wantKey := object(map[string]attr.Value{"content": types.StringValue(key), "permissions": types.StringValue("0400")})
	if got := files.(basetypes.MapValue).Elements(); len(got) != 6 || !got["/etc/docker/tls/server-key.pem"].Equal(wantKey) {
		t.Errorf("host_files returns %d files, or another key", len(got))
	}
	archive, err := base64.StdEncoding.DecodeString(runText(t, "docker_context", types.StringValue("web1"), types.StringValue("web1:2376"), server))
	if err != nil || !strings.HasPrefix(string(archive), "meta.json\x00") {
		t.Errorf("docker_context: %v", err)
	}
	for _, test := range []struct {
		paths attr.Value
		want  map[string]attr.Value
	}{
		{text(), map[string]attr.Value{"DOCKER_HOST": types.StringValue("tcp://web1:2376"), "DOCKER_TLS_VERIFY": types.StringValue("1")}},
		{text(types.StringNull()), map[string]attr.Value{"DOCKER_HOST": types.StringValue("tcp://web1:2376"), "DOCKER_TLS_VERIFY": types.StringValue("1")}},
		{text(types.StringValue("/srv")), map[string]attr.Value{"DOCKER_HOST": types.StringValue("tcp://web1:2376"), "DOCKER_TLS_VERIFY": types.StringValue("1"), "DOCKER_CERT_PATH": types.StringValue("/srv")}},
	} {
		got, failure := run(t, "client_env", types.StringValue("web1"), test.paths)
		if failure != nil || !maps.EqualFunc(got.(basetypes.MapValue).Elements(), test.want, attr.Value.Equal) {
			t.Errorf("client_env: got %v, %v, want %v", got, failure, test.want)
		}
	}
}

// Options arrive as objects, as maps, as null from a variable nobody set, and
// with values of every type in the settings.
func TestOptions(t *testing.T) {
	hosts := regexp.MustCompile(`"tcp://0\.0\.0\.0:\d+"`)
	settings := object(map[string]attr.Value{
		"live-restore": types.BoolValue(true),
		"mtu":          number(1450),
		"fraction":     number(0.5),
		"dns":          types.TupleValueMust([]attr.Type{types.StringType}, []attr.Value{types.StringValue("10.0.0.2")}),
		"labels":       types.ListValueMust(types.StringType, []attr.Value{types.StringValue("a=b")}),
		"hosts-set":    types.SetValueMust(types.StringType, []attr.Value{types.StringValue("x")}),
		"log-opts":     types.MapValueMust(types.StringType, map[string]attr.Value{"max-size": types.StringValue("10m")}),
		"dynamic":      types.DynamicValue(types.BoolValue(false)),
		"absent":       types.StringNull(),
	})
	got := runText(t, "daemon_json", dynamic(object(map[string]attr.Value{
		"mode": types.StringValue("tls"), "port": number(12376), "listen": types.StringValue("hosts"), "directory": types.StringNull(), "settings": settings,
	})))
	want := `{
  "dns": [
    "10.0.0.2"
  ],
  "dynamic": false,
  "fraction": 0.5,
  "hosts": [
    "unix:///var/run/docker.sock",
    "tcp://0.0.0.0:12376"
  ],
  "hosts-set": [
    "x"
  ],
  "labels": [
    "a=b"
  ],
  "live-restore": true,
  "log-opts": {
    "max-size": "10m"
  },
  "mtu": 1450,
  "tls": true,
  "tlscert": "/etc/docker/tls/server-cert.pem",
  "tlskey": "/etc/docker/tls/server-key.pem",
  "tlsverify": false
}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	asMap := types.MapValueMust(types.StringType, map[string]attr.Value{"listen": types.StringValue("hosts")})
	if got := runText(t, "daemon_json", dynamic(asMap)); !hosts.MatchString(got) {
		t.Errorf("as a map: %s", got)
	}
	plain := runText(t, "daemon_json", dynamic())
	for name, argument := range map[string]attr.Value{
		"null":          types.TupleValueMust([]attr.Type{types.DynamicType}, []attr.Value{types.DynamicNull()}),
		"typed null":    dynamic(types.MapNull(types.StringType)),
		"empty object":  dynamic(object(nil)),
		"null settings": dynamic(object(map[string]attr.Value{"settings": types.DynamicNull()})),
	} {
		if got := runText(t, "daemon_json", argument); got != plain {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestArgumentErrors(t *testing.T) {
	cert, key := selfSigned(t)
	_, otherKey := selfSigned(t)
	server := identityOf(rootPEM(), cert, key)
	options := func(key string, value attr.Value) attr.Value {
		return dynamic(object(map[string]attr.Value{key: value}))
	}
	two := dynamic(object(nil), object(nil))
	web1 := types.StringValue("web1")
	later := types.ObjectValueMust(identityTypes, map[string]attr.Value{
		"ca_cert_pem": types.StringValue(rootPEM()), "cert_pem": types.StringUnknown(), "private_key_pem": types.StringUnknown(),
	})
	empty := types.ObjectValueMust(identityTypes, map[string]attr.Value{
		"ca_cert_pem": types.StringValue(rootPEM()),
		"cert_pem":    types.StringValue(cert), "private_key_pem": types.StringValue(""),
	})
	for _, test := range []struct {
		name      string
		function  string
		arguments []attr.Value
		at        int64
		want      string
	}{
		{"unknown option", "cloud_init", []attr.Value{server, options("prot", number(1))}, 1, `unknown option "prot": the options are mode, directory, port, listen, address, clients, settings`},
		{"unknown option", "ignition", []attr.Value{server, options("prot", number(1))}, 1, `unknown option "prot"`},
		{"unknown option", "daemon_json", []attr.Value{options("prot", number(1))}, 0, `unknown option "prot"`},
		{"wrong type", "cloud_init", []attr.Value{server, options("port", types.StringValue("docker"))}, 1, `option "port" is "docker": it must be a whole number`},
		{"port out of range", "cloud_init", []attr.Value{server, options("port", number(70000))}, 1, `option "port" is the number 70000: it must be a whole number from 1 to 65535`},
		{"address with a port, before the certificate is known", "ignition", []attr.Value{later, options("address", types.StringValue("10.0.0.5:2376"))}, 1, `option "address" is "10.0.0.5:2376": it must be an IP address alone`},
		{"relative directory", "cloud_init", []attr.Value{server, options("directory", types.StringValue("tls"))}, 1, "it must be absolute"},
		{"settings that overwrite", "daemon_json", []attr.Value{options("settings", object(map[string]attr.Value{"tlsverify": types.BoolValue(false)}))}, 0, `which would overwrite the TLS setup`},
		{"hosts on Flatcar", "ignition", []attr.Value{server, options("listen", types.StringValue("hosts"))}, 1, `clashes with hosts in daemon.json`},
		{"options that are no object", "cloud_init", []attr.Value{server, dynamic(types.StringValue("tls"))}, 1, "the options must be an object"},
		{"options that are a list", "daemon_json", []attr.Value{dynamic(types.TupleValueMust(nil, nil))}, 0, "the options must be an object"},
		{"options twice", "cloud_init", []attr.Value{server, two}, 2, "too many arguments: at most one options object"},
		{"options twice", "daemon_json", []attr.Value{two}, 1, "too many arguments"},
		{"settings in JSON", "cloud_init", []attr.Value{server, options("settings", types.StringValue(`{"token":"`+key+`"}`))}, 1, `option "settings" is a string`},
		{"a number of many digits", "daemon_json", []attr.Value{options("settings", object(map[string]attr.Value{"x": types.NumberValue(new(big.Float).SetMantExp(big.NewFloat(1), 1<<30))}))}, 0, "too many digits"},
		{"a typo before the certificate is known", "cloud_init", []attr.Value{later, options("prot", number(1))}, 1, `unknown option "prot"`},
		{"a typo before the certificate is known", "ignition", []attr.Value{types.ObjectUnknown(identityTypes), options("prot", number(1))}, 1, `unknown option "prot"`},
		{"hosts before the certificate is known", "ignition", []attr.Value{later, options("listen", types.StringValue("hosts"))}, 1, `clashes with hosts`},
		{"layout of clients, before the certificate is known", "server_files", []attr.Value{later, options("layout", types.StringValue("buildx"))}, 1, "which client_files has"},
		{"layout of servers, before the certificate is known", "client_files", []attr.Value{later, options("layout", types.StringValue("buildkitd"))}, 1, "which server_files has"},
		{"unknown option", "server_files", []attr.Value{later, options("mode", types.StringValue("tls"))}, 1, `unknown option "mode": the options are layout, clients`},
		{"unknown option", "host_files", []attr.Value{later, options("layout", types.StringValue("docker"))}, 1, `unknown option "layout": the options are mode`},
		{"unknown option", "docker_context", []attr.Value{types.StringUnknown(), types.StringUnknown(), later, options("layout", types.StringValue("docker"))}, 3, `the only option is daemons`},
		{"nobody may enter", "cloud_init", []attr.Value{later, options("clients", types.TupleValueMust([]attr.Type{}, []attr.Value{}))}, 1, "names no authority"},
		{"a leaf may enter, beside what is not known", "host_files", []attr.Value{later, options("clients", types.TupleValueMust(
			[]attr.Type{types.DynamicType, types.DynamicType}, []attr.Value{types.DynamicUnknown(), types.DynamicValue(authorityOf(types.StringValue(cert)))},
		))}, 1, "option clients[1].cert_pem, certificate 1: "},
		{"a leaf for a daemon's authority", "docker_context", []attr.Value{types.StringUnknown(), web1, later, options("daemons", types.ListValueMust(authorityOf(types.StringValue(cert)).Type(t.Context()), []attr.Value{authorityOf(types.StringValue(cert))}))}, 3, "option daemons[0].cert_pem"},
		{"an authority that is null", "client_files", []attr.Value{later, options("daemons", types.TupleValueMust([]attr.Type{types.DynamicType}, []attr.Value{types.DynamicValue(authorityOf(types.StringNull()))}))}, 1, `option "daemons[0].cert_pem" is missing`},
		{"a typo beside what is not known", "daemon_json", []attr.Value{dynamic(object(map[string]attr.Value{"mode": types.StringUnknown(), "prot": types.DynamicUnknown()}))}, 0, `unknown option "prot"`},
		{"a kind beside what is not known", "daemon_json", []attr.Value{options("settings", object(map[string]attr.Value{"log-opts": types.MapUnknown(types.StringType), "debug": types.StringValue("x")}))}, 0, `option "settings.debug" is a string`},
		{"no key before the certificate is known", "client_files", []attr.Value{types.ObjectValueMust(identityTypes, map[string]attr.Value{
			"ca_cert_pem": types.StringUnknown(), "cert_pem": types.StringNull(), "private_key_pem": types.StringUnknown(),
		})}, 0, "cert_pem is null"},
		{"a context name before the rest is known", "docker_context", []attr.Value{types.StringValue("x"), types.StringUnknown(), later}, 0, "at least two characters"},
		{"a context host before the rest is known", "docker_context", []attr.Value{types.StringUnknown(), types.StringValue("web1:x"), later}, 1, "the port must be a number"},
		{"a path before the host is known", "client_env", []attr.Value{types.StringUnknown(), text(types.StringValue("~/x"))}, 1, "pathexpand"},
		{"a host before the path is known", "client_env", []attr.Value{types.StringValue("web1:x"), text(types.StringUnknown())}, 0, "the port must be a number"},
		{"no authority", "cloud_init", []attr.Value{identityOf("", cert, key), dynamic()}, 0, "ca_cert_pem is null"},
		{"no certificate", "ignition", []attr.Value{identityOf(rootPEM(), "", key), dynamic()}, 0, "cert_pem is null"},
		{"empty key", "cloud_init", []attr.Value{empty, dynamic()}, 0, "private_key_pem is empty"},
		{"another's key", "cloud_init", []attr.Value{identityOf(rootPEM(), cert, otherKey), dynamic()}, 0, "do not fit together"},
		{"another's key", "client_files", []attr.Value{identityOf(rootPEM(), cert, otherKey)}, 0, "do not fit together"},
		{"no certificate", "client_files", []attr.Value{identityOf(rootPEM(), "", key)}, 0, "cert_pem is null"},
		{"a leaf for an authority", "client_files", []attr.Value{identityOf(cert, cert, key)}, 0, "ca_cert_pem, certificate 1: the certificate of"},
		{"a leaf for an authority", "cloud_init", []attr.Value{identityOf(cert, cert, key), dynamic()}, 0, "is not one of an authority"},
		{"context name", "docker_context", []attr.Value{types.StringValue("default"), web1, server}, 0, "built-in context"},
		{"context host", "docker_context", []attr.Value{web1, types.StringValue("unix:///x"), server}, 1, "write tcp://host:port"},
		{"context without a key", "docker_context", []attr.Value{web1, web1, identityOf(rootPEM(), cert, "")}, 2, "a context without a key cannot authenticate"},
		{"context without an authority", "docker_context", []attr.Value{web1, web1, identityOf("", cert, key)}, 2, "ca_cert_pem is null"},
		{"host", "client_env", []attr.Value{types.StringValue("web1:x"), text()}, 0, "the port must be a number"},
		{"path with a tilde", "client_env", []attr.Value{web1, text(types.StringValue("~/x"))}, 1, "pathexpand"},
		{"two paths", "client_env", []attr.Value{web1, text(types.StringValue("/a"), types.StringValue("/b"))}, 2, "at most one cert_path"},
		{"no certificate", "parse_certificate", []attr.Value{types.StringValue(key)}, 0, "no certificate found, but a private key: "},
	} {
		t.Run(test.function+" "+test.name, func(t *testing.T) {
			_, failure := run(t, test.function, test.arguments...)
			switch {
			case failure == nil:
				t.Fatal("no error")
			case failure.FunctionArgument == nil || *failure.FunctionArgument != test.at:
				t.Errorf("not at argument %d: %s", test.at, failure.Text)
			case !strings.Contains(failure.Text, test.want):
				t.Errorf("got  %s\nwant %s", failure.Text, test.want)
			case strings.Contains(failure.Text, key):
				t.Error("the error shows a key")
			}
		})
	}
}

// What is not known yet is checked as far as it goes, and has a result that is
// not known either.
func TestUnknownArguments(t *testing.T) {
	cert, key := selfSigned(t)
	server := identityOf(rootPEM(), cert, key)
	later := types.ObjectValueMust(identityTypes, map[string]attr.Value{
		"ca_cert_pem": types.StringValue(rootPEM()), "cert_pem": types.StringUnknown(), "private_key_pem": types.StringNull(),
	})
	good := object(map[string]attr.Value{"port": types.StringValue("2377")})
	open := object(map[string]attr.Value{"settings": object(map[string]attr.Value{"dns": types.ListUnknown(types.StringType)})})
	web1 := types.StringValue("web1")
	for _, test := range []struct {
		function  string
		arguments []attr.Value
	}{
		{"cloud_init", []attr.Value{later, dynamic(good)}},
		{"cloud_init", []attr.Value{types.ObjectUnknown(identityTypes), dynamic()}},
		{"cloud_init", []attr.Value{server, dynamic(open)}},
		{"cloud_init", []attr.Value{server, types.TupleValueMust([]attr.Type{types.DynamicType}, []attr.Value{types.DynamicUnknown()})}},
		{"cloud_init", []attr.Value{server, dynamic(types.StringUnknown())}},
		{"ignition", []attr.Value{later, dynamic(good)}},
		{"daemon_json", []attr.Value{dynamic(open)}},
		{"client_files", []attr.Value{later}},
		{"server_files", []attr.Value{later}},
		{"host_files", []attr.Value{later}},
		{"host_files", []attr.Value{server, dynamic(object(map[string]attr.Value{"clients": types.TupleValueMust([]attr.Type{types.DynamicType}, []attr.Value{types.DynamicValue(authorityOf(types.StringUnknown()))})}))}},
		{"server_files", []attr.Value{server, dynamic(object(map[string]attr.Value{"layout": types.StringUnknown()}))}},
		{"docker_context", []attr.Value{web1, web1, server, dynamic(object(map[string]attr.Value{"daemons": types.DynamicUnknown()}))}},
		{"docker_context", []attr.Value{web1, web1, later}},
		{"docker_context", []attr.Value{types.StringUnknown(), web1, server}},
		{"docker_context", []attr.Value{web1, types.StringUnknown(), server}},
		{"client_env", []attr.Value{types.StringUnknown(), text()}},
		{"client_env", []attr.Value{web1, text(types.StringUnknown())}},
	} {
		if got, failure := run(t, test.function, test.arguments...); failure != nil || !got.IsUnknown() {
			t.Errorf("%s%v: got %v, %v", test.function, test.arguments, got, failure)
		}
	}
}

func TestParseCertificate(t *testing.T) {
	cert, _ := selfSigned(t)
	value, failure := run(t, "parse_certificate", types.StringValue(cert))
	if failure != nil {
		t.Fatal(failure)
	}
	got := value.(basetypes.ObjectValue).Attributes()
	for name, want := range map[string]attr.Value{
		"serial_number":       types.StringValue("0abc"),
		"validity_start_time": types.StringValue("2026-05-01T00:00:00Z"),
		"validity_end_time":   types.StringValue("2027-05-01T00:00:00Z"),
		"key_algorithm":       types.StringValue("ECDSA_P256"),
		"is_ca":               types.BoolValue(false),
		"dns_names":           types.ListValueMust(types.StringType, []attr.Value{}),
		"extended_key_usages": types.ListValueMust(types.StringType, []attr.Value{types.StringValue("serverAuth"), types.StringValue("clientAuth")}),
	} {
		if !got[name].Equal(want) {
			t.Errorf("%s is %s, want %s", name, got[name], want)
		}
	}
	subject := got["subject"].(basetypes.ObjectValue).Attributes()
	if !subject["common_name"].Equal(types.StringValue("ci")) || !subject["distinguished_name"].Equal(types.StringValue("CN=ci,O=Example")) {
		t.Errorf("subject %s", got["subject"])
	}
}
