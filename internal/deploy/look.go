package deploy

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

const unitDirectory = "/etc/systemd/"

// target is what a host is to have.
type target struct {
	files   map[string]docker.HostFile // by path
	paths   docker.CertificatePaths
	json    string         // daemon.json, as it is or as it is to be
	options docker.Options // of a host that is set up
	setup   bool           // daemon.json and the units are delivered too
}

// newTarget says what a host is to have whose daemon.json is the given one.
func newTarget(d Delivery, there hostFile) (target, error) {
	if d.CertificatesOnly {
		d.Options = d.defaultOptions()
	}
	t := target{paths: d.Options.Paths(), json: there.content, options: d.Options, setup: !d.CertificatesOnly}
	var err error
	if t.setup {
		t.json, err = docker.MergeDaemonJSON(there.content, d.Options, d.FormerSettings)
	} else {
		t.paths, err = docker.PathsIn(there.content)
		switch {
		case errors.Is(err, docker.ErrNoPaths):
			err = fmt.Errorf("%w. Set options, so that they are written there; where they are flags of Docker's unit, take them out of it first", err)
		case err == nil && t.paths.CA == "" && d.Options.Clients != nil:
			err = fmt.Errorf("%s names no tlscacert, so that clients would not be asked who they are. Set options, so that it is written there, or leave clients out", docker.DaemonJSONPath)
		}
	}
	files, invalid := docker.CertificateFiles(d.Server, d.Options, t.paths)
	if invalid != nil {
		return target{}, errorf(AboutServer, "%v.", invalid)
	}
	if err != nil {
		return target{}, errorf(AboutOptions, "%v. Nothing was changed on the host.", err)
	}
	t.files = files
	if t.setup {
		permissions := "0644"
		if there.exists { // its other keys may be nobody else's business
			permissions = fmt.Sprintf("%04o", there.mode&0o644)
		}
		t.files[docker.DaemonJSONPath] = docker.HostFile{Content: t.json, Permissions: permissions}
		maps.Copy(t.files, d.Options.UnitFiles(d.Server.PrivateKeyPEM == ""))
	}
	return t, nil
}

// directories are those of the files, and of daemon.json, sorted.
func (t target) directories() []string {
	directories := map[string]bool{path.Dir(docker.DaemonJSONPath): true}
	for file := range t.files {
		directories[path.Dir(file)] = true
	}
	if t.paths.Key != "" { // which the host may keep
		directories[path.Dir(t.paths.Key)] = true
	}
	return slices.Sorted(maps.Keys(directories))
}

// tops are the top directories that hold the files.
func (t target) tops() []string {
	tops := map[string]bool{}
	for file := range t.files {
		top, _, _ := strings.Cut(file[1:], "/")
		tops["/"+top] = true
	}
	return slices.Sorted(maps.Keys(tops))
}

// change is what a host has otherwise than it is to have.
type change struct {
	target target
	differ []string            // paths, sorted
	chain  []*x509.Certificate // of the certificate
	leaf   *x509.Certificate   // the first of it
}

// none reports a host that is to be left alone: it has all, and serves it.
func (c change) none(d Delivery, served *x509.Certificate) bool {
	return len(c.differ) == 0 && (!d.Restart || served.Equal(c.leaf))
}

// look carries here what lies on the host, and compares it.
func (v *visit) look(ctx context.Context, d Delivery) (change, error) {
	chain, err := x509text.ParseCertificates(d.Server.CertPEM)
	if err != nil {
		return change{}, errorf(AboutServer, "The certificate cannot be read: %v.", err)
	}
	t, err := v.target(ctx, d)
	if err != nil {
		return change{}, err
	}
	if d.Restart {
		if err := v.checkStart(ctx, t); err != nil {
			return change{}, err
		}
	}
	if err := v.checkOwnKey(ctx, d, t); err != nil {
		return change{}, err
	}
	_ = v.shakeHands(ctx, t) // who does not answer serves nothing
	differ, err := v.compare(ctx, t)
	c := change{target: t, differ: differ, chain: chain, leaf: chain[0]}
	if err == nil && c.setsUp() {
		err = v.checkSetup(ctx, d, t)
	}
	return c, err
}

