package lifecycle

// rule is one reason for another certificate.
type rule struct {
	reason func(Facts) Reason
	of     func(Facts) Difference
	newKey func(Facts) bool // whether that certificate needs another key
}

// rules are all reasons but the clock. Their order is that of [Decision.Reasons].
var rules = []rule{
	// Another key was given or requested, or the key is made here from now on.
	{reasonForKey, func(f Facts) Difference { return f.Key }, always},
	// A key of another algorithm is another key.
	{is(KeyAlgorithm), func(f Facts) Difference { return f.KeyAlgorithm }, always},
	// A trigger is how a user asks for another key, whatever reuse_private_key says.
	// Those of a certificate that was adopted are recorded: whoever restores an authority does not ask for another one.
	{is(Triggers), func(f Facts) Difference { return f.knownTriggers() }, always},
	// Leaves name their authority. A root of another name and the same key would orphan them.
	{is(Subject), func(f Facts) Difference { return f.Subject }, ofAuthority},
	{is(DNSNames), func(f Facts) Difference { return f.DNSNames }, never},
	{is(IPAddresses), func(f Facts) Difference { return f.IPAddresses }, never},
	// Leaves and cross certificates carry on under the key that they were issued by. Other constraints must not reach back.
	{is(NameConstraints), func(f Facts) Difference { return f.NameConstraints }, always},
	{is(Validity), func(f Facts) Difference { return f.Validity }, never},
	// An authority with a new certificate for the same key still vouches for its leaves.
	{is(Issuer), func(f Facts) Difference { return f.Issuer }, never},
}

func is(reason Reason) func(Facts) Reason { return func(Facts) Reason { return reason } }
func always(Facts) bool                   { return true }
func never(Facts) bool                    { return false }
func ofAuthority(f Facts) bool            { return f.Kind == Authority }

func (f Facts) knownTriggers() Difference {
	if f.Adopted {
		return Same
	}
	return f.Triggers
}

// RecordsTriggers reports rotation_triggers that an adopted certificate may only
// record: unless something else makes another key, they are not acted on.
func (f Facts) RecordsTriggers(d Decision) bool {
	mayKeep := d.Key == Keep || d.Key == KeyUndecided && (f.Reuse || !d.Certain())
	return f.Adopted && f.Triggers != Same && mayKeep
}

// reasonForKey names the argument that gives the key. Where a managed key takes
// the place of a given one, it names the argument that gave that one.
func reasonForKey(f Facts) Reason {
	if f.Source == Requested || f.Source == Managed && f.FormerSource == Requested {
		return Request
	}
	return OwnKey
}

// Decide says what becomes of an existing certificate.
func Decide(f Facts) Decision {
	found := f.weigh()
	d := Decision{Reasons: found.reasons, NeedsKey: found.needsKey}
	if f.clockAsks(len(d.Reasons) == 0) {
		d.Reasons = append(d.Reasons, Clock)
	}
	dropEnded := f.Ended && (f.Cut || f.recordStays())
	switch {
	case found.unknown:
		d.Verdict = Undecided
	case len(d.Reasons) > 0:
		d.Verdict = Reissued
	case dropEnded || !f.recordStays():
		d.Verdict = Recomposed
		d.DropEnded = dropEnded
	}
	d.Key = f.key(d.Verdict, found.newKey || !f.Reuse)
	d.Stored = f.stored(d)
	d.Crosses = f.crosses(d)
	return d
}

// weighed is what the rules say of the facts.
type weighed struct {
	reasons  Reasons // the certain ones
	needsKey Reasons // the certain ones that need a new key which is not given
	newKey   bool    // some reason, certain or not, needs a new key
	unknown  bool    // something is not known yet
}

// weigh applies the rules.
func (f Facts) weigh() weighed {
	w := weighed{unknown: f.Record == Unknown || f.Storage == Unknown}
	for _, rule := range rules {
		difference := rule.of(f)
		if difference == Same {
			continue
		}
		needsKey := rule.newKey(f)
		refused := needsKey && f.lacksKey()
		w.newKey = w.newKey || needsKey && !refused
		switch {
		case difference == Unknown:
			w.unknown = true
		case refused:
			w.needsKey = append(w.needsKey, rule.reason(f))
		default:
			w.reasons = append(w.reasons, rule.reason(f))
		}
	}
	return w
}

// lacksKey reports an authority whose key is not made here and stays. A root of
// another name then has no key.
func (f Facts) lacksKey() bool {
	return f.Kind == Authority && f.Source != Managed && f.Key == Same
}

func (f Facts) recordStays() bool { return f.Record == Same && f.Storage == Same }

// clockAsks is the rule for renewal by the clock.
//
// Terraform plans again during apply, perhaps much later, and both plans must
// agree. Both see what the last refresh found. What the clock says since then
// counts only where nothing else is asked for, not even the end of an overlap:
// a plan that drops a root must not become one that renews.
func (f Facts) clockAsks(alone bool) bool {
	return f.Ready || f.Due && alone && f.recordStays() && !f.EndsFirst
}

// key is the key to certify; newKey says that a rule or reuse_private_key asks
// for another one.
func (f Facts) key(verdict Verdict, newKey bool) Key {
	switch {
	case verdict == Stays || verdict == Recomposed:
		return Keep
	case f.Source == Managed && !newKey, f.Source != Managed && f.Key == Same:
		return Keep
	case verdict == Undecided:
		return KeyUndecided
	case f.Source == Managed:
		return Generate
	}
	return CertifyGiven
}

// stored is what the state holds of the private key after the decision.
func (f Facts) stored(d Decision) Stored {
	switch {
	case f.Source != Managed:
		return notStored(f.SourceUnknown)
	case d.NewKey() || f.Storage != Same:
		return StoredAnew
	}
	return StoredAsIs
}

// crosses is what becomes of the cross certificates. A renewal with the same
// key keeps those whose roots are still trusted at apply.
func (f Facts) crosses(d Decision) Crosses {
	switch {
	case f.Kind == Leaf, !d.Issues():
		return CrossesStay
	case f.Cut, d.Verdict == Reissued && d.NewKey() && f.CannotCross:
		return CrossesDropped
	case d.NewKey() || f.Crossed:
		return CrossesReplaced
	}
	return CrossesStay
}
