package e2e

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestAddress has hosts listen on one address, and nothing listens on the others.
func TestAddress(t *testing.T) {
	t.Parallel()
	docker := tool(t, "docker")
	w := workspace{terraform: findTerraform(t), dir: t.TempDir()}
	if err := w.write("address.tf"); err != nil {
		t.Fatal(err)
	}
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	userData := output[map[string]string](t, w, "user_data")
	dir := t.TempDir()
	writeFiles(t, dir, output[map[string]string](t, w, "client_files"))

	for _, name := range slices.Sorted(maps.Keys(userData)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listens := "127.0.0.2:2376"
			if strings.HasSuffix(name, "6") {
				listens = "[::1]:2376"
			}
			forEachRealDockerd(t, func(t *testing.T, dockerd string) {
				h := newRealHost(t, dockerd)
				given := []string{userData[name]}
				if strings.HasPrefix(name, "hosts") {
					given = []string{hostsDropIn(t), userData[name]}
				}
				h.seed(t, composed(t, given...))
				h.boot(t)
				if strings.HasPrefix(name, "socket") {
					h.checkUnits(t)
				}
				for _, address := range []string{"127.0.0.1:2376", "127.0.0.2:2376", "[::1]:2376"} {
					r := h.reaching(dockerVersion(docker, []string{"HOME=" + t.TempDir()}, fullDocker(address, dir)...)).run()
					if r.connected() != (address == listens) || address != listens && !strings.Contains(r.stderr, "Is the docker daemon running?") {
						t.Errorf("%s: connected: %v (%v)\n%s", address, r.connected(), r.err, r.all())
					}
				}
			})
		})
	}
}
