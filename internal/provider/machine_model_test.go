package provider_test

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// machineModel remembers what was delivered, and when a root was replaced. From
// that alone it says which connections must work.
type machineModel struct {
	generation int64
	head       *x509.Certificate
	previous   []*machineRoot // the newest first
	parties    []machineParty // the newest last
}

// machineRoot is a replaced root.
type machineRoot struct {
	certificate *x509.Certificate
	replaced    time.Time
	crossed     bool // it could certify its successor
	mayGo       bool // its overlap had ended when something was applied
}

// machineParty is a machine that was given its files at one moment.
type machineParty struct {
	bundle []*x509.Certificate
	chains map[pki.Profile][]*x509.Certificate
}

func (r *machineRoot) end(overlapHours int64) time.Time {
	if overlapHours < 0 {
		return r.certificate.NotAfter
	}
	if end := r.replaced.Add(time.Duration(overlapHours) * time.Hour); end.Before(r.certificate.NotAfter) {
		return end
	}
	return r.certificate.NotAfter
}

func machineOverlap(w *machineWorld) int64 {
	if hours, ok := w.config[machineCA]["overlap_hours"]; ok {
		return machineNumber(hours)
	}
	return -1
}

func machineNumber(value tftypes.Value) int64 {
	number := new(big.Float)
	if err := value.As(number); err != nil {
		panic(err)
	}
	n, _ := number.Int64()
	return n
}

// observe takes in the state after an apply, and checks it.
func (m *machineModel) observe(w *machineWorld) error {
	party := machineParty{chains: map[pki.Profile][]*x509.Certificate{}}
	var err error
	if party.bundle, err = machineParse(w, machineCA); err != nil {
		return err
	}
	for profile, name := range map[pki.Profile]string{pki.Server: machineServer, pki.Client: machineClient} {
		if w.state[name].IsNull() {
			continue
		}
		if party.chains[profile], err = machineParse(w, name); err != nil {
			return err
		}
	}
	head := party.bundle[0]
	generation := machineNumber(machineFields(w.attributes(machineCA), w.state[machineCA])["generation"])
	wanted := m.generation
	if newKey := m.head == nil || !pki.SamePublicKey(head.PublicKey, m.head.PublicKey); newKey {
		wanted++
		if m.head != nil {
			m.previous = append([]*machineRoot{{
				certificate: m.head, replaced: w.now, crossed: w.now.Before(m.head.NotAfter) && machineOverlap(w) != 0,
			}}, m.previous...)
		}
	}
	if m.generation, m.head = generation, head; generation != wanted {
		return fmt.Errorf("generation is %d, not %d", generation, wanted)
	}
	for _, root := range m.previous {
		if machineOverlap(w) == 0 || !w.now.Before(root.end(machineOverlap(w))) {
			root.mayGo = true
		}
		if !root.mayGo && machineIndex(party.bundle, root.certificate) < 0 {
			return fmt.Errorf("root %s left before its overlap ended", x509text.SerialNumber(root.certificate))
		}
	}
	m.parties = append(m.parties, party)
	return nil
}

