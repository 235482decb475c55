package deploy

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

const (
	attempt = 4 * time.Second        // for one look at a host that restarts Docker
	blink   = 100 * time.Millisecond // between two of them
	grace   = 30 * time.Second       // for a host to undo what was not confirmed in time

	maxMisses = 20 // handshakes after the restart, until the port counts as closed

	rebooted = "rebooted" // the phase of a host that has no staging directory any more
)

// write puts the files that differ into their places, and restarts nothing. What is
// staged is removed by the container that runs already. Once it may have heard go,
// it is let end.
func (v *visit) write(ctx context.Context, d Delivery, c change) error {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	end, err := v.run(late, d, c)
	if err != nil {
		return v.refused("take the files", err)
	}
	if err = v.checkLock(ctx); err == nil {
		err = v.put(ctx, append(c.staged(), entry{"go", ""})...)
	}
	if err == nil {
		if err = end(); err != nil && late.Err() == nil {
			return v.refused("take the files", err)
		}
		if err == nil {
			return nil
		}
	}
	v.tell(ctx, "cancel")
	v.awaitEnd(late)
	var failure *Error
	if errors.As(err, &failure) {
		return err
	}
	return errorf(AboutHost, "%s did not take the new files: %v. It may have them all the same: apply again.", v.url(), err)
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

// stage carries the new files to the host, and says go. After an error the host may
// have heard it.
func (v *visit) stage(ctx context.Context, c change) error {
	check, err := c.checked()
	if err == nil {
		err = v.checkLock(ctx)
	}
	if err == nil {
		err = v.put(ctx, append(c.staged(), entry{"stager", v.stager}, entry{"check.json", check}, entry{"go", ""})...)
	}
	if err != nil && ctx.Err() == nil && client.IsErrConnectionFailed(err) {
		return nil // the answer may meet the restart that it asks for
	}
	return err
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
// and lets the visit in with the new files, and confirms. failed is why the old files
// are to come back from the beginning.
func (v *visit) prove(ctx context.Context, d Delivery, c change, failed error) error {
	w := watch{visit: v, delivery: d, change: c, hadTLS: v.leaf() != nil, last: errors.New("it does not answer")}
	if failed != nil {
		w.reason = errorf(AboutHost, "%s did not take the new files: %v.", v.url(), failed)
		w.tell(ctx, "cancel")
	}
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
	if w.confirmed {
		return errorf(AboutHost, "%s It was told to keep the new files, and may have them: it does not answer (%v). Apply again, to find out.", w.reason.Text, w.last)
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
	delivery  Delivery
	change    change
	misses    int    // handshakes after the restart that came to nothing
	confirmed bool   // the host was told to keep the new files
	hadTLS    bool   // the host served a certificate before
	reason    *Error // why the old files are to come back; nil as long as all is well
	last      error  // of the last look, if that saw nothing
	phase     string // as the host said last
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
	w.phase = ""
	if w.phase, err = w.listen(ctx); err != nil {
		return false, err
	}
	switch w.phase {
	case "":
		return false, errors.New("its systemd has not restarted Docker")
	case "restarted":
		if err := w.shakeHands(ctx, w.change.target); err != nil && w.misses < maxMisses {
			w.misses++
			pauseFor(ctx, blink)
			return false, err
		}
		if w.reason == nil {
			w.reason = w.objection()
		}
		if w.reason != nil {
			w.tell(ctx, "cancel")
		} else {
			w.tell(ctx, "confirmed")
			w.confirmed = true
		}
		return false, errors.New("it has not said that it keeps the new files")
	}
	return true, nil
}

// listen hears what the host says, over a new connection.
func (w *watch) listen(ctx context.Context) (phase string, err error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	if err = w.again(ctx); err == nil {
		phase, err = w.outcome(ctx)
	}
	if err != nil && ctx.Err() != nil {
		err = errors.New("it does not answer")
	}
	return phase, err
}

// again connects anew, with a certificate that is valid now: what the daemon serves
// shows in a new handshake alone.
func (v *visit) again(ctx context.Context) error {
	pair, err := v.host.visitor(v.wide)
	if err != nil {
		return err
	}
	next, err := v.host.connect(ctx, pair)
	if err != nil {
		v.wide = v.wide || refusesClock(err.Error())
		return err
	}
	if v.host.Via != nil {
		next.served = v.leaf() // as the last handshake from inside has shown
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

// isGone reports whether the host says that it has no [staging] any more, or no
// container that looks for it. Nothing is made again by that.
func (v *visit) isGone(ctx context.Context) bool {
	_, err := v.api.ContainerStatPath(ctx, v.stager, client.ContainerStatPathOptions{Path: staging})
	return err != nil && (cerrdefs.IsNotFound(err) || noSource.MatchString(err.Error()))
}

// objection is what speaks against what the daemon serves after its restart.
func (w *watch) objection() *Error {
	if w.leaf() == nil {
		return errorf(AboutHost, "After its restart, Docker does not serve %s: systemctl status docker-tls.socket docker on the host may say why.", w.url())
	}
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
	if w.reason != nil {
		text.WriteString(w.reason.Text + " ")
	}
	switch w.phase {
	case "cancelled":
		text.WriteString("Nothing was changed there.")
	case "refused":
		fmt.Fprintf(&text, "%s refused the new files, and nothing was changed there.", w.url())
	case "down":
		fmt.Fprintf(&text, "The files that %s had are back, but Docker did not start with them either: look at it with systemctl status docker.", w.url())
	default:
		switch {
		case w.reason == nil && w.confirmed:
			fmt.Fprintf(&text, "%s was told too late to keep the new files. ", w.url())
		case w.reason == nil:
			fmt.Fprintf(&text, "Docker did not start again on %s with the new files. ", w.url())
		}
		text.WriteString(w.back())
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

// back says what a host is like that has undone a delivery.
func (w *watch) back() string {
	if !w.hadTLS {
		return "The files that it had are back, and Docker is as it was before."
	}
	return "The files that it had are back, and Docker serves the certificate that it served before."
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
	switch {
	case err == nil && len(differ) == 0 && w.leaf().Equal(w.change.leaf):
		return nil
	case err != nil:
		return errorf(AboutHost, "%s has rebooted before the new certificate was proved, and which files it has could not be seen: %v. Apply again.", w.url(), err)
	}
	return errorf(AboutHost, "%s has rebooted before the new certificate was proved. %s Apply again.", w.url(), w.back())
}
