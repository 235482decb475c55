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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// foreignPKI is a PKI that was made elsewhere, in files.
type foreignPKI struct {
	dir            string
	root           *x509.Certificate
	server, client *x509.Certificate
	key            crypto.Signer
}

// foreignStart is when it was made: a month before the clock of the tests starts.
var foreignStart = time.Date(2030, time.May, 1, 12, 0, 0, 0, time.UTC)

// newForeignPKI makes a PKI. edit changes the templates of its three
// certificates before they are signed.
func newForeignPKI(t *testing.T, key crypto.Signer, edit func(root, server, client *x509.Certificate)) *foreignPKI {
	t.Helper()
	template := func(n int64, subject pkix.Name) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(n), Subject: subject, NotBefore: foreignStart, NotAfter: foreignStart.AddDate(1, 0, 0), BasicConstraintsValid: true}
	}
	root := template(1, pkix.Name{CommonName: "Old CA", Organization: []string{"Example"}, Country: []string{"DE"}})
	root.IsCA, root.NotAfter, root.KeyUsage = true, foreignStart.AddDate(5, 0, 0), x509.KeyUsageCertSign
	server := template(2, pkix.Name{CommonName: "host.example.com"})
	server.DNSNames, server.IPAddresses = []string{"host.example.com"}, []net.IP{net.IPv4(10, 0, 0, 5)}
	server.KeyUsage, server.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	client := template(3, pkix.Name{CommonName: "ci"})
	client.KeyUsage, client.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if edit != nil {
		edit(root, server, client)
	}
	f := &foreignPKI{dir: t.TempDir(), key: key}
	f.root = sign(t, root, root, key.Public(), key)
	f.write(t, "ca.pem", "CERTIFICATE", f.root.Raw)
	f.writeKey(t, "ca-key.pem", key)
	for name, leaf := range map[string]**x509.Certificate{"server": &server, "client": &client} {
		own := ecdsaKey(t)
		*leaf = sign(t, *leaf, f.root, own.Public(), key)
		f.write(t, name+"-cert.pem", "CERTIFICATE", (*leaf).Raw)
		f.writeKey(t, name+"-key.pem", own)
	}
	f.server, f.client = server, client
	return f
}

func sign(t *testing.T, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
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

func ecdsaKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T, bits int) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (f *foreignPKI) path(name string) string { return filepath.Join(f.dir, name) }

func (f *foreignPKI) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(f.path(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f *foreignPKI) writeKey(t *testing.T, name string, key crypto.Signer) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, name, "PRIVATE KEY", der)
}

// importInto imports the three resources, with a configuration as people would
// write it, and returns the warnings.
func (f *foreignPKI) importInto(t *testing.T, w *tfsim.World) []string {
	t.Helper()
	w.Warnings = nil
	w.Config = map[string]tfsim.Values{
		tfsim.CA:     {},
		tfsim.Server: {"dns_names": tfsim.Set("host.example.com"), "ip_addresses": tfsim.Set("10.0.0.5")},
		tfsim.Client: {"subject": w.Object(tfsim.Client, "subject", tfsim.Values{"common_name": tfsim.String("ci")})},
	}
	for name, files := range map[string][]string{
		tfsim.CA:     {"ca.pem", "ca-key.pem"},
		tfsim.Server: {"server-cert.pem", "server-key.pem", "ca.pem"},
		tfsim.Client: {"client-cert.pem", "client-key.pem", "ca.pem"},
	} {
		for i := range files {
			files[i] = f.path(files[i])
		}
		if err := w.Import(name, strings.Join(files, ",")); err != nil {
			t.Fatal(err)
		}
	}
	return w.Warnings
}

