package x509text

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

func TestKind(t *testing.T) {
	server, client := x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	for name, test := range map[string]struct {
		certificate x509.Certificate
		want        string
	}{
		"authority":                {x509.Certificate{Version: 3, IsCA: true, BasicConstraintsValid: true}, "ca"},
		"server":                   {x509.Certificate{Version: 3, ExtKeyUsage: []x509.ExtKeyUsage{server}}, "server"},
		"client":                   {x509.Certificate{Version: 3, ExtKeyUsage: []x509.ExtKeyUsage{client}, DNSNames: []string{"a"}}, "client"},
		"both, with a name":        {x509.Certificate{Version: 3, ExtKeyUsage: []x509.ExtKeyUsage{client, server}, DNSNames: []string{"a"}}, "server"},
		"both, with an address":    {x509.Certificate{Version: 3, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}}, "server"},
		"both, without any":        {x509.Certificate{Version: 3, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}, "client"},
		"one of another authority": {x509.Certificate{Version: 3, ExtKeyUsage: []x509.ExtKeyUsage{server}, KeyUsage: x509.KeyUsageCertSign}, "server"},
	} {
		if got := Kind(&test.certificate); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestDisplayName(t *testing.T) {
	subject := pkix.Name{CommonName: "web1", Organization: []string{"Example"}}
	nameless := pkix.Name{Organization: []string{"joe"}}
	for want, certificate := range map[string]x509.Certificate{
		"web1":            {Subject: subject, DNSNames: []string{"web1.example.com"}},
		"web.example.com": {Subject: nameless, DNSNames: []string{"web.example.com"}, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}},
		"10.0.0.1":        {Subject: nameless, IPAddresses: []net.IP{net.IPv4(10, 0, 0, 1)}},
		"O=joe":           {Subject: nameless},
	} {
		if got := DisplayName(&certificate); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestOpenMetrics(t *testing.T) {
	begin := time.Date(1949, time.December, 31, 23, 59, 59, 0, time.UTC) // before Unix time, and the last GeneralizedTime
	c := &x509.Certificate{
		Version: 3, Raw: []byte("raw"), SerialNumber: new(big.Int).Lsh(big.NewInt(1), 100), NotBefore: begin, NotAfter: begin.AddDate(100, 0, 0),
		Subject: pkix.Name{
			Country: []string{"NZ"}, Province: []string{"Otago"}, Locality: []string{"Dunedin"}, Organization: []string{`Example, "Ltd."`},
			OrganizationalUnit: []string{`a\b`}, CommonName: "two\nlines\xff",
		},
		Issuer: pkix.Name{CommonName: "Ōtepoti"},
	}
	labels := `{subject_C="NZ",subject_ST="Otago",subject_L="Dunedin",subject_O="Example, \"Ltd.\"",subject_OU="a\\b",subject_CN="two\nlines` + "\uFFFD" +
		`",issuer_CN="Ōtepoti",serial_number="1267650600228229401496703205376",fingerprint_sha256="` + Fingerprint(c) + `",kind="client",current="false"} `
	want := "# HELP x509_cert_not_before Start of the certificate's validity, in seconds of Unix time.\n" +
		"# TYPE x509_cert_not_before gauge\n" +
		"x509_cert_not_before" + labels + "-631152001\n" +
		"# HELP x509_cert_not_after End of the certificate's validity, in seconds of Unix time.\n" +
		"# TYPE x509_cert_not_after gauge\n" +
		"x509_cert_not_after" + labels + "2524607999\n" +
		"# EOF\n"
	if got := OpenMetrics([]Listed{{Certificate: c}}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := OpenMetrics(nil); got != "# EOF\n" {
		t.Errorf("of no certificate: %q", got)
	}
	if !strings.Contains(OpenMetrics([]Listed{{Certificate: c, Current: true}}), `current="true"`) {
		t.Error("a current certificate is not marked as such")
	}
}
