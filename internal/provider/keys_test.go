package provider_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
)

// Each test here is one rule of how keys behave that are not, or not in clear,
// in the state.

func makeKey(t testing.TB, algorithm pki.KeyAlgorithm) (crypto.Signer, tftypes.Value) {
	t.Helper()
	key, err := algorithm.Generate()
	if err != nil {
		t.Fatal(err)
	}
	text, err := pki.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, tfsim.String(text)
}

// makeRequest is a certificate request that asks for more than it may have.
func makeRequest(t testing.TB, key crypto.Signer, commonName string, dnsNames ...string) tftypes.Value {
	t.Helper()
	constraints, err := asn1.Marshal(struct{ IsCA bool }{true})
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject:         pkix.Name{CommonName: commonName, Organization: []string{"Self-made"}},
		DNSNames:        dnsNames,
		EmailAddresses:  []string{"root@example.com"},
		IPAddresses:     []net.IP{net.IPv4(10, 0, 0, 9)},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: constraints}},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return tfsim.String(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})))
}

func TestOwnLeafKey(t *testing.T) {
	first, firstPEM := makeKey(t, pki.ECDSAP384)
	second, secondPEM := makeKey(t, pki.RSA2048)
	w := created(t, nil, tfsim.Values{"private_key_pem_wo": firstPEM, "private_key_pem_wo_version": tfsim.Int(1)})
	w.MustCertify(t, tfsim.Server, first)
	if algorithm := w.Text(tfsim.Server, "key_algorithm"); algorithm != "ECDSA_P384" {
		t.Errorf("key_algorithm is %s", algorithm)
	}

	// A renewal certifies the same key, whichever is given, or none.
	serial := w.Text(tfsim.Server, "serial_number")
	for _, given := range []tftypes.Value{secondPEM, tfsim.Null(tftypes.String), tfsim.Unknown(tftypes.String)} {
		w.Config[tfsim.Server]["private_key_pem_wo"] = given
		w.MustBeEmpty(t)
		w.Now = w.Now.Add(6000 * time.Hour)
		w.MustPlanAndApply(t)
		w.MustChange(t, tfsim.Server, "serial_number", serial)
		w.MustCertify(t, tfsim.Server, first)
		serial = w.Text(tfsim.Server, "serial_number")
	}

	// A new version certifies another key, even one that was not known at plan.
	w.Config[tfsim.Server]["private_key_pem_wo_version"] = tfsim.Int(2)
	w.Config[tfsim.Server]["private_key_pem_wo"] = tfsim.Null(tftypes.String)
	w.MustFail(t, "private_key_pem_wo")
	w.Config[tfsim.Server]["private_key_pem_wo"] = tfsim.Unknown(tftypes.String)
	p := w.MustPlan(t)
	w.MustBeUnknown(t, p, tfsim.Server, "serial_number", "key_algorithm", "content_sha256")
	w.MustBeKnown(t, p, tfsim.Server, "private_key_pem")
	w.TurnsOut(p, tfsim.Server, "private_key_pem_wo", secondPEM)
	w.MustApply(t, p)
	w.MustCertify(t, tfsim.Server, second)
	w.MustBeEmpty(t)

	// A new version of the same key issues nothing.
	serial = w.Text(tfsim.Server, "serial_number")
	w.Config[tfsim.Server]["private_key_pem_wo_version"] = tfsim.Int(3)
	w.MustPlanAndApply(t)
	w.MustKeep(t, tfsim.Server, "serial_number", serial)

	// And back to a key that is made here.
	delete(w.Config[tfsim.Server], "private_key_pem_wo")
	delete(w.Config[tfsim.Server], "private_key_pem_wo_version")
	w.MustPlanAndApply(t)
	if _, err := w.Certificates(tfsim.Server); err != nil {
		t.Error(err)
	}
	w.MustBeEmpty(t)
}