// TestAdopt imports what others issue in their own ways. The plan is
// empty, with one warning for each resource that has something to mend, and a
// rotation mends it: the next leaves are still accepted by who has the old root.
func TestAdopt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		key    func(*testing.T) crypto.Signer
		edit   func(root, server, client *x509.Certificate)
		config func(*tfsim.World)
		warns  []string // in any order; none else
		cut    bool     // the old root cannot certify the next
	}{
		"as issued here": {},
		"RSA_1024": {
			key:   func(t *testing.T) crypto.Signer { return rsaKey(t, 1024) },
			warns: []string{"its RSA key has 1024 bits"},
		},
		"RSA of an odd size": {key: func(t *testing.T) crypto.Signer { return rsaKey(t, 2056) }},
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
			config: func(w *tfsim.World) {
				delete(w.Config[tfsim.Server], "ip_addresses")
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
			config: func(w *tfsim.World) {
				w.Config[tfsim.CA]["subject"] = w.Object(tfsim.CA, "subject", tfsim.Values{"organization": tfsim.String("joe")})
			},
		},
		"subject in the configuration": {
			config: func(w *tfsim.World) {
				w.Config[tfsim.CA]["subject"] = w.Object(tfsim.CA, "subject", tfsim.Values{
					"common_name": tfsim.String("Old CA"), "organization": tfsim.String("Example"), "country": tfsim.String("DE")})
			},
		},
		"names that cannot be issued again": {
			edit:  func(_, server, _ *x509.Certificate) { server.DNSNames = append(server.DNSNames, "host-") },
			warns: []string{`its subjectAltName has names that a new certificate cannot have: ["host-"]`},
		},
		"attributes that subject cannot say": {
			edit: func(root, _, _ *x509.Certificate) {
				root.Subject.ExtraNames = []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}, Value: "example"}}
			},
			warns: []string{"its subject has 1 more attributes"},
		},
		"leaf that outlives its authority": {
			edit:  func(_, server, _ *x509.Certificate) { server.NotAfter = foreignStart.AddDate(6, 0, 0) },
			warns: []string{"it outlives its authority, which ends on 2035-05-01"},
		},
		"almost over": {
			edit:  func(root, _, _ *x509.Certificate) { root.NotBefore = foreignStart.AddDate(-30, 0, 0) },
			warns: []string{"it ends soon, on 2035-05-01: the first apply after 2033-09-10 renews it"},
		},
		"until the end of time": {
			edit: func(root, _, _ *x509.Certificate) {
				root.NotAfter = time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)
			},
		},
		"names with underscores": {
			edit: func(_, server, _ *x509.Certificate) { server.DNSNames = append(server.DNSNames, "my_host") },
			config: func(w *tfsim.World) {
				w.Config[tfsim.Server]["dns_names"] = tfsim.Set("host.example.com", "my_host")
			},
		},
		"name constraints": {
			edit: func(root, _, _ *x509.Certificate) {
				root.PermittedDNSDomainsCritical, root.PermittedDNSDomains = true, []string{"example.com"}
			},
			config: func(w *tfsim.World) {
				list := tfsim.List("example.com")
				w.Config[tfsim.CA]["name_constraints"] = w.Object(tfsim.CA, "name_constraints", tfsim.Values{"permitted_dns_domains": list})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			key := ecdsaKey(t)
			if test.key != nil {
				key = test.key(t)
			}
			f, w := newForeignPKI(t, key, test.edit), newWorld(t)
			warnings := f.importInto(t, w)
			expectWarnings(t, warnings, test.warns)
			for _, warning := range warnings {
				summary := "A certificate to be renewed some day: "
				if strings.Contains(warning, "it ends soon") {
					summary = "A certificate that ends soon: "
				}
				if !strings.HasPrefix(warning, summary) {
					t.Errorf("the warning is %q, want one that begins with %q", warning, summary)
				}
			}
			if test.config != nil {
				test.config(w)
			}
			recordTriggers(t, w)
			if w.Text(tfsim.CA, "cert_pem") != x509text.EncodeCertificates(f.root) || w.Text(tfsim.Server, "cert_pem") != x509text.EncodeCertificates(f.server) {
				t.Error("the certificates are not those of the files")
			}
			digest := w.Text(tfsim.Server, "content_sha256")

			w.Config[tfsim.CA]["rotation_triggers"] = tfsim.Trigger("now")
			w.MustPlanAndApply(t)
			w.MustBeEmpty(t)
			if w.Text(tfsim.Server, "content_sha256") == digest {
				t.Error("content_sha256 has not changed")
			}
			roots, err := x509text.ParseCertificates(w.Text(tfsim.CA, "cert_pem"))
			if err != nil {
				t.Fatal(err)
			}
			if len(roots) != 2 || !roots[1].Equal(f.root) {
				t.Errorf("%d roots are trusted after the rotation, want the new one and the old one", len(roots))
			}
			w.MustVerify(t, roots[0])
			if crosses := w.Text(tfsim.CA, "cross_signed_cert_pem"); test.cut != (crosses == "") {
				t.Errorf("cross_signed_cert_pem is empty: %t, want %t", crosses == "", test.cut)
			}
			if !test.cut {
				w.MustVerify(t, f.root)
			}
			for _, certificate := range roots[:1] {
				if odd := pki.RootOddities(certificate, w.Now); len(odd) > 0 {
					t.Errorf("the rotation has not mended %q", odd)
				}
			}
		})
	}
}