// machineParse reads the certificates of a resource, the first of which must
// belong to its private key and its other outputs.
func machineParse(w *machineWorld, name string) ([]*x509.Certificate, error) {
	certificates, err := x509text.ParseCertificates(w.text(name, "cert_pem"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	first := certificates[0]
	if stored := w.text(name, "private_key_pem"); stored == "" {
		if !slices.ContainsFunc(w.given, func(key crypto.Signer) bool { return pki.SamePublicKey(key.Public(), first.PublicKey) }) {
			return nil, fmt.Errorf("%s: the certificate is for a key that was never given", name)
		}
	} else if key, err := x509text.ParsePrivateKey(stored, ""); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	} else if !pki.SamePublicKey(key.Public(), first.PublicKey) {
		return nil, fmt.Errorf("%s: key and certificate do not match", name)
	}
	if w.text(name, "serial_number") != x509text.SerialNumber(first) || w.text(name, "validity_end_time") != first.NotAfter.Format(time.RFC3339) {
		return nil, fmt.Errorf("%s: the outputs are not those of its certificate", name)
	}
	return certificates, nil
}

func machineIndex(list []*x509.Certificate, certificate *x509.Certificate) int {
	for i, c := range list {
		if pki.SamePublicKey(c.PublicKey, certificate.PublicKey) {
			return i
		}
	}
	return -1
}

// ended reports whether a root is still there though its time is up. When its
// own successor has left before it, because that expired first, no certificate
// says any more when it was replaced, and it may stay longer.
func (m *machineModel) ended(w *machineWorld) bool {
	bundle := m.parties[len(m.parties)-1].bundle
	successor := m.head
	for _, root := range m.previous {
		tells := machineIndex(bundle, successor) >= 0
		successor = root.certificate
		if tells && machineIndex(bundle, root.certificate) >= 0 && !w.now.Before(root.end(machineOverlap(w))) {
			return true
		}
	}
	return false
}

// describe lists the previous roots, for the report of a failure.
func (m *machineModel) describe(w *machineWorld) string {
	var text strings.Builder
	bundle := m.parties[len(m.parties)-1].bundle
	for _, root := range m.previous {
		fmt.Fprintf(&text, "\n  root %d of the bundle: replaced %s, crossed %t, expires %s, ends %s", machineIndex(bundle, root.certificate),
			root.replaced.Format(time.RFC3339), root.crossed, root.certificate.NotAfter.Format(time.RFC3339), root.end(machineOverlap(w)).Format(time.RFC3339))
	}
	return text.String()
}

// reach is how far back from the current root a complete chain of cross
// certificates leads: all roots on the way were crossed, stay and have not
// expired.
func (m *machineModel) reach(now time.Time, bundle []*x509.Certificate) []*x509.Certificate {
	reached := []*x509.Certificate{bundle[0]}
	for _, root := range m.previous {
		if i := machineIndex(bundle, root.certificate); !root.crossed || i < 0 || !now.Before(bundle[i].NotAfter) || !now.Before(root.certificate.NotAfter) {
			break
		}
		reached = append(reached, root.certificate)
	}
	return reached
}

// check tries every connection between the machines of the past and those of
// now, and counts those that had to work.
func (m *machineModel) check(now time.Time) (int, error) {
	current := m.parties[len(m.parties)-1]
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
		if err := machineVerify(chain, roots, profile, now); err != nil {
			errs = append(errs, fmt.Errorf("%s (%d applies ago), profile %d: %w", what, age, profile, err))
		}
	}
	reached := m.reach(now, current.bundle)
	for i, party := range m.parties {
		age := len(m.parties) - 1 - i
		for _, profile := range []pki.Profile{pki.Server, pki.Client} {
			for _, root := range party.bundle {
				if now.Before(root.NotAfter) && machineIndex(reached, root) >= 0 {
					try("a party with an old bundle refuses the current certificate", age, current.chains[profile], []*x509.Certificate{root}, profile)
				}
			}
			if chain := party.chains[profile]; len(chain) > 0 {
				for _, root := range current.bundle {
					if now.Before(root.NotAfter) && pki.IssuedBy(chain[0], root) {
						try("a party with the current bundle refuses an old certificate", age, chain, current.bundle, profile)
					}
				}
			}
		}
	}
	return tried, errors.Join(errs...)
}

// cutOff checks that nothing of earlier keys is accepted any more.
func (m *machineModel) cutOff(w *machineWorld) error {
	current := m.parties[len(m.parties)-1]
	if len(current.bundle) != 1 || w.text(machineCA, "cross_signed_cert_pem") != "" || len(current.chains[pki.Server]) != 1 {
		return errors.New("something of the previous roots remains after the cut")
	}
	for _, party := range m.parties {
		for profile, chain := range party.chains {
			if !pki.IssuedBy(chain[0], m.head) && machineVerify(chain, current.bundle, profile, w.now) == nil {
				return errors.New("a certificate of a previous root is accepted after the cut")
			}
		}
	}
	return nil
}

func machineVerify(chain, roots []*x509.Certificate, profile pki.Profile, now time.Time) error {
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
