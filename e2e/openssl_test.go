package e2e

import (
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// certificate is a certificate as `openssl x509 -text` shows it.
type certificate struct {
	text            string
	subject, issuer []string          // one attribute an entry: `commonName = ci`
	extensions      map[string]string // by title, "critical" included in the value
	serial          string
	lifetime        time.Duration
}

// readCertificate has openssl describe the first certificate of a PEM text.
func readCertificate(t *testing.T, cert string) certificate {
	t.Helper()
	openssl := tool(t, "openssl")
	x509 := func(args ...string) string {
		r := invocation{path: openssl, args: append([]string{"x509", "-noout"}, args...), stdin: cert}.run()
		if r.err != nil {
			t.Fatalf("openssl x509 %v: %v: %s", args, r.err, r.all())
		}
		return r.stdout
	}
	c := certificate{text: x509("-text"), serial: strings.TrimSpace(strings.TrimPrefix(x509("-serial"), "serial="))}
	c.subject = attributes(x509("-subject", "-nameopt", "multiline,show_type,utf8,-esc_msb"))
	c.issuer = attributes(x509("-issuer", "-nameopt", "multiline,show_type,utf8,-esc_msb"))
	c.extensions = extensions(c.text)
	var times []time.Time
	for line := range strings.Lines(x509("-startdate", "-enddate")) {
		_, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		at, err := time.Parse("Jan _2 15:04:05 2006 MST", value)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, at)
	}
	c.lifetime = times[1].Sub(times[0])
	return c
}

// attributes splits openssl's multi-line form of a name. RFC 5280, appendix A.1, fixes the string type of country,
// serial number, and e-mail; it stays in the value. The others may be PrintableString or UTF8String.
func attributes(text string) (list []string) {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok {
			continue
		}
		name = strings.TrimSpace(name)
		if kind, text, _ := strings.Cut(value, ":"); name != "countryName" && name != "serialNumber" && (kind == "PRINTABLESTRING" || kind == "UTF8STRING") {
			value = text
		}
		list = append(list, name+" = "+value)
	}
	return list
}

// extensions reads the extensions of a text form: a title, then its value on deeper lines.
func extensions(text string) map[string]string {
	found, title := map[string]string{}, ""
	_, text, _ = strings.Cut(text, "X509v3 extensions:\n")
	for line := range strings.Lines(text) {
		switch indent := len(line) - len(strings.TrimLeft(line, " ")); {
		case indent < 12:
			return found
		case indent == 12:
			name, critical, _ := strings.Cut(strings.TrimSpace(line), ":")
			title = strings.TrimPrefix(name, "X509v3 ")
			found[title] = strings.TrimSpace(critical)
		default:
			found[title] = strings.TrimSpace(found[title] + " " + strings.TrimPrefix(strings.TrimSpace(line), "keyid:"))
		}
	}
	return found
}