func TestKeyLeavesTheState(t *testing.T) {
	w := created(t, nil, nil)
	for _, name := range []string{tfsim.CA, tfsim.Server} {
		serial := w.Text(name, "serial_number")
		key := w.Text(name, "private_key_pem")
		w.Config[name]["private_key_pem_wo"] = tfsim.String(key)
		if name == tfsim.CA {
			w.Secrets = tfsim.Values{"private_key_pem": tfsim.String(key)}
		}
		p := w.MustPlan(t)
		if !slices.Equal(p.Changed(), []string{name}) {
			t.Errorf("the plan changes %v, not %s", p.Changed(), name)
		}
		w.MustApply(t, p)
		w.MustKeep(t, name, "serial_number", serial)
		w.MustKeep(t, name, "private_key_pem", "")
		w.MustBeEmpty(t)
	}
}

func TestOwnAuthorityKey(t *testing.T) {
	first, firstPEM := makeKey(t, pki.ECDSAP256)
	second, secondPEM := makeKey(t, pki.Ed25519)
	third, thirdPEM := makeKey(t, pki.ECDSAP256)
	w := newWorld(t)
	w.Config[tfsim.CA]["private_key_pem_wo"] = firstPEM
	w.Config[tfsim.CA]["private_key_pem_wo_version"] = tfsim.Int(1)
	w.Secrets = tfsim.Values{"private_key_pem": firstPEM}
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	w.MustCertify(t, tfsim.CA, first)
	old := w.MustParse(t, tfsim.CA, "cert_pem")

	// A renewal keeps the key, so the leaves stay; it needs just this key.
	serial := w.Text(tfsim.Server, "serial_number")
	w.Config[tfsim.CA]["validity_period_hours"] = tfsim.Int(50000)
	w.Config[tfsim.CA]["private_key_pem_wo"] = secondPEM
	w.MustFail(t, "not its own")
	w.Config[tfsim.CA]["private_key_pem_wo"] = tfsim.Null(tftypes.String)
	w.MustFail(t, "private_key_pem_wo")
	w.Config[tfsim.CA]["private_key_pem_wo"] = firstPEM
	w.MustPlanAndApply(t)
	w.MustKeep(t, tfsim.Server, "serial_number", serial)
	w.MustBeEmpty(t)

	// A trigger cannot make a key.
	w.Config[tfsim.CA]["rotation_triggers"] = tfsim.Trigger("1")
	w.MustFail(t, "private_key_pem_wo_version")

	// A new version rotates, with a cross certificate by the key before.
	w.Config[tfsim.CA]["private_key_pem_wo_version"] = tfsim.Int(2)
	w.Config[tfsim.CA]["private_key_pem_wo"] = secondPEM
	w.Config[tfsim.CA]["previous_private_key_pem_wo"] = thirdPEM
	w.MustFail(t, "not that of the current root")
	w.Config[tfsim.CA]["previous_private_key_pem_wo"] = firstPEM
	w.Secrets = tfsim.Values{"private_key_pem": secondPEM}
	p := w.MustPlan(t)
	if len(w.Warnings) > 0 {
		t.Errorf("the plan warns: %q", w.Warnings)
	}
	w.MustApply(t, p)
	w.MustCertify(t, tfsim.CA, second)
	w.MustBeEmpty(t)
	if chain := w.MustParse(t, tfsim.Server, "cert_pem"); len(chain) != 2 || tfsim.Verify(chain, old, pki.Server, w.Now) != nil {
		t.Errorf("who trusts the first root rejects the new certificate (%d certificates)", len(chain))
	}
	if generation := w.Number(tfsim.CA, "generation"); generation != 2 {
		t.Errorf("generation is %d", generation)
	}

	// Without the key before, the bundle alone, and a warning.
	delete(w.Config[tfsim.CA], "previous_private_key_pem_wo")
	w.Config[tfsim.CA]["private_key_pem_wo_version"] = tfsim.Int(3)
	w.Config[tfsim.CA]["private_key_pem_wo"] = thirdPEM
	w.Secrets = tfsim.Values{"private_key_pem": thirdPEM}
	p = w.MustPlan(t)
	if len(w.Warnings) != 1 || !strings.Contains(w.Warnings[0], "previous_private_key_pem_wo") {
		t.Errorf("the plan warns %q, not once of the missing key", w.Warnings)
	}
	w.MustApply(t, p)
	w.MustCertify(t, tfsim.CA, third)
	if roots := len(w.MustParse(t, tfsim.CA, "cert_pem")); roots != 3 || w.Text(tfsim.CA, "cross_signed_cert_pem") != "" {
		t.Errorf("%d roots, want 3 and no cross certificate", roots)
	}
	w.MustBeEmpty(t)
}

