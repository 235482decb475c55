package pki_test

import (
	"crypto/x509"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

var (
	label63 = strings.Repeat("a", 63)
	name253 = strings.Join([]string{label63, label63, label63, strings.Repeat("a", 61)}, ".")
)

func TestParseDNSName(t *testing.T) {
	for _, test := range []struct{ name, want, err string }{
		{name: "localhost", want: "localhost"},
		{name: "docker.example.com", want: "docker.example.com"},
		{name: "Docker.EXAMPLE.com", want: "docker.example.com"},
		{name: "*.example.com", want: "*.example.com"},
		{name: "*.com", want: "*.com"},
		{name: "xn--bcher-kva.example", want: "xn--bcher-kva.example"},
		{name: "1-a.2b.example", want: "1-a.2b.example"},
		{name: "10.10.10.20.nip.io", want: "10.10.10.20.nip.io"},
		{name: label63 + ".example", want: label63 + ".example"},
		{name: name253, want: name253},

		{name: "", err: "a DNS name must not be blank"},
		{name: " \t", err: "a DNS name must not be blank"},
		{name: "a.example, b.example", err: `"a.example, b.example" contains white space: give each name as an element of its own`},
		{name: "a.example\n", err: `"a.example\n" contains white space: give each name as an element of its own`},
		{name: "tcp://docker.example.com:2376", err: `"tcp://docker.example.com:2376" is a URL: give the host name alone, without the scheme`},
		{name: "10.0.0.0/8", err: `"10.0.0.0/8" is a network: a certificate names single hosts, by name here or by address in ip_addresses`},
		{name: "10.10.10.20", err: `"10.10.10.20" is an IP address: put it into ip_addresses`},
		{name: "::1", err: `"::1" is an IP address: put it into ip_addresses`},
		{name: "[::1]", err: `"[::1]" is an IP address: put it into ip_addresses`},
		{name: "fe80::1%eth0", err: `"fe80::1%eth0" is an IP address: put it into ip_addresses`},
		{name: "10.10.10.20:2376", err: `"10.10.10.20:2376" is an IP address with a port: put the address alone into ip_addresses`},
		{name: "[::1]:2376", err: `"[::1]:2376" is an IP address with a port: put the address alone into ip_addresses`},
		{name: "docker.example.com/v1.41", err: `"docker.example.com/v1.41" contains a slash: give the host name alone`},
		{name: "docker.example.com:2376", err: `"docker.example.com:2376" contains a port: give the host name alone`},
		{name: name253 + "a", err: "a DNS name has at most 253 characters, not 254"},
		{name: label63 + "a.example", err: `"` + label63 + `a.example" is not a DNS name: a label has at most 63 characters, not 64`},
		{name: "docker.example.com.", err: `"docker.example.com." is not a DNS name: it has an empty label (two dots in a row, or a dot at either end)`},
		{name: ".example.com", err: `".example.com" is not a DNS name: it has an empty label (two dots in a row, or a dot at either end)`},
		{name: "a..b", err: `"a..b" is not a DNS name: it has an empty label (two dots in a row, or a dot at either end)`},
		{name: "-a.example", err: `"-a.example" is not a DNS name: the label "-a" begins or ends with a hyphen`},
		{name: "a-.example", err: `"a-.example" is not a DNS name: the label "a-" begins or ends with a hyphen`},
		{name: "Docker_in_docker", want: "docker_in_docker"},
		{name: "_a.b_.example", want: "_a.b_.example"},
		{name: "*.my_net.example", err: `"*.my_net.example" is a wildcard before a label with an underscore, which OpenSSL, and with it Docker's SDK for Python, never matches: name the hosts one by one`},
		{name: "ops@example.com", err: `"ops@example.com" is not a DNS name: the label "ops@example" contains '@': letters, digits, hyphens and underscores are allowed (RFC 1034, section 3.5)`},
		{name: "bücher.example", err: `"bücher.example" is not a DNS name: the label "bücher" is not ASCII: write it in its xn-- form (RFC 5890)`},
		{name: "\u212Aelvin.example", err: `"` + "\u212A" + `elvin.example" is not a DNS name: the label "` + "\u212A" + `elvin" is not ASCII: write it in its xn-- form (RFC 5890)`},
		{name: "*", err: `"*" alone matches no host: a wildcard stands before a domain, as in "*.example.com"`},
		{name: "a.*.example", err: `"a.*.example" is not a DNS name: a wildcard must be the whole first label, as in "*.example.com"`},
		{name: "a*.example", err: `"a*.example" is not a DNS name: a wildcard must be the whole first label, as in "*.example.com"`},
		{name: "*.*.example", err: `"*.*.example" is not a DNS name: a wildcard must be the whole first label, as in "*.example.com"`},
		{name: "10.10.10.256", err: `"10.10.10.256" ends in a number, as only an IP address does: check it, and put addresses into ip_addresses`},
		{name: "2376", err: `"2376" ends in a number, as only an IP address does: check it, and put addresses into ip_addresses`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := pki.ParseDNSName(test.name)
			wantError(t, err, test.err)
			if got != test.want {
				t.Errorf("got %q; want %q", got, test.want)
			}
		})
	}
}

