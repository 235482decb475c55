package provider_test

import (
	"crypto"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// A leaf has no key of its authority, be it that of a previous root that is still
// trusted: whoever holds that key can sign what everybody accepts.
func TestLeafHasNoKeyOfItsAuthority(t *testing.T) {
	t.Parallel()
	read := func(t *testing.T, w *tfsim.World) (crypto.Signer, tftypes.Value) {
		text := w.Text(tfsim.CA, "private_key_pem")
		key, err := x509text.ParsePrivateKey(text, "")
		if err != nil {
			t.Fatal(err)
		}
		return key, tfsim.String(text)
	}
	w := created(t, nil, nil)
	first, firstPEM := read(t, w)
	w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
	w.MustPlanAndApply(t)
	if n := len(w.MustParse(t, tfsim.CA, "cert_pem")); n != 2 {
		t.Fatalf("%d roots are trusted", n)
	}
	second, secondPEM := read(t, w)
	const version = "private_key_pem_wo_version"
	const text = "The key is that of the authority itself or of one of its previous roots"
	t.Run("a private key, at plan", func(t *testing.T) {
		for _, key := range []tftypes.Value{firstPEM, secondPEM} {
			w.Set(tfsim.Server, tfsim.Values{"private_key_pem_wo": key, version: tfsim.Int(1)})
			w.MustFail(t, text)
		}
		w.Unset(tfsim.Server, "private_key_pem_wo", version)
	})
	t.Run("a certificate request, at plan", func(t *testing.T) {
		for _, key := range []crypto.Signer{first, second} {
			w.Set(tfsim.Server, tfsim.Values{"cert_request_pem": makeRequest(t, key, "", "host.example.com")})
			w.MustFail(t, text)
		}
		w.Unset(tfsim.Server, "cert_request_pem")
	})
	t.Run("a private key that apply learns of", func(t *testing.T) {
		w.Set(tfsim.Server, tfsim.Values{"private_key_pem_wo": tfsim.Unknown(firstPEM.Type()), version: tfsim.Int(1)})
		p := w.MustPlan(t)
		w.TurnsOut(p, tfsim.Server, "private_key_pem_wo", firstPEM)
		w.MustFailToApply(t, p, text)
		w.Unset(tfsim.Server, "private_key_pem_wo", version)
	})
	t.Run("a renewal that keeps another key", func(t *testing.T) {
		w.Set(tfsim.Server, tfsim.Values{"reuse_private_key": tfsim.Bool(true)})
		w.MustPlanAndApply(t)
		w.Now = w.Now.Add(6000 * time.Hour)
		w.MustPlanAndApply(t)
		w.MustBeEmpty(t)
	})
}
