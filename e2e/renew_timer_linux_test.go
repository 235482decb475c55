package e2e

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// unitName is the first line of a unit in the guide.
var unitName = regexp.MustCompile(`^# (/etc/systemd/system/\S+)\n`)

// TestGuideRenewTimer gives a host with a systemd of its own the units of the guide. What they run is a stand-in for the
// script, which says where it left a plan; TestGuideRenew runs the script itself.
func TestGuideRenewTimer(t *testing.T) {
	t.Parallel()
	h := newRealHost(t, "")
	h.boot(t)
	h.must(t, "useradd", "--system", "terraform")
	standIn := func(end string) {
		h.write(t, "/srv/pki/renew.sh", "#!/bin/sh\nid --user --name\necho \"passphrase $TF_VAR_passphrase\"\ntouch /tmp/plan\n"+end+"\n", 0o755)
	}
	standIn("exit 0")
	h.write(t, "/etc/renew.env", "TF_VAR_passphrase=known\n", 0o600)
	verify := []string{"verify"}
	for _, text := range printedBlocks(t, renewGuide, "ini") {
		name := unitName.FindStringSubmatch(text)
		if name == nil {
			t.Fatalf("a unit of the guide has no name:\n%s", text)
		}
		h.write(t, name[1], text, 0o644)
		verify = append(verify, name[1])
	}
	if r := h.on(invocation{path: "systemd-analyze", args: verify}).run(); r.err != nil || strings.Contains(r.all(), "renew") {
		t.Errorf("systemd-analyze: %v\n%s", r.err, r.all())
	}

	h.must(t, "bash", "-euc", printedBlocks(t, renewGuide, "sh")[1])
	if journal := h.journal(t, "renew.service"); !strings.Contains(journal, "terraform") || !strings.Contains(journal, "passphrase known") {
		t.Errorf("the journal is:\n%s", journal)
	}
	if list := h.must(t, "systemctl", "list-timers", "--no-pager", "renew.timer"); !strings.Contains(list, "renew.service") {
		t.Errorf("the timer does not wait: %s", list)
	}
	h.absent(t, "/tmp/plan")

	standIn("kill -KILL $$") // the plan stays
	if r := h.on(invocation{path: "systemctl", args: []string{"start", "renew.service"}}).run(); r.err == nil {
		t.Error("a run that was killed ends well")
	}
	eventually(t, bootTimeout, "the alarm", func() bool {
		return strings.Contains(h.must(t, "journalctl", "--boot", "--no-pager", "--priority=crit"), "renew.service has failed")
	})
	if left := h.must(t, "find", "/tmp", "/var/tmp", "-name", path.Base("/tmp/plan")); left != "" {
		t.Errorf("the plan is left: %s", left)
	}
}
