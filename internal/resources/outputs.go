package resources

import (
	"crypto/x509"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/lifecycle"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// outputs say what was issued. The plan is the decision about them: keep copies
// them from the state, mark leaves unknown those that the decision changes, and
// ordersOf reads that back when Terraform applies. An authority adds generation
// and cross_signed_cert_pem, in its own mark and orders.
type outputs struct {
	CertPEM           types.String `tfsdk:"cert_pem"`
	PrivateKeyPEM     types.String `tfsdk:"private_key_pem"`
	SerialNumber      types.String `tfsdk:"serial_number"`
	FingerprintSHA256 types.String `tfsdk:"fingerprint_sha256"`
	ValidityStartTime types.String `tfsdk:"validity_start_time"`
	ValidityEndTime   types.String `tfsdk:"validity_end_time"`
	RenewalTime       types.String `tfsdk:"renewal_time"`
	ReadyForRenewal   types.Bool   `tfsdk:"ready_for_renewal"`
	IssueReason       types.String `tfsdk:"issue_reason"`
}

// keep takes over the outputs of the certificate that stays. A changed window
// moves its renewal time; whether that has passed is for apply to say.
func (m *certificateModel) keep(state *certificateModel, certificate *x509.Certificate) {
	m.outputs = state.outputs
	if m.EarlyRenewalHours.Equal(state.EarlyRenewalHours) {
		return
	}
	m.ReadyForRenewal = types.BoolUnknown()
	m.RenewalTime = types.StringUnknown()
	if inputs.Known(m.EarlyRenewalHours) {
		m.RenewalTime = timeValue(pki.RenewalTime(certificate, m.EarlyRenewalHours.ValueInt64()))
	}
}

// mark leaves unknown what a decision changes.
func (m *certificateModel) mark(d lifecycle.Decision) {
	switch d.Stored {
	case lifecycle.StoredAnew, lifecycle.StoredUndecided:
		m.PrivateKeyPEM = types.StringUnknown()
	case lifecycle.NotStored:
		m.PrivateKeyPEM = types.StringNull()
	}
	m.markAlgorithm(d.Key)
	if !d.Issues() {
		return
	}
	for _, output := range []*types.String{&m.CertPEM, &m.SerialNumber, &m.FingerprintSHA256, &m.ValidityStartTime, &m.ValidityEndTime, &m.RenewalTime} {
		*output = types.StringUnknown()
	}
	if d.Verdict == lifecycle.Undecided {
		// The certificate may stay after all, and be due: where its authority is
		// ignored. If the window has changed, keep has left it unknown already.
		switch {
		case !m.ReadyForRenewal.ValueBool():
		case d.Certain():
			m.ReadyForRenewal = types.BoolValue(false)
		default:
			m.ReadyForRenewal = types.BoolUnknown()
		}
		m.IssueReason = types.StringUnknown()
		return
	}
	m.ReadyForRenewal = types.BoolValue(false)
	m.IssueReason = types.StringValue(d.Reasons.String())
}

// markAlgorithm names the algorithm of the next key if keys are no longer made
// with the current one, such as RSA_1024 of an imported certificate. While it is
// undecided whether there is a next key, the algorithm is unknown.
func (m *certificateModel) markAlgorithm(key lifecycle.Key) {
	if !inputs.Known(m.KeyAlgorithm) {
		return
	}
	switch next := types.StringValue(string(x509text.KeyAlgorithm(m.KeyAlgorithm.ValueString()).Successor())); {
	case next.Equal(m.KeyAlgorithm):
	case key == lifecycle.Generate:
		m.KeyAlgorithm = next
	case key == lifecycle.KeyUndecided:
		m.KeyAlgorithm = types.StringUnknown()
	}
}

// orders are what a plan has left for apply to carry out.
type orders struct {
	issue bool          // a certificate is to be issued
	key   lifecycle.Key // for this key
	store bool          // the private key is to be written into the state
}

// ordersOf reads what mark has left. A key that is not made here has no mark of
// its own: given says whether it is to be certified.
func (m *certificateModel) ordersOf(source lifecycle.KeySource, given bool) orders {
	o := orders{issue: m.SerialNumber.IsUnknown(), store: m.PrivateKeyPEM.IsUnknown()}
	switch {
	case source == lifecycle.Managed && o.store:
		o.key = lifecycle.Generate
	case source != lifecycle.Managed && given:
		o.key = lifecycle.CertifyGiven
	}
	return o
}

// setCertificate writes what a certificate says of itself.
func (m *certificateModel) setCertificate(certificate *x509.Certificate) {
	m.SerialNumber = types.StringValue(x509text.SerialNumber(certificate))
	m.FingerprintSHA256 = types.StringValue(x509text.Fingerprint(certificate))
	m.ValidityStartTime = timeValue(certificate.NotBefore)
	m.ValidityEndTime = timeValue(certificate.NotAfter)
	m.RenewalTime = timeValue(pki.RenewalTime(certificate, m.EarlyRenewalHours.ValueInt64()))
}

// setReady says whether a certificate is due.
func (m *certificateModel) setReady(certificate *x509.Certificate, now time.Time) {
	m.ReadyForRenewal = types.BoolValue(pki.Due(certificate, m.EarlyRenewalHours.ValueInt64(), now))
}

// finish writes the outputs after apply. A plan that is applied late may have
// promised that the certificate is not due: the next refresh tells.
func (m *certificateModel) finish(certificate *x509.Certificate, now time.Time) {
	m.setCertificate(certificate)
	if m.ReadyForRenewal.IsUnknown() {
		m.setReady(certificate, now)
	}
}

// refresh reads every output from the certificate again, so that a state of an
// earlier release has those that are new, and says whether it is due.
func (m *certificateModel) refresh(certificate *x509.Certificate, now time.Time) {
	m.setCertificate(certificate)
	m.setReady(certificate, now)
	if m.IssueReason.IsNull() {
		m.IssueReason = types.StringValue(string(lifecycle.NotRecorded))
	}
}

func timeValue(t time.Time) types.String { return types.StringValue(t.UTC().Format(time.RFC3339)) }
