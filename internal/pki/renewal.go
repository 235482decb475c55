package pki

import (
	"crypto/x509"
	"time"
)

// RenewalTime is the moment from which a certificate is due: early before its
// end, in hours.
//
// A certificate can live shorter than that, when its authority's end has
// clipped it. It would then be due at birth, and at every renewal again; so its
// window shrinks to the last third of its life.
func RenewalTime(certificate *x509.Certificate, earlyHours int64) time.Time {
	// From here on in seconds: a time.Duration ends at 292 years.
	end := certificate.NotAfter.Unix()
	life := end - certificate.NotBefore.Add(backdate).Unix()
	early := earlyHours * 3600
	if early >= life {
		early = max(life, 0) / 3
	}
	return time.Unix(end-early, 0).UTC()
}

// Due reports whether a certificate is to be renewed at now.
func Due(certificate *x509.Certificate, earlyHours int64, now time.Time) bool {
	return !now.Before(RenewalTime(certificate, earlyHours))
}