// setsUp reports a change of daemon.json or of a unit.
func (c change) setsUp() bool {
	return c.target.setup && slices.ContainsFunc(c.differ, func(file string) bool {
		return file == docker.DaemonJSONPath || strings.HasPrefix(file, unitDirectory)
	})
}

// compare returns the paths, sorted, of the files that the host has otherwise.
func (v *visit) compare(ctx context.Context, t target) (differ []string, err error) {
	byDirectory := map[string][]string{}
	for _, file := range slices.Sorted(maps.Keys(t.files)) {
		byDirectory[path.Dir(file)] = append(byDirectory[path.Dir(file)], file)
	}
	for directory, files := range byDirectory {
		there, err := v.readAll(ctx, files)
		if err != nil {
			return nil, v.failed("read the files of "+directory, err)
		}
		for _, file := range files {
			if differs(there[file], t.files[file]) {
				differ = append(differ, file)
			}
		}
	}
	slices.Sort(differ)
	return differ, nil
}

// target reads daemon.json, and opens the directories that it asks for. Most often
// they are those of the options.
func (v *visit) target(ctx context.Context, d Delivery) (target, error) {
	for open := usualDirectories(d); ; {
		if err := v.open(ctx, d, open); err != nil {
			return target{}, err
		}
		existing, err := v.read(ctx, v.container, v.viewed(docker.DaemonJSONPath))
		if err == nil && existing.link != "" {
			err = fmt.Errorf("it is a symbolic link to %s: make it a file", existing.link)
		}
		if err != nil {
			return target{}, v.failed("read "+docker.DaemonJSONPath, err)
		}
		if d, err = v.firstContact(ctx, d, existing.content); err != nil {
			return target{}, err
		}
		t, err := newTarget(d, existing)
		if err != nil {
			return target{}, err
		}
		directories := t.directories()
		if !slices.ContainsFunc(directories, func(directory string) bool { return !slices.Contains(open, directory) }) {
			return t, nil
		}
		// Another visit may come in between, and change daemon.json.
		v.remove(ctx, v.container)
		open = directories
	}
}

func usualDirectories(d Delivery) []string {
	if d.CertificatesOnly {
		d.Options = d.defaultOptions()
	}
	usual := target{paths: d.Options.Paths(), files: map[string]docker.HostFile{}}
	if !d.CertificatesOnly {
		maps.Copy(usual.files, d.Options.UnitFiles(false))
	}
	return usual.directories()
}

// checkStart refuses a host where Docker could not be started again: one that
// systemd does not run, or a dockerd that cannot check daemon.json and would fail
// over it.
func (v *visit) checkStart(ctx context.Context, t target) error {
	if versions.LessThan(v.apiVersion, "1.42") { // before 23.0, without --validate
		if err := docker.CheckDaemonJSON(t.json); err != nil {
			return errorf(AboutHost, "Docker would not start again on %s: %v. Nothing was changed there.", v.url(), err)
		}
	}
	_, err := v.api.ContainerStatPath(ctx, v.container, client.ContainerStatPathOptions{Path: systemdDirectory})
	switch {
	case cerrdefs.IsNotFound(err):
		return errorf(AboutRestart, "%s is not run by systemd, so nothing on the host could restart Docker and undo what fails. With restart = \"none\" the files are written, and Docker is restarted by other means. Nothing was changed there.", v.url())
	case err != nil:
		return v.failed("look for systemd", err)
	}
	return nil
}

// checkOwnKey refuses a host that is to have its key already, and has none.
func (v *visit) checkOwnKey(ctx context.Context, d Delivery, t target) error {
	if d.Server.PrivateKeyPEM != "" {
		return nil
	}
	_, err := v.api.ContainerStatPath(ctx, v.container, client.ContainerStatPathOptions{Path: v.viewed(t.paths.Key)})
	switch {
	case cerrdefs.IsNotFound(err):
		return errorf(AboutServer, "%s has no private key in %s, where the key of its own request is to lie. Nothing was changed there.", v.url(), t.paths.Key)
	case err != nil:
		return v.failed("look for the host's private key", err)
	}
	return nil
}

// differs reports a file that has other content, or that others than root may read
// though it is for root alone.
func differs(there hostFile, wanted docker.HostFile) bool {
	secret := wanted.Permissions == "0400"
	return !there.exists || there.content != wanted.Content || secret && there.mode&0o077 != 0
}
