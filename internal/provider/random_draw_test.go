package provider_test

import (
	"crypto"
	"fmt"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// change alters one argument.
func (r *history) change() {
	name := tfsim.Order[r.rand.IntN(len(tfsim.Order))]
	switch r.rand.IntN(12) {
	case 0:
		r.unset(name, "early_renewal_hours")
		r.set(name, "validity_period_hours", tfsim.Int(r.pick(24, 720, 8760, 43800)))
	case 1, 2:
		validity := r.validity(name)
		r.set(name, "early_renewal_hours", tfsim.Int(r.pick(0, 1, validity/2, validity/4, validity-1)))
	case 3:
		r.set(name, "reuse_private_key", tfsim.Bool(r.rand.IntN(3) > 0))
	case 4:
		r.trigger(name, fmt.Sprint(r.rand.IntN(4)))
	case 5:
		r.changeOverlap()
	case 6:
		r.changeKey(name)
	case 7:
		if _, own := r.keys[name]; own {
			return // its algorithm is what it is
		}
		r.set(name, "key_algorithm", tfsim.String([]string{"ECDSA_P256", "ED25519"}[r.rand.IntN(2)]))
	case 8:
		r.changeConstraints()
	case 9:
		r.changeSubject(name)
	case 10:
		r.changePassphrase()
	default:
		r.set(tfsim.Server, "dns_names", [...]tftypes.Value{tfsim.Set("a.example.com"), tfsim.Set("a.example.com", "b.example.com")}[r.rand.IntN(2)])
	}
}

// validity is validity_period_hours as it is configured or stored.
func (r *history) validity(name string) int64 {
	if value, ok := r.Config[name]["validity_period_hours"]; ok {
		return tfsim.Number(value)
	}
	if value := r.Fields(name)["validity_period_hours"]; !value.IsNull() {
		return tfsim.Number(value)
	}
	if name == tfsim.CA {
		return 43800
	}
	return 8760
}

func (r *history) changeOverlap() {
	if hours := r.pick(-1, 0, 5, 24, 24*100, 24*900); hours < 0 {
		r.unset(tfsim.CA, "overlap_hours")
	} else {
		r.set(tfsim.CA, "overlap_hours", tfsim.Int(hours))
	}
}

// changeConstraints draws constraints that permit the names of the server.
// Others are a rotation of the authority, which needs a new key where that is
// one's own.
func (r *history) changeConstraints() {
	constraints := []tfsim.Values{
		{"permitted_dns_domains": tfsim.List("example.com")},
		{"permitted_dns_domains": tfsim.List("example.com", "example.org"), "excluded_dns_domains": tfsim.List("secret.example.com")},
		{"excluded_dns_domains": tfsim.List("elsewhere.test")},
		{"permitted_ip_ranges": tfsim.List("10.0.0.0/8", "2001:db8::/32")},
	}
	if n := r.rand.IntN(len(constraints) + 1); n == len(constraints) {
		r.unset(tfsim.CA, "name_constraints")
	} else {
		r.set(tfsim.CA, "name_constraints", r.Object(tfsim.CA, "name_constraints", constraints[n]))
	}
	if _, own := r.keys[tfsim.CA]; own {
		r.giveKey(tfsim.CA)
	}
}

// changeSubject draws a subject. Another one is a rotation of the authority,
// which needs a new key where that is one's own.
func (r *history) changeSubject(name string) {
	subject := tfsim.Values{"common_name": tfsim.String(fmt.Sprintf("%s %d", name, r.rand.IntN(3)))}
	if r.rand.IntN(2) == 0 {
		subject["organization"] = tfsim.String("Example")
		subject["street_address"] = tfsim.List("Main Street 1", "Entrance B")
	}
	if r.rand.IntN(2) == 0 {
		subject["email_address"] = tfsim.String("ops@example.com")
		subject["country"] = tfsim.String("DE")
	}
	if r.rand.IntN(4) == 0 && name != tfsim.Client {
		r.unset(name, "subject")
	} else {
		r.set(name, "subject", r.Object(name, "subject", subject))
	}
	if _, own := r.keys[name]; own && name == tfsim.CA {
		r.giveKey(name)
	}
}

// changePassphrase gives the authority another passphrase, or none any more.
func (r *history) changePassphrase() {
	if _, own := r.keys[tfsim.CA]; own || !r.encrypts {
		return
	}
	if r.passphrase != "" && r.rand.IntN(3) == 0 {
		r.dropPassphrase()
		return
	}
	r.passphrase = fmt.Sprintf("passphrase %d", r.rand.Uint64())
	r.Phrases = append([]string{r.passphrase}, r.Phrases...)
	r.set(tfsim.CA, "private_key_passphrase_wo", tfsim.String(r.passphrase))
	r.set(tfsim.CA, "private_key_passphrase_wo_version", tfsim.Int(r.rand.Int64N(1<<40)))
	r.Secrets = tfsim.Values{"private_key_passphrase": tfsim.String(r.passphrase)}
}

func (r *history) dropPassphrase() {
	r.unset(tfsim.CA, "private_key_passphrase_wo", "private_key_passphrase_wo_version")
	r.passphrase, r.Secrets = "", nil
}

// trigger rotates; an authority with a key of one's own needs another one for
// that.
func (r *history) trigger(name, text string) {
	if _, own := r.keys[name]; own && name == tfsim.CA {
		r.giveKey(name)
		return
	}
	r.set(name, "rotation_triggers", tfsim.Trigger(text))
}

// changeKey gives a certificate a key of one's own, a certificate request, or
// a key that is made.
func (r *history) changeKey(name string) {
	r.unset(name, "private_key_pem_wo", "private_key_pem_wo_version", "cert_request_pem")
	_, own := r.keys[name]
	delete(r.keys, name)
	if name == tfsim.CA {
		r.dropPassphrase()
	}
	switch way := r.rand.IntN(3); {
	case way == 0 || way == 1 && own:
	case way == 1 && name != tfsim.CA:
		key, _ := makeKey(r.tb, x509text.ECDSAP256)
		r.own(name, key)
		r.set(name, "cert_request_pem", makeRequest(r.tb, key, "", "host.example.com"))
	default:
		r.giveKey(name)
	}
}

func (r *history) giveKey(name string) {
	key, text := makeKey(r.tb, x509text.ECDSAP256)
	r.own(name, key)
	r.set(name, "private_key_pem_wo", text)
	r.set(name, "private_key_pem_wo_version", tfsim.Int(r.rand.Int64N(1<<40)))
	if name == tfsim.CA {
		r.Secrets = tfsim.Values{"private_key_pem": text}
	}
}

// own takes note of a key that is in no state.
func (r *history) own(name string, key crypto.Signer) {
	r.unset(name, "key_algorithm")
	r.keys[name] = key
	r.Given = append(r.Given, key)
}

// previousKey gives an authority the key it has, where that is one's own, and
// the passphrase that this has in the state, where another one or none is
// configured.
func (r *history) previousKey() error {
	r.Unset(tfsim.CA, "previous_private_key_pem_wo", "previous_private_key_passphrase_wo")
	if r.stored != "" && r.stored != r.passphrase {
		r.Set(tfsim.CA, tfsim.Values{"previous_private_key_passphrase_wo": tfsim.String(r.stored)})
	}
	for _, key := range r.Given {
		if r.model.Head() != nil && pki.SamePublicKey(key.Public(), r.model.Head().PublicKey) {
			text, err := x509text.EncodePrivateKey(key)
			if err != nil {
				return err
			}
			r.Set(tfsim.CA, tfsim.Values{"previous_private_key_pem_wo": tfsim.String(text)})
		}
	}
	return nil
}
