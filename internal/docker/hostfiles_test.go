package docker

import (
	"crypto/x509"
	"maps"
	"testing"
)

// The parts that a running host is given one by one are those of HostFiles.
func TestPartsOfHostFiles(t *testing.T) {
	ca := newAuthority(t, x509.Certificate{}, 0)
	with, without := ca.identity(t, serverTemplate(), 0), ca.identity(t, serverTemplate(), 0)
	without.PrivateKeyPEM = ""
	for _, server := range []Identity{with, without} {
		for _, raw := range []map[string]any{nil, {"mode": "tls"}, {"listen": "hosts"}, {"directory": "/srv/tls"}} {
			o, err := NewOptions(raw)
			if err != nil {
				t.Fatal(err)
			}
			want, err := HostFiles(server, o)
			if err != nil {
				t.Fatal(err)
			}
			paths := o.Paths()
			got, err := CertificateFiles(server, o, paths)
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(got, o.UnitFiles(server.PrivateKeyPEM == ""))
			got[DaemonJSONPath] = HostFile{mustDaemonJSON(t, o), "0644"}
			if !maps.Equal(got, want) {
				t.Errorf("%v: %d files, want %d", raw, len(got), len(want))
			}
			if inFile, err := PathsIn(mustDaemonJSON(t, o)); err != nil || inFile != paths {
				t.Errorf("%v: daemon.json names %v, %v, want %v", raw, inFile, err, paths)
			}
		}
	}
	if _, err := CertificateFiles(ca.identity(t, clientTemplate(), 0), DefaultOptions(), DefaultOptions().Paths()); err == nil {
		t.Error("the certificate of a client is taken for that of a server")
	}
}
