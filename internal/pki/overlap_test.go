package pki_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// rotation is a line of roots, each a year after the other.
type rotation struct {
	generations []generation // the oldest first
	trust       pki.Trust
	now         time.Time // when the last one was issued
}

const year = 8760 * time.Hour

func rotate(t *testing.T, first generation, times int) rotation {
	t.Helper()
	r := rotation{
		generations: []generation{first},
		trust:       pki.Trust{Roots: []*x509.Certificate{first.root()}},
		now:         issued,
	}
	for range times {
		r.now = r.now.Add(year)
		r.succeed(t, newGeneration(t, pki.RootRequest{}, r.now))
	}
	return r
}

func (r *rotation) succeed(t *testing.T, next generation) {
	t.Helper()
	cross, err := r.current().CrossSign(next.root(), r.now)
	if err != nil {
		t.Fatal(err)
	}
	r.generations = append(r.generations, next)
	r.trust = r.trust.Succeed(next.root(), cross)
}

func (r *rotation) current() generation { return r.generations[len(r.generations)-1] }

func TestCrossCertificate(t *testing.T) {
	constraints, err := pki.ParseNameConstraints([]string{"example.com"}, nil, []string{"10.0.0.0/8", "fd00::/8"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	old := newGeneration(t, pki.RootRequest{ValidityHours: 100}, issued)
	next := newGeneration(t, pki.RootRequest{NameConstraints: constraints}, issued)
	for name, signer := range map[string]generation{"own": old, "imported": foreignRoot(t, nothingElse)} {
		t.Run(name, func(t *testing.T) {
			cross, err := signer.CrossSign(next.root(), issued)
			if err != nil {
				t.Fatal(err)
			}
			wantIssued(t, cross, signer.root().NotAfter)
			wantExtensions(t, cross, map[string]bool{
				oidBasicConstraints.String(): true,
				oidKeyUsage.String():         true,
				oidSubjectKeyID.String():     false,
				oidAuthorityKeyID.String():   false,
				oidNameConstraints.String():  true,
			})
			if string(cross.RawSubject) != string(next.root().RawSubject) || string(cross.RawIssuer) != string(signer.root().RawSubject) {
				t.Errorf("from %s to %s", cross.Issuer, cross.Subject)
			}
			if !pki.SamePublicKey(cross.PublicKey, next.key.Public()) || string(cross.SubjectKeyId) != string(next.root().SubjectKeyId) {
				t.Error("another key or identifier than the new root's")
			}
			if string(cross.AuthorityKeyId) != string(signer.root().SubjectKeyId) {
				t.Error("the authority key identifier is not the old root's")
			}
			if !cross.IsCA || cross.MaxPathLen != -1 || cross.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
				t.Error("not the profile of an authority")
			}
			if !pki.ConstraintsOf(cross).Equal(constraints) {
				t.Error("the name constraints are lost on the way over the old root")
			}
			if err := pki.CheckCrosses([]*x509.Certificate{cross}, next.root()); err != nil {
				t.Error(err)
			}
			if err := pki.CheckCrosses([]*x509.Certificate{cross}, old.root()); !errors.Is(err, pki.ErrForeignCross) {
				t.Errorf("taken for a cross certificate of the old root: %v", err)
			}
		})
	}
	if err := pki.CheckCrosses(nil, next.root()); err != nil {
		t.Error(err)
	}
}

// An authority of equal names on both sides: crypto/x509 alone would leave the
// authority key identifier out, and OpenSSL would refuse the chain.
func TestCrossCertificateBetweenEqualNames(t *testing.T) {
	old, next := foreignRoot(t, nothingElse), foreignRoot(t, nothingElse)
	cross, err := old.CrossSign(next.root(), issued)
	if err != nil {
		t.Fatal(err)
	}
	if len(cross.AuthorityKeyId) == 0 || string(cross.AuthorityKeyId) != string(old.root().SubjectKeyId) {
		t.Errorf("authority key identifier %x", cross.AuthorityKeyId)
	}
}

func TestCrossSignRefuses(t *testing.T) {
	next := newGeneration(t, pki.RootRequest{Subject: pki.Subject{CommonName: "CA", EmailAddress: "ops@example.com"}}, issued).root()
	const refused = `the authority "CN=Old CA" cannot sign a cross certificate: `
	pathlen0 := foreignRoot(t, func(c *x509.Certificate) { c.MaxPathLenZero = true })
	pathlen1 := foreignRoot(t, func(c *x509.Certificate) { c.MaxPathLen = 1 })
	noSigner := foreignRoot(t, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign })
	serversOnly := foreignRoot(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	codeOnly := foreignRoot(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} })
	future := foreignRoot(t, func(c *x509.Certificate) { c.NotBefore = wholeSecond.Add(time.Hour) })
	otherMail := foreignRoot(t, func(c *x509.Certificate) { c.PermittedEmailAddresses = []string{"example.org"} })
	odd := foreignRoot(t, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
	})
	expired := foreignRoot(t, func(c *x509.Certificate) { c.NotAfter = wholeSecond })
	for _, test := range []struct {
		about string
		by    generation
		want  string
	}{
		{"path length 1", pathlen1, ""},
		{"path length 0", pathlen0, `the authority "CN=Old CA" cannot sign a cross certificate: its path length is 0, which forbids it to certify another authority (RFC 5280, section 4.2.1.9)`},
		{"no keyCertSign", noSigner, refused + "its keyUsage lacks keyCertSign"},
		{"for servers only", serversOnly, ""},
		{"for neither servers nor clients", codeOnly, refused + "its extendedKeyUsage allows neither servers nor clients"},
		{"not yet valid", future, refused + "it is not valid before 2026-03-29T02:30:15Z"},
		{"another e-mail domain", otherMail, refused + `the name constraints of the authority "CN=Old CA" do not allow the e-mail address "ops@example.com"`},
		{"a critical extension that nobody knows", odd, refused + "it has a critical extension that TLS libraries do not know (1.2.3)"},
		{"expired", expired, `the authority "CN=Old CA" cannot sign a cross certificate: it expired on 2026-03-29T01:30:15Z`},
	} {
		t.Run(test.about, func(t *testing.T) {
			_, err := test.by.CrossSign(next, issued)
			wantError(t, err, test.want)
		})
	}
}