func TestOwnKeyIsChecked(t *testing.T) {
	_, pemText := makeKey(t, pki.ECDSAP256)
	key, _ := makeKey(t, pki.ECDSAP256)
	encrypted, err := pki.EncryptPrivateKey(key, "passphrase")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		config tfsim.Values
		reason string
	}{
		{tfsim.Values{"private_key_pem_wo": tfsim.String("none")}, "private key found"},
		{tfsim.Values{"private_key_pem_wo": tfsim.String(encrypted)}, "is encrypted"},
		{tfsim.Values{"private_key_pem_wo": tfsim.String(shortRSAKey(t))}, "1024"},
		{tfsim.Values{"private_key_pem_wo_version": tfsim.Int(1)}, "Set private_key_pem_wo"},
		{tfsim.Values{"private_key_pem_wo": pemText, "key_algorithm": tfsim.String("RSA_2048")}, "ECDSA_P256"},
		{tfsim.Values{"private_key_pem_wo": pemText, "private_key_passphrase_wo": tfsim.String("passphrase")}, "cannot be specified"},
		{tfsim.Values{"private_key_passphrase_wo": tfsim.String("")}, "at least 1"},
		{tfsim.Values{"private_key_passphrase_wo_version": tfsim.Int(1)}, "Set private_key_passphrase_wo"},
	} {
		w := newWorld(t)
		w.Config[tfsim.CA] = test.config
		w.MustFail(t, test.reason)
	}
}

func TestPassphrase(t *testing.T) {
	secret := func(ca, leaf string) tfsim.Values { return tfsim.Values{ca: tfsim.String(leaf)} }
	w := newWorld(t)
	w.Config[tfsim.CA] = tfsim.Values{"private_key_passphrase_wo": tfsim.String("first"), "private_key_passphrase_wo_version": tfsim.Int(1)}
	p := w.MustPlan(t) // the key is not known yet
	if err := w.Apply(p); err == nil || !strings.Contains(err.Error(), "ca = merge(docker_tls_ca.this, { private_key_passphrase = var.passphrase })") {
		t.Fatalf("without the passphrase the leaf fails with %v", err)
	}
	w.Secrets = secret("private_key_passphrase", "wrong")
	w.MustFail(t, "does not decrypt")
	w.Secrets = secret("private_key_passphrase", "first")
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if text := w.Text(tfsim.CA, "private_key_pem"); !pki.Encrypted(text) {
		t.Fatal("the private key is in clear in the state")
	}

	// No passphrase is needed where nothing is issued.
	w.Secrets, w.Config[tfsim.CA]["private_key_passphrase_wo"] = nil, tfsim.Null(tftypes.String)
	w.MustBeEmpty(t)
	w.Config[tfsim.Server]["dns_names"] = tfsim.Set("other.example.com")
	w.MustFail(t, "private_key_passphrase = var.passphrase")
	w.Config[tfsim.Server]["dns_names"] = tfsim.Set("host.example.com")

	// Another passphrase encrypts anew and issues nothing.
	serials := []string{w.Text(tfsim.CA, "serial_number"), w.Text(tfsim.Server, "serial_number")}
	before := w.Text(tfsim.CA, "private_key_pem")
	w.Config[tfsim.CA]["private_key_passphrase_wo"] = tfsim.String("second")
	w.Config[tfsim.CA]["private_key_passphrase_wo_version"] = tfsim.Int(2)
	w.MustFail(t, "previous_private_key_passphrase_wo")
	w.Config[tfsim.CA]["previous_private_key_passphrase_wo"] = tfsim.String("first")
	w.Secrets = secret("private_key_passphrase", "second")
	p = w.MustPlan(t)
	w.MustBeUnknown(t, p, tfsim.CA, "private_key_pem")
	w.MustBeKnown(t, p, tfsim.CA, "serial_number", "cert_pem", "generation", "cross_signed_cert_pem")
	if changed := p.Changed(); !slices.Equal(changed, []string{tfsim.CA}) {
		t.Errorf("the plan changes %v", changed)
	}
	w.MustApply(t, p)
	w.MustChange(t, tfsim.CA, "private_key_pem", before)
	w.MustBeEmpty(t)
	if serials[0] != w.Text(tfsim.CA, "serial_number") || serials[1] != w.Text(tfsim.Server, "serial_number") {
		t.Error("another passphrase has reissued a certificate")
	}
	if _, err := pki.ParsePrivateKey(w.Text(tfsim.CA, "private_key_pem"), "second"); err != nil {
		t.Error(err)
	}

	// A rotation keeps the passphrase and has a cross certificate.
	delete(w.Config[tfsim.CA], "previous_private_key_passphrase_wo")
	w.Config[tfsim.CA]["rotation_triggers"] = tfsim.Trigger("1")
	w.Config[tfsim.CA]["private_key_passphrase_wo"] = tfsim.String("wrong")
	w.MustFail(t, "another passphrase")
	w.Config[tfsim.CA]["private_key_passphrase_wo"] = tfsim.Null(tftypes.String)
	w.MustFail(t, "private_key_passphrase_wo")
	w.Config[tfsim.CA]["private_key_passphrase_wo"] = tfsim.String("second")
	w.MustPlanAndApply(t)
	if !pki.Encrypted(w.Text(tfsim.CA, "private_key_pem")) || len(w.MustParse(t, tfsim.Server, "cert_pem")) != 2 {
		t.Error("the rotated key is in clear, or there is no cross certificate")
	}
	w.MustBeEmpty(t)

	// And back to a key without a passphrase.
	w.Config[tfsim.CA] = tfsim.Values{"rotation_triggers": tfsim.Trigger("1"), "previous_private_key_passphrase_wo": tfsim.String("second")}
	w.Secrets = nil
	w.MustPlanAndApply(t)
	if pki.Encrypted(w.Text(tfsim.CA, "private_key_pem")) {
		t.Error("the private key is still encrypted")
	}
	w.MustBeEmpty(t)

	// A first passphrase needs no version.
	w.Config[tfsim.CA]["private_key_passphrase_wo"] = tfsim.String("third")
	w.MustPlanAndApply(t)
	if !pki.Encrypted(w.Text(tfsim.CA, "private_key_pem")) {
		t.Error("the private key is in clear")
	}
}

