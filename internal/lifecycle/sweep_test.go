package lifecycle

import (
	"reflect"
	"slices"
	"testing"
)

// everyFacts yields the product of all facts. The arguments that neither need a
// new key nor are told apart by any rule take turns.
func everyFacts(yield func(Facts)) int {
	n := 0
	emit := func(f Facts) { n++; yield(f) }
	differences := []Difference{Same, Changed, Unknown}
	content := []func(*Facts) *Difference{
		func(f *Facts) *Difference { return &f.DNSNames },
		func(f *Facts) *Difference { return &f.IPAddresses },
		func(f *Facts) *Difference { return &f.NameConstraints },
		func(f *Facts) *Difference { return &f.Validity },
		func(f *Facts) *Difference { return &f.Issuer },
	}
	rotation := []func(*Facts) *Difference{
		func(f *Facts) *Difference { return &f.KeyAlgorithm },
		func(f *Facts) *Difference { return &f.Triggers },
	}
	each(len(differences), 6, func(d []int) {
		for turn := range content {
			base := Facts{Key: differences[d[0]], Subject: differences[d[1]], Record: differences[d[2]], Storage: differences[d[3]]}
			*rotation[turn%len(rotation)](&base) = differences[d[4]]
			*content[turn](&base) = differences[d[5]]
			each(2, 5, func(b []int) {
				f := base
				f.Reuse, f.Ready, f.Due, f.SourceUnknown, f.Adopted = b[0] == 1, b[1] == 1, b[2] == 1, b[3] == 1, b[4] == 1
				for source := Managed; source <= Requested; source++ {
					for former := Managed; former <= Requested; former++ {
						f.Source, f.FormerSource = source, former
						if f.possible() {
							emit(f)
						}
						everyAuthority(f, emit)
					}
				}
			})
		}
	})
	return n
}

func everyAuthority(f Facts, emit func(Facts)) {
	f.Kind = Authority
	if !f.possible() {
		return
	}
	each(2, 5, func(b []int) {
		f.Cut, f.Ended, f.EndsFirst, f.Crossed, f.CannotCross = b[0] == 1, b[1] == 1, b[2] == 1, b[3] == 1, b[4] == 1
		emit(f)
	})
}

// possible leaves out what no caller can find.
func (f Facts) possible() bool {
	switch {
	case f.Kind == Authority && (f.Source == Requested || f.FormerSource == Requested || f.Issuer != Same || f.DNSNames != Same || f.IPAddresses != Same),
		f.Kind == Leaf && f.NameConstraints != Same,
		f.Source == Managed && (f.SourceUnknown || (f.Key == Changed) != (f.FormerSource != Managed) || f.Key == Unknown),
		f.SourceUnknown && f.Key != Unknown:
		return false
	}
	return true
}

// each calls yield with all tuples of n digits below base.
func each(base, n int, yield func([]int)) {
	digits := make([]int, n)
	for {
		yield(digits)
		i := 0
		for ; i < n; i++ {
			if digits[i]++; digits[i] < base {
				break
			}
			digits[i] = 0
		}
		if i == n {
			return
		}
	}
}

// TestEveryFactIsSwept finds a fact that the product leaves out.
func TestEveryFactIsSwept(t *testing.T) {
	seen := map[string]map[any]bool{}
	n := 0
	everyFacts(func(f Facts) {
		if n++; n%101 != 0 {
			return // a hundredth of them has it all
		}
		value := reflect.ValueOf(f)
		for i := range value.NumField() {
			name := value.Type().Field(i).Name
			if seen[name] == nil {
				seen[name] = map[any]bool{}
			}
			seen[name][value.Field(i).Interface()] = true
		}
	})
	for name, values := range seen {
		want := 2
		for value := range values {
			switch value.(type) {
			case Difference, KeySource:
				want = 3
			}
		}
		if len(values) != want {
			t.Errorf("%s has the values %v in the sweep, not all %d", name, values, want)
		}
	}
}

// TestInvariants checks what must hold for every decision.
func TestInvariants(t *testing.T) {
	n := everyFacts(func(f Facts) {
		d := Decide(f)
		for _, invariant := range invariants {
			if !invariant.holds(f, d) {
				t.Fatalf("%s:\nfacts    %+v\ndecision %+v", invariant.sentence, f, d)
			}
		}
	})
	t.Logf("%d combinations", n)
}

