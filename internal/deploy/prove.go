package deploy

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

const (
	attempt = 2 * time.Second        // for one look at a host that restarts Docker
	blink   = 100 * time.Millisecond // between two of them
	grace   = 30 * time.Second       // for a host to undo what was not confirmed in time

	rebooted = "rebooted" // the phase of a host that has no staging directory any more
)

// write puts the files that differ into their places, and restarts nothing. What is
// staged is removed by the container that runs already.
func (v *visit) write(ctx context.Context, d Delivery, c change) error {
	end, err := v.run(ctx, d, c)
	if err != nil {
		return v.refused("take the files", err)
	}
	if err := v.put(ctx, append(c.staged(), entry{"go", ""})...); err != nil {
		v.tell(ctx, "cancel")
		// If that is not heard either, the script gives up after orphan.
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), orphan+patience)
		defer cancel()
		v.awaitEnd(late)
		return v.failed("take the new files", err)
	}
	if err := end(); err != nil {
		return v.refused("take the files", err)
	}
	return nil
}

// start has the host's systemd run switch.sh. From here on, the host clears what a
// dead visit leaves.
func (v *visit) start(ctx context.Context, d Delivery, c change) error {
	if _, err := v.run(ctx, d, c); err != nil {
		return v.refused("let a container ask its systemd for a restart", err)
	}
	return nil
}

// refused says that the host's own programs did not do something.
func (v *visit) refused(what string, err error) error {
	var failure *Error
	if errors.As(err, &failure) {
		return err
	}
	return errorf(AboutHost, "%s does not %s: %v. Nothing was changed there.", v.url(), what, err)
}

// stage carries the new files to the host, and says go.
func (v *visit) stage(ctx context.Context, c change) error {
	check, err := c.checked()
	if err == nil {
		err = v.put(ctx, append(c.staged(), entry{"check.json", check}, entry{"go", ""})...)
	}
	// The answer may meet the restart that it asks for. What has come of it, the
	// host says.
	if err != nil && (ctx.Err() != nil || !client.IsErrConnectionFailed(err)) {
		v.tell(ctx, "cancel")
		return v.failed("take the new files", err)
	}
	return nil
}

// tell leaves a word for switch.sh. Where it does not arrive, switch.sh does what it
// does when nobody tells it anything.
func (v *visit) tell(ctx context.Context, word string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), attempt)
	defer cancel()
	_ = v.put(ctx, entry{word, ""})
}

// staged are the files that differ, as switch.sh reads them.
func (c change) staged() []entry {
	entries := []entry{{"new/", ""}}
	var manifest strings.Builder
	for i, path := range c.differ {
		f := c.target.files[path]
		entries = append(entries, entry{fmt.Sprintf("new/%d", i), f.Content})
		fmt.Fprintf(&manifest, "%d %s %s\n", i, f.Permissions, path)
	}
	return append(entries, entry{"manifest", manifest.String()})
}

// checked is daemon.json as dockerd is to check it: with the certificates where
// they lie before the switch.
func (c change) checked() (string, error) {
	now := func(final string) string {
		for i, differs := range c.differ {
			if differs == final {
				return path.Join(staging, "new", fmt.Sprint(i))
			}
		}
		return final
	}
	paths := c.target.paths
	return docker.WithCertificates(c.target.json, docker.CertificatePaths{CA: now(paths.CA), Cert: now(paths.Cert), Key: now(paths.Key)})
}

// prove watches the host restart Docker, looks whether it serves what it is to serve
// and lets the visit in with the new files, and confirms.
func (v *visit) prove(ctx context.Context, d Delivery, c change) error {
	w := watch{visit: v, delivery: d, change: c, last: errors.New("it does not answer")}
	limited, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	if w.until(limited) {
		return w.verdict(ctx)
	}
	if w.reason == nil {
		w.reason = errorf(AboutHost, "%s did not prove within %s that it serves the new certificate: %v.", v.url(), d.Timeout, w.last)
		if ctx.Err() != nil {
			w.reason = errorf(AboutHost, "The visit to %s was interrupted before the new certificate was proved.", v.url())
		}
	}
	late, cancelLate := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancelLate()
	if w.until(late) {
		return w.verdict(ctx)
	}
	return errorf(AboutHost, "%s The host puts back the files that it had, %s after the restart, and restarts Docker again. That could not be seen, because it does not answer: %v.", w.reason.Text, d.Timeout, w.last)
}

// pauseFor waits, unless ctx ends before.
func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// watch is what is seen of a host that changes its files.
type watch struct {
	*visit
	delivery Delivery
	change   change
	reason   *Error // why the old files are to come back; nil as long as all is well
	last     error  // of the last look, if that saw nothing
	phase    string // as the host said last
}

