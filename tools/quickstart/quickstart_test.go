package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// newFiles makes an authority, a daemon's and a client's certificate, and writes
// the two folders that an apply of the example would.
func newFiles(t *testing.T) (server, client string) {
	t.Helper()
	now := time.Now()
	key := func() (*ecdsa.PrivateKey, string) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return k, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	caKey, _ := key()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	sign := func(template *x509.Certificate, public any) string {
		der, err := x509.CreateCertificate(rand.Reader, template, ca, public, caKey)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	leaf := func(name string, usage x509.ExtKeyUsage) (cert, private string) {
		k, private := key()
		return sign(&x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: now.Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		}, k.Public()), private
	}

	caPEM := sign(ca, caKey.Public())
	serverCert, serverKey := leaf("server", x509.ExtKeyUsageServerAuth)
	clientCert, clientKey := leaf("me", x509.ExtKeyUsageClientAuth)
	dir := t.TempDir()
	server, client = filepath.Join(dir, "server"), filepath.Join(dir, "client")
	write := func(dir string, files map[string]string) {
		if err := writeFiles(dir, files); err != nil {
			t.Fatal(err)
		}
	}
	write(server, map[string]string{"ca.pem": caPEM, "server-cert.pem": serverCert, "server-key.pem": serverKey})
	write(client, map[string]string{"ca.pem": caPEM, "cert.pem": clientCert, "key.pem": clientKey})
	return server, client
}

func TestListener(t *testing.T) {
	server, client := newFiles(t)
	d, err := startListener(server)
	if err != nil {
		t.Fatal(err)
	}

	answer, err := d.ask(t.Context(), client)
	if want := `the listener sees the user "me"`; err != nil || answer != want {
		t.Errorf("with a certificate: %q, %v; want %q", answer, err, want)
	}
	alert, err := refused(t.Context(), d.address, client)
	if want := "tls: certificate required"; err != nil || alert != want {
		t.Errorf("without a certificate: %q, %v; want %q", alert, err, want)
	}
	_, other := newFiles(t)
	if answer, err := d.ask(t.Context(), other); err == nil {
		t.Errorf("another authority's client got %q", answer)
	}

	if err := d.stop(); err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", d.address); err == nil {
		t.Errorf("%s is open after the stop: %v", d.address, conn.Close())
	}
}

// refused must not take just any failure, nor a server that lets everyone in, for
// a refusal.
func TestNotRefused(t *testing.T) {
	server, client := newFiles(t)
	pair, err := tls.LoadX509KeyPair(filepath.Join(server, "server-cert.pem"), filepath.Join(server, "server-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
			_ = conn.Close()
		}
	}()
	address := l.Addr().String()
	if alert, err := refused(t.Context(), address, client); err == nil {
		t.Errorf("a server that asks for no certificate counts as a refusal: %q", alert)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if alert, err := refused(t.Context(), address, client); err == nil {
		t.Errorf("a closed port counts as a refusal: %q", alert)
	}
}

func TestWriteFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "client")
	for _, files := range []map[string]string{
		{"cert.pem": "cert 1", "key.pem": "key 1", "server-key.pem": "key 2"},
		{"cert.pem": "cert 2", "key.pem": "key 3", "server-key.pem": "key 4"}, // over read-only files
	} {
		if err := writeFiles(dir, files); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			got[e.Name()] = string(text)
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			want := os.FileMode(0o444)
			if strings.Contains(e.Name(), "key") {
				want = 0o400
			}
			if mode := info.Mode().Perm(); mode != want && runtime.GOOS != "windows" {
				t.Errorf("%s has mode %o, want %o", e.Name(), mode, want)
			}
		}
		if !maps.Equal(got, files) {
			t.Errorf("files are %v, want %v", got, files)
		}
	}
}

// A dockerd that fails is replaced by the listener, and the reason is told; in CI
// it is an error.
func TestStartDaemonWithoutDockerd(t *testing.T) {
	server, client := newFiles(t)
	bin := t.TempDir()
	script := "#!/bin/sh\necho no cgroups >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "dockerd"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	reason := "dockerd did not start: it exited\n    no cgroups"
	switch {
	case runtime.GOOS != "linux":
		reason = "dockerd runs on Linux only"
	case os.Geteuid() != 0:
		reason = "dockerd needs root"
	}

	t.Setenv("CI", "")
	d, instead, err := startDaemon(t.Context(), server, client, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.stop(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(d.name, "listener") || instead != "; "+reason {
		t.Errorf("started %s%s, want a listener; %s", d.name, instead, reason)
	}

	t.Setenv("CI", "true")
	if d, _, err = startDaemon(t.Context(), server, client, t.TempDir()); err == nil {
		t.Errorf("started %s, want an error: %v", d.name, d.stop())
	} else if err.Error() != reason {
		t.Errorf("error %q, want %q", err, reason)
	}
}