func TestParseIPAddress(t *testing.T) {
	for _, test := range []struct{ text, want, err string }{
		{text: "10.10.10.20", want: "10.10.10.20"},
		{text: "0.0.0.0", want: "0.0.0.0"},
		{text: "::1", want: "::1"},
		{text: "FD00:0:0::0020", want: "fd00::20"},
		{text: "::ffff:10.10.10.20", want: "10.10.10.20"},

		{text: "", err: `"" is not an IP address: write it as in 10.0.0.5, without leading zeros, or as in 2001:db8::5`},
		{text: " ", err: `" " is not an IP address: write it as in 10.0.0.5, without leading zeros, or as in 2001:db8::5`},
		{text: "10.10.10.256", err: `"10.10.10.256" is not an IP address: write it as in 10.0.0.5, without leading zeros, or as in 2001:db8::5`},
		{text: "10.10.10", err: `"10.10.10" is not an IP address: write it as in 10.0.0.5, without leading zeros, or as in 2001:db8::5`},
		{text: "010.010.010.020", err: `"010.010.010.020" is not an IP address: write it as in 10.0.0.5, without leading zeros, or as in 2001:db8::5`},
		{text: "[::1]", err: `"[::1]" is in brackets: give the address without them`},
		{text: "10.0.0.0/8", err: `"10.0.0.0/8" is a network: a certificate names single addresses, without a prefix length`},
		{text: "10.10.10.20/32", err: `"10.10.10.20/32" is a network: a certificate names single addresses, without a prefix length`},
		{text: "10.10.10.20:2376", err: `"10.10.10.20:2376" has a port: give the address alone`},
		{text: "[fd00::20]:2376", err: `"[fd00::20]:2376" has a port: give the address alone`},
		{text: "tcp://10.10.10.20:2376", err: `"tcp://10.10.10.20:2376" is a URL: give the address alone`},
		{text: "fe80::1%eth0", err: `"fe80::1%eth0" has a zone: a certificate names the address alone, without %eth0`},
		{text: "docker.example.com", err: `"docker.example.com" is a name, not an IP address: put it into dns_names`},
	} {
		t.Run(test.text, func(t *testing.T) {
			got, err := pki.ParseIPAddress(test.text)
			wantError(t, err, test.err)
			if err == nil && got.String() != test.want {
				t.Errorf("got %s; want %s", got, test.want)
			}
		})
	}
}

