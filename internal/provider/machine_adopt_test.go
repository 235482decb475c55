package provider_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// machineForeign is a PKI that was made elsewhere, in files.
type machineForeign struct {
	dir            string
	root           *x509.Certificate
	server, client *x509.Certificate
	key            crypto.Signer
}

// machineBegin is when it was made: a month before the machine's clock starts.
var machineBegin = time.Date(2030, time.May, 1, 12, 0, 0, 0, time.UTC)

// newMachineForeign makes a PKI. edit changes the templates of its three
// certificates before they are signed.
func newMachineForeign(t *testing.T, key crypto.Signer, edit func(root, server, client *x509.Certificate)) *machineForeign {
	t.Helper()
	template := func(n int64, subject pkix.Name) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(n), Subject: subject, NotBefore: machineBegin, NotAfter: machineBegin.AddDate(1, 0, 0), BasicConstraintsValid: true}
	}
	root := template(1, pkix.Name{CommonName: "Old CA", Organization: []string{"Example"}, Country: []string{"DE"}})
	root.IsCA, root.NotAfter, root.KeyUsage = true, machineBegin.AddDate(5, 0, 0), x509.KeyUsageCertSign
	server := template(2, pkix.Name{CommonName: "host.example.com"})
	server.DNSNames, server.IPAddresses = []string{"host.example.com"}, []net.IP{net.IPv4(10, 0, 0, 5)}
	server.KeyUsage, server.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	client := template(3, pkix.Name{CommonName: "ci"})
	client.KeyUsage, client.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if edit != nil {
		edit(root, server, client)
	}
	f := &machineForeign{dir: t.TempDir(), key: key}
	f.root = machineSign(t, root, root, key.Public(), key)
	f.write(t, "ca.pem", "CERTIFICATE", f.root.Raw)
	f.writeKey(t, "ca-key.pem", key)
	for name, leaf := range map[string]**x509.Certificate{"server": &server, "client": &client} {
		own := machineSigner(t)
		*leaf = machineSign(t, *leaf, f.root, own.Public(), key)
		f.write(t, name+"-cert.pem", "CERTIFICATE", (*leaf).Raw)
		f.writeKey(t, name+"-key.pem", own)
	}
	f.server, f.client = server, client
	return f
}

func machineSign(t *testing.T, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func machineSigner(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func machineRSA(t *testing.T, bits int) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (f *machineForeign) path(name string) string { return filepath.Join(f.dir, name) }

func (f *machineForeign) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(f.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f *machineForeign) writeKey(t *testing.T, name string, key crypto.Signer) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, name, "PRIVATE KEY", der)
}

// importState is `terraform import`: import, then refresh.
func (w *machineWorld) importState(name, id string) error {
	resp, err := w.server.ImportResourceState(w.ctx, &tfprotov6.ImportResourceStateRequest{TypeName: name, ID: id})
	if err != nil {
		return err
	}
	if err := w.report(resp.Diagnostics, nil); err != nil {
		return err
	}
	state, err := w.decode(name, resp.ImportedResources[0].State)
	if err != nil {
		return err
	}
	w.state[name], err = w.read(name, state)
	return err
}

// importAll imports the three resources, with a configuration as people would
// write it, and returns the warnings.
func (w *machineWorld) importAll(t *testing.T, f *machineForeign) []string {
	t.Helper()
	w.warnings = nil
	w.config = map[string]machineValues{
		machineCA:     {},
		machineServer: {"dns_names": machineSet("host.example.com"), "ip_addresses": machineSet("10.0.0.5")},
		machineClient: {"subject": w.object(machineClient, "subject", machineValues{"common_name": machineString("ci")})},
	}
	for name, files := range map[string][]string{
		machineCA:     {"ca.pem", "ca-key.pem"},
		machineServer: {"server-cert.pem", "server-key.pem", "ca.pem"},
		machineClient: {"client-cert.pem", "client-key.pem", "ca.pem"},
	} {
		for i := range files {
			files[i] = f.path(files[i])
		}
		if err := w.importState(name, strings.Join(files, ",")); err != nil {
			t.Fatal(err)
		}
	}
	return w.warnings
}

