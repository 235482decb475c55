package pki

import "testing"

func TestSuccessor(t *testing.T) {
	for algorithm, want := range map[KeyAlgorithm]KeyAlgorithm{
		"RSA_1024": RSA2048, RSA2048: RSA2048, "RSA_2056": RSA3072, RSA3072: RSA3072, RSA4096: RSA4096, "RSA_8192": RSA4096,
		ECDSAP521: ECDSAP521, Ed25519: Ed25519,
	} {
		if got := algorithm.Successor(); got != want {
			t.Errorf("%s is followed by %s, want %s", algorithm, got, want)
		}
	}
}
