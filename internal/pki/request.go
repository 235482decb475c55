package pki

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// ParseCertificateRequest reads a certificate request (PKCS#10, RFC 2986) in
// PEM, and checks its signature, which proves that the requester has the key,
// and that the key may be certified.
func ParseCertificateRequest(text string) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil {
		return nil, x509text.NotFound("certificate request", "CERTIFICATE REQUEST", text)
	}
	// Older programs write NEW (RFC 7468, section 7).
	if block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
		return nil, fmt.Errorf("a PEM block of type %q is not a certificate request", block.Type)
	}
	// The text is stored, and a private key must not be so by mistake.
	if other, _ := pem.Decode(rest); other != nil {
		return nil, fmt.Errorf("a PEM block of type %q stands behind the certificate request: give the request alone", other.Type)
	}
	if len(block.Bytes) > maxMessage {
		return nil, fmt.Errorf("the certificate request has %d bytes, and at most %d are allowed: a certificate of this size fits into no handshake of Docker", len(block.Bytes), maxMessage)
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, errors.New("the certificate request cannot be read: its content is damaged or of an unsupported algorithm")
	}
	if request.PublicKeyAlgorithm == x509.UnknownPublicKeyAlgorithm {
		return nil, errors.New("the key of the certificate request is of an unsupported algorithm: use ECDSA, RSA or Ed25519")
	}
	err = request.CheckSignature()
	var insecure x509.InsecureAlgorithmError
	switch algorithm := request.SignatureAlgorithm; {
	case errors.Is(err, x509.ErrUnsupportedAlgorithm):
		return nil, errors.New("the certificate request is signed with an algorithm that is not supported, as SHA-224 is not: sign it with SHA-256")
	case errors.As(err, &insecure), algorithm == x509.SHA1WithRSA, algorithm == x509.ECDSAWithSHA1:
		return nil, fmt.Errorf("the certificate request is signed with %v, which is broken: sign it with SHA-256", algorithm)
	case err != nil:
		return nil, errors.New("the signature of the certificate request is wrong: it was changed, or signed with another key")
	}
	if err := CheckKey(request.PublicKey); err != nil {
		return nil, fmt.Errorf("the key of the certificate request cannot be certified: %w", err)
	}
	return request, nil
}

// RequestedNames are the DNS names and addresses that a certificate request
// asks for (extensionRequest, RFC 2985, section 5.4.2). Nothing else in its
// extensions is ever taken over.
func RequestedNames(request *x509.CertificateRequest) (Names, error) {
	var addresses []string
	for _, ip := range request.IPAddresses {
		address, ok := netip.AddrFromSlice(ip)
		if !ok {
			return Names{}, errors.New("the certificate request asks for an IP address that is none")
		}
		addresses = append(addresses, address.Unmap().String())
	}
	names, err := ParseNames(request.DNSNames, addresses)
	if err != nil {
		return Names{}, fmt.Errorf("the certificate request asks for a name that cannot be certified: %w", err)
	}
	return names, nil
}
