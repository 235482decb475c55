package inputs

import (
	"fmt"
	"time"
)

// ParseTimeout reads a positive duration of at most the given one, which messages
// call most.
func ParseTimeout(text, most string) (time.Duration, error) {
	longest, err := time.ParseDuration(most)
	if err != nil {
		return 0, err
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > longest {
		return 0, fmt.Errorf("timeout %q must be a positive duration such as \"10s\", \"500ms\" or \"1m\", at most %q", text, most)
	}
	return d, nil
}
