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
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Each test here is one rule of how keys behave that are not, or not in clear,
// in the state.

func machineKey(t testing.TB, algorithm x509text.KeyAlgorithm) (crypto.Signer, tftypes.Value) {
	t.Helper()
	key, err := algorithm.Generate()
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509text.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, machineString(text)
}

// machineRequest is a certificate request that asks for more than it may have.
func machineRequest(t testing.TB, key crypto.Signer, commonName string, dnsNames ...string) tftypes.Value {
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
	return machineString(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})))
}

// certificates are those of an attribute of the state.
func (w *machineWorld) certificates(t *testing.T, name, attribute string) []*x509.Certificate {
	t.Helper()
	certificates, err := x509text.ParseCertificates(w.text(name, attribute))
	if err != nil {
		t.Fatal(err)
	}
	return certificates
}

// mustCertify checks whose key a certificate has, that none is in the state,
// and that it is accepted.
func (w *machineWorld) mustCertify(t *testing.T, name string, key crypto.Signer) {
	t.Helper()
	chain := w.certificates(t, name, "cert_pem")
	if !pki.SamePublicKey(chain[0].PublicKey, key.Public()) {
		t.Errorf("%s certifies another key", name)
	}
	if !machineFields(w.attributes(name), w.state[name])["private_key_pem"].IsNull() {
		t.Errorf("%s has a private key in the state", name)
	}
	if profile, isLeaf := map[string]pki.Profile{machineServer: pki.Server, machineClient: pki.Client}[name]; isLeaf {
		if err := machineVerify(chain, w.certificates(t, machineCA, "cert_pem"), profile, w.now); err != nil {
			t.Error(err)
		}
	}
}

func (w *machineWorld) mustFail(t *testing.T, reason string) {
	t.Helper()
	if _, err := w.plan(true); err == nil || !strings.Contains(err.Error(), reason) {
		t.Fatalf("the plan fails with %v, not %q", err, reason)
	}
}

func TestMachineOwnLeafKey(t *testing.T) {
	first, firstPEM := machineKey(t, x509text.ECDSAP384)
	second, secondPEM := machineKey(t, x509text.RSA2048)
	w := machineCreated(t, nil, machineValues{"private_key_pem_wo": firstPEM, "private_key_pem_wo_version": machineInt(1)})
	w.mustCertify(t, machineServer, first)
	if algorithm := w.text(machineServer, "key_algorithm"); algorithm != "ECDSA_P384" {
		t.Errorf("key_algorithm is %s", algorithm)
	}

	// A renewal certifies the same key, whichever is given, or none.
	serial := w.text(machineServer, "serial_number")
	for _, given := range []tftypes.Value{secondPEM, machineNull, tftypes.NewValue(tftypes.String, tftypes.UnknownValue)} {
		w.config[machineServer]["private_key_pem_wo"] = given
		w.mustBeEmpty(t)
		w.now = w.now.Add(6000 * time.Hour)
		w.mustApply(t, w.mustPlan(t, true))
		w.mustKeep(t, machineServer, "serial_number", serial, false)
		w.mustCertify(t, machineServer, first)
		serial = w.text(machineServer, "serial_number")
	}

	// A new version certifies another key, even one that was not known at plan.
	w.config[machineServer]["private_key_pem_wo_version"] = machineInt(2)
	w.config[machineServer]["private_key_pem_wo"] = machineNull
	w.mustFail(t, "private_key_pem_wo")
	w.config[machineServer]["private_key_pem_wo"] = tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	p := w.mustPlan(t, true)
	w.mustKnow(t, p, machineServer, false, "serial_number", "key_algorithm", "content_sha256")
	w.mustKnow(t, p, machineServer, true, "private_key_pem")
	p.config[machineServer]["private_key_pem_wo"], w.config[machineServer]["private_key_pem_wo"] = secondPEM, secondPEM
	w.mustApply(t, p)
	w.mustCertify(t, machineServer, second)
	w.mustBeEmpty(t)

	// A new version of the same key issues nothing.
	serial = w.text(machineServer, "serial_number")
	w.config[machineServer]["private_key_pem_wo_version"] = machineInt(3)
	w.mustApply(t, w.mustPlan(t, true))
	w.mustKeep(t, machineServer, "serial_number", serial, true)

	// And back to a key that is made here.
	delete(w.config[machineServer], "private_key_pem_wo")
	delete(w.config[machineServer], "private_key_pem_wo_version")
	w.mustApply(t, w.mustPlan(t, true))
	if _, err := machineParse(w, machineServer); err != nil {
		t.Error(err)
	}
	w.mustBeEmpty(t)
}

