package provider_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/deploy"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

const (
	daemonHost    = "tcp://host.example.com:2376"
	daemonAddress = "host.example.com:2376"
)

// newDaemonWorld has a daemon beside its certificates, which is not applied yet.
func newDaemonWorld(t testing.TB, arguments tfsim.Values) (*tfsim.World, *fleet) {
	t.Helper()
	f := newFleet()
	w := tfsim.New(t, f.server)
	w.Set(tfsim.Daemon, tfsim.Values{"host": tfsim.String(daemonHost)})
	w.Set(tfsim.Daemon, arguments)
	return w, f
}

// running is newDaemonWorld after an apply.
func running(t testing.TB, arguments tfsim.Values) (*tfsim.World, *fleet) {
	t.Helper()
	w, f := newDaemonWorld(t, arguments)
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	return w, f
}

// authorityOf makes an authority: its certificate and its key.
func authorityOf(t testing.TB, name string) (certPEM, keyPEM string) {
	t.Helper()
	key, err := x509text.ECDSAP256.Generate()
	if err != nil {
		t.Fatal(err)
	}
	root, err := pki.IssueRoot(pki.RootRequest{Subject: pki.Subject{CommonName: name}, ValidityHours: 87600, Key: key}, tfsim.Start)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509text.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return x509text.EncodeCertificates(root), text
}

// daemonObject makes the value of a nested attribute of the daemon.
func daemonObject(w *tfsim.World, attribute string, set tfsim.Values) tftypes.Value {
	return w.Object(tfsim.Daemon, attribute, set)
}

// object makes a value of `options`, or in it.
func object(set tfsim.Values) tftypes.Value {
	types := map[string]tftypes.Type{}
	for name, value := range set {
		types[name] = value.Type()
	}
	return tftypes.NewValue(tftypes.Object{AttributeTypes: types}, set)
}

// clientsOf makes `clients` of PEM texts.
func clientsOf(bundles ...string) tftypes.Value {
	element := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"cert_pem": tftypes.String}}
	var elements []tftypes.Value
	for _, bundle := range bundles {
		elements = append(elements, tftypes.NewValue(element, tfsim.Values{"cert_pem": tfsim.String(bundle)}))
	}
	return tftypes.NewValue(tftypes.List{ElementType: element}, elements)
}

func TestDaemonIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	w, f := newDaemonWorld(t, nil)
	p := w.MustPlan(t)
	w.MustBeUnknown(t, p, tfsim.Daemon, "content_sha256", "served_fingerprint_sha256", "docker_version")
	w.MustApply(t, p)
	w.MustBeEmpty(t)
	if len(f.delivered) != 1 {
		t.Fatalf("%d deliveries", len(f.delivered))
	}
	d := f.last()
	if d.address != daemonAddress || !d.CertificatesOnly || !d.Restart || d.Timeout != 5*time.Minute || d.Known != "" {
		t.Errorf("delivered to %s: %t %t %s %q", d.address, d.CertificatesOnly, d.Restart, d.Timeout, d.Known)
	}
	if d.Server.CertPEM != w.Text(tfsim.Server, "cert_pem") || d.Server.PrivateKeyPEM != w.Text(tfsim.Server, "private_key_pem") {
		t.Error("another certificate is delivered than configured")
	}
	if w.Text(tfsim.Daemon, "served_fingerprint_sha256") != w.Text(tfsim.Server, "fingerprint_sha256") || w.Text(tfsim.Daemon, "docker_version") != "28.2.2" {
		t.Errorf("the state is %v", w.Fields(tfsim.Daemon))
	}
	if state := w.State[tfsim.Daemon].String(); strings.Contains(state, "-----BEGIN") {
		t.Error("the state holds PEM")
	}
}

