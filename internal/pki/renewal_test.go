package pki_test

import (
	"math"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

func TestRenewalTime(t *testing.T) {
	authority := newGeneration(t, pki.RootRequest{ValidityHours: 900}, issued)
	hour := time.Hour
	for _, test := range []struct {
		about    string
		validity int64
		early    int64
		want     time.Duration // after the issue
	}{
		{"early", 720, 240, 480 * hour},
		{"never before its end", 720, 0, 720 * hour},
		{"an hour after its birth", 720, 719, hour},
		{"as early as it is long: the last third", 720, 720, 480 * hour},
		{"earlier than it is long", 720, 8760, 480 * hour},
		{"more hours than seconds fit", 720, math.MaxInt64 / 3600, 480 * hour},
		{"clipped by its authority", 8760, 240, 660 * hour},
		{"clipped below its window", 8760, 2160, 600 * hour},
		{"a single hour", 1, 1, 40 * time.Minute},
	} {
		t.Run(test.about, func(t *testing.T) {
			request := clientRequest(t)
			request.ValidityHours = test.validity
			leaf := issue(t, authority, request, issued)
			want := wholeSecond.Add(test.want)
			if got := pki.RenewalTime(leaf, test.early); !got.Equal(want) || got.Location() != time.UTC {
				t.Errorf("due at %s; want %s", got, want)
			}
			if pki.Due(leaf, test.early, want.Add(-time.Nanosecond)) {
				t.Error("due too early")
			}
			if !pki.Due(leaf, test.early, want) || !pki.Due(leaf, test.early, want.Add(year)) {
				t.Error("not due in time")
			}
			if pki.Due(leaf, test.early, issued) {
				t.Error("due at birth: it would be renewed at every run")
			}
		})
	}
}

// A span that a time.Duration cannot hold.
func TestRenewalTimeOfALongLife(t *testing.T) {
	root := newGeneration(t, pki.RootRequest{ValidityHours: 60_000_000}, issued).root()
	want := time.Unix(wholeSecond.Unix()+10_000_000*3600, 0)
	if got := pki.RenewalTime(root, 50_000_000); !got.Equal(want) {
		t.Errorf("due at %s; want %s", got, want)
	}
}

// Of a certificate from elsewhere, not even a life of an hour is certain.
func TestRenewalTimeOfAShortLife(t *testing.T) {
	root := foreignRoot(t, nothingElse).root()
	root.NotBefore, root.NotAfter = wholeSecond, wholeSecond.Add(time.Minute)
	if got := pki.RenewalTime(root, 24); !got.Equal(root.NotAfter) {
		t.Errorf("due at %s; want %s", got, root.NotAfter)
	}
}