// TestOpenSSLProfiles has openssl describe every certificate and compares each field and extension with the profile:
// nothing may be missing, and nothing may be there that the profile does not have.
func TestOpenSSLProfiles(t *testing.T) {
	t.Parallel()
	files := issued(t)
	for _, algorithm := range algorithms {
		// A client's key only ever signs. A daemon's RSA key also decrypts, in TLS 1.2 without forward secrecy.
		clientUsage, serverUsage := "critical Digital Signature", "critical Digital Signature"
		if strings.HasPrefix(algorithm.name, "RSA") {
			serverUsage += ", Key Encipherment"
		}
		ca := readCertificate(t, files["client "+algorithm.name].CA)
		keyID := ca.extensions["Subject Key Identifier"]
		if len(keyID) < 20 {
			t.Fatalf("no usable subject key identifier: %q", keyID)
		}
		root := []string{
			"countryName = PRINTABLESTRING:NZ", "stateOrProvinceName = Otago", "localityName = Dunedin",
			`organizationName = Example, Ltd. "Ōtepoti"`, "organizationalUnitName = Containers", "commonName = Docker CA " + algorithm.name, "emailAddress = IA5STRING:ops@example.com",
			"serialNumber = PRINTABLESTRING:" + strings.ToLower(strings.ReplaceAll(keyID, ":", "")[:16]),
		}
		for _, profile := range []struct {
			name       string
			cert       string
			subject    []string
			lifetime   time.Duration
			extensions map[string]string
		}{
			{"ca", files["client "+algorithm.name].CA, root, 43800 * time.Hour, map[string]string{
				"Basic Constraints": "critical CA:TRUE", "Key Usage": "critical Certificate Sign, CRL Sign",
				"Subject Alternative Name": "email:ops@example.com",
				"Subject Key Identifier":   keyID,
			}},
			{"server", files["server "+algorithm.name].Cert, []string{"commonName = localhost"}, 8760 * time.Hour, map[string]string{
				"Basic Constraints": "critical CA:FALSE", "Key Usage": serverUsage, "Extended Key Usage": "TLS Web Server Authentication",
				"Subject Alternative Name": "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
				"Authority Key Identifier": keyID,
			}},
			{"client", files["client "+algorithm.name].Cert, []string{"organizationName = Example", "commonName = ci"}, 8760 * time.Hour, map[string]string{
				"Basic Constraints": "critical CA:FALSE", "Key Usage": clientUsage, "Extended Key Usage": "TLS Web Client Authentication",
				"Authority Key Identifier": keyID,
			}},
		} {
			t.Run(profile.name+" "+algorithm.name, func(t *testing.T) {
				c := readCertificate(t, profile.cert)
				sameSet(t, "subject", c.subject, profile.subject)
				sameSet(t, "issuer", c.issuer, root)
				if _, ok := profile.extensions["Subject Key Identifier"]; !ok { // of a leaf: its own, whatever it is
					own := c.extensions["Subject Key Identifier"]
					if len(own) < 20 || own == keyID {
						t.Errorf("subject key identifier %q", own)
					}
					profile.extensions["Subject Key Identifier"] = own
				}
				if !maps.Equal(c.extensions, profile.extensions) {
					t.Errorf("extensions\n%q, want\n%q", c.extensions, profile.extensions)
				}
				if !strings.Contains(c.text, "Version: 3 (0x2)") || !strings.Contains(c.text, algorithm.openssl) {
					t.Errorf("not version 3, or no %q in\n%s", algorithm.openssl, c.text)
				}
				// Dated one hour back, for hosts that boot with a wrong clock.
				if want := profile.lifetime + time.Hour; c.lifetime != want {
					t.Errorf("valid for %s, want %s", c.lifetime, want)
				}
				// RFC 5280, section 4.1.2.2: positive, at most 20 octets.
				if !regexp.MustCompile(`^[0-9A-F]{16,40}$`).MatchString(c.serial) {
					t.Errorf("serial number %s", c.serial)
				}
			})
		}
	}
}

// sameSet compares the attributes of a name. Their order says nothing to anyone who verifies it.
func sameSet(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("%s\n%q, want\n%q", what, got, want)
	}
}

// TestSerialNumbers checks that no two certificates of one apply share a serial number.
func TestSerialNumbers(t *testing.T) {
	t.Parallel()
	owner := map[string]string{}
	for name, m := range issued(t) {
		serial := readCertificate(t, m.Cert).serial
		if other, ok := owner[serial]; ok {
			t.Errorf("%s and %s share the serial number %s", name, other, serial)
		}
		owner[serial] = name
	}
}

// verification is one run of `openssl verify -x509_strict`.
type verification struct {
	trusted   string // PEM roots
	untrusted string // PEM intermediates that the peer would send
	cert      string // the certificate is the first of these
	purpose   string // sslserver or sslclient
}