// TestDaemonUpdates changes one thing at a time, and says whether that is a
// delivery.
func TestDaemonUpdates(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		begin    func(w *tfsim.World) tfsim.Values
		change   func(w *tfsim.World, f *fleet)
		delivers bool
	}{
		"a renewed certificate": {nil, func(w *tfsim.World, _ *fleet) {
			w.Set(tfsim.Server, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
		}, true},
		"a rotated authority": {nil, func(w *tfsim.World, _ *fleet) {
			w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
		}, true},
		"drift": {nil, func(_ *tfsim.World, f *fleet) { f.serves[daemonAddress] = "another" }, true},
		"drift without a restart": {func(*tfsim.World) tfsim.Values {
			return tfsim.Values{"restart": tfsim.String("none")}
		}, func(_ *tfsim.World, f *fleet) { f.serves[daemonAddress] = "another" }, false},
		"options": {nil, func(w *tfsim.World, _ *fleet) {
			w.Set(tfsim.Daemon, tfsim.Values{"options": object(nil)})
		}, true},
		"an option": {
			func(*tfsim.World) tfsim.Values {
				return tfsim.Values{"options": object(nil)}
			},
			func(w *tfsim.World, _ *fleet) {
				w.Set(tfsim.Daemon, tfsim.Values{"options": object(tfsim.Values{"listen": tfsim.String("hosts")})})
			}, true,
		},
		"a default, written down": {
			func(*tfsim.World) tfsim.Values {
				return tfsim.Values{"options": object(nil)}
			},
			func(w *tfsim.World, _ *fleet) {
				w.Set(tfsim.Daemon, tfsim.Values{"options": object(tfsim.Values{"port": tfsim.Int(2376)})})
			}, false,
		},
		"clients": {nil, func(w *tfsim.World, _ *fleet) {
			other, _ := authorityOf(t, "Other CA")
			w.Set(tfsim.Daemon, tfsim.Values{"clients": clientsOf(w.Text(tfsim.CA, "cert_pem"), other)})
		}, true},
		"another address": {nil, func(w *tfsim.World, _ *fleet) {
			w.Set(tfsim.Daemon, tfsim.Values{"host": tfsim.String("tcp://host.example.com:2377")})
		}, true},
		"the same address in other words": {nil, func(w *tfsim.World, _ *fleet) {
			w.Set(tfsim.Daemon, tfsim.Values{"host": tfsim.String("host.example.com")})
		}, false},
		"timeout": {nil, func(w *tfsim.World, _ *fleet) { w.Set(tfsim.Daemon, tfsim.Values{"timeout": tfsim.String("3m")}) }, false},
		"restart": {nil, func(w *tfsim.World, _ *fleet) { w.Set(tfsim.Daemon, tfsim.Values{"restart": tfsim.String("none")}) }, false},
		"a key that stays on the host": {nil, func(w *tfsim.World, _ *fleet) {
			w.Set(tfsim.Daemon, tfsim.Values{"server": changed(serverOf(w), tfsim.Values{"private_key_pem": tfsim.Null(tftypes.String)})})
		}, false},
		"via, beside ca": {nil, func(w *tfsim.World, _ *fleet) {
			w.Set(tfsim.Daemon, tfsim.Values{"via": tfsim.String("ssh://root@host.example.com")})
		}, false},
		"from via to ca": {func(w *tfsim.World) tfsim.Values {
			return overSSH(w, "ssh://root@host.example.com", nil)
		}, func(w *tfsim.World, _ *fleet) { w.Unset(tfsim.Daemon, "ca", "via", "ssh") }, false},
		"from ca to client": {nil, func(w *tfsim.World, _ *fleet) {
			w.Set(tfsim.Daemon, clientInPlaceOfCA(w))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, f := newDaemonWorld(t, nil)
			if test.begin != nil {
				w.Set(tfsim.Daemon, test.begin(w))
			}
			f.serves[daemonAddress] = "as it was before"
			w.MustPlanAndApply(t)
			w.MustBeEmpty(t)
			before := len(f.delivered)
			test.change(w, f)
			w.MustPlanAndApply(t)
			w.MustBeEmpty(t)
			if got := len(f.delivered) > before; got != test.delivers {
				t.Errorf("it is delivered: %t", got)
			}
			if test.delivers && f.last().Timeout != 90*time.Second {
				t.Errorf("the timeout is %s", f.last().Timeout)
			}
			if test.delivers && w.Text(tfsim.Daemon, "served_fingerprint_sha256") != w.Text(tfsim.Server, "fingerprint_sha256") {
				t.Error("the state does not say what is served")
			}
		})
	}
}

// clientInPlaceOfCA are the arguments of a visit with a client certificate.
func clientInPlaceOfCA(w *tfsim.World) tfsim.Values {
	return tfsim.Values{"ca": tfsim.Null(w.Object(tfsim.Daemon, "ca", nil).Type()), "client": daemonObject(w, "client", tfsim.Values{
		"cert_pem": tfsim.String(w.Text(tfsim.Client, "cert_pem")), "private_key_pem": tfsim.String(w.Text(tfsim.Client, "private_key_pem")),
	})}
}