func TestMachineKeyLeavesTheState(t *testing.T) {
	w := machineCreated(t, nil, nil)
	for _, name := range []string{machineCA, machineServer} {
		serial := w.text(name, "serial_number")
		key := w.text(name, "private_key_pem")
		w.config[name]["private_key_pem_wo"] = machineString(key)
		if name == machineCA {
			w.secrets = machineValues{"private_key_pem": machineString(key)}
		}
		p := w.mustPlan(t, true)
		if !slices.Equal(p.changed(), []string{name}) {
			t.Errorf("the plan changes %v, not %s", p.changed(), name)
		}
		w.mustApply(t, p)
		w.mustKeep(t, name, "serial_number", serial, true)
		w.mustKeep(t, name, "private_key_pem", "", true)
		w.mustBeEmpty(t)
	}
}

func TestMachineOwnAuthorityKey(t *testing.T) {
	first, firstPEM := machineKey(t, x509text.ECDSAP256)
	second, secondPEM := machineKey(t, x509text.Ed25519)
	third, thirdPEM := machineKey(t, x509text.ECDSAP256)
	w := newMachineWorld(t)
	w.config[machineCA]["private_key_pem_wo"] = firstPEM
	w.config[machineCA]["private_key_pem_wo_version"] = machineInt(1)
	w.secrets = machineValues{"private_key_pem": firstPEM}
	w.mustApply(t, w.mustPlan(t, true))
	w.mustBeEmpty(t)
	w.mustCertify(t, machineCA, first)
	old := w.certificates(t, machineCA, "cert_pem")

	// A renewal keeps the key, so the leaves stay; it needs just this key.
	serial := w.text(machineServer, "serial_number")
	w.config[machineCA]["validity_period_hours"] = machineInt(50000)
	w.config[machineCA]["private_key_pem_wo"] = secondPEM
	w.mustFail(t, "not its own")
	w.config[machineCA]["private_key_pem_wo"] = machineNull
	w.mustFail(t, "private_key_pem_wo")
	w.config[machineCA]["private_key_pem_wo"] = firstPEM
	w.mustApply(t, w.mustPlan(t, true))
	w.mustKeep(t, machineServer, "serial_number", serial, true)
	w.mustBeEmpty(t)

	// A trigger cannot make a key.
	w.config[machineCA]["rotation_triggers"] = machineTrigger("1")
	w.mustFail(t, "private_key_pem_wo_version")

	// A new version rotates, with a cross certificate by the key before.
	w.config[machineCA]["private_key_pem_wo_version"] = machineInt(2)
	w.config[machineCA]["private_key_pem_wo"] = secondPEM
	w.config[machineCA]["previous_private_key_pem_wo"] = thirdPEM
	w.mustFail(t, "not that of the current root")
	w.config[machineCA]["previous_private_key_pem_wo"] = firstPEM
	w.secrets = machineValues{"private_key_pem": secondPEM}
	p := w.mustPlan(t, true)
	if len(w.warnings) > 0 {
		t.Errorf("the plan warns: %q", w.warnings)
	}
	w.mustApply(t, p)
	w.mustCertify(t, machineCA, second)
	w.mustBeEmpty(t)
	if chain := w.certificates(t, machineServer, "cert_pem"); len(chain) != 2 || machineVerify(chain, old, pki.Server, w.now) != nil {
		t.Errorf("who trusts the first root rejects the new certificate (%d certificates)", len(chain))
	}
	if generation := machineNumber(machineFields(w.attributes(machineCA), w.state[machineCA])["generation"]); generation != 2 {
		t.Errorf("generation is %d", generation)
	}

	// Without the key before, the bundle alone, and a warning.
	delete(w.config[machineCA], "previous_private_key_pem_wo")
	w.config[machineCA]["private_key_pem_wo_version"] = machineInt(3)
	w.config[machineCA]["private_key_pem_wo"] = thirdPEM
	w.secrets = machineValues{"private_key_pem": thirdPEM}
	p = w.mustPlan(t, true)
	if len(w.warnings) != 1 || !strings.Contains(w.warnings[0], "previous_private_key_pem_wo") {
		t.Errorf("the plan warns %q, not once of the missing key", w.warnings)
	}
	w.mustApply(t, p)
	w.mustCertify(t, machineCA, third)
	if roots := len(w.certificates(t, machineCA, "cert_pem")); roots != 3 || w.text(machineCA, "cross_signed_cert_pem") != "" {
		t.Errorf("%d roots, want 3 and no cross certificate", roots)
	}
	w.mustBeEmpty(t)
}

