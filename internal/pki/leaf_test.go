package pki_test

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

func TestIssueLeaf(t *testing.T) {
	authority := newGeneration(t, pki.RootRequest{}, issued)
	profiles := []struct {
		name     string
		request  pki.LeafRequest
		usage    x509.ExtKeyUsage
		other    pki.Profile
		rsaUsage x509.KeyUsage
	}{
		{"server", serverRequest(t), x509.ExtKeyUsageServerAuth, pki.Client, x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment},
		{"client", clientRequest(t), x509.ExtKeyUsageClientAuth, pki.Server, x509.KeyUsageDigitalSignature},
	}
	for _, profile := range profiles {
		for _, algorithm := range x509text.KeyAlgorithms() {
			t.Run(profile.name+"/"+string(algorithm), func(t *testing.T) {
				request := profile.request
				request.PublicKey = keyOf(t, algorithm).Public()
				leaf := issue(t, authority, request, issued)
				wantIssued(t, leaf, wholeSecond.Add(720*time.Hour))
				extensions := map[string]bool{
					oidBasicConstraints.String(): true,
					oidKeyUsage.String():         true,
					oidExtKeyUsage.String():      false,
					oidSubjectKeyID.String():     false,
					oidAuthorityKeyID.String():   false,
				}
				if request.Profile == pki.Server {
					extensions[oidSubjectAltName.String()] = false
				}
				wantExtensions(t, leaf, extensions)
				if leaf.IsCA {
					t.Error("a leaf is an authority")
				}
				wantUsage := x509.KeyUsageDigitalSignature
				if strings.HasPrefix(string(algorithm), "RSA") {
					wantUsage = profile.rsaUsage
				}
				if leaf.KeyUsage != wantUsage {
					t.Errorf("key usage %b; want %b", leaf.KeyUsage, wantUsage)
				}
				if !slices.Equal(leaf.ExtKeyUsage, []x509.ExtKeyUsage{profile.usage}) || len(leaf.UnknownExtKeyUsage) > 0 {
					t.Errorf("extended key usage %v", leaf.ExtKeyUsage)
				}
				if string(leaf.AuthorityKeyId) != string(authority.root().SubjectKeyId) || len(leaf.AuthorityKeyId) == 0 {
					t.Errorf("authority key identifier %x", leaf.AuthorityKeyId)
				}
				if !slices.Equal(leaf.DNSNames, request.Names.DNSNames) || len(leaf.IPAddresses) != len(request.Names.IPAddresses) {
					t.Errorf("names %v %v", leaf.DNSNames, leaf.IPAddresses)
				}
				for _, ip := range request.Names.IPAddresses {
					if err := leaf.VerifyHostname(ip.String()); err != nil {
						t.Error(err)
					}
				}
				if err := pki.VerifyLeaf(leaf, nil, authority.root(), profile.other, issued); err == nil {
					t.Error("accepted for the other profile as well")
				}
				if !x509text.IssuedBy(leaf, authority.root()) {
					t.Error("not seen to be issued by its authority")
				}
			})
		}
	}
}

func TestIssueUnderEveryAlgorithm(t *testing.T) {
	for _, algorithm := range x509text.KeyAlgorithms() {
		authority := newGeneration(t, pki.RootRequest{Key: keyOf(t, algorithm)}, issued)
		path := write(t, "ca.pem", x509text.EncodeCertificates(authority.root()))
		leaf := x509text.EncodeCertificates(issue(t, authority, serverRequest(t), issued))
		openssl(t, leaf, "verify", "-x509_strict", "-attime", "1774750000", "-purpose", "sslserver", "-verify_hostname", "docker.example.com", "-CAfile", path)
		openssl(t, leaf, "verify", "-x509_strict", "-attime", "1774750000", "-verify_ip", "fd00::20", "-CAfile", path)
	}
}

// The subject that Docker's own guide to --tlsverify asks for.
func TestFullSubject(t *testing.T) {
	authority := newGeneration(t, pki.RootRequest{}, issued)
	request := serverRequest(t)
	request.Subject = fullSubject
	leaf := issue(t, authority, request, issued)
	wantFullSubject(t, leaf)
	text := openssl(t, x509text.EncodeCertificates(leaf), "x509", "-noout", "-subject", "-nameopt", "multiline,utf8,-esc_msb,show_type")
	for _, want := range []string{
		"PRINTABLESTRING:DE", "UTF8STRING:Köln", "IA5STRING:ops@example.com",
		"PRINTABLESTRING:docker.example.com", "PRINTABLESTRING:Operations", "PRINTABLESTRING:50667",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in:\n%s", want, text)
		}
	}
}

