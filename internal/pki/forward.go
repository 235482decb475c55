package pki

import "github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"

// The names by which packages resources and inputs still know what package
// x509text has. They go once both import it.

// KeyAlgorithm is [x509text.KeyAlgorithm].
type KeyAlgorithm = x509text.KeyAlgorithm

// The algorithms of package x509text.
const (
	ECDSAP256 = x509text.ECDSAP256
	ECDSAP384 = x509text.ECDSAP384
	RSA2048   = x509text.RSA2048
	Ed25519   = x509text.Ed25519
)

// The functions and errors of package x509text.
var (
	EncodeCertificates   = x509text.EncodeCertificates
	EncodePrivateKey     = x509text.EncodePrivateKey
	EncryptPrivateKey    = x509text.EncryptPrivateKey
	Encrypted            = x509text.Encrypted
	ErrPassphraseMissing = x509text.ErrPassphraseMissing
	ErrPassphraseWrong   = x509text.ErrPassphraseWrong
	Fingerprint          = x509text.Fingerprint
	KeyAlgorithmOf       = x509text.KeyAlgorithmOf
	KeyAlgorithms        = x509text.KeyAlgorithms
	ParseCertificates    = x509text.ParseCertificates
	ParsePrivateKey      = x509text.ParsePrivateKey
	SerialNumber         = x509text.SerialNumber
)