// mustVerify checks that the leaves in the state are accepted by who trusts
// only this root.
func (w *machineWorld) mustVerify(t *testing.T, root *x509.Certificate) {
	t.Helper()
	for name, profile := range map[string]pki.Profile{machineServer: pki.Server, machineClient: pki.Client} {
		chain, err := x509text.ParseCertificates(w.text(name, "cert_pem"))
		if err != nil {
			t.Fatal(err)
		}
		if err := pki.VerifyLeaf(chain[0], chain[1:], root, profile, w.now); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMachineAdopt imports what others issue in their own ways. The plan is
// empty, with one warning for each resource that has something to mend, and a
// rotation mends it: the next leaves are still accepted by who has the old root.
func TestMachineAdopt(t *testing.T) {
	for name, test := range map[string]struct {
		key    func(*testing.T) crypto.Signer
		edit   func(root, server, client *x509.Certificate)
		config func(*machineWorld)
		warns  []string // in any order; none else
		cut    bool     // the old root cannot certify the next
	}{
		"as issued here": {},
		"RSA_1024": {
			key:   func(t *testing.T) crypto.Signer { return machineRSA(t, 1024) },
			warns: []string{"its RSA key has 1024 bits"},
		},
		"RSA of an odd size": {key: func(t *testing.T) crypto.Signer { return machineRSA(t, 2056) }},
		"pathlen 0": {
			edit:  func(root, _, _ *x509.Certificate) { root.MaxPathLenZero = true },
			warns: []string{"its path length is 0"},
			cut:   true,
		},
		"no key usage": {
			edit: func(root, server, client *x509.Certificate) {
				root.KeyUsage, server.KeyUsage, client.KeyUsage = 0, 0, 0
			},
			warns: []string{"it has no keyUsage", "it has no keyUsage", "it has no keyUsage"},
		},
		"both usages": {
			edit: func(_, server, _ *x509.Certificate) {
				server.ExtKeyUsage = append(server.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
			},
			warns: []string{"its extendedKeyUsage allows it to a client as well"},
		},
		"server without SAN": {
			edit: func(_, server, _ *x509.Certificate) { server.DNSNames, server.IPAddresses = nil, nil },
			config: func(w *machineWorld) {
				delete(w.config[machineServer], "ip_addresses")
			},
			warns: []string{"it has no subjectAltName"},
		},
		"server without a common name": {
			edit: func(_, server, _ *x509.Certificate) {
				server.Subject = pkix.Name{Organization: []string{"joe.machine"}}
			},
		},
		"root without a common name": {
			edit: func(root, _, _ *x509.Certificate) { root.Subject = pkix.Name{Organization: []string{"joe"}} },
			config: func(w *machineWorld) {
				w.config[machineCA]["subject"] = w.object(machineCA, "subject", machineValues{"organization": machineString("joe")})
			},
		},
		"subject in the configuration": {
			config: func(w *machineWorld) {
				w.config[machineCA]["subject"] = w.object(machineCA, "subject", machineValues{
					"common_name": machineString("Old CA"), "organization": machineString("Example"), "country": machineString("DE")})
			},
		},
		"names that cannot be issued again": {
			edit:  func(_, server, _ *x509.Certificate) { server.DNSNames = append(server.DNSNames, "my_host") },
			warns: []string{`its subjectAltName has names that a new certificate cannot have: ["my_host"]`},
		},
		"attributes that subject cannot say": {
			edit: func(root, _, _ *x509.Certificate) {
				root.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}, Value: "example"}}
			},
			warns: []string{"its subject has 1 more attributes"},
		},
		"leaf that outlives its authority": {
			edit:  func(_, server, _ *x509.Certificate) { server.NotAfter = machineBegin.AddDate(6, 0, 0) },
			warns: []string{"it outlives its authority, which ends on 2035-05-01"},
		},
		"almost over": {
			edit:  func(root, _, _ *x509.Certificate) { root.NotBefore = machineBegin.AddDate(-30, 0, 0) },
			warns: []string{"it ends soon, on 2035-05-01: the first apply after 2033-09-10 renews it"},
		},
		"until the end of time": {
			edit: func(root, _, _ *x509.Certificate) {
				root.NotAfter = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
			},
		},
		"name constraints": {
			edit: func(root, _, _ *x509.Certificate) {
				root.PermittedDNSDomainsCritical, root.PermittedDNSDomains = true, []string{"example.com"}
			},
			config: func(w *machineWorld) {
				list := tftypes.NewValue(tftypes.List{ElementType: tftypes.String}, []tftypes.Value{machineString("example.com")})
				w.config[machineCA]["name_constraints"] = w.object(machineCA, "name_constraints", machineValues{"permitted_dns_domains": list})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			key := machineSigner(t)
			if test.key != nil {
				key = test.key(t)
			}
			f, w := newMachineForeign(t, key, test.edit), newMachineWorld(t)
			machineExpect(t, w.importAll(t, f), test.warns)
			if test.config != nil {
				test.config(w)
			}
			w.mustBeEmpty(t)
			if w.text(machineCA, "cert_pem") != x509text.EncodeCertificates(f.root) || w.text(machineServer, "cert_pem") != x509text.EncodeCertificates(f.server) {
				t.Error("the certificates are not those of the files")
			}
			digest := w.text(machineServer, "content_sha256")

			w.config[machineCA]["rotation_triggers"] = machineTrigger("now")
			w.mustApply(t, w.mustPlan(t, true))
			w.mustBeEmpty(t)
			if w.text(machineServer, "content_sha256") == digest {
				t.Error("content_sha256 has not changed")
			}
			roots, err := x509text.ParseCertificates(w.text(machineCA, "cert_pem"))
			if err != nil {
				t.Fatal(err)
			}
			if len(roots) != 2 || !roots[1].Equal(f.root) {
				t.Errorf("%d roots are trusted after the rotation, want the new one and the old one", len(roots))
			}
			w.mustVerify(t, roots[0])
			if crosses := w.text(machineCA, "cross_signed_cert_pem"); test.cut != (crosses == "") {
				t.Errorf("cross_signed_cert_pem is empty: %t, want %t", crosses == "", test.cut)
			}
			if !test.cut {
				w.mustVerify(t, f.root)
			}
			for _, certificate := range roots[:1] {
				if odd := pki.RootOddities(certificate, w.now); len(odd) > 0 {
					t.Errorf("the rotation has not mended %q", odd)
				}
			}
		})
	}
}