func TestCertificateRequest(t *testing.T) {
	first, _ := makeKey(t, pki.ECDSAP256)
	second, _ := makeKey(t, pki.RSA2048)
	w := newWorld(t)
	delete(w.Config[tfsim.Server], "dns_names")
	w.Config[tfsim.Server]["cert_request_pem"] = makeRequest(t, first, "host", "Host.example.com")
	w.Config[tfsim.Client] = tfsim.Values{"cert_request_pem": makeRequest(t, second, "ci", "client.example.com")}
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	w.MustCertify(t, tfsim.Server, first)
	w.MustCertify(t, tfsim.Client, second)

	// Of the requests, the names are taken and nothing else.
	server, client := w.MustParse(t, tfsim.Server, "cert_pem")[0], w.MustParse(t, tfsim.Client, "cert_pem")[0]
	if server.IsCA || client.IsCA || len(server.EmailAddresses)+len(client.DNSNames)+len(client.EmailAddresses)+len(server.Subject.Organization) > 0 {
		t.Error("an extension of the request was copied")
	}
	if !slices.Equal(server.DNSNames, []string{"host.example.com"}) || len(server.IPAddresses) != 1 || server.Subject.CommonName != "host.example.com" || client.Subject.CommonName != "ci" {
		t.Errorf("names are %v %v, subjects %v and %v", server.DNSNames, server.IPAddresses, server.Subject, client.Subject)
	}

	// A renewal signs the same request again.
	serial := w.Text(tfsim.Server, "serial_number")
	w.Now = w.Now.Add(6000 * time.Hour)
	w.MustPlanAndApply(t)
	w.MustChange(t, tfsim.Server, "serial_number", serial)
	w.MustCertify(t, tfsim.Server, first)
	w.MustBeEmpty(t)

	// Configured names win over those of the request.
	w.Config[tfsim.Server]["dns_names"] = tfsim.Set("other.example.com")
	w.MustPlanAndApply(t)
	if server := w.MustParse(t, tfsim.Server, "cert_pem")[0]; !slices.Equal(server.DNSNames, []string{"other.example.com"}) || len(server.IPAddresses) > 0 {
		t.Errorf("names are %v %v", server.DNSNames, server.IPAddresses)
	}

	// A request that is made again is another request; an unknown one may be.
	serial = w.Text(tfsim.Server, "serial_number")
	same := w.Config[tfsim.Server]["cert_request_pem"]
	for _, request := range []tftypes.Value{same, makeRequest(t, first, "host", "host.example.com"), makeRequest(t, second, "host", "host.example.com")} {
		w.Config[tfsim.Server]["cert_request_pem"] = tfsim.Unknown(tftypes.String)
		p := w.MustPlan(t)
		w.MustBeUnknown(t, p, tfsim.Server, "serial_number", "key_algorithm", "private_key_pem") // it may be null
		w.TurnsOut(p, tfsim.Server, "cert_request_pem", request)
		w.MustApply(t, p)
		if request.Equal(same) {
			w.MustKeep(t, tfsim.Server, "serial_number", serial)
		} else {
			w.MustChange(t, tfsim.Server, "serial_number", serial)
		}
		serial = w.Text(tfsim.Server, "serial_number")
		w.MustBeEmpty(t)
	}
	w.MustCertify(t, tfsim.Server, second)
}