func TestMachineOwnKeyIsChecked(t *testing.T) {
	_, pemText := machineKey(t, x509text.ECDSAP256)
	key, _ := machineKey(t, x509text.ECDSAP256)
	encrypted, err := x509text.EncryptPrivateKey(key, "passphrase")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		config machineValues
		reason string
	}{
		{machineValues{"private_key_pem_wo": machineString("none")}, "private key found"},
		{machineValues{"private_key_pem_wo": machineString(encrypted)}, "is encrypted"},
		{machineValues{"private_key_pem_wo": machineString(machineShortRSAKey(t))}, "1024"},
		{machineValues{"private_key_pem_wo_version": machineInt(1)}, "Set private_key_pem_wo"},
		{machineValues{"private_key_pem_wo": pemText, "key_algorithm": machineString("RSA_2048")}, "ECDSA_P256"},
		{machineValues{"private_key_pem_wo": pemText, "private_key_passphrase_wo": machineString("passphrase")}, "cannot be specified"},
		{machineValues{"private_key_passphrase_wo": machineString("")}, "at least 1"},
		{machineValues{"private_key_passphrase_wo_version": machineInt(1)}, "Set private_key_passphrase_wo"},
	} {
		w := newMachineWorld(t)
		w.config[machineCA] = test.config
		w.mustFail(t, test.reason)
	}
}

