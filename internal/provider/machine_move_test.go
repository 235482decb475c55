package provider_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// recordedState is a state of testdata with PEM texts filled in: no private key
// is in the tree.
func recordedState(t *testing.T, name string, texts map[string]string) []byte {
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

// moveState is what Terraform does for a moved block: move, then refresh.
func (w *machineWorld) moveState(provider, source string, state []byte) error {
	resp, err := w.server.MoveResourceState(w.ctx, &tfprotov6.MoveResourceStateRequest{
		SourceProviderAddress: provider, SourceTypeName: source,
		SourceState: &tfprotov6.RawState{JSON: state}, TargetTypeName: machineCA,
	})
	if err != nil {
		return err
	}
	if err := w.report(resp.Diagnostics, nil); err != nil {
		return err
	}
	moved, err := w.decode(machineCA, resp.TargetState)
	if err != nil {
		return err
	}
	w.state[machineCA], err = w.read(machineCA, moved)
	return err
}

// TestMachineMove moves an authority from hashicorp/tls: the same root, the
// same key, an empty plan, and certificates that old parties accept.
func TestMachineMove(t *testing.T) {
	f, w := newMachineForeign(t, machineSigner(t), nil), newMachineWorld(t)
	key, err := x509text.EncodePrivateKey(f.key)
	if err != nil {
		t.Fatal(err)
	}
	state := recordedState(t, "tls_self_signed_cert-4.json", map[string]string{"cert_pem": x509text.EncodeCertificates(f.root), "private_key_pem": key})
	for _, registry := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		if err := w.moveState(registry+"/hashicorp/tls", "tls_self_signed_cert", state); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.warnings) > 0 {
		t.Errorf("the move warns of %q", w.warnings)
	}
	if w.text(machineCA, "cert_pem") != x509text.EncodeCertificates(f.root) || w.text(machineCA, "private_key_pem") != key {
		t.Error("the root or its key is another one")
	}
	if early := machineNumber(machineFields(w.attributes(machineCA), w.state[machineCA])["early_renewal_hours"]); early != 720 {
		t.Errorf("early_renewal_hours is %d, want the 720 of the source", early)
	}
	for _, subject := range []machineValues{nil, {"common_name": machineString("Old CA"), "organization": machineString("Example"), "country": machineString("DE")}} {
		if subject != nil {
			w.config[machineCA]["subject"] = w.object(machineCA, "subject", subject)
		}
		p := w.mustPlan(t, true)
		if p.changes(machineCA) {
			t.Fatal("the plan after the move changes the authority")
		}
		w.mustApply(t, p)
	}
	w.mustVerify(t, f.root)
}

// TestMachineMoveErrors moves what cannot be moved.
func TestMachineMoveErrors(t *testing.T) {
	f := newMachineForeign(t, machineSigner(t), nil)
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
			err := newMachineWorld(t).moveState("registry.terraform.io/"+test.provider, test.source, recordedState(t, test.file, test.texts))
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
