package x509text

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

// maxIterations bounds the work of deriving a key from a passphrase to some
// seconds. OpenSSL writes 2048.
const maxIterations = 10_000_000

var errEncryption = errors.New("the private key is encrypted in a way that is not supported: convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256`")

// checkEncryption reports an encrypted private key whose decryption would take
// too long, or would fail without saying why: supported is PBES2 with PBKDF2
// over HMAC with SHA-1 or SHA-256 (RFC 8018, appendix A).
func checkEncryption(der []byte) error {
	var info struct {
		Algorithm struct {
			ID     asn1.ObjectIdentifier
			Params asn1.RawValue
		}
	}
	var params struct {
		KDF struct {
			ID     asn1.ObjectIdentifier
			Params asn1.RawValue
		}
	}
	var pbkdf2 struct {
		Salt       []byte
		Iterations int64
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	for _, layer := range []struct {
		der *[]byte
		to  any
	}{{&der, &info}, {&info.Algorithm.Params.FullBytes, &params}, {&params.KDF.Params.FullBytes, &pbkdf2}} {
		if _, err := asn1.Unmarshal(*layer.der, layer.to); err != nil {
			return errEncryption
		}
	}
	prf := pbkdf2.PRF.Algorithm
	switch {
	case !info.Algorithm.ID.Equal(oidPBES2), !params.KDF.ID.Equal(oidPBKDF2),
		len(prf) > 0 && !prf.Equal(oidHMACWithSHA1) && !prf.Equal(oidHMACWithSHA256):
		return errEncryption
	case pbkdf2.Iterations > maxIterations:
		return fmt.Errorf("the private key is encrypted with %d iterations, more than %d: decrypt it with openssl first", pbkdf2.Iterations, maxIterations)
	}
	return nil
}

// Object identifiers of RFC 8018, appendix C.
var (
	oidPBES2          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidHMACWithSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
)