func TestParseNames(t *testing.T) {
	got, err := pki.ParseNames(
		[]string{"B.example", "a.example", "b.example"},
		[]string{"fd00::20", "10.10.10.20", "::ffff:10.10.10.20", "9.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	want := pki.Names{
		DNSNames:    []string{"a.example", "b.example"},
		IPAddresses: []netip.Addr{netip.MustParseAddr("9.0.0.1"), netip.MustParseAddr("10.10.10.20"), netip.MustParseAddr("fd00::20")},
	}
	if !reflect.DeepEqual(got, want) || !got.Equal(want) || got.Empty() {
		t.Errorf("got %v; want %v", got, want)
	}
	if (pki.Names{DNSNames: want.DNSNames}).Equal(want) || (pki.Names{IPAddresses: want.IPAddresses}).Equal(want) || !(pki.Names{}).Empty() {
		t.Error("names that differ are equal, or no names are some")
	}
	if _, err := pki.ParseNames([]string{"a.example", "a b"}, nil); err == nil {
		t.Error("a bad name is accepted")
	}
	if _, err := pki.ParseNames(nil, []string{"a.example"}); err == nil {
		t.Error("a bad address is accepted")
	}
}

func TestDefaultCommonName(t *testing.T) {
	long := label63 + ".example"
	for _, test := range []struct {
		about   string
		dns, ip []string
		want    string
	}{
		{about: "the first name", dns: []string{"b.example", "a.example"}, ip: []string{"9.0.0.1"}, want: "a.example"},
		{about: "a wildcard comes after names", dns: []string{"*.example", "z.example"}, want: "z.example"},
		{about: "a wildcard comes before addresses", dns: []string{"*.example"}, ip: []string{"9.0.0.1"}, want: "*.example"},
		{about: "a long name is passed over", dns: []string{long, "b.example"}, want: "b.example"},
		{about: "a long name and an address", dns: []string{long}, ip: []string{"fd00::20"}, want: "fd00::20"},
		{about: "64 characters fit", dns: []string{strings.Repeat("a", 56) + ".example"}, want: strings.Repeat("a", 56) + ".example"},
		{about: "only a long name", dns: []string{long}, want: ""},
		{about: "nothing", want: ""},
	} {
		t.Run(test.about, func(t *testing.T) {
			names, err := pki.ParseNames(test.dns, test.ip)
			if err != nil {
				t.Fatal(err)
			}
			got := names.CommonName()
			if got != test.want {
				t.Errorf("got %q; want %q", got, test.want)
			}
			if err := (pki.Subject{CommonName: got}).Check(); err != nil {
				t.Errorf("the default is no valid common name: %v", err)
			}
		})
	}
}

func TestSubjectCheck(t *testing.T) {
	const blank = "must not be empty, nor begin or end with a blank; leave the attribute out instead of setting it to an empty text"
	for _, test := range []struct {
		about   string
		subject pki.Subject
		want    string
	}{
		{"everything", fullSubject, ""},
		{"nothing", pki.Subject{}, ""},
		{"characters count, not octets", pki.Subject{CommonName: strings.Repeat("ü", 64)}, ""},
		{"a long common name", pki.Subject{CommonName: strings.Repeat("a", 65)}, "common_name must have at most 64 characters (RFC 5280, appendix A.1), not 65"},
		{"a blank", pki.Subject{Organization: " "}, "organization " + blank},
		{"a blank at the end", pki.Subject{OrganizationalUnit: "Ops "}, "organizational_unit " + blank},
		{"an empty line", pki.Subject{StreetAddress: []string{"1 Main St", ""}}, "street_address " + blank},
		{"a control character", pki.Subject{Locality: "a\x00b"}, "locality must not contain control characters"},
		{"not UTF-8", pki.Subject{Province: "\xff"}, "province must be valid UTF-8"},
		{"a long postal code", pki.Subject{PostalCode: strings.Repeat("1", 41)}, "postal_code must have at most 40 characters (RFC 5280, appendix A.1), not 41"},
		{"a country in full", pki.Subject{Country: "Germany"}, `country must be a code of two capital letters, as in "DE" (ISO 3166-1 alpha-2), not "Germany"`},
		{"a country in small letters", pki.Subject{Country: "de"}, `country must be a code of two capital letters, as in "DE" (ISO 3166-1 alpha-2), not "de"`},
		{"no address", pki.Subject{EmailAddress: "ops"}, `email_address must be a plain e-mail address, as in "ops@example.com", of at most 255 characters`},
		{"an address with a name", pki.Subject{EmailAddress: "Ops <ops@example.com>"}, `email_address must be a plain e-mail address, as in "ops@example.com", of at most 255 characters`},
		{"an address beyond ASCII", pki.Subject{EmailAddress: "öps@example.com"}, `email_address must be a plain e-mail address, as in "ops@example.com", of at most 255 characters`},
	} {
		t.Run(test.about, func(t *testing.T) { wantError(t, test.subject.Check(), test.want) })
	}
}

func TestParseNameConstraints(t *testing.T) {
	got, err := pki.ParseNameConstraints([]string{"B.example", ".a.example", "b.example"}, []string{"x.example"}, []string{"fd00::/8", "10.0.0.0/8"}, []string{"10.1.0.0/16"})
	if err != nil {
		t.Fatal(err)
	}
	want := pki.NameConstraints{
		PermittedDNSDomains: []string{".a.example", "b.example"},
		ExcludedDNSDomains:  []string{"x.example"},
		PermittedIPRanges:   []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
		ExcludedIPRanges:    []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
	}
	if !got.Equal(want) || got.Empty() || got.Equal(pki.NameConstraints{}) {
		t.Errorf("got %v; want %v", got, want)
	}
	wantError(t, pki.NameConstraints{}.CheckNotEmpty(), "name constraints without any domain or range are not allowed: leave them out")
	wantError(t, got.CheckNotEmpty(), "")
	root := newGeneration(t, pki.RootRequest{NameConstraints: got}, issued).root()
	if back := pki.ConstraintsOf(root); !back.Equal(want) {
		t.Errorf("read back as %v", back)
	}
	for _, test := range []struct{ dns, ip, want string }{
		{dns: "*.example", want: `"*.example": a name constraint has no wildcard; "example" already covers every name below it`},
		{dns: ".*.example", want: `".*.example": a name constraint has no wildcard; "example" already covers every name below it`},
		{dns: "..example", want: `".example" is not a DNS name: it has an empty label (two dots in a row, or a dot at either end)`},
		{ip: "10.0.0.1", want: `"10.0.0.1" is not a range of addresses: write it as in "10.0.0.0/8" or "fd00::/8"`},
		{ip: "10.0.0.1/8", want: `"10.0.0.1/8" has bits set beyond its prefix length: did you mean "10.0.0.0/8"?`},
		{ip: "::ffff:10.0.0.1/104", want: `"::ffff:10.0.0.1/104" has bits set beyond its prefix length: did you mean "10.0.0.0/8"?`},
		{ip: "::ffff:10.0.0.0/95", want: `"::ffff:10.0.0.0/95" begins like an IPv4 address and reaches beyond all of these: without the prefix ::ffff: it is one of IPv4, as in "10.0.0.0/8", or one of IPv6`},
		{ip: "010.0.0.0/8", want: `"010.0.0.0/8" is not a range of addresses: write it as in "10.0.0.0/8" or "fd00::/8"`},
		{ip: "10.0.0.0/08", want: `"10.0.0.0/08" is not a range of addresses: write it as in "10.0.0.0/8" or "fd00::/8"`},
		{ip: "fe80::%eth0/64", want: `"fe80::%eth0/64" is not a range of addresses: write it as in "10.0.0.0/8" or "fd00::/8"`},
	} {
		var dns, ip []string
		if test.dns != "" {
			dns = []string{test.dns}
		} else {
			ip = []string{test.ip}
		}
		_, err := pki.ParseNameConstraints(dns, nil, ip, nil)
		wantError(t, err, test.want)
		_, err = pki.ParseNameConstraints(nil, dns, nil, ip)
		wantError(t, err, test.want)
	}
}

// An IPv4 range that is written as IPv6 is compared with no IPv4 address.
func TestMappedRangeConstrains(t *testing.T) {
	for text, want := range map[string]string{"::ffff:10.0.0.0/104": "10.0.0.0/8", "::ffff:0:0/96": "0.0.0.0/0", "::ffff:10.10.10.20/128": "10.10.10.20/32", "::/0": "::/0", "::ffff:0:0:0/96": "::ffff:0:0:0/96"} {
		if prefix, err := pki.ParseIPRange(text); err != nil || prefix.String() != want {
			t.Errorf("%s is read as %s, %v; want %s", text, prefix, err, want)
		}
	}
	constraints, err := pki.ParseNameConstraints(nil, nil, nil, []string{"::ffff:10.0.0.0/104"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = newGeneration(t, pki.RootRequest{NameConstraints: constraints}, issued).Issue(serverRequest(t), issued)
	wantError(t, err, "the authority's name constraints do not allow the address 10.10.10.20")
}

// Whatever is accepted is canonical and survives the way through a
// certificate's own rules.
func FuzzParseDNSName(f *testing.F) {
	for _, seed := range []string{"", "*", "*.example.com", "docker.example.com", "Docker.", "tcp://a:1", "::1", "[::1]:1", "10.0.0.0/8", "bücher.example", "a\x00b", "\xff", "a..b", name253} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := pki.ParseDNSName(text)
		if err != nil {
			return
		}
		if again, err := pki.ParseDNSName(name); err != nil || again != name {
			t.Errorf("%q becomes %q, which becomes %q, %v", text, name, again, err)
		}
		host := strings.Replace(name, "*", "any", 1)
		if err := (&x509.Certificate{DNSNames: []string{name}}).VerifyHostname(host); err != nil {
			t.Errorf("%q is accepted, and matches no host: %v", text, err)
		}
	})
}

// An address is in its canonical form, and clients find it in the certificate.
func FuzzParseIPAddress(f *testing.F) {
	for _, seed := range []string{"", "10.0.0.5", "010.0.0.5", "2001:DB8::0:5", "::ffff:10.0.0.5", "fe80::1%eth0", "[::1]", "::1/128", "[::1]:1", "tcp://::1", "host"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := pki.ParseIPAddress(text)
		if err != nil {
			return
		}
		if again, err := pki.ParseIPAddress(address.String()); err != nil || again != address {
			t.Errorf("%q becomes %s, which becomes %s, %v", text, address, again, err)
		}
		if err := (&x509.Certificate{IPAddresses: []net.IP{address.AsSlice()}}).VerifyHostname(address.String()); err != nil {
			t.Errorf("%q is accepted, and matches no host: %v", text, err)
		}
		if _, err := pki.ParseDNSName(text); err == nil {
			t.Errorf("%q is a name as well", text)
		}
	})
}

