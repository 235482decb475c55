package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestCompleteDelivery makes a host with the module's user data. Its switch leaves that host alone, and delivers what is
// renewed: through Docker's port, and over SSH.
func TestCompleteDelivery(t *testing.T) {
	t.Parallel()
	h := newRealHost(t, "")
	w := example(t, "complete")
	apply := func(round string, vars ...string) material {
		t.Helper()
		vars = append(vars, passphraseOfExample, "round="+round,
			fmt.Sprintf(`addresses={web1=%q,web2="10.0.0.6",db1="10.0.0.7"}`, h.address), fmt.Sprintf(`networks=["10.0.0.0/8","%s/32"]`, h.address))
		if err := w.apply(vars...); err != nil { // which looks at the plan after it
			t.Fatal(err)
		}
		return clientMaterial(output[map[string]map[string]string](t, w, "client_files")["ops"])
	}
	only := func(how string) string {
		return "delivery={web1={" + how + "},web2={enabled=false},db1={enabled=false}}"
	}

	apply("first")
	h.seed(t, output[map[string]string](t, w, "user_data")["web1"])
	h.boot(t)
	starts := h.starts(t)
	made := h.serves(t, apply("first", "deliver=true", only("")))
	if n := h.starts(t) - starts; n != 0 || h.visits(t) != 0 {
		t.Errorf("a host that serves what it should was changed, and Docker started %d times", n)
	}
	if text := h.read(t, "/etc/systemd/system/docker-tls.socket"); !strings.Contains(text, "ListenStream="+h.address+":2376\n") {
		t.Errorf("the host does not listen on its own address:\n%s", text)
	}

	renewed := h.serves(t, apply("second", "deliver=true", only("")))
	over := fmt.Sprintf("via=%q,host_key=%q", "ssh://root@"+h.address, h.hostKey(t))
	again := h.serves(t, apply("third", "deliver=true", only(over), "private_key_file="+h.letIn(t)))
	if !strings.Contains(h.journal(t, "ssh.service"), "Accepted publickey for root") {
		t.Error("the last delivery did not come over SSH")
	}
	if made.Cert == renewed.Cert || renewed.Cert == again.Cert || made.CA != again.CA {
		t.Error("each round must bring a new certificate of the same authority")
	}
	if n := h.starts(t) - starts; n != 2 {
		t.Errorf("Docker was started %d times, want 2", n)
	}
	h.hasNoVisitor(t)
}