// machineExpect compares warnings with the clauses that they must have, one
// each, and no other.
func machineExpect(t *testing.T, warnings, clauses []string) {
	t.Helper()
	clauses = append([]string(nil), clauses...)
	for _, warning := range warnings {
		for _, line := range strings.Split(warning, "\n")[1:] {
			found := false
			for i, clause := range clauses {
				if strings.Contains(line, clause) {
					clauses, found = append(clauses[:i], clauses[i+1:]...), true
					break
				}
			}
			if !found {
				t.Errorf("unexpected warning %q", line)
			}
		}
	}
	for _, clause := range clauses {
		t.Errorf("no warning of %q in %q", clause, warnings)
	}
}

// TestMachineAdoptOverlap imports a root whose organisation is not configured,
// rotates it, and lets the overlap end: only the clock asks for that.
func TestMachineAdoptOverlap(t *testing.T) {
	w := newMachineWorld(t)
	w.importAll(t, newMachineForeign(t, machineSigner(t), nil))
	maps.Copy(w.config[machineCA], machineValues{"rotation_triggers": machineTrigger("now"), "overlap_hours": machineInt(24)})
	w.mustApply(t, w.mustPlan(t, true))
	w.mustBeEmpty(t)
	w.now = w.now.Add(25 * time.Hour)
	w.mustApply(t, w.mustPlan(t, true))
	w.mustBeEmpty(t)
	if n := strings.Count(w.text(machineCA, "cert_pem"), "BEGIN"); n != 1 {
		t.Errorf("%d roots are trusted after the overlap, want 1", n)
	}
}

// TestMachineAdoptWithoutCA imports leaves whose authority is not named. The
// first apply records it, and changes no file.
func TestMachineAdoptWithoutCA(t *testing.T) {
	f, w := newMachineForeign(t, machineSigner(t), nil), newMachineWorld(t)
	w.importAll(t, f)
	if err := w.importState(machineServer, f.path("server-cert.pem")+","+f.path("server-key.pem")); err != nil {
		t.Fatal(err)
	}
	cert, key := w.text(machineServer, "cert_pem"), w.text(machineServer, "private_key_pem")
	p := w.mustPlan(t, true)
	w.mustKnow(t, p, machineServer, true, "cert_pem", "private_key_pem", "serial_number", "content_sha256")
	w.mustApply(t, p)
	w.mustBeEmpty(t)
	if w.text(machineServer, "cert_pem") != cert || w.text(machineServer, "private_key_pem") != key {
		t.Error("the first apply after an import has changed what is delivered")
	}
}

// TestMachineAdoptExpired imports what has expired: that alone is renewed at
// once.
func TestMachineAdoptExpired(t *testing.T) {
	f, w := newMachineForeign(t, machineSigner(t), func(_, server, _ *x509.Certificate) {
		server.NotBefore, server.NotAfter = machineBegin.AddDate(-1, 0, 0), machineBegin
	}), newMachineWorld(t)
	machineExpect(t, w.importAll(t, f), []string{"it expired on 2030-05-01"})
	p := w.mustPlan(t, true)
	if changed := p.changed(); len(changed) != 1 || changed[0] != machineServer {
		t.Errorf("the plan changes %v", changed)
	}
	w.mustApply(t, p)
	w.mustBeEmpty(t)
	w.mustVerify(t, f.root)
}
