package docker

import (
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestIdentityErrors(t *testing.T) {
	good, other := one(t), one(t)
	own, idle := ownKey(t)
	encrypted := string(pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte{1}}))
	legacy := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: []byte{1}}))
	for _, test := range []struct {
		name   string
		change func(*Identity)
		want   string
	}{
		{"no authority", func(id *Identity) { id.CACertPEM = "" }, "ca_cert_pem is empty: it must hold at least one certificate"},
		{"blank authority", func(id *Identity) { id.CACertPEM = " \n" }, "ca_cert_pem is empty"},
		{"authority that is no PEM", func(id *Identity) { id.CACertPEM = "ca.pem" }, "ca_cert_pem: no certificate found, but what looks like the name of a file (read it with file()): a PEM text that begins with -----BEGIN CERTIFICATE----- is expected"},
		{"authority that is a key", func(id *Identity) { id.CACertPEM = id.PrivateKeyPEM }, `ca_cert_pem: a PEM block of type "PRIVATE KEY" stands where certificates are expected`},
		{"authority with a key behind it", func(id *Identity) { id.CACertPEM += id.PrivateKeyPEM }, `ca_cert_pem: a PEM block of type "PRIVATE KEY" stands where certificates are expected`},
		{"authority that is damaged", func(id *Identity) {
			id.CACertPEM = id.CACertPEM + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte{1}}))
		}, "ca_cert_pem: certificate 2 cannot be read: "},
		{"authority that is none", func(id *Identity) { id.CACertPEM = id.CertPEM },
			`ca_cert_pem, certificate 1: the certificate of "CN=web1.example.com" is not one of an authority: it lacks basicConstraints CA:TRUE`},
		{"authority with another host behind it", func(id *Identity) { id.CACertPEM += other.CertPEM }, "ca_cert_pem, certificate 2: "},
		{"authority that may not sign", func(id *Identity) { id.CACertPEM = idle }, "its keyUsage lacks keyCertSign"},
		{"the authority's own certificate", func(id *Identity) {
			id.CertPEM, id.PrivateKeyPEM = own.CACertPEM, own.PrivateKeyPEM
			id.CACertPEM = own.CACertPEM
		}, "are those of the authority"},
		{"a leaf with the authority's key", func(id *Identity) { *id = own }, `cert_pem and private_key_pem are those of the authority "CN=Docker TLS CA"`},
		{"a leaf with the key of a previous root", func(id *Identity) { *id = own; id.CACertPEM = other.CACertPEM + own.CACertPEM }, "are those of the authority"},
		{"a leaf with the key in its chain", func(id *Identity) { *id = own; id.CertPEM += own.CACertPEM; id.CACertPEM = other.CACertPEM }, "are those of the authority"},
		{"the authority's key, that its holder keeps", func(id *Identity) { *id = own; id.PrivateKeyPEM = "" }, "are those of the authority"},
		{"a second key behind the first", func(id *Identity) { id.PrivateKeyPEM += own.PrivateKeyPEM }, "private_key_pem has 2 private keys, of which Docker reads the first"},
		{"no certificate", func(id *Identity) { id.CertPEM = "" }, "cert_pem is empty"},
		{"authority with headers", func(id *Identity) {
			id.CACertPEM = strings.Replace(id.CACertPEM, "CERTIFICATE-----\n", "CERTIFICATE-----\nName: ca\n\n", 1)
		}, "ca_cert_pem: certificate 1 has lines of headers"},
		{"key of another", func(id *Identity) { id.PrivateKeyPEM = other.PrivateKeyPEM }, "cert_pem and private_key_pem do not fit together"},
		{"encrypted key", func(id *Identity) { id.PrivateKeyPEM = encrypted }, "private_key_pem is encrypted: Docker reads unencrypted keys only"},
		{"legacy encrypted key", func(id *Identity) { id.PrivateKeyPEM = legacy }, "private_key_pem is encrypted"},
		{"key that is a certificate", func(id *Identity) { id.PrivateKeyPEM = id.CertPEM }, "private_key_pem: no private key found, but a certificate: a PEM text that begins with -----BEGIN PRIVATE KEY----- is expected"},
		{"key that is no PEM", func(id *Identity) { id.PrivateKeyPEM = "sesame" }, "private_key_pem: no private key found: a PEM text that begins with -----BEGIN PRIVATE KEY----- is expected"},
	} {
		t.Run(test.name, func(t *testing.T) {
			id := good
			test.change(&id)
			endpoint := Endpoint{"localhost", 2376}
			for kind, try := range map[string]func() error{
				"CloudConfig":    func() error { _, err := CloudConfig(id, DefaultOptions()); return err },
				"Ignition":       func() error { _, err := Ignition(id, DefaultOptions()); return err },
				"ClientFiles":    func() error { _, err := ClientFiles(id, clientOptions(t, nil)); return err },
				"ContextArchive": func() error { _, err := ContextArchive("web1", endpoint, id, FileOptions{}); return err },
			} {
				err := try()
				switch {
				case err == nil || !strings.Contains(err.Error(), test.want):
					t.Errorf("%s: got %v, want %s", kind, err, test.want)
				case strings.Contains(err.Error(), "sesame") || id.PrivateKeyPEM != "" && strings.Contains(err.Error(), id.PrivateKeyPEM):
					t.Errorf("%s: the error shows the key", kind)
				}
			}
		})
	}
}

