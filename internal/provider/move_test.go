package provider_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// recordedState is a state of testdata with PEM texts filled in: no private key
// is in the tree.
func recordedState(t testing.TB, name string, texts map[string]string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for name, value := range texts {
		quoted, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, `"${`+name+`}"`, string(quoted))
	}
	return []byte(text)
}

// TestMove moves an authority from hashicorp/tls: the same root, the
// same key, an empty plan, and certificates that old parties accept.
func TestMove(t *testing.T) {
	t.Parallel()
	f, w := newForeignPKI(t, ecdsaKey(t), nil), newWorld(t)
	key, err := x509text.EncodePrivateKey(f.key)
	if err != nil {
		t.Fatal(err)
	}
	state := recordedState(t, "tls_self_signed_cert-4.json", map[string]string{"cert_pem": x509text.EncodeCertificates(f.root), "private_key_pem": key})
	for _, address := range []string{"registry.terraform.io/hashicorp/tls", "registry.opentofu.org/hashicorp/tls", "registry.terraform.io/-/tls", "tls"} {
		if err := w.Move(tfsim.CA, address, "tls_self_signed_cert", 0, state); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.Warnings) > 0 {
		t.Errorf("the move warns of %q", w.Warnings)
	}
	if w.Text(tfsim.CA, "cert_pem") != x509text.EncodeCertificates(f.root) || w.Text(tfsim.CA, "private_key_pem") != key {
		t.Error("the root or its key is another one")
	}
	if early := w.Number(tfsim.CA, "early_renewal_hours"); early != 720 {
		t.Errorf("early_renewal_hours is %d, want the 720 of the source", early)
	}
	for _, subject := range []tfsim.Values{nil, {"common_name": tfsim.String("Old CA"), "organization": tfsim.String("Example"), "country": tfsim.String("DE")}} {
		if subject != nil {
			w.Config[tfsim.CA]["subject"] = w.Object(tfsim.CA, "subject", subject)
		}
		p := w.MustPlan(t)
		if p.Changes(tfsim.CA) {
			t.Fatal("the plan after the move changes the authority")
		}
		w.MustApply(t, p)
	}
	w.MustVerify(t, f.root)
}

// TestMoveWithTriggers moves an authority into a configuration with
// rotation_triggers, or gives it the first ones after it: they are recorded, and a
// change of them rotates.
func TestMoveWithTriggers(t *testing.T) {
	t.Parallel()
	f := newForeignPKI(t, ecdsaKey(t), nil)
	key, err := x509text.EncodePrivateKey(f.key)
	if err != nil {
		t.Fatal(err)
	}
	state := recordedState(t, "tls_self_signed_cert-4.json", map[string]string{"cert_pem": x509text.EncodeCertificates(f.root), "private_key_pem": key})
	for _, first := range []string{"", "now"} {
		w := newWorld(t)
		if first != "" {
			w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger(first)})
		}
		if err := w.Move(tfsim.CA, "registry.terraform.io/hashicorp/tls", "tls_self_signed_cert", 0, state); err != nil {
			t.Fatal(err)
		}
		w.MustPlanAndApply(t)
		if first == "" {
			w.Set(tfsim.CA, firstTriggers)
			w.MustPlanAndApply(t)
		}
		w.MustBeEmpty(t)
		if w.Text(tfsim.CA, "cert_pem") != x509text.EncodeCertificates(f.root) {
			t.Errorf("with the triggers %q, the move has issued a root", first)
		}
		w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("later")})
		w.MustPlanAndApply(t)
		w.MustBeEmpty(t)
		if reason := w.Text(tfsim.CA, "issue_reason"); reason != "rotation_triggers" {
			t.Errorf("after the triggers %q, others give the reason %q", first, reason)
		}
	}
}

// TestMoveErrors moves what cannot be moved.
func TestMoveErrors(t *testing.T) {
	t.Parallel()
	f := newForeignPKI(t, ecdsaKey(t), nil)
	key, err := x509text.EncodePrivateKey(f.key)
	if err != nil {
		t.Fatal(err)
	}
	texts := func(cert, key string) map[string]string {
		return map[string]string{"cert_pem": cert, "private_key_pem": key}
	}
	root, leaf := x509text.EncodeCertificates(f.root), x509text.EncodeCertificates(f.server)
	for _, test := range []struct {
		name, provider, source, file string
		texts                        map[string]string
		want                         []string
	}{
		{"the hash of version 3", "hashicorp/tls", "tls_self_signed_cert", "tls_self_signed_cert-3.json", texts(root, ""), []string{"does not hold the private key", "hashicorp/tls before version 4", "import {"}},
		{"a write-only key", "hashicorp/tls", "tls_self_signed_cert", "tls_self_signed_cert-4-wo.json", texts(root, ""), []string{"private_key_pem_wo", "import {"}},
		{"no authority", "hashicorp/tls", "tls_self_signed_cert", "tls_self_signed_cert-4.json", texts(leaf, key), []string{"does not belong"}},
		{"no certificate", "hashicorp/tls", "tls_self_signed_cert", "tls_self_signed_cert-4.json", texts("", key), []string{"no certificate found"}},
		{"another resource", "hashicorp/tls", "tls_locally_signed_cert", "tls_self_signed_cert-4.json", texts(root, key), []string{"Unable to Move Resource State"}},
		{"another provider", "example/tls", "tls_self_signed_cert", "tls_self_signed_cert-4.json", texts(root, key), []string{"Unable to Move Resource State"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := newWorld(t).Move(tfsim.CA, "registry.terraform.io/"+test.provider, test.source, 0, recordedState(t, test.file, test.texts))
			if err == nil {
				t.Fatal("it was moved")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "PRIVATE KEY-----") {
				t.Error("the error repeats the key")
			}
		})
	}
}

// TestMoveOwnErrors moves states of this provider's types that cannot be read.
func TestMoveOwnErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		version int64
		state   string
		want    string
	}{
		"of a newer release": {99, "{}", "schema version 99"},
		"no object":          {1, `["a"]`, "not of the form that version 1 has"},
		"no JSON":            {0, `{`, "not of the form that version 0 has"},
		"null":               {0, `null`, "not of the form that version 0 has"},
		"another form":       {1, `{"cert_pem": {}}`, "not of the form that version 1 has"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, resource := range tfsim.Order {
				err := newWorld(t).Move(resource, "registry.example.com/mirror/docker-tls", resource, test.version, []byte(test.state))
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: the error is %v, want %q in it", resource, err, test.want)
				}
			}
		})
	}
}