// What is accepted is read back from the root, and forbids there what it forbids
// here.
func FuzzParseNameConstraints(f *testing.F) {
	for _, seed := range []struct{ domain, ipRange, name, address string }{
		{"example.com", "10.0.0.0/8", "host.example.com", "10.0.0.5"},
		{".Example.com", "fd00::/8", "example.com", "fd00::5"},
		{"*.example", "::ffff:10.0.0.0/104", "*.example", "::ffff:10.0.0.5"},
		{"..example", "10.0.0.1/8", "a_b", "::1"},
		{".*.example", "::/0", "x.example", "::1"},
		{"", "", "", ""},
	} {
		for _, permitted := range []bool{true, false} {
			f.Add(seed.domain, seed.ipRange, seed.name, seed.address, permitted)
		}
	}
	rootKey := keyOf(f, x509text.Ed25519)
	f.Fuzz(func(t *testing.T, domain, ipRange, name, address string, permitted bool) {
		lists := [][]string{nil, nil, {domain}, {ipRange}}
		if permitted {
			lists = [][]string{{domain}, {ipRange}, nil, nil}
		}
		constraints, err := pki.ParseNameConstraints(lists[0], lists[2], lists[1], lists[3])
		if err != nil {
			return
		}
		root, err := pki.IssueRoot(pki.RootRequest{Key: rootKey, Subject: pki.Subject{CommonName: "Docker CA"}, ValidityHours: 87600, NameConstraints: constraints}, issued)
		if err != nil {
			t.Fatalf("%v is accepted, and no root has it: %v", constraints, err)
		}
		if back := pki.ConstraintsOf(root); !back.Equal(constraints) {
			t.Fatalf("%v is read back as %v", constraints, back)
		}
		names, err := pki.ParseNames([]string{name}, []string{address})
		if err != nil {
			return
		}
		request := serverRequest(t)
		request.Names = names
		leaf, err := join(t, root, rootKey).Issue(request, issued)
		if allowed := constraints.Check(names) == nil; allowed != (err == nil) {
			t.Fatalf("%v allow %v: %t, and then %v", constraints, names, allowed, err)
		}
		if err != nil {
			return
		}
		roots := x509.NewCertPool()
		roots.AddCert(root)
		if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: issued}); err != nil {
			t.Errorf("%v allow %v, and crypto/x509 does not: %v", constraints, names, err)
		}
	})
}