func (v verification) run(t *testing.T) result {
	t.Helper()
	dir := t.TempDir()
	args := []string{"verify", "-x509_strict", "-purpose", v.purpose, "-CAfile", filepath.Join(dir, "trusted.pem")}
	files := map[string]string{"trusted.pem": v.trusted, "cert.pem": v.cert}
	if v.untrusted != "" {
		files["untrusted.pem"] = v.untrusted
		args = append(args, "-untrusted", filepath.Join(dir, "untrusted.pem"))
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return invocation{path: tool(t, "openssl"), args: append(args, filepath.Join(dir, "cert.pem"))}.run()
}

// TestOpenSSLVerify has openssl verify every leaf strictly: for its own purpose, never for the other.
func TestOpenSSLVerify(t *testing.T) {
	t.Parallel()
	files := issued(t)
	for _, algorithm := range algorithms {
		for _, leaf := range []struct{ profile, purpose, other string }{
			{"server", "sslserver", "sslclient"},
			{"client", "sslclient", "sslserver"},
		} {
			name := leaf.profile + " " + algorithm.name
			t.Run(name, func(t *testing.T) {
				m := files[name]
				if r := (verification{m.CA, "", m.Cert, leaf.purpose}).run(t); r.err != nil {
					t.Errorf("refused as %s: %s", leaf.purpose, r.all())
				}
				r := verification{m.CA, "", m.Cert, leaf.other}.run(t)
				if !regexp.MustCompile(`(unsupported|unsuitable) certificate purpose`).MatchString(r.all()) || r.err == nil {
					t.Errorf("not refused as %s: %s", leaf.other, r.all())
				}
				if r := (verification{files["client stranger"].CA, "", m.Cert, leaf.purpose}).run(t); r.err == nil {
					t.Errorf("verified by another authority: %s", r.all())
				}
			})
		}
	}
}

// TestOpenSSLVerifyAcrossGenerations has openssl verify the leaves of each generation with the roots that a party of
// each generation trusts. A party that trusts an older generation needs the cross certificates that follow the leaf.
func TestOpenSSLVerifyAcrossGenerations(t *testing.T) {
	t.Parallel()
	all := generations(t)
	for issuer := range all {
		for verifier := range all {
			t.Run(fmt.Sprintf("generation %d by %d", issuer+1, verifier+1), func(t *testing.T) {
				for role, purpose := range map[string]string{"server": "sslserver", "client": "sslclient"} {
					sent, trusted := all[issuer][role].Cert, all[verifier][role].CA
					if r := (verification{trusted, sent, sent, purpose}).run(t); r.err != nil {
						t.Errorf("%s: %s", role, r.all())
					}
					alone := verification{trusted, "", sent, purpose}.run(t)
					if want := issuer <= verifier; (alone.err == nil) != want {
						t.Errorf("%s without cross certificates: verified %v, want %v: %s", role, !want, want, alone.all())
					}
				}
			})
		}
	}
}

// TestCrossCertificates checks what follows the leaf: each generation's key, certified by the generation before it.
func TestCrossCertificates(t *testing.T) {
	t.Parallel()
	all := generations(t)
	for i, generation := range all {
		chain := split(t, generation["server"].Cert)
		if len(chain) != 1+i {
			t.Fatalf("generation %d delivers %d certificates, want the leaf and %d cross certificates", i+1, len(chain), i)
		}
		if roots := split(t, generation["server"].CA); len(roots) != 1+i {
			t.Errorf("generation %d trusts %d roots, want %d", i+1, len(roots), 1+i)
		}
		for j, cross := range chain[1:] { // newest first
			subject, issuer := readCertificate(t, all[i-j]["server"].CA), readCertificate(t, all[i-j-1]["server"].CA)
			c := readCertificate(t, cross)
			sameSet(t, "subject", c.subject, subject.subject)
			sameSet(t, "issuer", c.issuer, issuer.subject)
			want := maps.Clone(subject.extensions) // those of the new root itself, and who signed
			want["Authority Key Identifier"] = issuer.extensions["Subject Key Identifier"]
			if !maps.Equal(c.extensions, want) {
				t.Errorf("generation %d, cross certificate %d: extensions\n%q, want\n%q", i+1, j+1, c.extensions, want)
			}
		}
	}
}

// split returns the certificates of a PEM text, each as a PEM text.
func split(t *testing.T, text string) (list []string) {
	t.Helper()
	rest := []byte(text)
	for {
		block, next := pem.Decode(rest)
		if block == nil {
			if trailing := strings.TrimSpace(string(rest)); trailing != "" {
				t.Errorf("%d bytes after the last certificate are no PEM", len(trailing))
			}
			return list
		}
		list, rest = append(list, string(pem.EncodeToMemory(block))), next
	}
}
