package inputs

import "github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"

// KeyAlgorithms lists the values of `key_algorithm`, the default first.
func KeyAlgorithms() []string {
	var names []string
	for _, algorithm := range pki.KeyAlgorithms() {
		names = append(names, string(algorithm))
	}
	return names
}
