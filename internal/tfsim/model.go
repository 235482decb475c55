package tfsim

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// Model remembers what was delivered, and when a root was replaced. From
// that alone it says which connections must work.
type Model struct {
	generation int64
	head       *x509.Certificate
	previous   []*oldRoot // the newest first
	parties    []party    // the newest last
}

// profiles are the purposes of the leaves.
var profiles = map[string]pki.Profile{Server: pki.Server, Client: pki.Client}

// oldRoot is a replaced root.
type oldRoot struct {
	certificate *x509.Certificate
	replaced    time.Time
	crossed     bool // it could certify its successor
	mayGo       bool // its overlap had ended when something was applied
}

// party is a machine that was given its files at one moment.
type party struct {
	bundle []*x509.Certificate
	chains map[pki.Profile][]*x509.Certificate
}

func (r *oldRoot) end(overlapHours int64) time.Time {
	if overlapHours < 0 {
		return r.certificate.NotAfter
	}
	if end := r.replaced.Add(time.Duration(overlapHours) * time.Hour); end.Before(r.certificate.NotAfter) {
		return end
	}
	return r.certificate.NotAfter
}

func overlapHours(w *World) int64 {
	if hours, ok := w.Config[CA]["overlap_hours"]; ok {
		return Number(hours)
	}
	return -1
}

// deliver gives a machine its files.
func (w *World) deliver() (party, error) {
	given := party{chains: map[pki.Profile][]*x509.Certificate{}}
	var err error
	if given.bundle, err = w.Certificates(CA); err != nil {
		return given, err
	}
	for name, profile := range profiles {
		if w.State[name].IsNull() {
			continue
		}
		if given.chains[profile], err = w.Certificates(name); err != nil {
			return given, err
		}
	}
	return given, nil
}

// Observe takes in the state after an apply, and checks it.
func (m *Model) Observe(w *World) error {
	given, err := w.deliver()
	if err != nil {
		return err
	}
	head := given.bundle[0]
	generation := w.Number(CA, "generation")
	wanted := m.generation
	if newKey := m.head == nil || !pki.SamePublicKey(head.PublicKey, m.head.PublicKey); newKey {
		wanted++
		if m.head != nil {
			m.previous = append([]*oldRoot{{
				certificate: m.head, replaced: w.Now, crossed: w.Now.Before(m.head.NotAfter) && overlapHours(w) != 0,
			}}, m.previous...)
		}
	}
	if m.generation, m.head = generation, head; generation != wanted {
		return fmt.Errorf("generation is %d, not %d", generation, wanted)
	}
	m.parties = append(m.parties, given)
	return m.checkRoots(w)
}

// Restore says that the state was lost and imported: the authority counts its
// generations anew, and its cross certificates, which no file of an import has,
// are lost.
func (m *Model) Restore() {
	m.generation = 1
	for _, root := range m.previous {
		root.crossed = false
	}
}

// checkRoots checks that no root has left before its overlap ended.
func (m *Model) checkRoots(w *World) error {
	for _, root := range m.previous {
		if overlapHours(w) == 0 || !w.Now.Before(root.end(overlapHours(w))) {
			root.mayGo = true
		}
		if !root.mayGo && index(m.current().bundle, root.certificate) < 0 {
			return fmt.Errorf("root %s left before its overlap ended", x509text.SerialNumber(root.certificate))
		}
	}
	return nil
}

