package pki_test

import (
	"crypto/x509"
	"slices"
	"testing"

	zcrypto "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// zlint, the linter of public authorities, finds nothing against the RFCs in
// what is issued. (The rules of browsers and their forum are for the public
// web; a private authority is free of them.)
func TestLint(t *testing.T) {
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{
		IncludeSources: lint.SourceList{lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC8813},
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(registry.Names()); n < 100 {
		t.Fatalf("only %d rules", n)
	}
	constraints, err := pki.ParseNameConstraints([]string{"example.com"}, []string{"secret.example.com"}, []string{"10.0.0.0/8", "fd00::/8"}, []string{"10.1.0.0/16"})
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, certificate *x509.Certificate) {
		t.Run(name, func(t *testing.T) {
			parsed, err := zcrypto.ParseCertificate(certificate.Raw)
			if err != nil {
				t.Fatal(err)
			}
			var passed int
			for rule, result := range zlint.LintCertificateEx(parsed, registry).Results {
				switch {
				case result.Status == lint.Pass:
					passed++
				case result.Status < lint.Notice:
				default:
					t.Errorf("%s: %s %s: %s", result.Status, rule, result.Details, result.LintMetadata.Description)
				}
			}
			if passed < 20 {
				t.Errorf("only %d rules were applied", passed)
			}
		})
	}
	for _, algorithm := range x509text.KeyAlgorithms() {
		key := keyOf(t, algorithm)
		authority := newGeneration(t, pki.RootRequest{Subject: fullSubject, Key: key}, issued)
		constrained := newGeneration(t, pki.RootRequest{NameConstraints: constraints, Key: key}, issued)
		cross, err := newGeneration(t, pki.RootRequest{}, issued).CrossSign(constrained.root(), issued)
		if err != nil {
			t.Fatal(err)
		}
		check("root/"+string(algorithm), authority.root())
		check("constrained root/"+string(algorithm), constrained.root())
		fullCross, err := newGeneration(t, pki.RootRequest{}, issued).CrossSign(authority.root(), issued)
		if err != nil {
			t.Fatal(err)
		}
		check("cross of everything/"+string(algorithm), fullCross)
		check("renewed root/"+string(algorithm), newGeneration(t, pki.RootRequest{Key: key, Predecessor: authority.root()}, issued).root())
		check("cross/"+string(algorithm), cross)

		server, client := serverRequest(t), clientRequest(t)
		leafKey := leafKeyOf(t, algorithm)
		server.PublicKey, client.PublicKey = leafKey.Public(), leafKey.Public()
		check("server/"+string(algorithm), issue(t, authority, server, issued))
		check("client/"+string(algorithm), issue(t, authority, client, issued))

		server.Subject, client.Subject = fullSubject, fullSubject
		client.Subject.CommonName = "Jürgen"
		server.Names.DNSNames = append(slices.Clone(server.Names.DNSNames), "*.example.com", "localhost", "xn--bcher-kva.example")
		check("server with everything/"+string(algorithm), issue(t, authority, server, issued))
		check("client with everything/"+string(algorithm), issue(t, authority, client, issued))
		server.Subject = pki.Subject{}
		check("server without subject/"+string(algorithm), issue(t, authority, server, issued))
	}
}