// Whichever generation a party trusts, and whichever issued the leaf: they
// meet, as long as both have the bundles of their own time.
func TestEveryGenerationVerifiesTheNewest(t *testing.T) {
	r := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 3)
	for name, request := range map[string]pki.LeafRequest{"server": serverRequest(t), "client": clientRequest(t)} {
		leaf := issue(t, r.current(), request, r.now)
		chain := x509text.EncodeCertificates(r.trust.Crosses...)
		for i, g := range r.generations {
			t.Run(fmt.Sprintf("%s/generation %d", name, i), func(t *testing.T) {
				if err := pki.VerifyLeaf(leaf, r.trust.Crosses, g.root(), request.Profile, r.now); err != nil {
					t.Error(err)
				}
				openssl(t, x509text.EncodeCertificates(leaf), "verify", "-x509_strict", "-purpose", "ssl"+name,
					"-attime", fmt.Sprint(r.now.Unix()),
					"-CAfile", write(t, "old.pem", x509text.EncodeCertificates(g.root())),
					"-untrusted", write(t, "chain.pem", chain))
				if i == len(r.generations)-1 {
					return
				}
				// Not by accident: the cross certificates are what does it.
				if err := pki.VerifyLeaf(leaf, nil, g.root(), request.Profile, r.now); err == nil {
					t.Error("verifies without a cross certificate")
				}
				without := slices.Delete(slices.Clone(r.trust.Crosses), len(r.generations)-2-i, len(r.generations)-1-i)
				if err := pki.VerifyLeaf(leaf, without, g.root(), request.Profile, r.now); err == nil {
					t.Error("verifies without the cross certificate of its own root")
				}
			})
		}
	}
	// New parties still accept what old roots issued.
	leaf := issue(t, r.generations[1], clientRequest(t), r.now)
	if !slices.ContainsFunc(r.trust.Roots, func(root *x509.Certificate) bool {
		return pki.VerifyLeaf(leaf, nil, root, pki.Client, r.now) == nil
	}) {
		t.Error("a leaf of an earlier root is refused")
	}
}

// A root of path length 1 certifies its successor, but nothing beyond it.
func TestPathLengthEndsTheChain(t *testing.T) {
	r := rotate(t, foreignRoot(t, func(c *x509.Certificate) { c.MaxPathLen = 1; c.NotAfter = issued.Add(9 * year) }), 2)
	for i, want := range []bool{false, true, true} {
		leaf := issue(t, r.current(), clientRequest(t), r.now)
		if err := pki.VerifyLeaf(leaf, r.trust.Crosses, r.generations[i].root(), pki.Client, r.now); (err == nil) != want {
			t.Errorf("generation %d: %v", i, err)
		}
	}
}

