package deploy

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// noon is when these tests happen.
var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func atNoon() time.Time { return noon }

// day is the validity of what is issued, in hours.
const day = 24

type authority struct{ *pki.Authority }

// newAuthority has issued since a year ago.
func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key, err := x509text.ECDSAP256.Generate()
	if err != nil {
		t.Fatal(err)
	}
	root, err := pki.IssueRoot(pki.RootRequest{Subject: pki.Subject{CommonName: name}, ValidityHours: 10 * 365 * day, Key: key}, noon.AddDate(-1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	a, err := pki.NewAuthority(root, key)
	if err != nil {
		t.Fatal(err)
	}
	return authority{a}
}

// server issues what a daemon serves under that name for a day.
func (a authority) server(t *testing.T, name string, now time.Time) (docker.Identity, *x509.Certificate) {
	t.Helper()
	names, err := pki.ParseNames([]string{name}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a.issue(t, pki.LeafRequest{Profile: pki.Server, Subject: pki.Subject{CommonName: name}, Names: names, ValidityHours: day}, now)
}

func (a authority) issue(t *testing.T, request pki.LeafRequest, now time.Time) (docker.Identity, *x509.Certificate) {
	t.Helper()
	key, err := x509text.ECDSAP256.Generate()
	if err != nil {
		t.Fatal(err)
	}
	request.PublicKey = key.Public()
	leaf, err := a.Issue(request, now)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, err := x509text.EncodePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return docker.Identity{CACertPEM: x509text.EncodeCertificates(a.Certificate), CertPEM: x509text.EncodeCertificates(leaf), PrivateKeyPEM: keyPEM}, leaf
}
