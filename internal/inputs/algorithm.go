package inputs

import "github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"

// KeyAlgorithms lists the values of `key_algorithm`, the default first.
func KeyAlgorithms() []string {
	var names []string
	for _, algorithm := range x509text.KeyAlgorithms() {
		names = append(names, string(algorithm))
	}
	return names
}
