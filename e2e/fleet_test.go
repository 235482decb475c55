package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFleet issues a thousand certificates from one authority, whose private key the state holds exactly once.
func TestFleet(t *testing.T) {
	t.Parallel()
	w := workspace{terraform: findTerraform(t), dir: t.TempDir()}
	if err := w.write("fleet.tf"); err != nil {
		t.Fatal(err)
	}
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Resources []struct {
			Type      string
			Instances []struct {
				Attributes struct {
					PrivateKeyPEM string `json:"private_key_pem"`
				}
			}
		}
	}
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatal(err)
	}
	certificates, key := 0, ""
	for _, resource := range state.Resources {
		switch resource.Type {
		case "docker_tls_ca":
			key = resource.Instances[0].Attributes.PrivateKeyPEM
		case "docker_tls_server_cert":
			certificates = len(resource.Instances)
		}
	}
	if certificates != 1000 {
		t.Errorf("the state holds %d certificates, want 1000", certificates)
	}
	// The second line of the PEM text is of this key alone, and stands in JSON as it is.
	lines := strings.Split(key, "\n")
	if len(lines) < 3 {
		t.Fatal("the state holds no private key of the authority")
	}
	if found := strings.Count(string(text), lines[1]); found != 1 {
		t.Errorf("the state holds the private key of the authority %d times, want once", found)
	}
}