func TestCertificateRequestIsChecked(t *testing.T) {
	key, keyPEM := makeKey(t, pki.ECDSAP256)
	good := makeRequest(t, key, "", "host.example.com")
	block, _ := pem.Decode([]byte(tfsim.Text(good)))
	block.Bytes[len(block.Bytes)-1] ^= 1
	forged := tfsim.String(string(pem.EncodeToMemory(block)))
	short, err := pki.ParsePrivateKey(shortRSAKey(t), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		config tfsim.Values
		reason string
	}{
		{tfsim.Server, tfsim.Values{"cert_request_pem": forged}, "signature of the certificate request is wrong"},
		{tfsim.Server, tfsim.Values{"cert_request_pem": makeRequest(t, short, "", "host.example.com")}, "1024"},
		{tfsim.Server, tfsim.Values{"cert_request_pem": keyPEM}, "not a certificate request"},
		{tfsim.Server, tfsim.Values{"cert_request_pem": tfsim.String("none")}, "certificate request found"},
		{tfsim.Server, tfsim.Values{"cert_request_pem": makeRequest(t, key, "", "bad name")}, "white space"},
		{tfsim.Server, tfsim.Values{"cert_request_pem": good, "private_key_pem_wo": keyPEM}, "cannot be specified"},
		{tfsim.Server, tfsim.Values{"cert_request_pem": good, "key_algorithm": tfsim.String("RSA_2048")}, "ECDSA_P256"},
		{tfsim.Client, tfsim.Values{"cert_request_pem": good}, "common name"},
	} {
		w := newWorld(t)
		w.Config[test.name] = test.config
		w.MustFail(t, test.reason)
	}
}

// TestUnknownTurnsOutNull has arguments that are unknown at plan, and
// then not set: the key is one that is made.
func TestUnknownTurnsOutNull(t *testing.T) {
	for _, attribute := range []string{"private_key_pem_wo", "cert_request_pem"} {
		for _, name := range []string{tfsim.CA, tfsim.Server} {
			if name == tfsim.CA && attribute == "cert_request_pem" {
				continue
			}
			for _, exists := range []bool{false, true} {
				w := newWorld(t)
				if exists {
					w.MustPlanAndApply(t)
				}
				w.Config[name][attribute] = tfsim.Unknown(tftypes.String)
				p := w.MustPlan(t)
				w.TurnsOut(p, name, attribute, tfsim.Null(tftypes.String))
				w.MustApply(t, p)
				if _, err := w.Certificates(name); err != nil {
					t.Error(err)
				}
				w.MustBeEmpty(t)
			}
		}
	}
}

// shortRSAKey is a private key that nobody should certify.
func shortRSAKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	text, err := pki.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