// RFC 5280, section 4.1.2.6: without a subject, the subjectAltName is critical.
func TestEmptySubject(t *testing.T) {
	authority := newGeneration(t, pki.RootRequest{}, issued)
	request := serverRequest(t)
	request.Subject = pki.Subject{}
	leaf := issue(t, authority, request, issued)
	wantExtensions(t, leaf, map[string]bool{
		oidBasicConstraints.String(): true,
		oidKeyUsage.String():         true,
		oidExtKeyUsage.String():      false,
		oidSubjectKeyID.String():     false,
		oidAuthorityKeyID.String():   false,
		oidSubjectAltName.String():   true,
	})
	if len(leaf.Subject.Names) > 0 {
		t.Errorf("subject %s", leaf.Subject)
	}
}

func TestLeafEndsWithItsAuthority(t *testing.T) {
	authority := newGeneration(t, pki.RootRequest{ValidityHours: 100}, issued)
	end := authority.root().NotAfter
	for _, test := range []struct {
		about string
		hours int64
		now   time.Time
		want  time.Time
	}{
		{"within", 99, issued, wholeSecond.Add(99 * time.Hour)},
		{"to the second", 100, issued, end},
		{"past it", 101, issued, end},
		{"late", 100, issued.Add(99 * time.Hour), end},
	} {
		t.Run(test.about, func(t *testing.T) {
			request := clientRequest(t)
			request.ValidityHours = test.hours
			if got := issue(t, authority, request, test.now).NotAfter; !got.Equal(test.want) {
				t.Errorf("not after %s; want %s", got, test.want)
			}
		})
	}
	_, err := authority.Issue(clientRequest(t), end)
	wantError(t, err, `the authority "`+authority.root().Subject.String()+`" expired on 2026-04-02T05:30:15Z: renew it first`)
}

func TestIssueLeafRefuses(t *testing.T) {
	short, err := x509text.ParsePrivateKey(openssl(t, "", "genrsa", "1024"), "")
	if err != nil {
		t.Fatal(err)
	}
	authority := newGeneration(t, pki.RootRequest{}, issued)
	foreign := foreignRoot(t, nothingElse)
	rotated := newGeneration(t, pki.RootRequest{}, issued)
	rotated.Others = []*x509.Certificate{foreign.root()}
	for _, test := range []struct {
		about     string
		authority generation
		profile   pki.Profile
		change    func(*pki.LeafRequest)
		want      string
	}{
		{"nothing wrong", foreign, pki.Client, func(*pki.LeafRequest) {}, ""},
		{"no names", authority, pki.Server, func(r *pki.LeafRequest) { r.Names = pki.Names{} },
			"a server certificate needs at least one DNS name or IP address: clients compare these, not the common name"},
		{"no user", authority, pki.Client, func(r *pki.LeafRequest) { r.Subject = pki.Subject{Organization: "Example"} },
			"a client certificate needs a common name: it is the user name that Docker's authorization plugins see"},
		{"the authority's own name", foreign, pki.Client, func(r *pki.LeafRequest) { r.Subject = pki.Subject{CommonName: "Old CA"} },
			"the subject is that of the authority itself: path building would take the certificate for a self-signed one; choose another common name"},
		{"more than the authority's name", foreign, pki.Client, func(r *pki.LeafRequest) {
			r.Subject = pki.Subject{CommonName: "Old CA", Organization: "Example"}
		}, ""},
		{"a short key", authority, pki.Server, func(r *pki.LeafRequest) { r.PublicKey = short.Public() },
			"an RSA key of 1024 bits is too short: use at least 2048"},
		{"a long key", authority, pki.Server, func(r *pki.LeafRequest) {
			r.PublicKey = &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 9000), E: 65537}
		}, "an RSA key of 9001 bits is too long: Docker refuses those of more than 8192"},
		{"the authority's key", authority, pki.Server, func(r *pki.LeafRequest) { r.PublicKey = authority.key.Public() },
			"the key is that of the authority itself or of one of its previous roots, which must not lie on a host: use another one"},
		{"the key of a previous root", rotated, pki.Client, func(r *pki.LeafRequest) { r.PublicKey = foreign.key.Public() },
			"the key is that of the authority itself or of one of its previous roots, which must not lie on a host: use another one"},
		{"no validity", authority, pki.Server, func(r *pki.LeafRequest) { r.ValidityHours = 0 },
			"a certificate must be valid for at least 1 hour, not 0"},
		{"a bad subject", authority, pki.Server, func(r *pki.LeafRequest) { r.Subject.Locality = " " },
			"locality must not be empty, nor begin or end with a blank; leave the attribute out instead of setting it to an empty text"},
	} {
		t.Run(test.about, func(t *testing.T) {
			request := serverRequest(t)
			if test.profile == pki.Client {
				request = clientRequest(t)
			}
			test.change(&request)
			_, err := test.authority.Issue(request, issued)
			wantError(t, err, test.want)
		})
	}
}

