package provider_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/deploy"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/via"
)

const wayIn = "ssh://admin@host.example.com:2222"

// TestDaemonVia goes in over SSH, and then by the port: the plan in between is empty.
func TestDaemonVia(t *testing.T) {
	t.Parallel()
	w, f := newDaemonWorld(t, nil)
	w.Set(tfsim.Daemon, overSSH(w, wayIn, tfsim.Values{"jump_host": tfsim.String("ssh://root@bastion.example.com")}))
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	d, config := f.last(), f.opened[0]
	if d.Via == nil || d.Visitor != nil || len(d.Roots) != 1 || f.closed != 1 || len(f.opened) != 1 {
		t.Errorf("opened %d and closed %d ways: %v, %d roots", len(f.opened), f.closed, d.Via, len(d.Roots))
	}
	if config.Target.URL() != wayIn || config.Jump.URL() != "ssh://root@bastion.example.com:22" {
		t.Errorf("the way is to %s, through %v", config.Target.URL(), config.Jump)
	}
	content := w.Text(tfsim.Daemon, "content_sha256")

	// The port is out of reach, and that is no warning.
	delete(f.serves, daemonAddress)
	if p := w.MustPlan(t); len(p.Changed()) > 0 || len(w.Warnings) > 0 {
		t.Errorf("the plan changes %v and warns %q", p.Changed(), w.Warnings)
	}
	f.serves[daemonAddress] = w.Text(tfsim.Server, "fingerprint_sha256")

	// Neither to remove via, nor to bring it back, is a change.
	w.Unset(tfsim.Daemon, "ca", "via", "ssh")
	before := w.State[tfsim.Daemon]
	w.MustBeEmpty(t)
	if !w.State[tfsim.Daemon].Equal(before) || len(f.delivered) != 1 {
		t.Errorf("%d deliveries", len(f.delivered))
	}
	w.Set(tfsim.Server, tfsim.Values{"rotation_triggers": tfsim.Trigger("1")})
	w.MustPlanAndApply(t)
	w.MustBeEmpty(t)
	if d := f.last(); d.Via != nil || d.Visitor == nil || len(f.opened) != 1 || w.Text(tfsim.Daemon, "content_sha256") == content {
		t.Errorf("the renewal does not go by the port: %v", d.Via)
	}
	delete(f.serves, daemonAddress)
	w.MustPlan(t)
	if len(w.Warnings) != 1 || !strings.Contains(w.Warnings[0], "does not answer") {
		t.Errorf("after a delivery by the port, a refresh warns %q", w.Warnings)
	}
}

// TestDaemonViaErrors has each error of SSH at the argument that it is about.
func TestDaemonViaErrors(t *testing.T) {
	t.Parallel()
	why := func(about string, waits bool) *via.Error {
		return &via.Error{About: about, Text: "This is why.", Waits: waits}
	}
	for name, test := range map[string]struct {
		locked  error
		blocked *via.Error
		fails   error
		at      string
	}{
		"the way":                   {locked: why(via.AboutVia, false), at: "via"},
		"the host's key":            {locked: why(via.AboutHostKey, false), at: "ssh.host_key"},
		"the user's key":            {locked: why(via.AboutPrivateKey, false), at: "ssh.private_key_pem"},
		"its passphrase":            {locked: why(via.AboutPassphrase, false), at: "ssh.private_key_passphrase"},
		"the jump host":             {locked: why(via.AboutJump, true), at: "ssh.jump_host"},
		"the jump host's key":       {locked: why(via.AboutJumpHostKey, false), at: "ssh.jump_host_key"},
		"Docker's socket":           {blocked: why(via.AboutVia, false), at: "via"},
		"Docker's socket, in vain":  {blocked: why(via.AboutVia, true), at: "via"},
		"what the delivery reports": {fails: &deploy.Error{About: deploy.AboutVisitor, Text: "This is why."}, at: "via"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, f := newDaemonWorld(t, nil)
			w.Set(tfsim.Daemon, overSSH(w, wayIn, nil))
			f.locked, f.blocked = test.locked, test.blocked
			if test.fails != nil {
				f.fails[daemonAddress] = test.fails
			}
			w.MustFailToApply(t, w.MustPlan(t), "This is why. "+attributePath(test.at))
			if opened := test.locked == nil; opened && f.closed != 1 || len(f.opened) != 1 {
				t.Errorf("opened %d and closed %d ways", len(f.opened), f.closed)
			}
			if b := test.blocked; b != nil && f.knocked != map[bool]int{false: 1, true: 2}[b.Waits] {
				t.Errorf("the socket was tried %d times", f.knocked)
			}
			f.locked, f.blocked = nil, nil
			delete(f.fails, daemonAddress)
			w.MustPlanAndApply(t)
			w.MustBeEmpty(t)
		})
	}
	t.Run("any other", func(t *testing.T) {
		t.Parallel()
		w, f := newDaemonWorld(t, nil)
		w.Set(tfsim.Daemon, overSSH(w, wayIn, nil))
		f.locked = errors.New("something else")
		w.MustFailToApply(t, w.MustPlan(t), "Something else. "+attributePath("host"))
	})
}