// What is accepted is read back from the certificate.
func FuzzSubject(f *testing.F) {
	add := func(s pki.Subject) {
		f.Add(s.CommonName, s.Organization, strings.Join(s.StreetAddress, "\n"), s.Country, s.EmailAddress)
	}
	add(fullSubject)
	add(pki.Subject{CommonName: "a\x00b", Organization: "\xff", Country: "de", EmailAddress: `"a b"@[127.0.0.1]`})
	add(pki.Subject{CommonName: strings.Repeat("é", 65), Organization: " ", StreetAddress: []string{"", ""}, EmailAddress: "Ops <ops@example.com>"})
	authority := newGeneration(f, pki.RootRequest{Key: keyOf(f, x509text.Ed25519)}, issued)
	f.Fuzz(func(t *testing.T, common, organization, street, country, email string) {
		subject := pki.Subject{CommonName: common, Organization: organization, OrganizationalUnit: organization, Locality: common, Country: country, EmailAddress: email}
		if street != "" {
			subject.StreetAddress = strings.Split(street, "\n")
		}
		if subject.Check() != nil || common == "" { // a client has a common name
			return
		}
		request := clientRequest(t)
		request.Subject = subject
		leaf, err := authority.Issue(request, issued)
		if err != nil {
			t.Fatalf("%+v is accepted, and no certificate has it: %v", subject, err)
		}
		if back := pki.SubjectOf(leaf.Subject); !back.Equal(subject) {
			t.Errorf("%+v is read back as %+v", subject, back)
		}
		if email != "" && !slices.Equal(leaf.EmailAddresses, []string{email}) {
			t.Errorf("%q is the address %q", email, leaf.EmailAddresses)
		}
	})
}
