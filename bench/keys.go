package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
)

// hostKeys are a private key and a certificate request of each host, by its name.
func hostKeys(hosts int) (string, error) {
	type pair struct {
		Key     string `json:"key"`
		Request string `json:"request"`
	}
	keys := map[string]pair{}
	for i := range hosts {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return "", err
		}
		private, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return "", err
		}
		request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		if err != nil {
			return "", err
		}
		keys[fmt.Sprintf("web%d", i)] = pair{text("PRIVATE KEY", private), text("CERTIFICATE REQUEST", request)}
	}
	file, err := json.Marshal(keys)
	return string(file), err
}

func text(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
