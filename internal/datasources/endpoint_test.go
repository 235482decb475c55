package datasources

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// issued is a certificate with its key.
type issued struct {
	cert     *x509.Certificate
	key      *ecdsa.PrivateKey
	certPEM  string
	keyPEM   string
	sec1     string // the key as openssl ecparam -genkey writes it
	combined tls.Certificate
}

// issue signs a certificate; by itself if parent is nil.
func issue(t *testing.T, parent *issued, template x509.Certificate) issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = noon.Add(-time.Hour), noon.Add(time.Hour)
	template.BasicConstraintsValid = true
	signer, signerKey := &template, key
	if parent != nil {
		signer, signerKey = parent.cert, parent.key
	} else {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, signer, key.Public(), signerKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return issued{
		sec1: string(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7}})) +
			string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})),
		cert: cert, key: key,
		certPEM:  string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		keyPEM:   string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})),
		combined: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
	}
}

type fixture struct {
	ca, server, client, foreign, foreignCA issued
	plain                                  bool
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	ca := issue(t, nil, x509.Certificate{Subject: pkix.Name{CommonName: "CA"}})
	foreign := issue(t, nil, x509.Certificate{Subject: pkix.Name{CommonName: "Other CA"}})
	client := x509.Certificate{Subject: pkix.Name{CommonName: "ci"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	return fixture{
		ca: ca,
		server: issue(t, &ca, x509.Certificate{
			Subject: pkix.Name{CommonName: "web1"}, DNSNames: []string{"web1.example.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}),
		client:  issue(t, &ca, client),
		foreign: issue(t, &foreign, client), foreignCA: foreign,
	}
}

// daemon serves what a Docker daemon does; with TLS it locks strangers out.
func (f fixture) daemon(t *testing.T) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		if strings.HasSuffix(r.URL.Path, "/version") {
			_, _ = io.WriteString(w, `{"Version":"20.10.24","ApiVersion":"1.41"}`)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	if f.plain {
		server.Start()
		return server.Listener.Addr().String()
	}
	clients := x509.NewCertPool()
	clients.AddCert(f.ca.cert)
	server.TLS = &tls.Config{
		Certificates: []tls.Certificate{f.server.combined}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients,
		Time: func() time.Time { return noon },
	}
	server.StartTLS()
	return "tcp://" + server.Listener.Addr().String()
}

func newEndpoint(t *testing.T) (datasource.DataSource, schema.Schema) {
	t.Helper()
	source := All(func() time.Time { return noon })[0]()
	var resp datasource.SchemaResponse
	source.Schema(t.Context(), datasource.SchemaRequest{}, &resp)
	if diags := resp.Schema.ValidateImplementation(t.Context()); diags.HasError() || resp.Diagnostics.HasError() {
		t.Fatal(diags, resp.Diagnostics)
	}
	return source, resp.Schema
}

// config is a configuration with the given arguments and all others null.
func config(t *testing.T, s schema.Schema, arguments map[string]string) tfsdk.Config {
	t.Helper()
	kind, ok := s.Type().TerraformType(t.Context()).(tftypes.Object)
	if !ok {
		t.Fatal("the schema is no object")
	}
	values := map[string]tftypes.Value{}
	for name, attribute := range kind.AttributeTypes {
		values[name] = tftypes.NewValue(attribute, nil)
		if text, ok := arguments[name]; ok {
			values[name] = tftypes.NewValue(tftypes.String, text)
		}
	}
	return tfsdk.Config{Schema: s, Raw: tftypes.NewValue(kind, values)}
}

func read(t *testing.T, arguments map[string]string) (endpointModel, datasource.ReadResponse) {
	t.Helper()
	source, s := newEndpoint(t)
	resp := datasource.ReadResponse{State: tfsdk.State{Schema: s, Raw: tftypes.NewValue(s.Type().TerraformType(t.Context()), nil)}}
	source.Read(t.Context(), datasource.ReadRequest{Config: config(t, s, arguments)}, &resp)
	var m endpointModel
	if !resp.Diagnostics.HasError() {
		if diags := resp.State.Get(t.Context(), &m); diags.HasError() {
			t.Fatal(diags)
		}
	}
	return m, resp
}

func TestEndpoint(t *testing.T) {
	f := newFixture(t)
	plain := f
	plain.plain = true
	for _, test := range []struct {
		name      string
		arguments map[string]string
		want      endpointModel
	}{
		{"a stranger", map[string]string{"host": f.daemon(t), "ca_cert_pem": f.ca.certPEM}, endpointModel{
			Mode: types.StringValue("tlsverify"), TLSVersion: types.StringValue("TLS 1.3"), Verified: types.BoolValue(true),
			PeerCertificates: []string{f.server.certPEM}, ValidityEndTime: types.StringValue("2026-05-01T13:00:00Z"),
		}},
		{"a client, by another name, in a hurry", map[string]string{
			"host": f.daemon(t), "ca_cert_pem": f.ca.certPEM, "cert_pem": f.client.certPEM, "private_key_pem": f.client.keyPEM,
			"server_name": "web1.example.com", "timeout": "30s",
		}, endpointModel{
			Mode: types.StringValue("tlsverify"), TLSVersion: types.StringValue("TLS 1.3"), Verified: types.BoolValue(true),
			PeerCertificates: []string{f.server.certPEM}, ValidityEndTime: types.StringValue("2026-05-01T13:00:00Z"),
			ServerVersion: types.StringValue("20.10.24"), APIVersion: types.StringValue("1.41"),
		}},
		{"a client with a key of openssl", map[string]string{
			"host": f.daemon(t), "ca_cert_pem": f.ca.certPEM, "cert_pem": f.client.certPEM, "private_key_pem": f.client.sec1,
		}, endpointModel{
			Mode: types.StringValue("tlsverify"), TLSVersion: types.StringValue("TLS 1.3"), Verified: types.BoolValue(true),
			PeerCertificates: []string{f.server.certPEM}, ValidityEndTime: types.StringValue("2026-05-01T13:00:00Z"),
			ServerVersion: types.StringValue("20.10.24"), APIVersion: types.StringValue("1.41"),
		}},
		{"plain", map[string]string{"host": plain.daemon(t), "ca_cert_pem": f.ca.certPEM}, endpointModel{
			Mode: types.StringValue("plain"), Verified: types.BoolValue(false), PeerCertificates: []string{},
			ServerVersion: types.StringValue("20.10.24"), APIVersion: types.StringValue("1.41"),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, resp := read(t, test.arguments)
			if resp.Diagnostics.HasError() {
				t.Fatal(resp.Diagnostics)
			}
			if got.Host.ValueString() != test.arguments["host"] {
				t.Errorf("host became %s", got.Host)
			}
			if strings.Join(got.PeerCertificates, "") != strings.Join(test.want.PeerCertificates, "") {
				t.Errorf("%d peer certificates", len(got.PeerCertificates))
			}
			if got.Mode != test.want.Mode || got.TLSVersion != test.want.TLSVersion || got.Verified != test.want.Verified ||
				got.ValidityEndTime != test.want.ValidityEndTime || got.ServerVersion != test.want.ServerVersion || got.APIVersion != test.want.APIVersion {
				t.Errorf("got\n%+v\nwant\n%+v", got, test.want)
			}
		})
	}
}

// An error points at the argument that it is about.
func TestEndpointErrors(t *testing.T) {
	f := newFixture(t)
	host := f.daemon(t)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name      string
		arguments map[string]string
		at        string
		want      string
	}{
		{"nothing there", map[string]string{"host": gone.Addr().String()}, "host", "nothing listens on " + gone.Addr().String()},
		{"another authority", map[string]string{"host": host, "ca_cert_pem": f.foreignCA.certPEM}, "ca_cert_pem", `was signed by`},
		{"another name", map[string]string{"host": host, "server_name": "web2"}, "server_name", `which has "web1.example.com", 127.0.0.1`},
		{"another name in host", map[string]string{"host": strings.Replace(host, "127.0.0.1", "localhost", 1)}, "host", "the name localhost is not in the server certificate"},
		{"client refused", map[string]string{"host": host, "cert_pem": f.foreign.certPEM, "private_key_pem": f.foreign.keyPEM}, "cert_pem", `the daemon takes clients of "CN=CA"`},
		{"unfit pair", map[string]string{"host": host, "cert_pem": f.client.certPEM, "private_key_pem": f.foreign.keyPEM}, "cert_pem", "do not fit together"},
		{"out of time", map[string]string{"host": host, "timeout": "1ns"}, "host", "in time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.arguments["ca_cert_pem"] == "" {
				test.arguments["ca_cert_pem"] = f.ca.certPEM
			}
			_, resp := read(t, test.arguments)
			wantDiagnostic(t, resp.Diagnostics.Errors(), test.at, test.want)
		})
	}
}

func TestEndpointValidators(t *testing.T) {
	f := newFixture(t)
	_, s := newEndpoint(t)
	for _, test := range []struct{ attribute, value, want string }{
		{"host", "tcp://web1.example.com:2376", ""},
		{"host", "unix:///var/run/docker.sock", "write tcp://host:port"},
		{"ca_cert_pem", f.ca.certPEM, ""},
		{"ca_cert_pem", f.server.certPEM, `the certificate of "CN=web1" is not one of an authority`},
		{"ca_cert_pem", "", "ca_cert_pem is empty"},
		{"ca_cert_pem", f.ca.keyPEM, `ca_cert_pem: a PEM block of type "PRIVATE KEY" stands where certificates are expected`},
		{"timeout", "1m30s", ""},
		{"timeout", "10", `timeout "10" must be a positive duration such as "10s"`},
		{"timeout", "0s", "must be a positive duration"},
		{"timeout", "-1s", "must be a positive duration"},
		{"timeout", "601s", "at most \"10m\""},
		{"server_name", "docker_in_docker", ""},
		{"server_name", "", "the server name is empty"},
		{"server_name", "web1:2376", "must be a host name or an IP address alone"},
	} {
		t.Run(test.attribute+" "+test.want, func(t *testing.T) {
			attribute, ok := s.Attributes[test.attribute].(schema.StringAttribute)
			if !ok {
				t.Fatal("no such string")
			}
			var resp validator.StringResponse
			for _, v := range attribute.Validators {
				v.ValidateString(t.Context(), validator.StringRequest{Path: path.Root(test.attribute), ConfigValue: types.StringValue(test.value)}, &resp)
			}
			if test.want == "" {
				if resp.Diagnostics.HasError() {
					t.Error(resp.Diagnostics)
				}
				return
			}
			wantDiagnostic(t, resp.Diagnostics.Errors(), test.attribute, test.want)
		})
	}
}

func TestEndpointValidateConfig(t *testing.T) {
	f := newFixture(t)
	source, s := newEndpoint(t)
	validate := func(arguments map[string]string) datasource.ValidateConfigResponse {
		var resp datasource.ValidateConfigResponse
		source.(datasource.DataSourceWithValidateConfig).ValidateConfig(t.Context(), datasource.ValidateConfigRequest{Config: config(t, s, arguments)}, &resp)
		return resp
	}
	for _, arguments := range []map[string]string{
		{"host": "web1"},
		{"host": "web1", "cert_pem": f.client.certPEM, "private_key_pem": f.client.keyPEM},
		{"host": "web1", "cert_pem": f.client.certPEM, "private_key_pem": f.client.sec1},
	} {
		if resp := validate(arguments); resp.Diagnostics.HasError() {
			t.Error(resp.Diagnostics)
		}
	}
	resp := validate(map[string]string{"host": "web1", "cert_pem": f.client.certPEM, "private_key_pem": f.server.keyPEM})
	wantDiagnostic(t, resp.Diagnostics.Errors(), "cert_pem", "do not fit together")
}

func TestEndpointSchema(t *testing.T) {
	_, s := newEndpoint(t)
	for name, attribute := range s.Attributes {
		if attribute.GetMarkdownDescription() == "" {
			t.Errorf("%s is not documented", name)
		}
		if want := name == "private_key_pem"; attribute.IsSensitive() != want {
			t.Errorf("%s: sensitive is %t", name, !want)
		}
	}
}

// An error of another kind is no reason to point anywhere.
func TestDiagnoseOther(t *testing.T) {
	if d := (endpointModel{}).diagnose(errors.New("odd")); d.Detail() != "odd" {
		t.Errorf("got %v", d)
	}
}