func TestMachinePassphrase(t *testing.T) {
	secret := func(ca, leaf string) machineValues { return machineValues{ca: machineString(leaf)} }
	w := newMachineWorld(t)
	w.config[machineCA] = machineValues{"private_key_passphrase_wo": machineString("first"), "private_key_passphrase_wo_version": machineInt(1)}
	p := w.mustPlan(t, true) // the key is not known yet
	if err := w.apply(p); err == nil || !strings.Contains(err.Error(), "ca = merge(docker_tls_ca.this, { private_key_passphrase = var.passphrase })") {
		t.Fatalf("without the passphrase the leaf fails with %v", err)
	}
	w.secrets = secret("private_key_passphrase", "wrong")
	w.mustFail(t, "does not decrypt")
	w.secrets = secret("private_key_passphrase", "first")
	w.mustApply(t, w.mustPlan(t, true))
	w.mustBeEmpty(t)
	if text := w.text(machineCA, "private_key_pem"); !x509text.Encrypted(text) {
		t.Fatal("the private key is in clear in the state")
	}

	// No passphrase is needed where nothing is issued.
	w.secrets, w.config[machineCA]["private_key_passphrase_wo"] = nil, machineNull
	w.mustBeEmpty(t)
	w.config[machineServer]["dns_names"] = machineSet("other.example.com")
	w.mustFail(t, "private_key_passphrase = var.passphrase")
	w.config[machineServer]["dns_names"] = machineSet("host.example.com")

	// Another passphrase encrypts anew and issues nothing.
	serials := []string{w.text(machineCA, "serial_number"), w.text(machineServer, "serial_number")}
	before := w.text(machineCA, "private_key_pem")
	w.config[machineCA]["private_key_passphrase_wo"] = machineString("second")
	w.config[machineCA]["private_key_passphrase_wo_version"] = machineInt(2)
	w.mustFail(t, "previous_private_key_passphrase_wo")
	w.config[machineCA]["previous_private_key_passphrase_wo"] = machineString("first")
	w.secrets = secret("private_key_passphrase", "second")
	p = w.mustPlan(t, true)
	w.mustKnow(t, p, machineCA, false, "private_key_pem")
	w.mustKnow(t, p, machineCA, true, "serial_number", "cert_pem", "generation", "cross_signed_cert_pem")
	if changed := p.changed(); !slices.Equal(changed, []string{machineCA}) {
		t.Errorf("the plan changes %v", changed)
	}
	w.mustApply(t, p)
	w.mustKeep(t, machineCA, "private_key_pem", before, false)
	w.mustBeEmpty(t)
	if serials[0] != w.text(machineCA, "serial_number") || serials[1] != w.text(machineServer, "serial_number") {
		t.Error("another passphrase has reissued a certificate")
	}
	if _, err := x509text.ParsePrivateKey(w.text(machineCA, "private_key_pem"), "second"); err != nil {
		t.Error(err)
	}

	// A rotation keeps the passphrase and has a cross certificate.
	delete(w.config[machineCA], "previous_private_key_passphrase_wo")
	w.config[machineCA]["rotation_triggers"] = machineTrigger("1")
	w.config[machineCA]["private_key_passphrase_wo"] = machineString("wrong")
	w.mustFail(t, "another passphrase")
	w.config[machineCA]["private_key_passphrase_wo"] = machineNull
	w.mustFail(t, "private_key_passphrase_wo")
	w.config[machineCA]["private_key_passphrase_wo"] = machineString("second")
	w.mustApply(t, w.mustPlan(t, true))
	if !x509text.Encrypted(w.text(machineCA, "private_key_pem")) || len(w.certificates(t, machineServer, "cert_pem")) != 2 {
		t.Error("the rotated key is in clear, or there is no cross certificate")
	}
	w.mustBeEmpty(t)

	// And back to a key without a passphrase.
	w.config[machineCA] = machineValues{"rotation_triggers": machineTrigger("1"), "previous_private_key_passphrase_wo": machineString("second")}
	w.secrets = nil
	w.mustApply(t, w.mustPlan(t, true))
	if x509text.Encrypted(w.text(machineCA, "private_key_pem")) {
		t.Error("the private key is still encrypted")
	}
	w.mustBeEmpty(t)

	// A first passphrase needs no version.
	w.config[machineCA]["private_key_passphrase_wo"] = machineString("third")
	w.mustApply(t, w.mustPlan(t, true))
	if !x509text.Encrypted(w.text(machineCA, "private_key_pem")) {
		t.Error("the private key is in clear")
	}
}

func TestMachineCertificateRequest(t *testing.T) {
	first, _ := machineKey(t, x509text.ECDSAP256)
	second, _ := machineKey(t, x509text.RSA2048)
	w := newMachineWorld(t)
	delete(w.config[machineServer], "dns_names")
	w.config[machineServer]["cert_request_pem"] = machineRequest(t, first, "host", "Host.example.com")
	w.config[machineClient] = machineValues{"cert_request_pem": machineRequest(t, second, "ci", "client.example.com")}
	w.mustApply(t, w.mustPlan(t, true))
	w.mustBeEmpty(t)
	w.mustCertify(t, machineServer, first)
	w.mustCertify(t, machineClient, second)

	// Of the requests, the names are taken and nothing else.
	server, client := w.certificates(t, machineServer, "cert_pem")[0], w.certificates(t, machineClient, "cert_pem")[0]
	if server.IsCA || client.IsCA || len(server.EmailAddresses)+len(client.DNSNames)+len(client.EmailAddresses)+len(server.Subject.Organization) > 0 {
		t.Error("an extension of the request was copied")
	}
	if !slices.Equal(server.DNSNames, []string{"host.example.com"}) || len(server.IPAddresses) != 1 || server.Subject.CommonName != "host.example.com" || client.Subject.CommonName != "ci" {
		t.Errorf("names are %v %v, subjects %v and %v", server.DNSNames, server.IPAddresses, server.Subject, client.Subject)
	}

	// A renewal signs the same request again.
	serial := w.text(machineServer, "serial_number")
	w.now = w.now.Add(6000 * time.Hour)
	w.mustApply(t, w.mustPlan(t, true))
	w.mustKeep(t, machineServer, "serial_number", serial, false)
	w.mustCertify(t, machineServer, first)
	w.mustBeEmpty(t)

	// Configured names win over those of the request.
	w.config[machineServer]["dns_names"] = machineSet("other.example.com")
	w.mustApply(t, w.mustPlan(t, true))
	if server := w.certificates(t, machineServer, "cert_pem")[0]; !slices.Equal(server.DNSNames, []string{"other.example.com"}) || len(server.IPAddresses) > 0 {
		t.Errorf("names are %v %v", server.DNSNames, server.IPAddresses)
	}

	// A request that is made again is another request; an unknown one may be.
	serial = w.text(machineServer, "serial_number")
	same := w.config[machineServer]["cert_request_pem"]
	for _, request := range []tftypes.Value{same, machineRequest(t, first, "host", "host.example.com"), machineRequest(t, second, "host", "host.example.com")} {
		w.config[machineServer]["cert_request_pem"] = tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
		p := w.mustPlan(t, true)
		w.mustKnow(t, p, machineServer, false, "serial_number", "key_algorithm", "private_key_pem") // it may be null
		p.config[machineServer]["cert_request_pem"], w.config[machineServer]["cert_request_pem"] = request, request
		w.mustApply(t, p)
		w.mustKeep(t, machineServer, "serial_number", serial, request.Equal(same))
		serial = w.text(machineServer, "serial_number")
		w.mustBeEmpty(t)
	}
	w.mustCertify(t, machineServer, second)
}

