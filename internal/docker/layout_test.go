package docker

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func clientOptions(t *testing.T, raw map[string]any) FileOptions {
	t.Helper()
	o, err := NewClientFileOptions(raw)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func serverOptions(t *testing.T, raw map[string]any) FileOptions {
	t.Helper()
	o, err := NewServerFileOptions(raw)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestLayouts(t *testing.T) {
	id := one(t)
	want := func(ca, cert, key string) map[string]string {
		files := map[string]string{cert: id.CertPEM, key: id.PrivateKeyPEM}
		for name := range strings.FieldsSeq(ca) {
			files[name] = id.CACertPEM
		}
		return files
	}
	for _, test := range []struct {
		name, ca, cert, key             string // several names of ca with spaces between
		caClient, certClient, keyClient string
	}{
		{"docker", "ca.pem", "server-cert.pem", "server-key.pem", "ca.pem", "cert.pem", "key.pem"},
		{"dind", "server/ca.pem ca/cert.pem", "server/cert.pem", "server/key.pem", "client/ca.pem", "client/cert.pem", "client/key.pem"},
		{"registry", "ca.crt", "domain.crt", "domain.key", "ca.crt", "client.cert", "client.key"},
		{"podman", "client-ca.pem", "cert.pem", "key.pem", "ca.pem", "cert.pem", "key.pem"},
		{"buildkitd", "ca.pem", "cert.pem", "key.pem", "", "", ""},
		{"buildx", "", "", "", "ca.pem", "cert.pem", "key.pem"},
	} {
		t.Run(test.name, func(t *testing.T) {
			raw := map[string]any{"layout": test.name}
			if test.ca != "" {
				got, err := ServerFiles(id, serverOptions(t, raw))
				if want := want(test.ca, test.cert, test.key); err != nil || !maps.Equal(got, want) {
					t.Errorf("the server has %q, %v", slices.Sorted(maps.Keys(got)), err)
				}
			}
			if test.caClient != "" {
				got, err := ClientFiles(id, clientOptions(t, raw))
				if want := want(test.caClient, test.certClient, test.keyClient); err != nil || !maps.Equal(got, want) {
					t.Errorf("the client has %q, %v", slices.Sorted(maps.Keys(got)), err)
				}
			}
		})
	}
	kept := id
	kept.PrivateKeyPEM = ""
	if got, err := ServerFiles(kept, serverOptions(t, nil)); err != nil || len(got) != 2 {
		t.Errorf("a key that the host keeps: %q, %v", slices.Sorted(maps.Keys(got)), err)
	}
}

func TestFileOptionErrors(t *testing.T) {
	server := func(raw map[string]any) error { _, err := NewServerFileOptions(raw); return err }
	client := func(raw map[string]any) error { _, err := NewClientFileOptions(raw); return err }
	context := func(raw map[string]any) error { _, err := NewContextOptions(raw); return err }
	for _, test := range []struct {
		name  string
		check func(map[string]any) error
		raw   map[string]any
		want  string
	}{
		{"unknown layout", server, map[string]any{"layout": "compose"}, `option "layout" is "compose": the layouts are docker, buildkitd, dind, podman, registry`},
		{"unknown layout of a client", client, map[string]any{"layout": "compose"}, `option "layout" is "compose": the layouts are docker, buildx, dind, podman, registry`},
		{"a layout of clients", server, map[string]any{"layout": "buildx"}, `option "layout" is "buildx", which client_files has: the layouts here are docker, buildkitd`},
		{"a layout of servers", client, map[string]any{"layout": "buildkitd"}, `option "layout" is "buildkitd", which server_files has: the layouts here are docker, buildx`},
		{"a layout of a wrong type", client, map[string]any{"layout": []any{}}, `option "layout" is a list`},
		{"an option of hosts", server, map[string]any{"mode": "tls"}, `unknown option "mode": the options are layout, clients`},
		{"whom a server lets in", client, map[string]any{"clients": nil}, `unknown option "clients": the options are layout, daemons`},
		{"a layout of a context", context, map[string]any{"layout": "docker"}, `unknown option "layout": the only option is daemons`},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.check(test.raw)
			var bad *OptionError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func named(name string) x509.Certificate {
	return x509.Certificate{Subject: pkix.Name{CommonName: name}}
}

func TestTrusted(t *testing.T) {
	ops, ci := newAuthority(t, named("ops"), 0).pem(), newAuthority(t, named("ci"), 0).pem()
	leaf := one(t).CertPEM
	type m = map[string]any
	for _, test := range []struct {
		name  string
		value any
		want  string // the bundle, or part of the error
		fails bool
	}{
		{"one", []any{m{"cert_pem": ops}}, ops, false},
		{"in the order of the list", []any{m{"cert_pem": ci}, m{"cert_pem": ops}}, ci + ops, false},
		{"each root once", []any{m{"cert_pem": ops + ci}, m{"cert_pem": ci}, m{"cert_pem": ops}}, ops + ci, false},
		{"a whole docker_tls_ca", []any{m{"cert_pem": ops, "private_key_pem": "sesame", "generation": json.Number("1"), "subject": m{}, "overlap_hours": nil}}, ops, false},
		{"another spelling", []any{m{"cert_pem": "# ops\n" + strings.ReplaceAll(ops, "\n", "\r\n")}}, ops, false},
		{"nulls beside", []any{nil, m{"cert_pem": ops}}, ops, false},
		{"not known yet", Unknown, "", false},
		{"an element not known yet", []any{Unknown}, "", false},
		{"a certificate not known yet", []any{m{"cert_pem": Unknown}, m{"cert_pem": ops}}, ops, false},
		{"nobody", []any{}, `option "clients" names no authority: nobody could connect`, true},
		{"nulls alone", []any{nil}, `option "clients" names no authority`, true},
		{"a leaf", []any{m{"cert_pem": ops}, m{"cert_pem": leaf}}, `option clients[1].cert_pem, certificate 1: `, true},
		{"a leaf beside what is not known", []any{Unknown, m{"cert_pem": leaf}}, `option clients[1].cert_pem, certificate 1: `, true},
		{"a leaf behind a root", []any{m{"cert_pem": ops + leaf}}, `option clients[0].cert_pem, certificate 2: `, true},
		{"no certificate", []any{m{"cert_pem": "sesame"}}, `option clients[0].cert_pem: `, true},
		{"an empty text", []any{m{"cert_pem": ""}}, `option clients[0].cert_pem is empty`, true},
		{"null", []any{m{"cert_pem": nil}}, `option "clients[0].cert_pem" is missing`, true},
		{"another object", []any{m{"ca_cert_pem": ops}}, `option "clients[0].cert_pem" is missing`, true},
		{"a number", []any{m{"cert_pem": json.Number("7")}}, `option "clients[0].cert_pem" is a number`, true},
		{"texts", []any{ops}, `option "clients[0]" is a string: it must be a docker_tls_ca, or an object with cert_pem`, true},
		{"one authority without a list", m{"cert_pem": ops}, `option "clients" is an object: write a list, [ … ], around it`, true},
		{"authorities by name", m{"ops": m{"cert_pem": ops}}, `write values(…) around it`, true},
		{"a text", ops, `option "clients" is a string: it must be a list of authorities`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, err := NewOptions(m{"clients": test.value})
			var bad *OptionError
			switch {
			case test.fails && (!errors.As(err, &bad) || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got  %v\nwant %s", err, test.want)
			case !test.fails && (err != nil || bundle(o.Clients) != test.want):
				t.Errorf("got %d authorities, %v", len(o.Clients), err)
			}
			if err != nil && strings.Contains(err.Error(), "sesame") {
				t.Errorf("the error shows a value: %v", err)
			}
		})
	}
	if _, err := NewOptions(m{"mode": "tls", "clients": []any{m{"cert_pem": ops}}}); err == nil || !strings.Contains(err.Error(), `with mode "tls" everybody may`) {
		t.Errorf("got %v for a mode in which everybody may enter", err)
	}
}

// Whom a side trusts is not its own authority: every function delivers the same.
func TestTrusting(t *testing.T) {
	type m = map[string]any
	server, client := one(t), one(t)
	ops, ci := newAuthority(t, named("ops"), 0), newAuthority(t, named("ci"), 0)
	want, list := ops.pem()+ci.pem(), []any{m{"cert_pem": ops.pem()}, m{"cert_pem": ci.pem()}}
	o, err := NewOptions(m{"clients": list})
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := CloudConfig(server, o)
	if err != nil {
		t.Fatal(err)
	}
	ignition, err := Ignition(server, o)
	if err != nil {
		t.Fatal(err)
	}
	host, err := HostFiles(server, o)
	if err != nil {
		t.Fatal(err)
	}
	hostWritten := map[string]written{}
	for path, f := range host {
		hostWritten[path] = written{f.Permissions, f.Content}
	}
	sameFiles(t, "host_files", hostWritten, cloudFiles(t, cloud))
	sameFiles(t, "ignition", ignitionFiles(t, ignition), cloudFiles(t, cloud))
	serverFiles, err := ServerFiles(server, serverOptions(t, m{"clients": list}))
	if err != nil {
		t.Fatal(err)
	}
	clientFiles, err := ClientFiles(client, clientOptions(t, m{"daemons": list}))
	if err != nil {
		t.Fatal(err)
	}
	context, err := NewContextOptions(m{"daemons": list})
	if err != nil {
		t.Fatal(err)
	}
	archive, err := ContextArchive("web1", Endpoint{"web1", 2376}, client, context)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"cloud_init": cloudFiles(t, cloud)["/etc/docker/tls/ca.pem"].content, "server_files": serverFiles["ca.pem"], "client_files": clientFiles["ca.pem"],
	} {
		if got != want {
			t.Errorf("%s trusts others", name)
		}
	}
	if !strings.Contains(string(archive), want) || strings.Contains(string(archive), client.CACertPEM) {
		t.Error("docker_context trusts others")
	}
}

// An authority that had expired when the certificate was issued admits nobody.
func TestTrustingErrors(t *testing.T) {
	type m = map[string]any
	server := one(t)
	past := func(name string, end time.Time) string {
		template := named(name)
		template.NotBefore, template.NotAfter = end.AddDate(-1, 0, 0), end
		return newAuthority(t, template, 0).pem()
	}
	begins := noon.Add(-time.Hour) // the certificate
	for _, test := range []struct {
		name, cert string
		fails      bool
	}{
		{"expired", past("old", begins.Add(-time.Second)), true},
		{"expires as the certificate begins", past("old", begins), false},
		{"expired, with a younger root", newAuthority(t, named("new"), 0).pem() + past("old", begins.Add(-time.Second)), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ServerFiles(server, serverOptions(t, m{"clients": []any{m{"cert_pem": test.cert}}}))
			var bad *OptionError
			if test.fails && (!errors.As(err, &bad) || !strings.Contains(err.Error(), `option "clients" has the authority "CN=old", which expired on 2026-05-01T10:59:59Z`)) || !test.fails && err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}