func TestTrim(t *testing.T) {
	// Roots of ten years, replaced after one, two and three.
	r := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 3)
	replaced := func(generation int) time.Time { // to the second, as the certificates tell it
		return time.Unix(issued.Add(time.Duration(generation+1)*year).Unix(), 0)
	}
	second := time.Second
	for _, test := range []struct {
		about   string
		overlap pki.Overlap
		now     time.Time
		kept    int // roots; one cross certificate less
	}{
		{"at the last rotation", pki.OverlapOf(24), replaced(2), 2},
		{"no overlap", pki.OverlapOf(0), replaced(2), 1},
		{"before the end", pki.OverlapOf(24), replaced(2).Add(24*time.Hour - second), 2},
		{"at the end", pki.OverlapOf(24), replaced(2).Add(24 * time.Hour), 1},
		{"two overlap", pki.OverlapOf(8760 + 24), replaced(2), 3},
		{"two overlap to the second", pki.OverlapOf(8760 + 24), replaced(1).Add(year + 24*time.Hour - second), 3},
		{"one of two ends", pki.OverlapOf(8760 + 24), replaced(1).Add(year + 24*time.Hour), 2},
		{"all", pki.OverlapOf(100000), replaced(2), 4},
		{"forever", pki.UntilExpiry, replaced(2), 4},
		{"forever, to the second", pki.UntilExpiry, r.generations[0].root().NotAfter.Add(-second), 4},
		{"forever ends with the root", pki.UntilExpiry, r.generations[0].root().NotAfter, 3},
		{"hours do not outlast the root", pki.OverlapOf(1 << 40), r.generations[0].root().NotAfter, 3},
		{"the current root stays, even expired", pki.UntilExpiry, r.now.Add(20 * year), 1},
	} {
		t.Run(test.about, func(t *testing.T) {
			got := r.trust.Trim(test.overlap, test.now)
			want := pki.Trust{Roots: r.trust.Roots[:test.kept], Crosses: r.trust.Crosses[:test.kept-1]}
			wantTrust(t, got, want)
			wantTrust(t, got.Trim(test.overlap, test.now), want)
			if len(r.trust.Roots) != 4 || len(r.trust.Crosses) != 3 {
				t.Error("the trust itself has changed")
			}
		})
	}
}

func wantTrust(t *testing.T, got, want pki.Trust) {
	t.Helper()
	if !slices.EqualFunc(got.Roots, want.Roots, (*x509.Certificate).Equal) || !slices.EqualFunc(got.Crosses, want.Crosses, (*x509.Certificate).Equal) {
		t.Errorf("%d roots and %d cross certificates; want %d and %d, or others of them", len(got.Roots), len(got.Crosses), len(want.Roots), len(want.Crosses))
	}
}

// A short-lived root in the middle: what is older is reached over it, so its
// cross certificate and all older ones go when it expires. The older root stays
// trusted; and so does the expired one, which tells when that was replaced, as
// long as the older one.
func TestTrimInTheMiddle(t *testing.T) {
	r := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 0)
	r.succeed(t, newGeneration(t, pki.RootRequest{ValidityHours: 10}, issued))
	r.succeed(t, newGeneration(t, pki.RootRequest{}, issued))
	got := r.trust.Trim(pki.UntilExpiry, issued.Add(10*time.Hour))
	wantTrust(t, got, pki.Trust{Roots: r.trust.Roots})
	wantTrust(t, got.Trim(pki.UntilExpiry, r.trust.Roots[2].NotAfter.Add(-time.Second)), pki.Trust{Roots: r.trust.Roots})
	wantTrust(t, got.Trim(pki.UntilExpiry, r.trust.Roots[2].NotAfter), pki.Trust{Roots: r.trust.Roots[:1]})
}