// expectWarnings compares warnings with the clauses that they must have, one
// each, and no other.
func expectWarnings(t *testing.T, warnings, clauses []string) {
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

// TestAdoptOverlap imports a root whose organisation is not configured,
// rotates it, and lets the overlap end: only the clock asks for that.
func TestAdoptOverlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	newForeignPKI(t, ecdsaKey(t), nil).importInto(t, w)
	recordTriggers(t, w)
	maps.Copy(w.Config[tfsim.CA], tfsim.Values{"rotation_triggers": tfsim.Trigger("now"), "overlap_hours": tfsim.Int(24)})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	w.Now = w.Now.Add(25 * time.Hour)
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if n := strings.Count(w.Text(tfsim.CA, "cert_pem"), "BEGIN"); n != 1 {
		t.Errorf("%d roots are trusted after the overlap, want 1", n)
	}
}

// TestAdoptWithoutCA imports leaves whose authority is not named. The
// first apply records it, and changes no file.
func TestAdoptWithoutCA(t *testing.T) {
	t.Parallel()
	f, w := newForeignPKI(t, ecdsaKey(t), nil), newWorld(t)
	f.importInto(t, w)
	if err := w.Import(tfsim.Server, f.path("server-cert.pem")+","+f.path("server-key.pem")); err != nil {
		t.Fatal(err)
	}
	cert, key := w.Text(tfsim.Server, "cert_pem"), w.Text(tfsim.Server, "private_key_pem")
	p := w.MustPlan(t)
	w.MustBeKnown(t, p, tfsim.Server, "cert_pem", "private_key_pem", "serial_number", "content_sha256")
	w.MustApply(t, p)
	w.MustBeEmpty(t)
	if w.Text(tfsim.Server, "cert_pem") != cert || w.Text(tfsim.Server, "private_key_pem") != key {
		t.Error("the first apply after an import has changed what is delivered")
	}
}

// TestAdoptExpired imports what has expired: that alone is renewed at
// once.
func TestAdoptExpired(t *testing.T) {
	t.Parallel()
	f, w := newForeignPKI(t, ecdsaKey(t), func(_, server, _ *x509.Certificate) {
		server.NotBefore, server.NotAfter = foreignStart.AddDate(-1, 0, 0), foreignStart
	}), newWorld(t)
	warnings := f.importInto(t, w)
	expectWarnings(t, warnings, []string{"it expired on 2030-05-01"})
	if want := "A certificate that has expired: "; len(warnings) != 1 || !strings.HasPrefix(warnings[0], want) || !strings.Contains(warnings[0], "The next apply renews it") {
		t.Errorf("the warnings are %q, want one that begins with %q", warnings, want)
	}
	p := w.MustPlan(t)
	if changed := p.Changed(); len(changed) != 1 || changed[0] != tfsim.Server {
		t.Errorf("the plan changes %v", changed)
	}
	w.MustApply(t, p)
	w.MustBeEmpty(t)
	w.MustVerify(t, f.root)
}

