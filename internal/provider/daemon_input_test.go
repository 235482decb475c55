package provider_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
)

// changed is an object with other values for some attributes.
func changed(before tftypes.Value, set tfsim.Values) tftypes.Value {
	values := tfsim.Values{}
	if err := before.As(&values); err != nil {
		panic(err)
	}
	merged := tfsim.Values{}
	for name, value := range values {
		merged[name] = value
	}
	for name, value := range set {
		merged[name] = value
	}
	return tftypes.NewValue(before.Type(), merged)
}

// list is a list of values of any type.
func list(elements ...tftypes.Value) tftypes.Value {
	var types []tftypes.Type
	for _, element := range elements {
		types = append(types, element.Type())
	}
	return tftypes.NewValue(tftypes.Tuple{ElementTypes: types}, elements)
}

// serverOf is what `server` has by default.
func serverOf(w *tfsim.World) tftypes.Value {
	return daemonObject(w, "server", w.Fields(tfsim.Server))
}

// TestDaemonBadInput has each error at the argument that is wrong, at the latest
// when that is known. "…" stands for what follows in a path.
func TestDaemonBadInput(t *testing.T) {
	t.Parallel()
	other, otherKey := authorityOf(t, "Other CA")
	text := tfsim.String
	option := func(name string, value tftypes.Value) tfsim.Values {
		return tfsim.Values{"options": object(tfsim.Values{name: value})}
	}
	server := func(w *tfsim.World, set tfsim.Values) tfsim.Values {
		return tfsim.Values{"server": changed(serverOf(w), set)}
	}
	client := func(w *tfsim.World, set tfsim.Values) tfsim.Values {
		arguments := clientInPlaceOfCA(w)
		arguments["client"] = changed(arguments["client"], set)
		return arguments
	}
	for name, test := range map[string]struct {
		arguments func(w *tfsim.World) tfsim.Values
		at, want  string
	}{
		"host, another scheme": {func(*tfsim.World) tfsim.Values { return tfsim.Values{"host": text("https://host.example.com")} }, "host", "write tcp:// instead"},
		"host, another name":   {func(*tfsim.World) tfsim.Values { return tfsim.Values{"host": text("tcp://10.0.0.5:2376")} }, "host", `10.0.0.5 is not in the server certificate, which has "host.example.com"`},
		"timeout, no duration": {func(*tfsim.World) tfsim.Values { return tfsim.Values{"timeout": text("90")} }, "timeout", "positive duration"},
		"timeout, too long":    {func(*tfsim.World) tfsim.Values { return tfsim.Values{"timeout": text("61m")} }, "timeout", `at most "1h"`},
		"restart":              {func(*tfsim.World) tfsim.Values { return tfsim.Values{"restart": text("openrc")} }, "restart", "must be one of"},
		"option mode":          {func(*tfsim.World) tfsim.Values { return option("mode", text("plain")) }, "options.mode", "must be one of"},
		"option directory":     {func(*tfsim.World) tfsim.Values { return option("directory", text("tls")) }, "options.directory", "must be absolute"},
		"option listen":        {func(*tfsim.World) tfsim.Values { return option("listen", text("fd")) }, "options.listen", "must be one of"},
		"option address":       {func(*tfsim.World) tfsim.Values { return option("address", text("10.0.0.0/8")) }, "options.address", "IP address alone"},
		"option port":          {func(*tfsim.World) tfsim.Values { return option("port", tfsim.Int(0)) }, "options.port", "from 1 to 65535"},
		"option port, another": {func(*tfsim.World) tfsim.Values { return option("port", tfsim.Int(2377)) }, "options.port", "port 2377, and host, where that is proven, has port 2376"},
		"option settings":      {func(*tfsim.World) tfsim.Values { return option("settings", text("live-restore")) }, "options.settings", "must be an object"},
		"option settings, TLS": {func(*tfsim.World) tfsim.Values {
			return tfsim.Values{"options": object(tfsim.Values{"settings": object(tfsim.Values{"tlsverify": tfsim.Bool(true)})})}
		}, "options.settings", "would overwrite the TLS setup"},
		"options, misspelt":     {func(*tfsim.World) tfsim.Values { return option("addr", text("10.0.0.5")) }, "options.addr", `nknown option "addr": the options are mode, `},
		"options, no object":    {func(*tfsim.World) tfsim.Values { return tfsim.Values{"options": text("hosts")} }, "options", "must be an object"},
		"options, with clients": {func(w *tfsim.World) tfsim.Values { return option("clients", list(object(w.Fields(tfsim.CA)))) }, "options.clients", "stand beside the options"},
		"clients, none":         {func(*tfsim.World) tfsim.Values { return tfsim.Values{"clients": clientsOf()} }, "clients", "names no authority"},
		"clients, no authority": {func(w *tfsim.World) tfsim.Values {
			return tfsim.Values{"clients": clientsOf(w.Text(tfsim.Server, "cert_pem"))}
		}, "clients", "clients[0].cert_pem"},
		"clients, and anybody": {func(w *tfsim.World) tfsim.Values {
			arguments := option("mode", text("tls"))
			arguments["clients"] = clientsOf(w.Text(tfsim.CA, "cert_pem"))
			return arguments
		}, "clients", "everybody may"},
		"server, another key":  {func(w *tfsim.World) tfsim.Values { return server(w, tfsim.Values{"private_key_pem": text(otherKey)}) }, "server", "do not fit together"},
		"server, an empty key": {func(w *tfsim.World) tfsim.Values { return server(w, tfsim.Values{"private_key_pem": text("")}) }, "server", "private_key_pem is empty"},
		"server, a client's": {func(w *tfsim.World) tfsim.Values {
			return tfsim.Values{"server": daemonObject(w, "server", w.Fields(tfsim.Client))}
		}, "server", "lacks serverAuth"},
		"server, no certificate": {func(w *tfsim.World) tfsim.Values {
			return server(w, tfsim.Values{"cert_pem": tfsim.Null(tftypes.String)})
		}, "server…", "cert_pem"},
		"server, no authority": {func(w *tfsim.World) tfsim.Values {
			return server(w, tfsim.Values{"ca_cert_pem": w.Fields(tfsim.Server)["cert_pem"]})
		}, "server", "ca_cert_pem, certificate 1"},
		"ca, another key": {func(w *tfsim.World) tfsim.Values {
			return tfsim.Values{"ca": w.Object(tfsim.Daemon, "ca", tfsim.Values{"cert_pem": text(w.Text(tfsim.CA, "cert_pem")), "private_key_pem": text(otherKey)})}
		}, "ca.private_key_pem", "does not belong to the authority's certificate"},
		"ca, not admitted": {func(w *tfsim.World) tfsim.Values {
			return tfsim.Values{"ca": w.Object(tfsim.Daemon, "ca", tfsim.Values{"cert_pem": text(other), "private_key_pem": text(otherKey)})}
		}, "ca", `admit the clients of "Docker TLS CA", and the authority "Other CA", which signs the visit, is none of them. Add the authority to clients`},
		"ca, not among clients": {func(*tfsim.World) tfsim.Values { return tfsim.Values{"clients": clientsOf(other)} }, "ca", `admit the clients of "Other CA", and the authority "Docker TLS CA"`},
		"ca and client": {func(w *tfsim.World) tfsim.Values {
			arguments := clientInPlaceOfCA(w)
			delete(arguments, "ca")
			return arguments
		}, "ca", "Both ca and client are given"},
		"neither": {func(w *tfsim.World) tfsim.Values { return tfsim.Values{"ca": clientInPlaceOfCA(w)["ca"]} }, "ca", "via = \"ssh://root@web1.example.com\""},
		"ssh without via": {func(w *tfsim.World) tfsim.Values {
			return tfsim.Values{"ssh": daemonObject(w, "ssh", nil)}
		}, "ssh", "via is not set"},
		"via, ca and client": {func(w *tfsim.World) tfsim.Values {
			arguments := clientInPlaceOfCA(w)
			delete(arguments, "ca")
			arguments["via"] = text("ssh://root@host.example.com")
			return arguments
		}, "ca", "Both ca and client are given"},
		"via, no user":            {func(w *tfsim.World) tfsim.Values { return overSSH(w, "ssh://host.example.com", nil) }, "via", "names no user"},
		"via, another scheme":     {func(w *tfsim.World) tfsim.Values { return overSSH(w, "tcp://host.example.com", nil) }, "via", "does not begin with ssh://"},
		"via, a password":         {func(w *tfsim.World) tfsim.Values { return overSSH(w, "ssh://root:MII@host.example.com", nil) }, "via", "password behind the user"},
		"ssh host_key":            {inSSH("host_key", "SHA256:AAAA"), "ssh.host_key", "it is a fingerprint"},
		"ssh host_key, empty":     {inSSH("host_key", ""), "ssh.host_key", "at least 1"},
		"ssh private_key_pem":     {inSSH("private_key_pem", "-----BEGIN OPENSSH PRIVATE KEY-----"), "ssh.private_key_pem", "is not a private key that can log in"},
		"ssh, only passphrase":    {inSSH("private_key_passphrase", "secret"), "ssh.private_key_passphrase", `"ssh.private_key_pem" must be specified`},
		"ssh jump_host":           {inSSH("jump_host", "bastion.example.com"), "ssh.jump_host", "does not begin with ssh://"},
		"ssh, only jump_host_key": {inSSH("jump_host_key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "ssh.jump_host_key", `"ssh.jump_host" must be specified`},
		"ssh, passphrase needed": {func(w *tfsim.World) tfsim.Values {
			return overSSH(w, "ssh://root@host.example.com", tfsim.Values{"private_key_pem": text(encryptedKey(t, "right"))})
		}, "ssh.private_key_passphrase", "is encrypted"},
		"ssh, passphrase wrong": {func(w *tfsim.World) tfsim.Values {
			return overSSH(w, "ssh://root@host.example.com", tfsim.Values{"private_key_pem": text(encryptedKey(t, "right")), "private_key_passphrase": text("wrong")})
		}, "ssh.private_key_passphrase", "does not decrypt"},
		"client, not among clients": {func(w *tfsim.World) tfsim.Values {
			arguments := clientInPlaceOfCA(w)
			arguments["clients"] = clientsOf(other)
			return arguments
		}, "client", `that of the client certificate "ci"`},
		"client, a server's": {func(w *tfsim.World) tfsim.Values {
			return client(w, tfsim.Values{"cert_pem": w.Fields(tfsim.Server)["cert_pem"], "private_key_pem": w.Fields(tfsim.Server)["private_key_pem"]})
		}, "client", "lacks clientAuth"},
		"client, another key": {func(w *tfsim.World) tfsim.Values { return client(w, tfsim.Values{"private_key_pem": text(otherKey)}) }, "client", "do not fit together"},
		"client, no key": {func(w *tfsim.World) tfsim.Values {
			return client(w, tfsim.Values{"private_key_pem": tfsim.Null(tftypes.String)})
		}, "client.private_key_pem", "private_key_pem"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, f := running(t, nil)
			w.Set(tfsim.Daemon, test.arguments(w))
			_, err := w.Plan()
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), attributePath(test.at)) {
				t.Errorf("the plan fails with %v; want %q at %s", err, test.want, test.at)
			}
			if err != nil && (strings.Contains(err.Error(), "PRIVATE KEY") || strings.Contains(err.Error(), "MII")) {
				t.Error("the error shows a key")
			}
			if len(f.delivered) != 1 {
				t.Error("a plan has delivered")
			}
		})
	}
}