// TestDaemonPlanSaysWhatIsDelivered has what can be known at plan known.
func TestDaemonPlanSaysWhatIsDelivered(t *testing.T) {
	t.Parallel()
	w, f := running(t, nil)
	f.serves[daemonAddress] = "another"
	p := w.MustPlan(t)
	w.MustChangeOnly(t, p, tfsim.Daemon)
	w.MustBeKnown(t, p, tfsim.Daemon, "content_sha256", "served_fingerprint_sha256")
	w.MustBeUnknown(t, p, tfsim.Daemon, "docker_version")

	// An address that only apply knows may be any.
	w, f = running(t, nil)
	w.Set(tfsim.Daemon, tfsim.Values{"host": tfsim.Unknown(tftypes.String)})
	p = w.MustPlan(t)
	w.MustBeUnknown(t, p, tfsim.Daemon, "docker_version")
	w.TurnsOut(p, tfsim.Daemon, "host", tfsim.String(daemonHost))
	w.MustApply(t, p)
	if len(f.delivered) != 1 {
		t.Error("an address that turns out to be the same is a delivery")
	}
	w.MustBeEmpty(t)
}

// TestDaemonKnowsWhatItHasProven has a certificate that expires on the host. What a
// refresh sees is not what the visit trusts: anybody may have answered it.
func TestDaemonKnowsWhatItHasProven(t *testing.T) {
	t.Parallel()
	w, f := running(t, nil)
	proven := w.Text(tfsim.Server, "fingerprint_sha256")
	w.Now = w.Now.Add(9000 * time.Hour)
	w.MustPlanAndApply(t)
	if known := f.last().Known; known != proven || len(f.delivered) != 2 {
		t.Errorf("the visit knows %q, not %q", known, proven)
	}
	proven = w.Text(tfsim.Server, "fingerprint_sha256")
	f.serves[daemonAddress] = "of a man in the middle"
	w.MustPlanAndApply(t)
	if known := f.last().Known; known != proven || len(f.delivered) != 3 {
		t.Errorf("the visit knows %q, not %q", known, proven)
	}
	// Nor is it lost by an apply that delivers nothing.
	w.Set(tfsim.Daemon, tfsim.Values{"timeout": tfsim.String("1m")})
	w.MustPlanAndApply(t)
	f.serves[daemonAddress] = "another"
	w.MustPlanAndApply(t)
	if known := f.last().Known; known != proven || f.last().Timeout != time.Minute {
		t.Errorf("the visit knows %q, not %q", known, proven)
	}
}

// TestDaemonDown has hosts that refuse, and one that says nothing.
func TestDaemonDown(t *testing.T) {
	t.Parallel()
	for want, silent := range map[string]bool{"connection refused": false, "deadline exceeded": true} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			w, f := running(t, nil)
			if f.silent[daemonAddress] = silent; !silent {
				delete(f.serves, daemonAddress)
			}
			before := w.State[tfsim.Daemon]
			p := w.MustPlan(t)
			if len(p.Changed()) > 0 || !w.State[tfsim.Daemon].Equal(before) {
				t.Errorf("the plan changes %v", p.Changed())
			}
			if !slices.ContainsFunc(w.Warnings, func(text string) bool {
				return strings.Contains(text, "does not answer") && strings.Contains(text, daemonHost) && strings.Contains(text, want)
			}) {
				t.Errorf("the warnings are %q", w.Warnings)
			}
		})
	}
}