// TestAuthorityForAnotherPurpose imports an authority whose extendedKeyUsage
// limits what it may issue. The import says so, the plan refuses what nobody would
// accept, and a rotation mends it.
func TestAuthorityForAnotherPurpose(t *testing.T) {
	t.Parallel()
	for limit, test := range map[x509.ExtKeyUsage]struct {
		warns   []string
		refused []string
	}{
		x509.ExtKeyUsageServerAuth:      {[]string{"issue the certificate of a client"}, []string{tfsim.Client}},
		x509.ExtKeyUsageClientAuth:      {[]string{"issue the certificate of a server"}, []string{tfsim.Server}},
		x509.ExtKeyUsageEmailProtection: {[]string{"issue the certificate of a server", "issue the certificate of a client"}, []string{tfsim.Server, tfsim.Client}},
		x509.ExtKeyUsageAny:             {},
	} {
		f := newForeignPKI(t, ecdsaKey(t), func(root, _, _ *x509.Certificate) { root.ExtKeyUsage = []x509.ExtKeyUsage{limit} })
		w := newWorld(t)
		expectWarnings(t, f.importInto(t, w), test.warns)
		recordTriggers(t, w)
		for _, name := range tfsim.Order[1:] {
			w.Set(name, tfsim.Values{"rotation_triggers": tfsim.Trigger("now")})
			if slices.Contains(test.refused, name) {
				w.MustFail(t, "Authority for another purpose")
				w.Set(name, firstTriggers)
			} else {
				w.MustPlanAndApply(t)
			}
		}
		w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("now")})
		w.MustPlanAndApply(t)
		w.MustBeEmpty(t)
		w.MustVerify(t, w.MustParse(t, tfsim.CA, "cert_pem")[0])
	}
}

// TestAuthorityNobodyAccepts imports authorities whose certificates nobody accepts:
// the plan says so, where it would issue one.
func TestAuthorityNobodyAccepts(t *testing.T) {
	t.Parallel()
	for want, edit := range map[string]func(root *x509.Certificate){
		"is not valid before 2031": func(root *x509.Certificate) { root.NotBefore = foreignStart.AddDate(1, 0, 0) },
		"has the critical extension 1.2.3": func(root *x509.Certificate) {
			root.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		},
	} {
		f, w := newForeignPKI(t, ecdsaKey(t), func(root, _, _ *x509.Certificate) { edit(root) }), newWorld(t)
		f.importInto(t, w)
		recordTriggers(t, w)
		w.Set(tfsim.Server, tfsim.Values{"rotation_triggers": tfsim.Trigger("now")})
		w.MustFail(t, want)
	}
}

// TestWeakAuthorityIssuesNothing imports an authority with an RSA key of 1024
// bits: what it has issued stays, and it issues nothing more.
func TestWeakAuthorityIssuesNothing(t *testing.T) {
	t.Parallel()
	f := newForeignPKI(t, rsaKey(t, 1024), nil)
	const reason = "Weak authority"
	t.Run("at plan", func(t *testing.T) {
		w := newWorld(t)
		f.importInto(t, w)
		w.Config[tfsim.Server]["dns_names"] = tfsim.Set("other.example.com")
		w.MustFail(t, reason)
	})
	t.Run("at apply, where the plan does not know the authority", func(t *testing.T) {
		w := newWorld(t)
		f.importInto(t, w)
		weak := w.Object(tfsim.Server, "ca", w.Fields(tfsim.CA))
		serial := w.Text(tfsim.Server, "serial_number")
		w.Config[tfsim.Server]["dns_names"] = tfsim.Set("other.example.com")
		w.Config[tfsim.Server]["ca"] = tfsim.Unknown(weak.Type())
		p := w.MustPlan(t)
		w.TurnsOut(p, tfsim.Server, "ca", weak)
		w.MustFailToApply(t, p, reason)
		w.MustKeep(t, tfsim.Server, "serial_number", serial)
	})
}

func (f *foreignPKI) writeBundle(t *testing.T, name string, certificates ...*x509.Certificate) {
	t.Helper()
	if err := os.WriteFile(f.path(name), []byte(x509text.EncodeCertificates(certificates...)), 0o600); err != nil {
		t.Fatal(err)
	}
}
