package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"testing"
)

// userData is user data in the forms that a cloud may take it in.
type userData struct {
	Text   string `json:"text"`
	Length int    `json:"length"` // as Terraform counts it
	Gzip   string `json:"gzip"`   // base64gzip(text)
}

// zipped returns the octets that the host gets in place of the text.
func (u userData) zipped(t *testing.T) string {
	t.Helper()
	octets, err := base64.StdEncoding.DecodeString(u.Gzip)
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(octets))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); err != nil || string(text) != u.Text {
		t.Fatalf("base64gzip holds another text: %v", err)
	}
	return string(octets)
}

// TestUserData measures the user data of hosts that need much of it, after three rotations of their authority, and
// has cloud-init and dockerd read what base64gzip made of it. AWS takes 16,384 bytes, and a host may need more than
// Docker.
func TestUserData(t *testing.T) {
	t.Parallel()
	w := workspace{terraform: findTerraform(t), dir: t.TempDir()}
	if err := w.write("userdata.tf"); err != nil {
		t.Fatal(err)
	}
	made := func(generation int) map[string]userData {
		if err := w.apply(fmt.Sprintf("generation=%d", generation)); err != nil {
			t.Fatal(err)
		}
		return output[map[string]userData](t, w, "user_data")
	}
	first := made(1)
	for generation := 2; generation < 4; generation++ {
		made(generation)
	}
	last := made(4)

	for _, test := range []struct {
		name  string
		data  userData
		gzip  bool
		limit int
	}{
		{"defaults", first["plain"], false, 3400},
		{"RSA_4096", first["RSA_4096"], false, 10000},
		{"a hundred names", first["many_names"], false, 12 << 10},
		{"ECDSA_P256, three rotations", last["ECDSA_P256"], false, 11 << 10},
		{"RSA_4096, three rotations, gzip", last["RSA_4096"], true, 12000},
	} {
		size, zipped := len(test.data.Text), len(test.data.zipped(t))
		t.Logf("%s: %d bytes, with gzip %d", test.name, size, zipped)
		if test.data.Length != size {
			t.Errorf("%s: length() is %d, and the text has %d bytes", test.name, test.data.Length, size)
		}
		if test.gzip {
			size = zipped
		}
		if size == 0 || size >= test.limit {
			t.Errorf("%s: %d bytes, want less than %d", test.name, size, test.limit)
		}
	}

	files, err := w.materials()
	if err != nil {
		t.Fatal(err)
	}
	m := files["RSA_4096"]
	h := newRealHost(t, "")
	h.seed(t, last["started"].zipped(t))
	h.boot(t)
	if units := h.failed(t); units != nil {
		t.Errorf("%q failed", units)
	}
	want := map[string]written{
		"/etc/docker/daemon.json":         {mode: 0o644},
		"/etc/docker/tls/ca.pem":          {0o444, m.CA},
		"/etc/docker/tls/server-cert.pem": {0o444, m.Cert},
		"/etc/docker/tls/server-key.pem":  {0o400, m.Key},
	}
	for _, unit := range socketUnits {
		want[unit] = written{mode: 0o644}
	}
	h.has(t, want)
	h.checkUnits(t)
	if labels := h.must(t, "docker", "info", "--format={{json .Labels}}"); labels != `["place=Ōtepoti"]` {
		t.Errorf("dockerd has the labels %s", labels)
	}
}