// TestDaemonVisitor looks at the certificates of a visit.
func TestDaemonVisitor(t *testing.T) {
	t.Parallel()
	w, f := running(t, nil)
	w.Now = w.Now.Add(100 * time.Hour)
	w.Set(tfsim.CA, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
	w.MustPlanAndApply(t)
	visit := f.last()
	if len(visit.Roots) < 2 {
		t.Errorf("%d roots are trusted in an overlap", len(visit.Roots))
	}
	for _, test := range []struct {
		wide          bool
		before, after time.Duration
	}{{false, 5 * time.Minute, 10 * time.Minute}, {true, time.Hour, 24 * time.Hour}} { // the new authority is an hour old
		pair, err := visit.Visitor(test.wide)
		if err != nil {
			t.Fatal(err)
		}
		if !pair.Leaf.NotBefore.Equal(w.Now.Add(-test.before)) || !pair.Leaf.NotAfter.Equal(w.Now.Add(test.after)) {
			t.Errorf("valid from %s to %s", pair.Leaf.NotBefore, pair.Leaf.NotAfter)
		}
		if len(pair.Certificate) != 2 || pair.Leaf.Subject.CommonName != "terraform-provider-docker-tls" {
			t.Errorf("%d certificates for %s", len(pair.Certificate), pair.Leaf.Subject)
		}
		again, err := visit.Visitor(test.wide)
		if err != nil || again.Leaf.Equal(pair.Leaf) {
			t.Errorf("a visit has the certificate of another: %v", err)
		}
	}
	w.Set(tfsim.Daemon, clientInPlaceOfCA(w))
	f.serves[daemonAddress] = "another"
	w.MustPlanAndApply(t)
	pair, err := f.last().Visitor(true)
	if err != nil || x509text.Fingerprint(pair.Leaf) != w.Text(tfsim.Client, "fingerprint_sha256") {
		t.Errorf("the visit has another certificate than the client's: %v", err)
	}
}

// TestDaemonWithoutRestart writes files that are served some day.
func TestDaemonWithoutRestart(t *testing.T) {
	t.Parallel()
	w, f := newDaemonWorld(t, tfsim.Values{"restart": tfsim.String("none")})
	f.serves[daemonAddress] = "the former"
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if f.last().Restart || w.Text(tfsim.Daemon, "served_fingerprint_sha256") != "the former" {
		t.Errorf("restarted: %t; served is %q", f.last().Restart, w.Text(tfsim.Daemon, "served_fingerprint_sha256"))
	}
	w.Unset(tfsim.Daemon, "restart")
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if !f.last().Restart || len(f.delivered) != 2 {
		t.Errorf("restarted: %t after %d deliveries", f.last().Restart, len(f.delivered))
	}
}

// TestDaemonTrustsBothAuthorities is visited by another authority than its own.
func TestDaemonTrustsBothAuthorities(t *testing.T) {
	t.Parallel()
	w, f := newDaemonWorld(t, nil)
	other, otherKey := authorityOf(t, "Other CA")
	w.Set(tfsim.Daemon, tfsim.Values{
		"ca":      w.Object(tfsim.Daemon, "ca", tfsim.Values{"cert_pem": tfsim.String(other), "private_key_pem": tfsim.String(otherKey)}),
		"clients": clientsOf(other),
	})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	var names []string
	for _, root := range f.last().Roots {
		names = append(names, root.Subject.CommonName)
	}
	if !slices.Equal(names, []string{"Docker TLS CA", "Other CA"}) {
		t.Errorf("the visit trusts %q", names)
	}
}

// TestDaemonSettings follows the keys of daemon.json that are taken away.
func TestDaemonSettings(t *testing.T) {
	t.Parallel()
	w, f := newDaemonWorld(t, nil)
	w.Set(tfsim.Daemon, tfsim.Values{"options": object(tfsim.Values{"settings": object(tfsim.Values{"live-restore": tfsim.Bool(true), "log-level": tfsim.String("warn")})})})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if d := f.last(); d.FormerSettings != nil || d.CertificatesOnly || d.Options.Settings["live-restore"] != true || d.Options.Port != 2376 {
		t.Errorf("delivered %v with %v", d.Options.Settings, d.FormerSettings)
	}
	w.Set(tfsim.Daemon, tfsim.Values{"options": object(tfsim.Values{"settings": object(tfsim.Values{"log-level": tfsim.String("warn")}), "mode": tfsim.String("tls")})})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if d := f.last(); !slices.Equal(d.FormerSettings, []string{"live-restore", "log-level"}) || d.Options.Mode != docker.ModeTLS {
		t.Errorf("mode %s, formerly %v", d.Options.Mode, d.FormerSettings)
	}
	w.Set(tfsim.Daemon, tfsim.Values{"host": tfsim.String("tcp://host.example.com:2377")})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if port := f.last().Options.Port; port != 2377 {
		t.Errorf("the daemon listens on port %d", port)
	}
}

// TestDaemonErrors has each error of a delivery at the argument that it is about.
func TestDaemonErrors(t *testing.T) {
	t.Parallel()
	for about, want := range map[string]string{
		deploy.AboutHost: "host", deploy.AboutServer: "server", deploy.AboutVisitor: "ca", deploy.AboutOptions: "options", deploy.AboutRestart: "restart",
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			w, f := newDaemonWorld(t, nil)
			f.fails[daemonAddress] = &deploy.Error{About: about, Text: "This is why."}
			at := `This is why. (at AttributeName("` + want + `"))`
			w.MustFailToApply(t, w.MustPlan(t), at)
			if !w.State[tfsim.Daemon].IsNull() {
				t.Error("what failed at create is in the state")
			}
			delete(f.fails, daemonAddress)
			w.MustPlanAndApply(t)
			w.MustBeEmpty(t)
			before := w.State[tfsim.Daemon]
			f.fails[daemonAddress] = &deploy.Error{About: about, Text: "This is why."}
			w.Set(tfsim.Server, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
			w.MustFailToApply(t, w.MustPlan(t), at)
			if !w.State[tfsim.Daemon].Equal(before) {
				t.Error("what failed at update has changed the state")
			}
			delete(f.fails, daemonAddress)
			w.MustPlanAndApply(t)
			w.MustBeEmpty(t)
		})
	}
}