// overSSH are the arguments of a visit over SSH and nothing else.
func overSSH(w *tfsim.World, target string, ssh tfsim.Values) tfsim.Values {
	return tfsim.Values{
		"ca":  tfsim.Null(w.Object(tfsim.Daemon, "ca", nil).Type()),
		"via": tfsim.String(target),
		"ssh": daemonObject(w, "ssh", ssh),
	}
}

func inSSH(name, value string) func(w *tfsim.World) tfsim.Values {
	return func(w *tfsim.World) tfsim.Values {
		return overSSH(w, "ssh://root@host.example.com", tfsim.Values{name: tfsim.String(value)})
	}
}

// attributePath is how the simulated Terraform says where an error stands.
func attributePath(at string) string {
	names, more := strings.CutSuffix(at, "…")
	path := `(at AttributeName("` + strings.ReplaceAll(names, ".", `").AttributeName("`) + `")`
	if more {
		return path
	}
	return path + ")"
}

// TestDaemonGoodInput has what looks like one of those errors, and is none.
func TestDaemonGoodInput(t *testing.T) {
	t.Parallel()
	other, otherKey := authorityOf(t, "Other CA")
	for name, arguments := range map[string]func(w *tfsim.World) tfsim.Values{
		"nobody visits without a restart": func(*tfsim.World) tfsim.Values {
			return tfsim.Values{"restart": tfsim.String("none"), "clients": clientsOf(other)}
		},
		"anybody is let in": func(w *tfsim.World) tfsim.Values {
			outside := w.Object(tfsim.Daemon, "ca", tfsim.Values{"cert_pem": tfsim.String(other), "private_key_pem": tfsim.String(otherKey)})
			return tfsim.Values{"options": object(tfsim.Values{"mode": tfsim.String("tls")}), "ca": outside}
		},
		"clients that are not known yet": func(*tfsim.World) tfsim.Values {
			clients := clientsOf(other, "")
			var elements []tftypes.Value
			if err := clients.As(&elements); err != nil {
				panic(err)
			}
			elements[1] = tftypes.NewValue(elements[1].Type(), tftypes.UnknownValue)
			return tfsim.Values{"clients": tftypes.NewValue(clients.Type(), elements)}
		},
		"clients that are null": func(w *tfsim.World) tfsim.Values {
			clients := clientsOf(w.Text(tfsim.CA, "cert_pem"), "")
			var elements []tftypes.Value
			if err := clients.As(&elements); err != nil {
				panic(err)
			}
			elements[1] = tftypes.NewValue(elements[1].Type(), nil)
			return tfsim.Values{"clients": tftypes.NewValue(clients.Type(), elements)}
		},
		"a key that stays on the host": func(w *tfsim.World) tfsim.Values {
			return tfsim.Values{"server": changed(serverOf(w), tfsim.Values{"private_key_pem": tfsim.Null(tftypes.String)})}
		},
		"a client that is not known yet": func(w *tfsim.World) tfsim.Values {
			client := clientInPlaceOfCA(w)
			client["client"] = tfsim.Unknown(client["client"].Type())
			return client
		},
		"a visit over SSH that the port would refuse": func(_ *tfsim.World) tfsim.Values {
			return tfsim.Values{"via": tfsim.String("ssh://root@host.example.com"), "clients": clientsOf(other)}
		},
		"via that is not known yet": func(w *tfsim.World) tfsim.Values {
			arguments := overSSH(w, "", tfsim.Values{"private_key_pem": tfsim.String(encryptedKey(t, "right")), "private_key_passphrase": tfsim.Unknown(tftypes.String)})
			arguments["via"] = tfsim.Unknown(tftypes.String)
			return arguments
		},
		"options that are not known yet": func(w *tfsim.World) tfsim.Values {
			return tfsim.Values{"options": tfsim.Unknown(tftypes.DynamicPseudoType), "clients": clientsOf(w.Text(tfsim.CA, "cert_pem"))}
		},
		"settings and a port that are not known yet": func(*tfsim.World) tfsim.Values {
			return tfsim.Values{"options": object(tfsim.Values{"settings": object(tfsim.Values{"debug": tfsim.Unknown(tftypes.Bool)}), "port": tfsim.Unknown(tftypes.Number)})}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _ := running(t, nil)
			w.Set(tfsim.Daemon, arguments(w))
			w.MustPlan(t)
		})
	}
}

// TestDaemonIsCheckedBeforeAnythingExists has nothing known but what is wrong.
func TestDaemonIsCheckedBeforeAnythingExists(t *testing.T) {
	t.Parallel()
	w, _ := newDaemonWorld(t, nil)
	w.Set(tfsim.Daemon, tfsim.Values{"options": object(tfsim.Values{"port": tfsim.Int(2377), "mode": tfsim.Unknown(tftypes.String)})})
	w.MustFail(t, "port 2377, and host, where that is proven, has port 2376")
	w.Set(tfsim.Daemon, tfsim.Values{"options": object(tfsim.Values{"directory": tfsim.String("tls")}), "host": tfsim.Unknown(tftypes.String)})
	w.MustFail(t, "must be absolute")
	w.Unset(tfsim.Daemon, "options")
	w.Set(tfsim.Daemon, tfsim.Values{"host": tfsim.String(daemonHost), "ca": w.Object(tfsim.Daemon, "ca", tfsim.Values{"cert_pem": tfsim.Unknown(tftypes.String)})})
	w.MustFail(t, "merge(docker_tls_ca.this") // no key, and nothing was delivered yet
}