// Without a cross certificate, the successor's own certificate tells when a
// root was replaced.
func TestSuccessionWithoutCross(t *testing.T) {
	old := foreignRoot(t, func(c *x509.Certificate) { c.MaxPathLenZero = true })
	next := newGeneration(t, pki.RootRequest{}, issued)
	trust := pki.Trust{Roots: []*x509.Certificate{old.root()}}.Succeed(next.root(), nil)
	both := pki.Trust{Roots: []*x509.Certificate{next.root(), old.root()}}
	wantTrust(t, trust, both)
	wantTrust(t, trust.Trim(pki.OverlapOf(24), wholeSecond.Add(24*time.Hour-time.Second)), both)
	wantTrust(t, trust.Trim(pki.OverlapOf(24), wholeSecond.Add(24*time.Hour)), pki.Trust{Roots: both.Roots[:1]})

	// The next rotation starts a new line of crosses.
	third := newGeneration(t, pki.RootRequest{}, issued)
	cross, err := next.CrossSign(third.root(), issued)
	if err != nil {
		t.Fatal(err)
	}
	wantTrust(t, trust.Succeed(third.root(), cross), pki.Trust{
		Roots:   []*x509.Certificate{third.root(), next.root(), old.root()},
		Crosses: []*x509.Certificate{cross},
	})
}

func TestRenewKeepsCrosses(t *testing.T) {
	r := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 1)
	now := r.now.Add(time.Hour)
	renewed := newGeneration(t, pki.RootRequest{Key: r.current().key, Predecessor: r.current().root()}, now)
	trust := r.trust.Renew(renewed.root())
	wantTrust(t, trust, pki.Trust{Roots: []*x509.Certificate{renewed.root(), r.trust.Roots[1]}, Crosses: r.trust.Crosses})
	if err := pki.CheckCrosses(trust.Crosses, renewed.root()); err != nil {
		t.Error(err)
	}
	leaf := issue(t, renewed, serverRequest(t), now)
	for i, root := range append(trust.Roots, r.current().root()) {
		if err := pki.VerifyLeaf(leaf, trust.Crosses, root, pki.Server, now); err != nil {
			t.Errorf("root %d: %v", i, err)
		}
	}
	// The overlap counts from the rotation, which the renewal does not change.
	wantTrust(t, trust.Trim(pki.OverlapOf(24), r.now.Add(24*time.Hour)), pki.Trust{Roots: trust.Roots[:1]})
}

func TestTrustAsText(t *testing.T) {
	r := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 2)
	for kept, trust := range []pki.Trust{r.trust.Trim(pki.OverlapOf(0), r.now), r.trust} {
		roots, crosses := trust.PEM()
		back, err := pki.ParseTrust(roots, crosses)
		if err != nil {
			t.Fatal(kept, err)
		}
		wantTrust(t, back, trust)
	}
	roots, _ := r.trust.PEM()
	for _, texts := range [][2]string{{"", ""}, {roots, "no certificate"}} {
		_, err := pki.ParseTrust(texts[0], texts[1])
		wantError(t, err, "no certificate found: a PEM text that begins with -----BEGIN CERTIFICATE----- is expected")
	}
}

// A chain that is cut, reordered or continued by another authority leads nobody
// to an older root, and each of its certificates after the first was never
// looked at.
func TestCheckCrosses(t *testing.T) {
	r := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 3)
	other := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 1)
	chain := r.trust.Crosses
	long := rotate(t, newGeneration(t, pki.RootRequest{}, issued), pki.MaxPrevious+1)
	for _, test := range []struct {
		about   string
		crosses []*x509.Certificate
		of      *x509.Certificate
		want    error
	}{
		{"whole", chain, r.trust.Roots[0], nil},
		{"without its end", chain[:2], r.trust.Roots[0], nil},
		{"with the root at its end", append(chain[:3:3], r.trust.Roots[3]), r.trust.Roots[0], nil},
		{"without its middle", []*x509.Certificate{chain[0], chain[2]}, r.trust.Roots[0], pki.ErrBrokenCrosses},
		{"in another order", []*x509.Certificate{chain[0], chain[2], chain[1]}, r.trust.Roots[0], pki.ErrBrokenCrosses},
		{"continued by another authority", []*x509.Certificate{chain[0], other.trust.Crosses[0]}, r.trust.Roots[0], pki.ErrBrokenCrosses},
		{"in reverse", []*x509.Certificate{chain[2], chain[1], chain[0]}, r.trust.Roots[0], pki.ErrForeignCross},
		{"as many as there may be", long.trust.Crosses[:pki.MaxPrevious], long.trust.Roots[0], nil},
		{"one too many", long.trust.Crosses, long.trust.Roots[0], pki.ErrManyCrosses},
	} {
		t.Run(test.about, func(t *testing.T) {
			if err := pki.CheckCrosses(test.crosses, test.of); !errors.Is(err, test.want) {
				t.Errorf("%v; want %v", err, test.want)
			}
		})
	}
}

