// Package lifecycle decides what becomes of a certificate when Terraform plans:
// it stays, or another one takes its place, for which key, and why.
//
// The caller gathers [Facts], [Decide] is a pure function of them, and the
// caller carries out the [Decision]. The package knows neither Terraform nor
// X.509. Its rules are the list [rules]; decide_test.go shows each of them as a
// named row.
package lifecycle

import "strings"

// Difference says how what is asked for differs from what was issued.
type Difference uint8

// The differences.
const (
	Same    Difference = iota
	Changed            // it is another one
	Unknown            // it is not known yet, and may turn out to be either
)

// Kind is what a certificate is.
type Kind uint8

// The kinds.
const (
	Leaf      Kind = iota // the certificate of a server or a client
	Authority             // a root
)

// KeySource says where the private key of a certificate comes from.
type KeySource uint8

// The sources.
const (
	Managed   KeySource = iota // it is made here and stored in the state
	Provided                   // the user gives it in private_key_pem_wo, and the state has none
	Requested                  // its holder has it, and made cert_request_pem with it; never of an authority
)

// Facts is everything that the decision about an existing certificate depends
// on.
type Facts struct {
	Kind Kind

	// What is asked for, compared with what was issued.
	Key             Difference // a provided or requested key; Changed also where a managed key takes its place
	KeyAlgorithm    Difference
	Triggers        Difference // rotation_triggers
	Subject         Difference
	DNSNames        Difference
	IPAddresses     Difference
	NameConstraints Difference
	Validity        Difference // validity_period_hours
	Issuer          Difference // the authority, by its name and its key

	// What is stored beside the certificate. None of it asks for another one.
	Record  Difference // any argument, the roots, the chain
	Storage Difference // how the private key is stored: in clear, encrypted, not at all

	// Adopted says that the certificate was imported or moved, and no apply has
	// changed it since: which rotation_triggers it was issued with is not known.
	Adopted bool

	Source        KeySource // where the key comes from
	FormerSource  KeySource // where the key of the certificate came from
	SourceUnknown bool      // Source may turn out to be Managed
	Reuse         bool      // reuse_private_key
	Ready         bool      // the last refresh found the certificate due
	Due           bool      // the certificate is due now

	// Of an authority.
	Cut         bool // overlap_hours is 0: the previous roots leave at once
	Ended       bool // the overlap of a previous root has ended
	EndsFirst   bool // the overlap of a previous root ends before the current root is due
	Crossed     bool // there are cross certificates
	CannotCross bool // the root cannot certify its successor
}

// Verdict is what becomes of a certificate.
type Verdict uint8

// The verdicts.
const (
	Stays      Verdict = iota // nothing changes
	Recomposed                // the certificate stays, and what is stored beside it changes
	Reissued                  // another certificate takes its place
	Undecided                 // an argument that is not known yet decides
)

func (v Verdict) String() string {
	return [...]string{"stays", "recomposed", "reissued", "undecided"}[v]
}

// Key is the key that is certified.
type Key uint8

// The keys.
const (
	Keep         Key = iota // the key that the certificate has
	Generate                // a new one, which is made here
	CertifyGiven            // the one that the user or the request gives
	KeyUndecided            // an argument that is not known yet decides
)

func (k Key) String() string {
	return [...]string{"keep", "generate", "certify the given one", "undecided"}[k]
}

// Crosses is what becomes of the cross certificates of an authority.
type Crosses uint8

// What becomes of cross certificates.
const (
	CrossesStay     Crosses = iota
	CrossesReplaced         // known after apply
	CrossesDropped
)

// Stored is what the state holds of the private key.
type Stored uint8

// What is stored.
const (
	StoredAsIs      Stored = iota
	StoredAnew             // a new key, or the same key in another form
	NotStored              // nothing: the key is not made here
	StoredUndecided        // an argument that is not known yet decides whether there is a key
)

// Reason says why a certificate was issued: the name of an argument, or a
// sentence of the documentation of issue_reason.
type Reason string

// The reasons.
const (
	Created         Reason = "created"
	Imported        Reason = "imported"
	Moved           Reason = "moved"
	NotRecorded     Reason = "not recorded" // in a state of schema version 0
	Damaged         Reason = "the certificate in the state was damaged"
	OwnKey          Reason = "private_key_pem_wo"
	Request         Reason = "cert_request_pem"
	KeyAlgorithm    Reason = "key_algorithm"
	Triggers        Reason = "rotation_triggers"
	Subject         Reason = "subject"
	DNSNames        Reason = "dns_names"
	IPAddresses     Reason = "ip_addresses"
	NameConstraints Reason = "name_constraints"
	Validity        Reason = "validity_period_hours"
	Issuer          Reason = "the authority has a new key"
	Clock           Reason = "renewal_time"
)

// Reasons are in the order of the rules.
type Reasons []Reason

func (r Reasons) String() string {
	var texts []string
	for _, reason := range r {
		texts = append(texts, string(reason))
	}
	return strings.Join(texts, ", ")
}

// Decision is what becomes of a certificate, and of what belongs to it.
type Decision struct {
	Verdict Verdict
	Key     Key
	Stored  Stored
	Reasons Reasons // why it is reissued; of an undecided one, those that are certain

	// NeedsKey lists the arguments that ask for a new key of an authority whose
	// provided key stays. Each of them is an error.
	NeedsKey Reasons

	// Of an authority.
	Crosses   Crosses
	DropEnded bool // the previous roots whose overlap has ended leave
}

// NewKey reports whether another key than so far is certified, or may be.
func (d Decision) NewKey() bool { return d.Key != Keep }

// Issues reports whether a certificate is, or may be, issued.
func (d Decision) Issues() bool { return d.Verdict == Reissued || d.Verdict == Undecided }

// Certain reports whether a certificate is issued for sure: one that is undecided
// may have a reason that no unknown argument takes away.
func (d Decision) Certain() bool { return len(d.Reasons) > 0 }

// First is the decision about a certificate that does not exist yet.
func First(source KeySource, sourceUnknown bool) Decision {
	d := Decision{Verdict: Reissued, Key: Generate, Stored: StoredAnew, Reasons: Reasons{Created}, Crosses: CrossesDropped}
	if source != Managed {
		d.Key, d.Stored = CertifyGiven, notStored(sourceUnknown)
	}
	return d
}

func notStored(sourceUnknown bool) Stored {
	if sourceUnknown {
		return StoredUndecided
	}
	return NotStored
}