// SEC 1 keys, as openssl ecparam writes them, fit too.
func TestIdentityAcceptsSEC1(t *testing.T) {
	ca := newAuthority(t, x509.Certificate{}, 0)
	id := ca.identity(t, clientTemplate(), 0)
	der, err := x509.MarshalECPrivateKey(pair(t, id).PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	id.PrivateKeyPEM = string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
	if _, err := ClientFiles(id, clientOptions(t, nil)); err != nil {
		t.Error(err)
	}
}

// A daemon's certificate is no client's, nor the reverse.
func TestIdentityServesOneSide(t *testing.T) {
	ca := newAuthority(t, x509.Certificate{}, 0)
	server, client := ca.identity(t, serverTemplate(), 0), ca.identity(t, clientTemplate(), 0)
	endpoint := Endpoint{"localhost", 2376}
	for kind, test := range map[string]struct {
		try   func(Identity) error
		right Identity
		wrong Identity
		want  string
	}{
		"CloudConfig":    {func(id Identity) error { _, err := CloudConfig(id, DefaultOptions()); return err }, server, client, "not a daemon's certificate"},
		"Ignition":       {func(id Identity) error { _, err := Ignition(id, DefaultOptions()); return err }, server, client, "not a daemon's certificate"},
		"ClientFiles":    {func(id Identity) error { _, err := ClientFiles(id, clientOptions(t, nil)); return err }, client, server, "not a client's certificate"},
		"ContextArchive": {func(id Identity) error { _, err := ContextArchive("web1", endpoint, id, FileOptions{}); return err }, client, server, "not a client's certificate"},
	} {
		if err := test.try(test.right); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if err := test.try(test.wrong); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", kind, err, test.want)
		}
	}
}

// ownKey is a leaf that has the key of its authority, and an authority that may
// not sign.
func ownKey(t *testing.T) (own Identity, idle string) {
	t.Helper()
	ca := newAuthority(t, x509.Certificate{Subject: pkix.Name{CommonName: "Docker TLS CA"}}, 0)
	template := serverTemplate()
	template.ExtKeyUsage = nil
	der, err := x509.MarshalPKCS8PrivateKey(ca.key)
	if err != nil {
		t.Fatal(err)
	}
	own = Identity{
		CACertPEM:     ca.pem(),
		CertPEM:       certPEM(sign(t, &template, ca.cert, ca.key.Public(), ca.key)),
		PrivateKeyPEM: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
	mute := x509.Certificate{Subject: pkix.Name{CommonName: "Mute"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCRLSign}
	return own, certPEM(sign(t, &mute, &mute, ca.key.Public(), ca.key))
}

// Roots of version 1 cannot say that they are authorities, and were imported as
// such: a self-signed one passes, a leaf does not. crypto/x509 makes none.
func TestParseRootsOfVersion1(t *testing.T) {
	dir := t.TempDir()
	openssl := func(arguments ...string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), "openssl", arguments...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", arguments, err, out)
		}
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, name := range []string{"ca", "web1"} {
		openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", name+"-key.pem", "-out", name+".csr", "-subj", "/CN="+name)
	}
	// Without extensions, this is version 1, up to OpenSSL 3.3.
	openssl("x509", "-req", "-in", "ca.csr", "-signkey", "ca-key.pem", "-out", "ca.pem", "-days", "1")
	openssl("x509", "-req", "-in", "web1.csr", "-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-out", "web1.pem", "-days", "1")
	root, err := parseCertificates("ca", read("ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if root[0].Version != 1 {
		t.Skipf("this openssl makes version %d", root[0].Version)
	}
	if _, err := ParseRoots(read("ca.pem")); err != nil {
		t.Error(err)
	}
	// crypto/x509 does not check such a signature. The import of a root takes it too.
	openssl("x509", "-req", "-sha224", "-in", "ca.csr", "-signkey", "ca-key.pem", "-out", "sha224.pem", "-days", "1")
	if _, err := ParseRoots(read("sha224.pem")); err != nil {
		t.Errorf("signed with SHA-224: %v", err)
	}
	if _, err := ParseRoots(read("web1.pem")); err == nil {
		t.Error("a leaf of version 1 passes")
	}
}