// An imported root may have no key identifier; what it issues names one all
// the same, and verifies.
func TestAuthorityWithoutKeyIdentifier(t *testing.T) {
	foreign := foreignRoot(t, nothingElse)
	leaf := issue(t, foreign, serverRequest(t), issued)
	// crypto/x509 adds an identifier to the self-made root; take it away.
	bare := *foreign.root()
	bare.SubjectKeyId = nil
	fromBare := issue(t, join(t, &bare, foreign.key), serverRequest(t), issued)
	if len(fromBare.AuthorityKeyId) == 0 {
		t.Error("no authority key identifier")
	}
	if string(leaf.AuthorityKeyId) != string(foreign.root().SubjectKeyId) {
		t.Error("the identifier is not the authority's own")
	}
}

func TestNameConstraints(t *testing.T) {
	constraints, err := pki.ParseNameConstraints(
		[]string{"example.com", ".internal"}, []string{"secret.example.com"},
		[]string{"10.0.0.0/8", "fd00::/8"}, []string{"10.1.0.0/16"})
	if err != nil {
		t.Fatal(err)
	}
	constrained := newGeneration(t, pki.RootRequest{NameConstraints: constraints}, issued)
	wantExtensions(t, constrained.root(), map[string]bool{
		oidBasicConstraints.String(): true,
		oidKeyUsage.String():         true,
		oidSubjectKeyID.String():     false,
		oidNameConstraints.String():  true,
	})
	for _, test := range []struct{ dns, ip, want string }{
		{dns: "example.com"},
		{dns: "docker.example.com"},
		{dns: "*.a.example.com"},
		{dns: "a.internal"},
		{ip: "10.10.10.20"},
		{ip: "fd00::20"},
		{dns: "internal", want: `the authority's name constraints do not allow the name "internal"`},
		{dns: "badexample.com", want: `the authority's name constraints do not allow the name "badexample.com"`},
		{dns: "secret.example.com", want: `the authority's name constraints do not allow the name "secret.example.com"`},
		{dns: "a.secret.example.com", want: `the authority's name constraints do not allow the name "a.secret.example.com"`},
		{dns: "*.example.com", want: `the authority's name constraints do not allow the name "*.example.com"`},
		{dns: "*.secret.example.com", want: `the authority's name constraints do not allow the name "*.secret.example.com"`},
		{dns: "example.org", want: `the authority's name constraints do not allow the name "example.org"`},
		{ip: "192.0.2.1", want: "the authority's name constraints do not allow the address 192.0.2.1"},
		{ip: "10.1.2.3", want: "the authority's name constraints do not allow the address 10.1.2.3"},
		{ip: "2001:db8::1", want: "the authority's name constraints do not allow the address 2001:db8::1"},
	} {
		t.Run(test.dns+test.ip, func(t *testing.T) {
			var names pki.Names
			if test.dns != "" {
				names.DNSNames = []string{test.dns}
			} else {
				names.IPAddresses = []netip.Addr{netip.MustParseAddr(test.ip)}
			}
			request := serverRequest(t)
			request.Names = names
			_, err := constrained.Issue(request, issued)
			wantError(t, err, test.want)
			wantError(t, constraints.Check(names), test.want)
		})
	}
	// A permitted list of one type says nothing about the other.
	onlyDNS, err := pki.ParseNameConstraints([]string{"example.com"}, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, onlyDNS.Check(serverRequest(t).Names), "")
	issue(t, newGeneration(t, pki.RootRequest{NameConstraints: onlyDNS}, issued), serverRequest(t), issued)
	issue(t, constrained, clientRequest(t), issued)
}