func TestMachineCertificateRequestIsChecked(t *testing.T) {
	key, keyPEM := machineKey(t, x509text.ECDSAP256)
	good := machineRequest(t, key, "", "host.example.com")
	block, _ := pem.Decode([]byte(machineText(good)))
	block.Bytes[len(block.Bytes)-1] ^= 1
	forged := machineString(string(pem.EncodeToMemory(block)))
	short, err := x509text.ParsePrivateKey(machineShortRSAKey(t), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		config machineValues
		reason string
	}{
		{machineServer, machineValues{"cert_request_pem": forged}, "signature of the certificate request is wrong"},
		{machineServer, machineValues{"cert_request_pem": machineRequest(t, short, "", "host.example.com")}, "1024"},
		{machineServer, machineValues{"cert_request_pem": keyPEM}, "not a certificate request"},
		{machineServer, machineValues{"cert_request_pem": machineString("none")}, "certificate request found"},
		{machineServer, machineValues{"cert_request_pem": machineRequest(t, key, "", "bad name")}, "white space"},
		{machineServer, machineValues{"cert_request_pem": good, "private_key_pem_wo": keyPEM}, "cannot be specified"},
		{machineServer, machineValues{"cert_request_pem": good, "key_algorithm": machineString("RSA_2048")}, "ECDSA_P256"},
		{machineClient, machineValues{"cert_request_pem": good}, "common name"},
	} {
		w := newMachineWorld(t)
		w.config[test.name] = test.config
		w.mustFail(t, test.reason)
	}
}

// TestMachineUnknownTurnsOutNull has arguments that are unknown at plan, and
// then not set: the key is one that is made.
func TestMachineUnknownTurnsOutNull(t *testing.T) {
	for _, attribute := range []string{"private_key_pem_wo", "cert_request_pem"} {
		for _, name := range []string{machineCA, machineServer} {
			if name == machineCA && attribute == "cert_request_pem" {
				continue
			}
			for _, exists := range []bool{false, true} {
				w := newMachineWorld(t)
				if exists {
					w.mustApply(t, w.mustPlan(t, true))
				}
				w.config[name][attribute] = tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
				p := w.mustPlan(t, true)
				p.config[name][attribute], w.config[name][attribute] = machineNull, machineNull
				w.mustApply(t, p)
				if _, err := machineParse(w, name); err != nil {
					t.Error(err)
				}
				w.mustBeEmpty(t)
			}
		}
	}
}

// machineNull is an argument that is not set.
var machineNull = tftypes.NewValue(tftypes.String, nil)

// machineShortRSAKey is a private key that nobody should certify.
func machineShortRSAKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509text.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
