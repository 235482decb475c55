package provider_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

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

func TestCertificateRequestIsChecked(t *testing.T) {
	t.Parallel()
	key, keyPEM := makeKey(t, x509text.ECDSAP256)
	good := makeRequest(t, key, "", "host.example.com")
	block, _ := pem.Decode([]byte(tfsim.Text(good)))
	block.Bytes[len(block.Bytes)-1] ^= 1
	forged := tfsim.String(string(pem.EncodeToMemory(block)))
	short, err := x509text.ParsePrivateKey(shortRSAKey(t), "")
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

// TestCertificateRequest is the life of leaves whose keys stay with their hosts.
// Each act begins in a world of its own, in which the requests were signed.
func TestCertificateRequest(t *testing.T) {
	t.Parallel()
	first, _ := makeKey(t, x509text.ECDSAP256)
	second, _ := makeKey(t, x509text.RSA2048)
	signed := func(t *testing.T) *tfsim.World {
		w := newWorld(t)
		w.Unset(tfsim.Server, "dns_names")
		w.Config[tfsim.Server]["cert_request_pem"] = makeRequest(t, first, "host", "Host.example.com")
		w.Config[tfsim.Client] = tfsim.Values{"cert_request_pem": makeRequest(t, second, "ci", "client.example.com")}
		w.MustPlanAndApply(t)
		w.MustBeEmpty(t)
		w.MustCertify(t, tfsim.Server, first)
		w.MustCertify(t, tfsim.Client, second)
		return w
	}
	t.Run("of the requests, the names are taken and nothing else", func(t *testing.T) {
		w := signed(t)
		server, client := w.MustParse(t, tfsim.Server, "cert_pem")[0], w.MustParse(t, tfsim.Client, "cert_pem")[0]
		if server.IsCA || client.IsCA || len(server.EmailAddresses)+len(client.DNSNames)+len(client.EmailAddresses)+len(server.Subject.Organization) > 0 {
			t.Error("an extension of the request was copied")
		}
		if !slices.Equal(server.DNSNames, []string{"host.example.com"}) || len(server.IPAddresses) != 1 || server.Subject.CommonName != "host.example.com" || client.Subject.CommonName != "ci" {
			t.Errorf("names are %v %v, subjects %v and %v", server.DNSNames, server.IPAddresses, server.Subject, client.Subject)
		}
	})
	t.Run("a renewal signs the same request again", func(t *testing.T) {
		w := signed(t)
		serial := w.Text(tfsim.Server, "serial_number")
		w.Now = w.Now.Add(6000 * time.Hour)
		w.MustPlanAndApply(t)
		w.MustChange(t, tfsim.Server, "serial_number", serial)
		w.MustCertify(t, tfsim.Server, first)
		w.MustBeEmpty(t)
	})
	t.Run("configured names win over those of the request", func(t *testing.T) {
		w := signed(t)
		w.Config[tfsim.Server]["dns_names"] = tfsim.Set("other.example.com")
		w.MustPlanAndApply(t)
		if server := w.MustParse(t, tfsim.Server, "cert_pem")[0]; !slices.Equal(server.DNSNames, []string{"other.example.com"}) || len(server.IPAddresses) > 0 {
			t.Errorf("names are %v %v", server.DNSNames, server.IPAddresses)
		}
	})
	t.Run("a request that is made again is another request; an unknown one may be", func(t *testing.T) {
		w := signed(t)
		w.Config[tfsim.Server]["dns_names"] = tfsim.Set("other.example.com")
		w.MustPlanAndApply(t)
		serial := w.Text(tfsim.Server, "serial_number")
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
	})
}
