package docker

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
)

func TestClientFiles(t *testing.T) {
	client := one(t)
	want := map[string]string{"ca.pem": client.CACertPEM, "cert.pem": client.CertPEM, "key.pem": client.PrivateKeyPEM}
	got, err := ClientFiles(client, clientOptions(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", sortedKeys(got))
	}

	client.PrivateKeyPEM = ""
	delete(want, "key.pem")
	got, err = ClientFiles(client, clientOptions(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("without its key: got %v, want no empty key.pem", sortedKeys(got))
	}
}

func TestClientEnv(t *testing.T) {
	e := Endpoint{"web1.example.com", 2376}
	want := map[string]string{"DOCKER_HOST": "tcp://web1.example.com:2376", "DOCKER_TLS_VERIFY": "1"}
	if got := ClientEnv(e, ""); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	want["DOCKER_CERT_PATH"] = "/home/me/.docker/zone1"
	if got := ClientEnv(e, "/home/me/.docker/zone1"); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCheckCertPath(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"/home/me/.docker", ""},
		{"certs", ""},
		{"", "cert_path is empty"},
		{"~/.docker/zone1", `write pathexpand("~/.docker/zone1")`},
	} {
		err := CheckCertPath(test.in)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %q", test.in, err, test.want)
		}
	}
}

func TestCheckContextName(t *testing.T) {
	for _, name := range []string{"web1", "Web-1_a.b+c", "00"} {
		if err := CheckContextName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "a", "default", "-web1", ".web1", "web 1", "web/1", "wéb", "web1\n"} {
		if CheckContextName(name) == nil {
			t.Errorf("%q is accepted, and the docker command refuses it", name)
		}
	}
}

func TestContextArchive(t *testing.T) {
	client := one(t)
	archive, err := ContextArchive("web1", Endpoint{"web1.example.com", 2376}, client, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := ContextArchive("web1", Endpoint{"web1.example.com", 2376}, client, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(archive, again) {
		t.Error("two archives of the same client differ")
	}
	if len(archive)%512 != 0 || !bytes.HasSuffix(archive, make([]byte, 1024)) {
		t.Errorf("%d bytes without the trailer of two empty blocks", len(archive))
	}
	got := map[string]string{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || strings.HasPrefix(h.Name, "tls/") && h.Mode != 0o600 {
			t.Errorf("%s has type %c and mode %o", h.Name, h.Typeflag, h.Mode)
		}
		got[h.Name] = string(content)
	}
	want := map[string]string{
		"meta.json":           `{"Name":"web1","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://web1.example.com:2376","SkipTLSVerify":false}}}`,
		"tls/docker/ca.pem":   client.CACertPEM,
		"tls/docker/cert.pem": client.CertPEM,
		"tls/docker/key.pem":  client.PrivateKeyPEM,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v and meta.json %s", sortedKeys(got), got["meta.json"])
	}
}

// The docker command would drop the certificate silently.
func TestContextArchiveNeedsTheKey(t *testing.T) {
	client := one(t)
	client.PrivateKeyPEM = ""
	_, err := ContextArchive("web1", Endpoint{"web1.example.com", 2376}, client, FileOptions{})
	if err == nil || !strings.Contains(err.Error(), "merge(client, { private_key_pem = … })") {
		t.Errorf("got %v, want an error that says what to do", err)
	}
}
