package deploy

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

// firstContact is the delivery to a host that has no TLS yet: with the default
// options, as its unit allows.
func (v *visit) firstContact(ctx context.Context, d Delivery, existing string) (Delivery, error) {
	if _, err := docker.PathsIn(existing); !d.CertificatesOnly || v.host.Via == nil || !errors.Is(err, docker.ErrNoPaths) {
		return d, nil
	}
	d.CertificatesOnly, d.Options = false, d.defaultOptions()
	d.Options.Port = v.host.Endpoint.Port
	if !d.Restart { // systemd may not be there
		d.Options.Listen = docker.ListenHosts
		return d, nil
	}
	unit, err := v.unit(ctx, d)
	if err != nil {
		return d, err
	}
	if d.Options.Listen, err = unit.Listen(); err != nil {
		return d, errorf(AboutHost, "%s: %v. Nothing was changed there.", v.url(), err)
	}
	return d, nil
}

// readUnit prints how systemd starts Docker: what systemctl says, and below it the
// environment files.
const readUnit = `shown=$(systemctl show docker.service --property=` + "%s" + `) && echo "$shown" &&
echo "$shown" | sed -n 's/^EnvironmentFiles=\(\/[^ ]*\).*/\1/p' | while read -r file; do cat "/host$file" 2>/dev/null; done; true`

// unit reads how the host's systemd starts Docker, with the host's own systemctl. The
// result is kept.
func (v *visit) unit(ctx context.Context, d Delivery) (docker.Unit, error) {
	if v.started != nil {
		return *v.started, nil
	}
	script := strings.Replace(readUnit, "%s", strings.Join(docker.UnitProperties, ","), 1)
	mounts := append(programs(), bind("/etc", hostRoot+"/etc", true))
	id, err := v.create(ctx, d, runName, container.Config{Cmd: []string{"/bin/sh", "-c", script}, Env: []string{pathEnv}}, container.HostConfig{PidMode: "host", Mounts: append(mounts, systemd()...)})
	if err != nil {
		return docker.Unit{}, err
	}
	defer v.remove(ctx, id)
	end, err := v.launch(ctx, id)
	if err == nil {
		err = end()
	}
	if err != nil {
		return docker.Unit{}, v.refused("let a container ask its systemd how Docker is started", err)
	}
	said, err := v.log(ctx, id, "all")
	if err != nil {
		return docker.Unit{}, v.failed("say how systemd starts Docker", err)
	}
	unit := docker.ParseUnit(said)
	v.started = &unit
	return unit, nil
}

// programs are the host's own, for a container to run.
func programs() (mounts []mount.Mount) {
	for _, directory := range []string{"/usr", "/bin", "/lib", "/lib64"} {
		mounts = append(mounts, bind(directory, directory, true))
	}
	return mounts
}

// systemd is where a container finds the host's.
func systemd() []mount.Mount {
	return []mount.Mount{bind("/run/systemd", "/run/systemd", true), bind("/run/dbus", "/run/dbus", true)}
}

// checkSetup refuses what would keep Docker from starting with the new daemon.json
// and units, or its port from answering.
func (v *visit) checkSetup(ctx context.Context, d Delivery, t target) error {
	if !d.Restart {
		return nil
	}
	unit, err := v.unit(ctx, d)
	if err != nil {
		return err
	}
	if err := unit.Check(t.options, t.json); err != nil {
		about := AboutHost
		if !d.CertificatesOnly {
			about = AboutOptions
		}
		return errorf(about, "%s: %v. Nothing was changed there.", v.url(), err)
	}
	return v.checkPort(ctx, t)
}

// checkPort refuses a port on which something else listens than Docker with TLS.
func (v *visit) checkPort(ctx context.Context, t target) error {
	if v.host.Via == nil || v.leaf() != nil {
		return nil
	}
	probe := v.host.inside(t.options)
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	conn, err := v.host.Via.Dial(ctx, "tcp", probe.Endpoint.Address())
	if err != nil {
		return nil // nobody listens, as it should be
	}
	_ = conn.Close()
	return errorf(AboutHost, "Something else than Docker with TLS listens on port %d of %s already: stop it, or choose another port in host. Nothing was changed there.", probe.Endpoint.Port, v.host.Endpoint.Host)
}

// shakeHands looks from the host's own side which certificate the port serves, if
// any. Over TLS, the connection itself has shown it.
func (v *visit) shakeHands(ctx context.Context, t target) error {
	if v.host.Via == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	var leaf *x509.Certificate
	chain, err := v.host.inside(t.options).Served(ctx)
	if err == nil {
		leaf = chain[0]
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.served = leaf
	return err
}