// The oldest roots leave when there are too many, and with them the chain to
// them. What is left works with every program at hand.
func TestAtMostEightPreviousRoots(t *testing.T) {
	start := time.Now().Add(-24 * time.Hour) // gnutls-cli verifies at the time of the call alone
	r := rotate(t, newGeneration(t, pki.RootRequest{}, start), 0)
	r.now = start
	further := func(times int) {
		for range times {
			r.now = r.now.Add(time.Hour)
			r.succeed(t, newGeneration(t, pki.RootRequest{}, r.now))
		}
	}
	further(pki.MaxPrevious)
	wantTrust(t, r.trust.Trim(pki.UntilExpiry, r.now), r.trust)
	if left := r.trust.Surplus(pki.UntilExpiry, r.now, false); len(left) > 0 {
		t.Errorf("%d roots leave where there are as many as may be", len(left))
	}
	if left := r.trust.Surplus(pki.UntilExpiry, r.now, true); len(left) != 1 || left[0] != r.trust.Roots[pki.MaxPrevious] {
		t.Errorf("%d roots leave with the next rotation; want the oldest", len(left))
	}
	further(1)
	if end, ok := r.trust.NextEnd(pki.UntilExpiry); !ok || !end.IsZero() {
		t.Errorf("with too many roots the next end is %s", end)
	}
	oldest := r.trust.Roots[pki.MaxPrevious+1:]
	if left := r.trust.Surplus(pki.UntilExpiry, r.now, false); len(left) != 1 || left[0] != oldest[0] {
		t.Errorf("%d roots are too many; want the oldest", len(left))
	}
	if left := r.trust.Surplus(pki.OverlapOf(0), r.now, true); len(left) > 0 {
		t.Errorf("%d roots are too many where all are cut off", len(left))
	}
	trust := r.trust.Trim(pki.UntilExpiry, r.now)
	wantTrust(t, trust, pki.Trust{Roots: r.trust.Roots[:1+pki.MaxPrevious], Crosses: r.trust.Crosses[:pki.MaxPrevious]})
	leaf := issue(t, r.current(), serverRequest(t), r.now)
	leafFile := write(t, "leaf.pem", x509text.EncodeCertificates(leaf))
	crossFile := write(t, "crosses.pem", x509text.EncodeCertificates(trust.Crosses...))
	for i, root := range trust.Roots {
		if err := pki.VerifyLeaf(leaf, trust.Crosses, root, pki.Server, r.now); err != nil {
			t.Errorf("root %d: %v", i, err)
		}
		rootFile := write(t, "ca.pem", x509text.EncodeCertificates(root))
		openssl(t, "", "verify", "-x509_strict", "-attime", fmt.Sprint(r.now.Unix()), "-CAfile", rootFile, "-untrusted", crossFile, leafFile)
	}
	for name, roots := range map[string][]*x509.Certificate{"all roots": trust.Roots, "the oldest root": trust.Roots[pki.MaxPrevious:]} {
		if err := gnutls(t, roots, leaf, trust.Crosses); err != nil {
			t.Errorf("GnuTLS with %s: %v", name, err)
		}
	}
	// The counter-check: GnuTLS counts the chain, whatever it trusts.
	further(16 - len(r.trust.Crosses))
	leaf = issue(t, r.current(), serverRequest(t), r.now)
	if err := gnutls(t, r.trust.Roots, leaf, r.trust.Crosses); err == nil {
		t.Error("GnuTLS accepts 16 cross certificates: is the bound still needed?")
	}
}