// Certificates reads the certificates of a resource, the first of which must
// belong to its private key and its other outputs.
func (w *World) Certificates(name string) ([]*x509.Certificate, error) {
	certificates, err := x509text.ParseCertificates(w.Text(name, "cert_pem"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	first := certificates[0]
	if stored := w.Text(name, "private_key_pem"); stored == "" {
		if !slices.ContainsFunc(w.Given, func(key crypto.Signer) bool { return pki.SamePublicKey(key.Public(), first.PublicKey) }) {
			return nil, fmt.Errorf("%s: the certificate is for a key that was never given", name)
		}
	} else if key, err := w.open(stored); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	} else if !pki.SamePublicKey(key.Public(), first.PublicKey) {
		return nil, fmt.Errorf("%s: key and certificate do not match", name)
	}
	if w.Text(name, "serial_number") != x509text.SerialNumber(first) || w.Text(name, "validity_end_time") != first.NotAfter.Format(time.RFC3339) {
		return nil, fmt.Errorf("%s: the outputs are not those of its certificate", name)
	}
	return certificates, nil
}

// open reads a private key of the state, with one of the passphrases that were
// given where it is encrypted.
func (w *World) open(stored string) (key crypto.Signer, err error) {
	if !x509text.Encrypted(stored) {
		return x509text.ParsePrivateKey(stored, "")
	}
	err = x509text.ErrPassphraseMissing
	for _, passphrase := range w.Phrases {
		if key, err = w.keyring.ParsePrivateKey(stored, passphrase); err == nil {
			break
		}
	}
	return key, err
}

func index(list []*x509.Certificate, certificate *x509.Certificate) int {
	for i, c := range list {
		if pki.SamePublicKey(c.PublicKey, certificate.PublicKey) {
			return i
		}
	}
	return -1
}

// Ended reports whether a root is still there though its time is up. One that
// has expired may stay for the sake of an older one: its certificate alone says
// when that one was replaced.
func (m *Model) Ended(w *World) bool {
	bundle := m.current().bundle
	older := false // an older one is there
	for i := len(m.previous) - 1; i >= 0; i-- {
		root := m.previous[i]
		if witness := older && root.onlyExpired(w); m.endedOne(w, root) && !witness {
			return true
		}
		older = older || index(bundle, root.certificate) >= 0
	}
	return false
}

// onlyExpired reports whether the overlap itself has not ended.
func (r *oldRoot) onlyExpired(w *World) bool {
	hours := overlapHours(w)
	return hours < 0 || w.Now.Before(r.replaced.Add(time.Duration(hours)*time.Hour))
}

// MayEnd reports whether a root, or a cross certificate that it has signed, may
// be for the next plan to drop.
func (m *Model) MayEnd(w *World) bool {
	return slices.ContainsFunc(m.previous, func(root *oldRoot) bool { return m.endedOne(w, root) })
}

func (m *Model) endedOne(w *World, root *oldRoot) bool {
	return index(m.current().bundle, root.certificate) >= 0 && !w.Now.Before(root.end(overlapHours(w)))
}

// Describe lists the previous roots, for the report of a failure.
func (m *Model) Describe(w *World) string {
	var text strings.Builder
	bundle := m.current().bundle
	for _, root := range m.previous {
		fmt.Fprintf(&text, "\n  root %d of the bundle: replaced %s, crossed %t, expires %s, ends %s", index(bundle, root.certificate),
			root.replaced.Format(time.RFC3339), root.crossed, root.certificate.NotAfter.Format(time.RFC3339), root.end(overlapHours(w)).Format(time.RFC3339))
	}
	return text.String()
}

// Head is the current root.
func (m *Model) Head() *x509.Certificate { return m.head }

// Applies is how often something was taken in.
func (m *Model) Applies() int { return len(m.parties) }

func (m *Model) current() party { return m.parties[len(m.parties)-1] }

// reach is how far back from the current root a complete chain of cross
// certificates leads: all roots on the way were crossed, stay and have not
// expired.
func (m *Model) reach(now time.Time, bundle []*x509.Certificate) []*x509.Certificate {
	reached := []*x509.Certificate{bundle[0]}
	for _, root := range m.previous {
		if i := index(bundle, root.certificate); !root.crossed || i < 0 || !now.Before(bundle[i].NotAfter) || !now.Before(root.certificate.NotAfter) {
			break
		}
		reached = append(reached, root.certificate)
	}
	return reached
}

// Check tries every connection between the machines of the past and those of
// now, and counts those that had to work.
func (m *Model) Check(now time.Time) (int, error) {
	current := m.current()
	if !now.Before(m.head.NotAfter) {
		return 0, nil // the authority has expired: nothing verifies until it is renewed
	}
	var errs []error
	tried := 0
	try := func(what string, age int, chain, roots []*x509.Certificate, profile pki.Profile) {
		if len(chain) == 0 || !now.Before(chain[0].NotAfter) {
			return
		}
		tried++
		if err := Verify(chain, roots, profile, now); err != nil {
			errs = append(errs, fmt.Errorf("%s (%d applies ago), profile %d: %w", what, age, profile, err))
		}
	}
	reached := m.reach(now, current.bundle)
	for i, party := range m.parties {
		age := len(m.parties) - 1 - i
		for _, profile := range []pki.Profile{pki.Server, pki.Client} {
			for _, root := range party.bundle {
				if now.Before(root.NotAfter) && index(reached, root) >= 0 {
					try("a party with an old bundle refuses the current certificate", age, current.chains[profile], []*x509.Certificate{root}, profile)
				}
			}
			if chain := party.chains[profile]; current.knowsIssuer(chain, now) {
				try("a party with the current bundle refuses an old certificate", age, chain, current.bundle, profile)
			}
		}
	}
	return tried, errors.Join(errs...)
}

// knowsIssuer reports whether a party trusts the issuer of a chain.
func (p party) knowsIssuer(chain []*x509.Certificate, now time.Time) bool {
	return len(chain) > 0 && slices.ContainsFunc(p.bundle, func(root *x509.Certificate) bool {
		return now.Before(root.NotAfter) && x509text.IssuedBy(chain[0], root)
	})
}

// CheckCutOff checks that nothing of earlier keys is accepted any more.
func (m *Model) CheckCutOff(w *World) error {
	current := m.current()
	if len(current.bundle) != 1 || w.Text(CA, "cross_signed_cert_pem") != "" || len(current.chains[pki.Server]) != 1 {
		return errors.New("something of the previous roots remains after the cut")
	}
	for _, party := range m.parties {
		for profile, chain := range party.chains {
			if !x509text.IssuedBy(chain[0], m.head) && Verify(chain, current.bundle, profile, w.Now) == nil {
				return errors.New("a certificate of a previous root is accepted after the cut")
			}
		}
	}
	return nil
}

// Verify checks that who trusts the roots accepts a chain for a purpose.
func Verify(chain, roots []*x509.Certificate, profile pki.Profile, now time.Time) error {
	pool, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, root := range roots {
		pool.AddCert(root)
	}
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	usage := map[pki.Profile]x509.ExtKeyUsage{pki.Server: x509.ExtKeyUsageServerAuth, pki.Client: x509.ExtKeyUsageClientAuth}[profile]
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}})
	return err
}
