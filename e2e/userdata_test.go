package e2e

import "testing"

// TestUserDataSize measures the user data of a host. AWS takes 16 KiB before base64, and a host may need more than
// Docker.
func TestUserDataSize(t *testing.T) {
	t.Parallel()
	issued(t)
	var userData map[string]string
	if err := profiles.w.output("user_data", &userData); err != nil {
		t.Fatal(err)
	}
	for name, limit := range map[string]int{"default": 4 << 10, "RSA_4096": 16 << 10} {
		size := len(userData[name])
		t.Logf("%s: %d bytes", name, size)
		if size == 0 || size >= limit {
			t.Errorf("%s: the user data has %d bytes, want less than %d", name, size, limit)
		}
	}
}
