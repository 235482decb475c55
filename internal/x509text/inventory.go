package x509text

import (
	"crypto/x509"
	"fmt"
	"strings"
)

// Listed is a certificate in a list for people or for a dashboard.
type Listed struct {
	Certificate *x509.Certificate
	Current     bool // false for a root that another has replaced
}

// Kind says for what a certificate is: `ca`, `server` or `client`. One that may
// be both of the latter, as docker-machine made them, is a server's if it has a
// name or an address that a client could verify.
func Kind(certificate *x509.Certificate) string {
	switch {
	case CheckAuthority(certificate) == nil:
		return "ca"
	case !Allows(certificate, x509.ExtKeyUsageServerAuth):
		return "client"
	case Allows(certificate, x509.ExtKeyUsageClientAuth) && len(certificate.DNSNames)+len(certificate.IPAddresses) == 0:
		return "client"
	}
	return "server"
}

// DisplayName is what a list calls a certificate: its common name, or else its
// first DNS name or IP address, or else the whole distinguished name.
func DisplayName(certificate *x509.Certificate) string {
	switch {
	case certificate.Subject.CommonName != "":
		return certificate.Subject.CommonName
	case len(certificate.DNSNames) > 0:
		return certificate.DNSNames[0]
	case len(certificate.IPAddresses) > 0:
		return certificate.IPAddresses[0].String()
	}
	return certificate.Subject.String()
}

// OpenMetrics returns when certificates begin and end to be valid, in seconds of
// Unix time, as OpenMetrics 1.0 text, which is valid in Prometheus's text format
// 0.0.4 as well. Metrics and labels have the names that x509-certificate-exporter
// gives them, serial_number in decimal included; kind, current and
// fingerprint_sha256 are added. The fingerprint tells apart what has all else in
// common: two equal series would make the whole text invalid.
func OpenMetrics(list []Listed) string {
	var text strings.Builder
	family := func(name, help string, value func(*x509.Certificate) int64) {
		fmt.Fprintf(&text, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
		for _, l := range list {
			fmt.Fprintf(&text, "%s{%s} %d\n", name, labels(l), value(l.Certificate))
		}
	}
	if len(list) > 0 {
		family("x509_cert_not_before", "Start of the certificate's validity, in seconds of Unix time.",
			func(c *x509.Certificate) int64 { return c.NotBefore.Unix() })
		family("x509_cert_not_after", "End of the certificate's validity, in seconds of Unix time.",
			func(c *x509.Certificate) int64 { return c.NotAfter.Unix() })
	}
	return text.String() + "# EOF\n"
}

// labels returns the labels of a certificate's series. A label without a value
// is the same as none, and left out.
func labels(l Listed) string {
	var pairs []string
	add := func(name, value string) {
		if value != "" {
			pairs = append(pairs, name+`="`+labelEscapes.Replace(strings.ToValidUTF8(value, "\uFFFD"))+`"`)
		}
	}
	addName := func(prefix string, name Name) {
		add(prefix+"_C", name.Country)
		add(prefix+"_ST", name.Province)
		add(prefix+"_L", name.Locality)
		add(prefix+"_O", name.Organization)
		add(prefix+"_OU", name.OrganizationalUnit)
		add(prefix+"_CN", name.CommonName)
	}
	addName("subject", NameOf(l.Certificate.Subject))
	addName("issuer", NameOf(l.Certificate.Issuer))
	add("serial_number", l.Certificate.SerialNumber.String())
	add("fingerprint_sha256", Fingerprint(l.Certificate))
	add("kind", Kind(l.Certificate))
	add("current", fmt.Sprint(l.Current))
	return strings.Join(pairs, ",")
}

// labelEscapes are those of a label's value, the same in both formats.
var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