// Other tools write constraints in capitals, and constrain more than names. The
// early check must say what path validation says after the issue.
func TestForeignConstraints(t *testing.T) {
	const dns = `the authority's name constraints do not allow the name "docker.example.com"`
	const email = `the name constraints of the authority "CN=Old CA" do not allow the e-mail address "ops@example.com"`
	for _, test := range []struct {
		about     string
		constrain func(*x509.Certificate)
		want      string
	}{
		{"permitted in capitals", func(c *x509.Certificate) { c.PermittedDNSDomains = []string{".Example.COM"} }, ""},
		{"excluded in capitals", func(c *x509.Certificate) { c.ExcludedDNSDomains = []string{"EXAMPLE.com"} }, dns},
		{"all names excluded", func(c *x509.Certificate) { c.ExcludedDNSDomains = []string{""} }, dns},
		{"all names permitted", func(c *x509.Certificate) { c.PermittedDNSDomains = []string{""} }, ""},
		{"URIs", func(c *x509.Certificate) { c.PermittedURIDomains = []string{"example.org"} }, ""},
		{"the host permitted", func(c *x509.Certificate) { c.PermittedEmailAddresses = []string{"Example.COM"} }, ""},
		{"another host permitted", func(c *x509.Certificate) { c.PermittedEmailAddresses = []string{".example.com", "example.org"} }, email},
		{"the mailbox permitted", func(c *x509.Certificate) { c.PermittedEmailAddresses = []string{"ops@EXAMPLE.com"} }, ""},
		{"a mailbox of another case", func(c *x509.Certificate) { c.PermittedEmailAddresses = []string{"Ops@example.com"} }, email},
		{"the host excluded", func(c *x509.Certificate) { c.ExcludedEmailAddresses = []string{"example.com"} }, email},
		{"a domain above excluded", func(c *x509.Certificate) { c.ExcludedEmailAddresses = []string{"com"} }, email},
		{"another mailbox excluded", func(c *x509.Certificate) { c.ExcludedEmailAddresses = []string{"root@example.com"} }, ""},
	} {
		t.Run(test.about, func(t *testing.T) {
			authority := foreignRoot(t, func(c *x509.Certificate) {
				c.PermittedDNSDomainsCritical = true
				test.constrain(c)
			})
			request := serverRequest(t)
			request.Subject.EmailAddress = "ops@example.com"
			_, err := authority.Issue(request, issued)
			wantError(t, err, test.want)
		})
	}
}

// What no handshake carries is refused before and after the issue.
func TestTooLongForAHandshake(t *testing.T) {
	authority := newGeneration(t, pki.RootRequest{}, issued)
	request := serverRequest(t)
	request.Names = pki.Names{}
	name := func(i int) string { return fmt.Sprintf("host-%05d.docker.example.com", i) }
	for i := range 10_000 {
		request.Names.DNSNames = append(request.Names.DNSNames, name(i))
	}
	if _, err := authority.Issue(request, issued); !errors.Is(err, pki.ErrTooLong) {
		t.Errorf("10000 names: %v", err)
	}
	// As many names as the early check lets through are too many with the chain.
	for request.Names.CheckSize(nil) != nil {
		request.Names.DNSNames = request.Names.DNSNames[:len(request.Names.DNSNames)-1]
	}
	leaf := issue(t, authority, request, issued)
	if err := pki.CheckChain(leaf, nil); !errors.Is(err, pki.ErrTooLong) {
		t.Errorf("a leaf of %d bytes: %v", len(leaf.Raw), err)
	}
	request.Names.DNSNames = request.Names.DNSNames[:2000]
	leaf = issue(t, authority, request, issued)
	r := rotate(t, newGeneration(t, pki.RootRequest{}, issued), pki.MaxPrevious)
	if err := pki.CheckChain(leaf, nil); err != nil {
		t.Error(err)
	}
	if err := pki.CheckChain(leaf, r.trust.Crosses); !errors.Is(err, pki.ErrTooLong) || !strings.Contains(err.Error(), "the 8 cross certificates") {
		t.Errorf("with a chain: %v", err)
	}
	if err := request.Names.CheckSize(r.trust.Crosses); !errors.Is(err, pki.ErrTooLong) {
		t.Errorf("before the issue: %v", err)
	}
}

