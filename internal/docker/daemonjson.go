package docker

import (
	"bytes"
	"encoding/json"
	"maps"
)

// DaemonJSON returns the text of /etc/docker/daemon.json: the TLS setup merged
// with o.Settings, keys sorted, indented, with a final newline.
//
// Mode "tlsverify" always comes with an absolute tlscacert: without one,
// dockerd lets in every client that any of the host's system roots signed.
// Mode "tls" says "tlsverify": false aloud, because dockerd takes "tls": true
// alone to mean both.
func DaemonJSON(o Options) (string, error) {
	config := maps.Clone(o.Settings)
	if config == nil {
		config = map[string]any{}
	}
	config["tlscert"] = o.certFile()
	config["tlskey"] = o.keyFile()
	switch o.Mode {
	case ModeTLSVerify:
		config["tlsverify"] = true
		config["tlscacert"] = o.caFile()
	case ModeTLS:
		config["tls"] = true
		config["tlsverify"] = false
	default:
		return "", optionErrorf("mode %q does not exist: use %q or %q", o.Mode, ModeTLSVerify, ModeTLS)
	}
	if o.Listen == ListenHosts {
		// The Unix socket stays, or the host's own docker command would fail.
		tcp := Endpoint{"0.0.0.0", o.Port}
		if o.Address.IsValid() {
			tcp = o.endpoint()
		}
		config["hosts"] = []string{"unix:///var/run/docker.sock", tcp.URL()}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(config); err != nil {
		return "", optionErrorf("option \"settings\" cannot be written as JSON: %v", err)
	}
	return b.String(), nil
}
