package pki_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// issued is the moment at which the tests issue, with a fraction of a second
// and a zone that no certificate can carry.
var issued = time.Date(2026, time.March, 29, 3, 30, 15, 999_999_999, time.FixedZone("CEST", 2*60*60))

// keys holds one key of each algorithm: RSA keys take long to make.
var keys, leafKeys = lazyKeys(), lazyKeys()

func lazyKeys() map[x509text.KeyAlgorithm]func() (crypto.Signer, error) {
	keys := map[x509text.KeyAlgorithm]func() (crypto.Signer, error){}
	for _, algorithm := range x509text.KeyAlgorithms() {
		keys[algorithm] = sync.OnceValues(algorithm.Generate)
	}
	return keys
}

// leafKeyOf is another key than [keyOf], for what that one issues.
func leafKeyOf(t testing.TB, algorithm x509text.KeyAlgorithm) crypto.Signer {
	t.Helper()
	key, err := leafKeys[algorithm]()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keyOf(t testing.TB, algorithm x509text.KeyAlgorithm) crypto.Signer {
	t.Helper()
	key, err := keys[algorithm]()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := x509text.ECDSAP256.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// generation is a root with its key.
type generation struct {
	*pki.Authority
	key crypto.Signer
}

func (g generation) root() *x509.Certificate { return g.Certificate }

func newGeneration(t testing.TB, request pki.RootRequest, now time.Time) generation {
	t.Helper()
	if request.Key == nil {
		request.Key = newKey(t)
	}
	if request.ValidityHours == 0 {
		request.ValidityHours = 87600
	}
	if request.Subject.CommonName == "" {
		request.Subject.CommonName = "Docker CA"
	}
	root, err := pki.IssueRoot(request, now)
	if err != nil {
		t.Fatal(err)
	}
	return join(t, root, request.Key)
}

func join(t testing.TB, root *x509.Certificate, key crypto.Signer) generation {
	t.Helper()
	authority, err := pki.NewAuthority(root, key)
	if err != nil {
		t.Fatal(err)
	}
	return generation{authority, key}
}

// foreignRoot makes a root as another tool might: nothing in it but what
// change sets.
func foreignRoot(t testing.TB, change func(*x509.Certificate)) generation {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Old CA"},
		NotBefore:             issued.Add(-24 * time.Hour),
		NotAfter:              issued.Add(8760 * time.Hour),
		BasicConstraintsValid: true,
		IsCA:                  true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return join(t, root, key)
}

func serverRequest(t testing.TB) pki.LeafRequest {
	t.Helper()
	names, err := pki.ParseNames([]string{"docker.example.com"}, []string{"10.10.10.20", "fd00::20"})
	if err != nil {
		t.Fatal(err)
	}
	return pki.LeafRequest{
		Profile:       pki.Server,
		Subject:       pki.Subject{CommonName: "docker.example.com"},
		Names:         names,
		ValidityHours: 720,
		PublicKey:     leafKeyOf(t, x509text.ECDSAP256).Public(),
	}
}

func clientRequest(t testing.TB) pki.LeafRequest {
	t.Helper()
	return pki.LeafRequest{
		Profile:       pki.Client,
		Subject:       pki.Subject{CommonName: "ci"},
		ValidityHours: 720,
		PublicKey:     leafKeyOf(t, x509text.ECDSAP256).Public(),
	}
}

func issue(t testing.TB, authority generation, request pki.LeafRequest, now time.Time) *x509.Certificate {
	t.Helper()
	leaf, err := authority.Issue(request, now)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// wantError fails unless err has exactly the given text; an empty one means
// that no error is wanted.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil && want != "":
		t.Errorf("no error; want %q", want)
	case err != nil && err.Error() != want:
		t.Errorf("error %q; want %q", err, want)
	}
}

// openssl runs the installed openssl and returns what it prints.
func openssl(t testing.TB, input string, arguments ...string) string {
	t.Helper()
	command := exec.Command("openssl", arguments...)
	command.Stdin = strings.NewReader(input)
	var output, complaint strings.Builder
	command.Stdout, command.Stderr = &output, &complaint
	if err := command.Run(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", arguments[0], err, complaint.String())
	}
	return output.String()
}

func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// fullSubject has every attribute.
var fullSubject = pki.Subject{
	CommonName:         "docker.example.com",
	Organization:       "Example Ltd.",
	OrganizationalUnit: "Operations",
	StreetAddress:      []string{"1 Main Street", "2nd floor"},
	Locality:           "Köln",
	Province:           "NRW",
	Country:            "DE",
	PostalCode:         "50667",
	EmailAddress:       "ops@example.com",
}

func nothingElse(*x509.Certificate) {}
