package lifecycle

import (
	"slices"
	"testing"
)

// TestDecide is the specification: each row is a situation, and what comes of
// it.
func TestDecide(t *testing.T) {
	for _, test := range []struct {
		situation string
		facts     Facts
		want      Decision
	}{
		// A certificate stays as long as nothing asks for another one.
		{"nothing differs", Facts{}, Decision{}},
		{"the window has moved", Facts{Record: Changed}, Decision{Verdict: Recomposed}},
		{"the authority's roots have changed, its key has not", Facts{Record: Changed}, Decision{Verdict: Recomposed}},

		// What a certificate says is asked for otherwise.
		{"other names", Facts{DNSNames: Changed, IPAddresses: Changed, Record: Changed}, generated(DNSNames, IPAddresses)},
		{"another subject", Facts{Subject: Changed, Record: Changed}, generated(Subject)},
		{"another validity", Facts{Validity: Changed, Record: Changed}, generated(Validity)},
		{"other names, and the key is reused", Facts{DNSNames: Changed, Record: Changed, Reuse: true}, Decision{Verdict: Reissued, Reasons: Reasons{DNSNames}}},
		{"the authority has another key", Facts{Issuer: Changed, Record: Changed}, generated(Issuer)},

		// A rotation makes a new key, whatever reuse_private_key says.
		{"a trigger", Facts{Triggers: Changed, Record: Changed, Reuse: true}, generated(Triggers)},
		{"a trigger, and the certificate was adopted", Facts{Triggers: Changed, Record: Changed, Adopted: true}, Decision{Verdict: Recomposed}},
		{"a trigger that is not known, and the certificate was adopted", Facts{Triggers: Unknown, Record: Unknown, Adopted: true, Reuse: true}, Decision{Verdict: Undecided}},
		{"a trigger and other names, and the certificate was adopted", Facts{Triggers: Changed, DNSNames: Changed, Record: Changed, Adopted: true, Reuse: true}, Decision{Verdict: Reissued, Reasons: Reasons{DNSNames}}},
		{"another algorithm", Facts{KeyAlgorithm: Changed, Record: Changed, Reuse: true}, generated(KeyAlgorithm)},

		// The clock.
		{"due, as the last refresh has found", Facts{Ready: true, Due: true}, generated(Clock)},
		{"due since the last refresh", Facts{Due: true}, generated(Clock)},
		{"due, and the key is reused", Facts{Due: true, Reuse: true}, Decision{Verdict: Reissued, Reasons: Reasons{Clock}}},
		{"due since the last refresh, and something else is recorded", Facts{Due: true, Record: Changed}, Decision{Verdict: Recomposed}},
		{"due since the last refresh, and the key is stored otherwise", Facts{Due: true, Storage: Changed, Reuse: true}, Decision{Verdict: Recomposed, Stored: StoredAnew}},
		{"due, as the last refresh has found, and something else is recorded", Facts{Ready: true, Due: true, Record: Changed}, generated(Clock)},
		{"due since the last refresh, and a trigger", Facts{Due: true, Triggers: Changed, Record: Changed}, generated(Triggers)},

		// What is not known yet may turn out to be what it was.
		{"names are not known", Facts{DNSNames: Unknown, Record: Unknown}, Decision{Verdict: Undecided, Key: KeyUndecided, Stored: StoredAnew}},
		{"names are not known, and the key is reused", Facts{DNSNames: Unknown, Record: Unknown, Reuse: true}, Decision{Verdict: Undecided}},
		{"a trigger is not known, and the key is reused", Facts{Triggers: Unknown, Record: Unknown, Reuse: true}, Decision{Verdict: Undecided, Key: KeyUndecided, Stored: StoredAnew}},
		{"names are not known, and another subject", Facts{DNSNames: Unknown, Subject: Changed, Record: Unknown, Reuse: true}, Decision{Verdict: Undecided, Reasons: Reasons{Subject}}},

		// Keys that are not made here.
		{"an own key stays", Facts{Source: Provided, FormerSource: Provided}, Decision{Stored: NotStored}},
		{"an own key is renewed", Facts{Source: Provided, FormerSource: Provided, Due: true}, Decision{Verdict: Reissued, Reasons: Reasons{Clock}, Stored: NotStored}},
		{"another own key", Facts{Source: Provided, FormerSource: Provided, Key: Changed, Record: Changed}, given(OwnKey)},
		{"the managed key leaves the state", Facts{Source: Provided, Storage: Changed}, Decision{Verdict: Recomposed, Stored: NotStored}},
		{"an own key instead of the managed one", Facts{Source: Provided, Key: Changed, Storage: Changed}, given(OwnKey)},
		{"a managed key instead of the own one", Facts{FormerSource: Provided, Key: Changed, Storage: Changed, Reuse: true}, generated(OwnKey)},
		{"another request", Facts{Source: Requested, FormerSource: Requested, Key: Changed, Record: Changed}, given(Request)},
		{"a managed key instead of a request", Facts{FormerSource: Requested, Key: Changed, Storage: Changed}, generated(Request)},
		{"a trigger, and the key is the user's", Facts{Source: Provided, FormerSource: Provided, Triggers: Changed, Record: Changed}, Decision{Verdict: Reissued, Reasons: Reasons{Triggers}, Stored: NotStored}},
		{"an own key that is not known", Facts{Source: Provided, FormerSource: Provided, Key: Unknown, Record: Changed}, Decision{Verdict: Undecided, Key: KeyUndecided, Stored: NotStored}},
		{"an own key that may turn out not to be set", Facts{Source: Provided, SourceUnknown: true, Key: Unknown, Storage: Changed}, Decision{Verdict: Undecided, Key: KeyUndecided, Stored: StoredUndecided}},

		// An authority has, besides, previous roots and cross certificates.
		{"a root rotates", Facts{Kind: Authority, Triggers: Changed, Record: Changed}, with(generated(Triggers), CrossesReplaced)},
		{"a trigger, and the root was adopted", Facts{Kind: Authority, Triggers: Changed, Record: Changed, Adopted: true}, Decision{Verdict: Recomposed}},
		{"a trigger, the root was adopted, and is due", Facts{Kind: Authority, Triggers: Changed, Record: Changed, Adopted: true, Ready: true, Due: true}, with(generated(Clock), CrossesReplaced)},
		{"a trigger, the root was adopted, and its key is the user's", Facts{Kind: Authority, Source: Provided, FormerSource: Provided, Triggers: Changed, Record: Changed, Adopted: true}, Decision{Verdict: Recomposed, Stored: NotStored}},
		{"a root of another name", Facts{Kind: Authority, Subject: Changed, Record: Changed, Reuse: true}, with(generated(Subject), CrossesReplaced)},
		{"a root is renewed with its key", Facts{Kind: Authority, Due: true, Reuse: true}, Decision{Verdict: Reissued, Reasons: Reasons{Clock}}},
		{"a root is renewed with its key during an overlap", Facts{Kind: Authority, Ready: true, Reuse: true, Crossed: true}, Decision{Verdict: Reissued, Reasons: Reasons{Clock}, Crosses: CrossesReplaced}},
		{"a root that cannot certify its successor", Facts{Kind: Authority, Triggers: Changed, Record: Changed, CannotCross: true}, with(generated(Triggers), CrossesDropped)},
		{"a rotation that cuts off", Facts{Kind: Authority, Triggers: Changed, Record: Changed, Cut: true, Crossed: true, Ended: true}, with(generated(Triggers), CrossesDropped)},
		{"an overlap has ended", Facts{Kind: Authority, Ended: true, EndsFirst: true}, Decision{Verdict: Recomposed, DropEnded: true}},
		{"an overlap has ended, and the root is due since the last refresh", Facts{Kind: Authority, Ended: true, EndsFirst: true, Due: true}, Decision{Verdict: Recomposed, DropEnded: true}},
		{"an overlap has ended, and something else is recorded", Facts{Kind: Authority, Ended: true, EndsFirst: true, Record: Changed}, Decision{Verdict: Recomposed}},
		{"previous roots are cut off", Facts{Kind: Authority, Ended: true, EndsFirst: true, Cut: true, Record: Changed}, Decision{Verdict: Recomposed, DropEnded: true}},
		{"another passphrase", Facts{Kind: Authority, Storage: Changed, Record: Changed}, Decision{Verdict: Recomposed, Stored: StoredAnew}},
		{"another own key of a root, and a trigger", Facts{Kind: Authority, Source: Provided, FormerSource: Provided, Key: Changed, Triggers: Changed, Record: Changed}, with(given(OwnKey, Triggers), CrossesReplaced)},
		{"a trigger, and a root's key is the user's", Facts{Kind: Authority, Source: Provided, FormerSource: Provided, Triggers: Changed, Record: Changed}, Decision{Verdict: Recomposed, Stored: NotStored, NeedsKey: Reasons{Triggers}}},
		{"other constraints, and a root's key is the user's", Facts{Kind: Authority, Source: Provided, FormerSource: Provided, NameConstraints: Changed, Record: Changed}, Decision{Verdict: Recomposed, Stored: NotStored, NeedsKey: Reasons{NameConstraints}}},
		{"other constraints, and the key is reused", Facts{Kind: Authority, NameConstraints: Changed, Record: Changed, Reuse: true}, with(generated(NameConstraints), CrossesReplaced)},
	} {
		t.Run(test.situation, func(t *testing.T) {
			if got := Decide(test.facts); !equal(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// TestRecordsTriggers says when the triggers of an adopted certificate are worth a
// warning: where the user asks for a key, and may get none.
func TestRecordsTriggers(t *testing.T) {
	for _, test := range []struct {
		situation string
		facts     Facts
		want      bool
	}{
		{"they are the same", Facts{Adopted: true, Record: Changed}, false},
		{"the certificate was not adopted", Facts{Triggers: Changed, Record: Changed}, false},
		{"nothing else differs", Facts{Triggers: Changed, Record: Changed, Adopted: true}, true},
		{"other names make another key", Facts{Triggers: Changed, DNSNames: Changed, Record: Changed, Adopted: true}, false},
		{"other names, and the key is reused", Facts{Triggers: Changed, DNSNames: Changed, Record: Changed, Adopted: true, Reuse: true}, true},
		{"the clock, and the key is reused", Facts{Triggers: Changed, Record: Changed, Adopted: true, Ready: true, Reuse: true}, true},
		{"the key is the user's", Facts{Source: Provided, FormerSource: Provided, Triggers: Changed, DNSNames: Changed, Record: Changed, Adopted: true}, true},
		{"they are not known", Facts{Triggers: Unknown, Record: Unknown, Adopted: true}, true},
		{"they are not known, and the key is reused", Facts{Triggers: Unknown, Record: Unknown, Adopted: true, Reuse: true}, true},
		{"they are not known, and other names make another key", Facts{Triggers: Unknown, DNSNames: Changed, Record: Unknown, Adopted: true}, false},
		{"names that are not known may make another key", Facts{Triggers: Changed, DNSNames: Unknown, Record: Unknown, Adopted: true}, true},
		{"constraints that are not known may make another key", Facts{Kind: Authority, Triggers: Changed, NameConstraints: Unknown, Validity: Changed, Record: Unknown, Adopted: true, Reuse: true}, true},
	} {
		t.Run(test.situation, func(t *testing.T) {
			if got := test.facts.RecordsTriggers(Decide(test.facts)); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

func TestFirst(t *testing.T) {
	for _, test := range []struct {
		source  KeySource
		unknown bool
		want    Decision
	}{
		{Managed, false, with(generated(Created), CrossesDropped)},
		{Provided, false, with(given(Created), CrossesDropped)},
		{Requested, false, with(given(Created), CrossesDropped)},
		{Requested, true, Decision{Verdict: Reissued, Key: CertifyGiven, Stored: StoredUndecided, Reasons: Reasons{Created}, Crosses: CrossesDropped}},
	} {
		if got := First(test.source, test.unknown); !equal(got, test.want) {
			t.Errorf("First(%d, %t) is %+v, not %+v", test.source, test.unknown, got, test.want)
		}
	}
}

func generated(reasons ...Reason) Decision {
	return Decision{Verdict: Reissued, Key: Generate, Stored: StoredAnew, Reasons: reasons}
}

func given(reasons ...Reason) Decision {
	return Decision{Verdict: Reissued, Key: CertifyGiven, Stored: NotStored, Reasons: reasons}
}

func with(d Decision, crosses Crosses) Decision { d.Crosses = crosses; return d }

func equal(a, b Decision) bool {
	return a.Verdict == b.Verdict && a.Key == b.Key && a.Stored == b.Stored && a.Crosses == b.Crosses && a.DropEnded == b.DropEnded &&
		slices.Equal(a.Reasons, b.Reasons) && slices.Equal(a.NeedsKey, b.NeedsKey)
}