var invariants = []struct {
	sentence string
	holds    func(Facts, Decision) bool
}{
	{"what stays has no reason, and changes nothing", func(_ Facts, d Decision) bool {
		return d.Verdict != Stays || len(d.Reasons) == 0 && d.Key == Keep && d.Stored != StoredAnew && d.Crosses == CrossesStay && !d.DropEnded
	}},
	{"what is recomposed keeps its key, and has no reason", func(_ Facts, d Decision) bool {
		return d.Verdict != Recomposed || len(d.Reasons) == 0 && d.Key == Keep && d.Crosses == CrossesStay
	}},
	{"what is reissued has a reason", func(_ Facts, d Decision) bool { return d.Verdict != Reissued || len(d.Reasons) > 0 }},
	{"a verdict is undecided exactly where something is unknown", func(f Facts, d Decision) bool {
		return (d.Verdict == Undecided) == slices.Contains(f.differences(), Unknown)
	}},
	{"a key is undecided only where the verdict is", func(_ Facts, d Decision) bool {
		return d.Key != KeyUndecided || d.Verdict == Undecided
	}},
	{"reuse without a rotation keeps the key", func(f Facts, d Decision) bool {
		rotates := f.Key != Same || f.KeyAlgorithm != Same || f.Triggers != Same && !f.Adopted || f.NameConstraints != Same || f.Kind == Authority && f.Subject != Same
		return !f.Reuse || rotates || d.Key == Keep
	}},
	{"what was adopted does not rotate because of its triggers", func(f Facts, d Decision) bool {
		return !f.Adopted || !slices.Contains(d.Reasons, Triggers) && !slices.Contains(d.NeedsKey, Triggers)
	}},
	{"what was adopted and keeps its key says so of its triggers", func(f Facts, d Decision) bool {
		return !f.Adopted || f.Triggers == Same || d.NewKey() || f.RecordsTriggers(d)
	}},
	{"what was not adopted rotates because of its triggers", func(f Facts, d Decision) bool {
		return f.Adopted || f.Triggers != Changed || slices.Contains(d.Reasons, Triggers) || slices.Contains(d.NeedsKey, Triggers)
	}},
	{"a key is made here only where it is managed", func(f Facts, d Decision) bool { return d.Key != Generate || f.Source == Managed }},
	{"a given key is certified only where it is not managed", func(f Facts, d Decision) bool {
		return d.Key != CertifyGiven || f.Source != Managed && f.Key == Changed
	}},
	{"only a managed key is stored", func(f Facts, d Decision) bool {
		return (f.Source == Managed) == (d.Stored == StoredAsIs || d.Stored == StoredAnew)
	}},
	{"a managed key that is new is stored", func(f Facts, d Decision) bool {
		return f.Source != Managed || !d.NewKey() || d.Stored == StoredAnew
	}},
	{"a certificate that the refresh found due does not stay", func(f Facts, d Decision) bool { return !f.Ready || d.Issues() }},
	{"the clock alone does nothing where something else is recorded", func(f Facts, d Decision) bool {
		return f.Ready || f.recordStays() || !slices.Contains(d.Reasons, Clock)
	}},
	{"the clock does not renew while an overlap ends first", func(f Facts, d Decision) bool {
		return f.Ready || !f.EndsFirst || !slices.Contains(d.Reasons, Clock)
	}},
	{"a leaf has no crosses and no previous roots", func(f Facts, d Decision) bool {
		return f.Kind == Authority || d.Crosses == CrossesStay && !d.DropEnded
	}},
	{"no cross survives a cut that issues", func(f Facts, d Decision) bool {
		return f.Kind == Leaf || !f.Cut || !d.Issues() || d.Crosses == CrossesDropped
	}},
	{"a cut drops what has ended at once", func(f Facts, d Decision) bool {
		return !f.Cut || !f.Ended || d.Issues() || d.DropEnded
	}},
	{"a new root is crossed where it can be", func(f Facts, d Decision) bool {
		return f.Kind == Leaf || d.Verdict != Reissued || !d.NewKey() || (d.Crosses == CrossesReplaced) == (!f.Cut && !f.CannotCross)
	}},
	{"a root of another name has another key, or is refused", func(f Facts, d Decision) bool {
		return f.Kind == Leaf || f.Subject != Changed || d.NewKey() || slices.Contains(d.NeedsKey, Subject)
	}},
	{"a root of other constraints has another key, or is refused", func(f Facts, d Decision) bool {
		return f.NameConstraints != Changed || d.NewKey() || slices.Contains(d.NeedsKey, NameConstraints)
	}},
	{"only an authority whose own key stays is refused something", func(f Facts, d Decision) bool {
		return len(d.NeedsKey) == 0 || f.Kind == Authority && f.Source != Managed && f.Key == Same
	}},
	{"no reason stands twice", func(_ Facts, d Decision) bool {
		for i, reason := range d.Reasons {
			if slices.Contains(d.Reasons[i+1:], reason) {
				return false
			}
		}
		return true
	}},
}

func (f Facts) differences() []Difference {
	return []Difference{f.Key, f.KeyAlgorithm, f.knownTriggers(), f.Subject, f.DNSNames, f.IPAddresses, f.NameConstraints, f.Validity, f.Issuer, f.Record, f.Storage}
}