// until looks until the host has ended, or ctx has.
func (w *watch) until(ctx context.Context) (ended bool) {
	for ctx.Err() == nil {
		ended, err := w.look(ctx)
		if ended {
			return true
		}
		w.last = err
		if w.phase != "restarted" { // the host answers at once
			pauseFor(ctx, blink)
		}
	}
	return false
}

// look looks once, over a new connection. It returns why another look is needed.
func (w *watch) look(ctx context.Context) (ended bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	w.phase = ""
	if err := w.again(ctx); err != nil {
		if ctx.Err() != nil {
			err = errors.New("it does not answer")
		}
		return false, err
	}
	if w.phase, err = w.outcome(ctx); err != nil {
		return false, err
	}
	switch w.phase {
	case "":
		return false, errors.New("its systemd has not restarted Docker")
	case "restarted":
		if w.reason == nil {
			w.reason = w.objection()
		}
		if w.reason != nil {
			w.tell(ctx, "cancel")
		} else {
			w.tell(ctx, "confirmed")
		}
		return false, errors.New("it has not said that it keeps the new files")
	}
	return true, nil
}

// again connects anew: what the daemon serves shows in a new handshake alone.
func (v *visit) again(ctx context.Context) error {
	next, err := v.host.connect(ctx, v.pair)
	if err != nil {
		return err
	}
	v.close()
	v.connection = next
	return nil
}

// outcome is what switch.sh says has come of it. A host that has rebooted has
// forgotten.
func (v *visit) outcome(ctx context.Context) (phase string, err error) {
	word, err := v.read(ctx, v.stager, staging+"/phase")
	if (err != nil || !word.exists) && v.isGone(ctx) {
		return rebooted, nil
	}
	return strings.TrimSpace(word.content), err
}

// isGone reports whether the host says that it has no [staging] any more. It is not
// made again by that.
func (v *visit) isGone(ctx context.Context) bool {
	_, err := v.api.ContainerStatPath(ctx, v.stager, client.ContainerStatPathOptions{Path: staging})
	return err != nil && ctx.Err() == nil && !client.IsErrConnectionFailed(err)
}

// objection is what speaks against what the daemon serves after its restart.
func (w *watch) objection() *Error {
	if !w.leaf().Equal(w.change.leaf) {
		return errorf(AboutOptions, "After its restart, %s serves another certificate than the one in %s. Its daemon reads it from elsewhere, by flags of its unit perhaps, or the daemon is not docker.service.", w.url(), w.change.target.paths.Cert)
	}
	probe := w.host.probe()
	roots, err := docker.ParseRoots(w.delivery.Server.CACertPEM)
	if err == nil {
		probe.Roots = roots
		err = probe.Verify(w.change.chain)
	}
	if err != nil {
		return errorf(AboutServer, "Clients would not trust the new certificate of %s: %v.", w.url(), err)
	}
	return nil
}

// verdict is what a delivery comes to that has ended on the host.
func (w *watch) verdict(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	switch w.phase {
	case rebooted:
		return w.afterReboot(ctx)
	case "done":
		w.tell(ctx, "read")
		w.awaitEnd(ctx)
		return nil
	}
	said, _ := w.read(ctx, w.stager, staging+"/text") // the verdict stands without it
	w.tell(ctx, "read")
	w.awaitEnd(ctx)
	var text strings.Builder
	switch w.phase {
	case "refused":
		fmt.Fprintf(&text, "%s refused the new files, and nothing was changed there.", w.url())
	default:
		if w.reason != nil {
			fmt.Fprintf(&text, "%s ", w.reason.Text)
		} else {
			fmt.Fprintf(&text, "Docker did not start again on %s with the new files. ", w.url())
		}
		text.WriteString("The files that it had are back, and Docker serves the certificate that it served before.")
		if w.phase == "down" {
			text.WriteString(" Its restart failed, however: look at it with systemctl status docker.")
		}
	}
	about := AboutHost
	if w.reason != nil {
		about = w.reason.About
	}
	if said := strings.TrimSpace(said.content); said != "" {
		fmt.Fprintf(&text, " The host says:\n%s", said)
	}
	return errorf(about, "%s", text.String())
}

// awaitEnd returns when switch.sh has removed the last that it had.
func (v *visit) awaitEnd(ctx context.Context) {
	for ctx.Err() == nil {
		if v.isGone(ctx) {
			return
		}
		pauseFor(ctx, blink/5)
	}
}

// afterReboot looks which files a host has that has rebooted in between: the old
// ones, unless the new ones were confirmed by then.
func (w *watch) afterReboot(ctx context.Context) error {
	differ, err := w.compare(ctx, w.change.target)
	if err == nil && len(differ) == 0 && w.leaf().Equal(w.change.leaf) {
		return nil
	}
	return errorf(AboutHost, "%s has rebooted before the new certificate was proved. The files that it had are back, and Docker serves the certificate that it served before. Apply again.", w.url())
}
