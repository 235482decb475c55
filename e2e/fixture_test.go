package e2e

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// algorithms are the key algorithms that the provider offers, each with its name in openssl's text form.
var algorithms = []struct{ name, openssl string }{
	{"ECDSA_P256", "ASN1 OID: prime256v1"},
	{"ECDSA_P384", "ASN1 OID: secp384r1"},
	{"ECDSA_P521", "ASN1 OID: secp521r1"},
	{"RSA_2048", "Public-Key: (2048 bit)"},
	{"RSA_3072", "Public-Key: (3072 bit)"},
	{"RSA_4096", "Public-Key: (4096 bit)"},
	{"ED25519", "ED25519 Public-Key:"},
}

// fixture is a configuration of testdata that is applied once, for all tests that read what it made: its output "files".
// Each step is one apply, with the given variables.
type fixture[T any] struct {
	config string
	steps  [][]string

	once  sync.Once
	w     workspace
	files []T // by step
	err   error
}

var (
	profiles = fixture[map[string]material]{config: "profiles.tf", steps: [][]string{nil}}
	rotated  = fixture[map[string]material]{config: "rotation.tf", steps: [][]string{{"generation=1"}, {"generation=2"}, {"generation=3"}}}
	cutOff   = fixture[map[string]material]{config: "rotation.tf", steps: [][]string{{"generation=1", "overlap_hours=0"}, {"generation=2", "overlap_hours=0"}}}
)

// issued returns the material of testdata/profiles.tf by name: "server RSA_2048", "client stranger".
func issued(t *testing.T) map[string]material {
	t.Helper()
	return profiles.get(t)[0]
}

// generations returns the "server" and the "client" of testdata/rotation.tf as they were after each of three
// generations of the authority, the first at index 0.
func generations(t *testing.T) []map[string]material {
	t.Helper()
	return rotated.get(t)
}

func (f *fixture[T]) get(t *testing.T) []T {
	t.Helper()
	terraform := findTerraform(t)
	f.once.Do(func() { f.err = f.make(terraform) })
	if f.err != nil {
		t.Fatal(f.err)
	}
	return f.files
}

func (f *fixture[T]) make(terraform string) error {
	// Not in a test's own directory: that goes when the first test ends.
	dir, err := os.MkdirTemp(providerBuild, "fixture-")
	if err != nil {
		return fmt.Errorf("make a workspace: %w", err)
	}
	f.w = workspace{terraform, dir}
	if err := f.w.write(f.config); err != nil {
		return err
	}
	for _, vars := range f.steps {
		if err := f.w.apply(vars...); err != nil {
			return err
		}
		var files T
		if err := f.w.output("files", &files); err != nil {
			return err
		}
		f.files = append(f.files, files)
	}
	return nil
}