func TestDaemonWarnings(t *testing.T) {
	t.Parallel()
	w, f := newDaemonWorld(t, nil)
	f.warns = []string{"The host's clock is an hour off."}
	w.MustPlanAndApply(t)
	if !slices.ContainsFunc(w.Warnings, func(text string) bool {
		return strings.Contains(text, daemonHost) && strings.Contains(text, f.warns[0])
	}) {
		t.Errorf("the warnings are %q", w.Warnings)
	}
	if err := w.PlanDestroy(tfsim.Daemon); err != nil {
		t.Fatal(err)
	}
	if len(w.Warnings) != 1 || !strings.Contains(w.Warnings[0], "goes on serving its certificate") {
		t.Errorf("a destroy warns %q", w.Warnings)
	}
}

func TestDaemonImport(t *testing.T) {
	t.Parallel()
	w, f := running(t, nil)
	w.State[tfsim.Daemon] = tfsim.Null(w.State[tfsim.Daemon].Type())
	if err := w.Import(tfsim.Daemon, daemonHost); err != nil {
		t.Fatal(err)
	}
	if served := w.Text(tfsim.Daemon, "served_fingerprint_sha256"); served != w.Text(tfsim.Server, "fingerprint_sha256") {
		t.Errorf("the imported daemon serves %q", served)
	}
	w.MustChangeOnly(t, w.MustPlan(t), tfsim.Daemon)
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if len(f.delivered) != 2 || f.last().Known != "" {
		t.Errorf("%d deliveries, and the last knows %q", len(f.delivered), f.last().Known)
	}
	if err := w.Import(tfsim.Daemon, "ssh://host"); err == nil || !strings.Contains(err.Error(), "tcp://web1.example.com:2376") {
		t.Errorf("a wrong id: %v", err)
	}
}

// TestDaemonNeedsTheKeyToDeliver takes the authority's key away.
func TestDaemonNeedsTheKeyToDeliver(t *testing.T) {
	t.Parallel()
	w, f := running(t, nil)
	withoutKey := w.Object(tfsim.Daemon, "ca", tfsim.Values{"cert_pem": tfsim.String(w.Text(tfsim.CA, "cert_pem"))})
	w.Set(tfsim.Daemon, tfsim.Values{"ca": withoutKey})
	w.MustBeEmpty(t)
	f.serves[daemonAddress] = "another"
	w.MustFail(t, `merge(docker_tls_ca.this, { private_key_pem = var.ca_key }). (at AttributeName("ca").AttributeName("private_key_pem"))`)
	w.Set(tfsim.Daemon, clientInPlaceOfCA(w))
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)

	// A client certificate that has expired lets nobody in, and is no error where nobody needs to be.
	w.Set(tfsim.Server, tfsim.Values{"validity_period_hours": tfsim.Int(20000)})
	w.MustPlanAndApply(t)
	w.Now = w.Now.Add(8800 * time.Hour)
	w.MustPlan(t)
	f.serves[daemonAddress] = "another"
	w.MustFail(t, `Expired client certificate`)
}
