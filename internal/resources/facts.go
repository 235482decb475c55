package resources

import (
	"context"
	"crypto"
	"crypto/x509"
	"maps"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// facts gathers the facts that all three resources have; m is the plan.
func (m *certificateModel) facts(state *certificateModel, key keyFacts) lifecycle.Facts {
	facts := lifecycle.Facts{
		Key:          key.difference,
		Source:       key.source,
		FormerSource: key.former,

		SourceUnknown: key.sourceUnknown,
		Triggers:      mapDifference(m.RotationTriggers, state.RotationTriggers),
		Subject:       subjectDifference(m.Subject, state.Subject),
		Validity:      difference(m.ValidityPeriodHours, state.ValidityPeriodHours),
		Reuse:         m.ReusePrivateKey.ValueBool(),
	}
	// A key that is not made here brings its algorithm; nobody asks for one.
	if key.source == lifecycle.Managed {
		facts.KeyAlgorithm = difference(m.KeyAlgorithm, state.KeyAlgorithm)
	}
	return facts
}

// addClock adds what the clock says. What the last refresh found does not count
// where the window is narrower now, or may be: the next refresh finds out with
// the new one. A certificate that has expired is due with any.
func (m *certificateModel) addClock(facts *lifecycle.Facts, state *certificateModel, certificate *x509.Certificate, now time.Time) {
	early := m.EarlyRenewalHours
	asWide := inputs.Known(early) && early.ValueInt64() >= state.EarlyRenewalHours.ValueInt64()
	expired := !now.Before(certificate.NotAfter)
	facts.Ready = state.ReadyForRenewal.ValueBool() && (expired || asWide)
	facts.Due = pki.Due(certificate, early.ValueInt64(), now)
}

// record lists the stored arguments, and cert_pem, for lifecycle.Facts.Record.
func (m *certificateModel) record() []attr.Value {
	return []attr.Value{
		m.Subject, m.KeyAlgorithm, m.ValidityPeriodHours, m.EarlyRenewalHours, m.ReusePrivateKey, m.RotationTriggers,
		m.PrivateKeyPEMWOVersion, m.CertPEM,
	}
}

// difference compares a planned value with that of the state.
func difference(planned, state attr.Value) lifecycle.Difference {
	switch {
	case planned.Equal(state):
		return lifecycle.Same
	case !inputs.FullyKnown(planned):
		return lifecycle.Unknown
	}
	return lifecycle.Changed
}

// differenceOf turns a comparison into a difference.
func differenceOf(same bool) lifecycle.Difference {
	if same {
		return lifecycle.Same
	}
	return lifecycle.Changed
}

// recordDifference compares two records. One unknown value makes all of it
// unknown.
func recordDifference(planned, state []attr.Value) lifecycle.Difference {
	result := lifecycle.Same
	for i := range planned {
		switch difference(planned[i], state[i]) {
		case lifecycle.Unknown:
			return lifecycle.Unknown
		case lifecycle.Changed:
			result = lifecycle.Changed
		}
	}
	return result
}

// mapDifference is [difference] of maps. Nulls in them are left out, and no map
// is the same as an empty one.
func mapDifference(planned, state types.Map) lifecycle.Difference {
	if !inputs.FullyKnown(planned) {
		return difference(planned, state)
	}
	return differenceOf(maps.EqualFunc(withoutNulls(planned), withoutNulls(state), attr.Value.Equal))
}

func withoutNulls(m types.Map) map[string]attr.Value {
	elements := m.Elements() // a copy
	maps.DeleteFunc(elements, func(_ string, value attr.Value) bool { return value.IsNull() })
	return elements
}

// subjectDifference compares what would stand in the certificate, not how it is
// written.
func subjectDifference(planned, state types.Object) lifecycle.Difference {
	d := difference(planned, state)
	if d == lifecycle.Changed {
		return differenceOf(inputs.SubjectOf(planned).Equal(inputs.SubjectOf(state)))
	}
	return d
}

// keyFacts say where the key to certify comes from, and whether it is another
// one than that of the certificate.
type keyFacts struct {
	source, former lifecycle.KeySource
	sourceUnknown  bool // source may turn out to be Managed
	difference     lifecycle.Difference
	public         crypto.PublicKey // the key to certify; nil if it is made here, or not known yet
}

// managedKeyFacts are the facts of a key that is made here.
func managedKeyFacts(former lifecycle.KeySource) keyFacts {
	return keyFacts{source: lifecycle.Managed, former: former, difference: differenceOf(former == lifecycle.Managed)}
}

// logDecision tells the provider's log why something is issued, or not. Reasons
// are the names of arguments, never their values.
func logDecision(ctx context.Context, d lifecycle.Decision) {
	tflog.Info(ctx, "planned", map[string]any{"verdict": d.Verdict.String(), "key": d.Key.String(), "reasons": d.Reasons.String()})
}

// overlapOf translates overlap_hours. Null, or not known yet, is until expiry.
func overlapOf(hours types.Int64) pki.Overlap {
	if !inputs.Known(hours) {
		return pki.UntilExpiry
	}
	return pki.OverlapOf(hours.ValueInt64())
}