// Constraints, subjects and bundles are bounded too: what they make longer is
// the chain, or the question for a client's certificate.
func TestBoundsOfAuthorities(t *testing.T) {
	var domains []string
	for i := range 300 {
		domains = append(domains, fmt.Sprintf("tenant-%03d.example.com", i))
	}
	constraints, err := pki.ParseNameConstraints(domains[:200], nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, constraints.CheckSize(), "")
	if constraints, err = pki.ParseNameConstraints(domains, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	const want = "the name constraints take 7800 bytes in a certificate, and at most 6144 are allowed, because each cross certificate of a rotation repeats them in the handshake: name fewer and wider domains and ranges"
	wantError(t, constraints.CheckSize(), want)
	_, err = pki.IssueRoot(pki.RootRequest{NameConstraints: constraints, ValidityHours: 1, Key: newKey(t)}, issued)
	wantError(t, err, want)

	lines := make([]string, pki.MaxStreetLines+1)
	for i := range lines {
		lines[i] = "Main Street"
	}
	wantError(t, pki.Subject{StreetAddress: lines[1:]}.Check(), "")
	wantError(t, pki.Subject{StreetAddress: lines}.Check(), "street_address must have at most 8 lines, not 9")

	root := x509text.EncodeCertificates(foreignRoot(t, nothingElse).root()) // its name takes 19 bytes
	_, err = pki.ParseAuthorityCertificate(strings.Repeat(root, 3000))
	wantError(t, err, "")
	_, err = pki.ParseAuthorityCertificate(strings.Repeat(root, 3500))
	wantError(t, err, "the bundle has 3500 certificates, whose names take 73502 bytes: a daemon that trusts them all can ask no client for a certificate, because a handshake carries at most 65535; keep the authorities of Docker alone")
}

func TestIssuedBy(t *testing.T) {
	a, b := newGeneration(t, pki.RootRequest{}, issued), newGeneration(t, pki.RootRequest{}, issued)
	sameName := foreignRoot(t, nothingElse)
	leaf := issue(t, foreignRoot(t, nothingElse), clientRequest(t), issued)
	if x509text.IssuedBy(issue(t, a, clientRequest(t), issued), b.root()) {
		t.Error("issued by another name")
	}
	if x509text.IssuedBy(leaf, sameName.root()) {
		t.Error("issued by another key of the same name")
	}
}

func TestVerifyLeafByTime(t *testing.T) {
	authority := newGeneration(t, pki.RootRequest{}, issued)
	leaf := issue(t, authority, clientRequest(t), issued)
	for _, test := range []struct {
		now time.Time
		ok  bool
	}{
		{leaf.NotBefore.Add(-time.Second), false},
		{leaf.NotBefore, true},
		{leaf.NotAfter, true},
		{leaf.NotAfter.Add(time.Second), false},
	} {
		err := pki.VerifyLeaf(leaf, nil, authority.root(), pki.Client, test.now)
		var invalid x509.CertificateInvalidError
		if test.ok != (err == nil) || err != nil && (!errors.As(err, &invalid) || invalid.Reason != x509.Expired) {
			t.Errorf("at %s: %v", test.now, err)
		}
	}
}

// A window is kept to the second, as far as the authority is valid too, and has
// to hold when the certificate is issued.
func TestWindow(t *testing.T) {
	authority := newGeneration(t, pki.RootRequest{ValidityHours: 48}, issued)
	for name, test := range map[string]struct{ from, to, wantFrom, wantTo time.Duration }{
		"minutes":                {-5 * time.Minute, 10 * time.Minute, -5 * time.Minute, 10 * time.Minute},
		"before the authority":   {-24 * time.Hour, 24 * time.Hour, -time.Hour, 24 * time.Hour},
		"longer than that":       {-time.Minute, 72 * time.Hour, -time.Minute, 48 * time.Hour},
		"of a second, right now": {0, time.Second, 0, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			request := clientRequest(t)
			request.ValidityHours = 0
			request.Window = pki.Window{NotBefore: issued.Add(test.from), NotAfter: issued.Add(test.to)}
			leaf := issue(t, authority, request, issued)
			if from, to := wholeSecond.Add(test.wantFrom), wholeSecond.Add(test.wantTo); !leaf.NotBefore.Equal(from) || !leaf.NotAfter.Equal(to) {
				t.Errorf("valid from %s to %s, not from %s to %s", leaf.NotBefore, leaf.NotAfter, from, to)
			}
		})
	}
	past := clientRequest(t)
	past.Window = pki.Window{NotBefore: issued.Add(-time.Hour), NotAfter: issued.Add(-time.Minute)}
	_, err := authority.Issue(past, issued)
	if err == nil || !strings.Contains(err.Error(), "does not verify against its authority") {
		t.Errorf("a window in the past: %v", err)
	}
}