// gnutls has GnuTLS shake hands with a daemon that presents a chain.
func gnutls(t *testing.T, roots []*x509.Certificate, leaf *x509.Certificate, crosses []*x509.Certificate) error {
	t.Helper()
	daemon := tls.Certificate{PrivateKey: leafKeyOf(t, x509text.ECDSAP256), Certificate: [][]byte{leaf.Raw}}
	for _, cross := range crosses {
		daemon.Certificate = append(daemon.Certificate, cross.Raw)
	}
	program, err := exec.LookPath("gnutls-cli")
	if err != nil {
		t.Skip("gnutls-cli is not installed")
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{daemon}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		if connection, err := listener.Accept(); err == nil {
			_, _ = io.Copy(io.Discard, connection)
			_ = connection.Close()
		}
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	output, err := exec.CommandContext(ctx, program, "--x509cafile", write(t, "ca.pem", x509text.EncodeCertificates(roots...)),
		"--verify-hostname", "docker.example.com", "--port", port, "127.0.0.1").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	return nil
}

// An imported root is not backdated: its successor's own beginning tells when
// it was replaced, to the second.
func TestOverlapOfImportedRoots(t *testing.T) {
	old := foreignRoot(t, func(c *x509.Certificate) { c.NotBefore = issued.Add(-48 * time.Hour) })
	next := foreignRoot(t, func(c *x509.Certificate) { c.NotBefore = issued })
	trust := pki.Trust{Roots: []*x509.Certificate{next.root(), old.root()}}
	if end, ok := trust.NextEnd(pki.OverlapOf(24)); !ok || !end.Equal(wholeSecond.Add(24*time.Hour)) {
		t.Errorf("the overlap ends at %s", end)
	}
	now := issued.Add(time.Hour)
	renewed := newGeneration(t, pki.RootRequest{Key: next.key, Predecessor: next.root(), KeepStart: true}, now)
	if end, ok := trust.Renew(renewed.root()).NextEnd(pki.OverlapOf(24)); !ok || !end.Equal(wholeSecond.Add(24*time.Hour)) {
		t.Errorf("after a renewal the overlap ends at %s", end)
	}
}

// A renewal allows no more than the certificate before: machines that have only
// that one go on refusing what it does not allow.
func TestRenewalKeepsThePathLength(t *testing.T) {
	for about, change := range map[string]func(*x509.Certificate){
		"none": nothingElse,
		"0":    func(c *x509.Certificate) { c.MaxPathLenZero = true },
		"1":    func(c *x509.Certificate) { c.MaxPathLen = 1 },
	} {
		old := foreignRoot(t, change)
		renewed := newGeneration(t, pki.RootRequest{Key: old.key, Predecessor: old.root()}, issued).root()
		if renewed.MaxPathLen != old.root().MaxPathLen || renewed.MaxPathLenZero != old.root().MaxPathLenZero {
			t.Errorf("path length %s becomes %d", about, renewed.MaxPathLen)
		}
	}
}

// An older root was replaced before a newer one, whatever the clock has said.
func TestClockSetBackBetweenRotations(t *testing.T) {
	r := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 1)
	first := r.now
	r.now = first.Add(-30 * time.Minute)
	r.succeed(t, newGeneration(t, pki.RootRequest{}, r.now))
	end := wholeSecond.Add(year - 30*time.Minute + 24*time.Hour)
	wantTrust(t, r.trust.Trim(pki.OverlapOf(24), end.Add(-time.Second)), r.trust)
	wantTrust(t, r.trust.Trim(pki.OverlapOf(24), end), pki.Trust{Roots: r.trust.Roots[:1]})
}

// A path length that allows one cross certificate does not allow two.
func TestOutOfReach(t *testing.T) {
	old := foreignRoot(t, func(c *x509.Certificate) { c.MaxPathLen = 1 })
	r := rotate(t, old, 0)
	for rotations, want := range []int{0, 1, 0} {
		if out := r.trust.OutOfReach(); len(out) != want {
			t.Errorf("after %d rotations, the next one puts %d roots out of reach; want %d", rotations, len(out), want)
		}
		leaf := issue(t, r.current(), serverRequest(t), r.now)
		if err := pki.VerifyLeaf(leaf, r.trust.Crosses, old.root(), pki.Server, r.now); (err == nil) != (rotations < 2) {
			t.Errorf("after %d rotations, who has the old root alone gets %v", rotations, err)
		}
		r.succeed(t, newGeneration(t, pki.RootRequest{}, r.now))
	}
}

// A clock that was set back by more than roots are backdated.
func TestRenewalWithTheClockSetBack(t *testing.T) {
	r := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 1)
	r.renew(t, -48*time.Hour)
	if start := r.current().root().NotBefore; !start.Equal(wholeSecond.Add(year - 49*time.Hour)) {
		t.Errorf("the renewed root is valid from %s", start)
	}
	if end, ok := r.trust.NextEnd(pki.OverlapOf(24)); !ok || !end.Equal(wholeSecond.Add(year-24*time.Hour)) {
		t.Errorf("the overlap ends at %s", end)
	}
}

func TestOverlapDoesNotOverflow(t *testing.T) {
	r := rotate(t, newGeneration(t, pki.RootRequest{}, issued), 1)
	wantTrust(t, r.trust.Trim(pki.OverlapOf(1<<62), r.now), r.trust)
}
