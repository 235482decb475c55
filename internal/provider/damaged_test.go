package provider_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// damage spoils a certificate in the state.
func damage(w *tfsim.World, name, attribute string, spoil func(string) string) {
	values := w.Fields(name)
	values[attribute] = tfsim.String(spoil(w.Text(name, attribute)))
	w.State[name] = tftypes.NewValue(w.Schemas[name].ValueType(), values)
}

// TestDamagedLeaf has certificates in the state that cannot be read. Whatever
// their key is, they are issued again, in place.
func TestDamagedLeaf(t *testing.T) {
	t.Parallel()
	own, ownText := makeKey(t, x509text.ECDSAP256)
	for name, configure := range map[string]func(*tfsim.World){
		"a managed key": func(*tfsim.World) {},
		"a reused key":  func(w *tfsim.World) { w.Set(tfsim.Server, tfsim.Values{"reuse_private_key": tfsim.Bool(true)}) },
		"a provided key": func(w *tfsim.World) {
			w.Set(tfsim.Server, tfsim.Values{"private_key_pem_wo": ownText, "private_key_pem_wo_version": tfsim.Int(1)})
		},
		"a request": func(w *tfsim.World) {
			w.Set(tfsim.Server, tfsim.Values{"cert_request_pem": makeRequest(t, own, "host", "host.example.com")})
		},
	} {
		for how, spoil := range map[string]func(string) string{
			"cut off":   func(text string) string { return text[:200] },
			"empty":     func(string) string { return "" },
			"otherwise": func(text string) string { return strings.Replace(text, "MI", "MA", 1) },
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				w := newWorld(t)
				w.Given = append(w.Given, own)
				w.Set(tfsim.Server, tfsim.Values{"subject": w.Object(tfsim.Server, "subject", tfsim.Values{"organization": tfsim.String("Example")})})
				configure(w)
				w.MustPlanAndApply(t)
				w.Unset(tfsim.Server, "subject") // what is not configured stays
				w.MustBeEmpty(t)
				damage(w, tfsim.Server, "cert_pem", spoil)
				if err := w.RefreshOnly(); err != nil {
					t.Fatal(err)
				}
				p := w.MustPlan(t)
				if len(w.Warnings) != 1 || !strings.Contains(w.Warnings[0], "cannot be read") {
					t.Errorf("the plan warns of %q", w.Warnings)
				}
				w.MustChangeOnly(t, p, tfsim.Server)
				w.MustChangeOnly(t, w.MustPlanWithoutRefresh(t), tfsim.Server)
				w.MustApply(t, p)
				w.MustReason(t, tfsim.Server, "the certificate in the state was damaged")
				w.MustBeEmpty(t)
				w.MustVerify(t, w.MustParse(t, tfsim.CA, "cert_pem")[0])
				if organization := w.MustParse(t, tfsim.Server, "cert_pem")[0].Subject.Organization; len(organization) != 1 {
					t.Errorf("the certificate is of the organization %q", organization)
				}
			})
		}
	}
}

// TestDamagedAuthority has an authority in the state that cannot be read: it is
// never made anew, and the error says what to do.
func TestDamagedAuthority(t *testing.T) {
	t.Parallel()
	for how, test := range map[string]struct {
		attribute string
		spoil     func(string) string
	}{
		"cut off":                    {"cert_pem", func(text string) string { return text[:200] }},
		"one of its roots":           {"cert_pem", func(text string) string { return text[:len(text)-200] }},
		"the current root":           {"cert_pem", func(text string) string { return strings.Replace(text, "M", "?", 1) }},
		"another form":               {"cert_pem", func(text string) string { return strings.Replace(text, "MI", "MA", 1) }},
		"the certificate for others": {"cross_signed_cert_pem", func(text string) string { return text[:200] }},
	} {
		t.Run(how, func(t *testing.T) {
			w := created(t, nil, nil)
			w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
			w.MustPlanAndApply(t)
			damage(w, tfsim.CA, test.attribute, test.spoil)
			if err := w.RefreshOnly(); err != nil {
				t.Fatal(err)
			}
			w.MustFail(t, "terraform import docker_tls_ca.this ca.pem,ca-key.pem")
		})
	}
}
