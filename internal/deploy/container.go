package deploy

import (
	"archive/tar"
	"bytes"
	"context"
	_ "embed" // switch.sh
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
)

const (
	visitName = "docker-tls-visit"   // of the container that looks, and of the unit of a visit
	runName   = visitName + "-run"   // of the container that has the host run something
	stageName = visitName + "-stage" // of the container that carries files to the host
	hostRoot  = "/host"              // where a container has directories of the host
	staging   = "/run/docker-tls"    // on the host and in the container, in memory
	maxFile   = 1 << 20              // octets of a file that is read
	orphan    = 15 * time.Second     // until a visit that has staged nothing is taken for dead
	// systemdDirectory is there where systemd runs (sd_booted(3)).
	systemdDirectory = "/run/systemd/system"
	pathEnv          = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
)

//go:embed switch.sh
var switchScript string

// open makes the container that shows directories of the host, and never runs. It is
// the lock of the host: no other visit can have one at the same time.
//
// Docker before 25 mounts what a container has into its own view of the host while it
// reads or writes an archive. Whoever removed the container at that moment might
// remove what is mounted there too. So whatever a visit reads is mounted read-only,
// and of what it writes to by archives the host has no more than [staging].
func (v *visit) open(ctx context.Context, d Delivery, directories []string) error {
	if err := v.importImage(ctx); err != nil {
		return err
	}
	v.directories = directories
	var mounts []mount.Mount
	for i, directory := range directories {
		mounts = append(mounts, bind(directory, v.view(i), true))
	}
	mounts = append(mounts, bind(systemdDirectory, systemdDirectory, true))
	id, err := v.create(ctx, d, visitName, container.Config{Cmd: []string{"x"}}, container.HostConfig{Mounts: mounts})
	v.container = id
	return err
}

// view is where the container has a directory of the host.
func (v *visit) view(i int) string { return fmt.Sprintf("%s/%d", hostRoot, i) }

// viewed is where the container has a file of the host.
func (v *visit) viewed(file string) string {
	return path.Join(v.view(slices.Index(v.directories, path.Dir(file))), path.Base(file))
}

// run starts the container whose one command has [switchScript] run, and makes the
// one that carries files to it. end waits for the end of the command.
func (v *visit) run(ctx context.Context, d Delivery, c change) (end func() error, err error) {
	config := container.Config{
		Cmd: runSwitch(d.Restart),
		Env: []string{"SCRIPT=" + switchScript, "RESTART=" + yes(d.Restart), fmt.Sprintf("WAIT=%.0f", math.Ceil(d.Timeout.Seconds())),
			"CONTAINER=" + v.container, "IMAGE=" + v.image, pathEnv},
	}
	host := container.HostConfig{Mounts: programs()}
	if d.Restart {
		host.PidMode = "host" // systemd asks who calls, and sees nobody from another namespace
		host.Mounts = append(host.Mounts, systemd()...)
	} else {
		host.Mounts = append(host.Mounts, bind("/run", "/run", false))
		for _, top := range c.target.tops() {
			host.Mounts = append(host.Mounts, bind(top, hostRoot+top, false))
		}
	}
	if v.runner, err = v.create(ctx, d, runName, config, host); err != nil {
		return nil, err
	}
	if end, err = v.launch(ctx, v.runner); err != nil {
		return nil, err
	}
	if d.Restart {
		if err := end(); err != nil {
			return nil, err
		}
	}
	// The script makes the directory.
	v.stager, err = v.create(ctx, d, stageName, container.Config{Cmd: []string{"x"}}, container.HostConfig{Mounts: []mount.Mount{bind(staging, staging, false)}})
	return end, err
}

func bind(source, target string, readOnly bool) mount.Mount {
	return mount.Mount{Type: mount.TypeBind, Source: source, Target: target, ReadOnly: readOnly}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// runSwitch is the one command of the container. With a restart it has the host's
// systemd run the script and ends. systemd would expand variables in the command
// itself, so the script comes in one, and is not named as one.
func runSwitch(restart bool) []string {
	const script = `eval "$(printenv SCRIPT)"`
	if !restart {
		return []string{"/bin/sh", "-c", `eval "$SCRIPT"`}
	}
	return []string{"/bin/sh", "-c", `exec systemd-run --quiet --collect --unit=` + visitName +
		` --setenv=SCRIPT="$SCRIPT" --setenv=RESTART="$RESTART" --setenv=WAIT="$WAIT" --setenv=CONTAINERS="$HOSTNAME $CONTAINER" --setenv=IMAGE="$IMAGE" /bin/sh -c '` + script + `'`}
}

// lifetime is how long a visit lasts at most.
func lifetime(timeout time.Duration) time.Duration { return 2*timeout + 2*time.Minute }

// importImage makes an image of nothing: no registry, no download. Each visit has
// one of its own, so that none removes another's.
func (v *visit) importImage(ctx context.Context) error {
	if v.image != "" {
		return nil
	}
	empty := bytes.NewReader(make([]byte, 1024)) // the end of an archive
	response, err := v.api.ImageImport(ctx, client.ImageImportSource{Source: empty, SourceName: "-"}, "", client.ImageImportOptions{})
	if err != nil {
		return v.failed("import an image of nothing", err)
	}
	defer func() { _ = response.Close() }()
	var message struct{ Status, Error string }
	for decoder := json.NewDecoder(io.LimitReader(response, maxFile)); err == nil; err = decoder.Decode(&message) {
		if strings.HasPrefix(message.Status, "sha256:") {
			v.image = message.Status
		}
	}
	if v.image == "" {
		return v.failed("import an image of nothing", fmt.Errorf("%s (%w)", message.Error, err))
	}
	return nil
}

var noSource = regexp.MustCompile(`bind source path does not exist: (\S+)`)

// create makes a container. It waits for the end of a visit that is under way, and
// leaves out a directory that the host does not have.
func (v *visit) create(ctx context.Context, d Delivery, name string, config container.Config, host container.HostConfig) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, lifetime(d.Timeout))
	defer cancel()
	config.Image = v.image
	config.Labels = map[string]string{"docker-tls.lifetime": lifetime(d.Timeout).String()}
	host.NetworkMode = "none"
	host.SecurityOpt = []string{"label=disable", "apparmor=unconfined"}
	host.LogConfig = container.LogConfig{Type: "json-file"}
	for {
		created, err := v.api.ContainerCreate(ctx, client.ContainerCreateOptions{Name: name, Config: &config, HostConfig: &host})
		if err == nil {
			return created.ID, nil
		}
		missing := noSource.FindStringSubmatch(err.Error())
		switch {
		case missing != nil && missing[1] == staging && ctx.Err() == nil:
			pauseFor(ctx, blink/2)
		case missing != nil && slices.ContainsFunc(host.Mounts, func(m mount.Mount) bool { return m.Source == missing[1] }):
			host.Mounts = slices.DeleteFunc(host.Mounts, func(m mount.Mount) bool { return m.Source == missing[1] })
		case !cerrdefs.IsConflict(err):
			return "", v.failed("create a container", err)
		case name == visitName:
			if err := v.awaitOther(ctx); err != nil {
				return "", err
			}
		default: // this visit has the lock, so it is of one that was killed
			if err := v.checkLock(ctx); err != nil {
				return "", err
			}
			v.remove(ctx, name)
			pauseFor(ctx, blink)
		}
	}
}

// awaitOther returns when the container of another visit is gone. One that was
// killed has left its container: nothing is staged on the host then.
func (v *visit) awaitOther(ctx context.Context) error {
	for idle := time.Duration(0); ; idle += pause {
		inspected, err := v.api.ContainerInspect(ctx, visitName, client.ContainerInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			return nil
		}
		if err == nil && (idle > orphan || v.outlived(inspected.Container)) {
			v.remove(ctx, inspected.Container.ID)
			v.removeImage(ctx, inspected.Container.Image)
		}
		if _, busy := v.api.ContainerStatPath(ctx, stageName, client.ContainerStatPathOptions{Path: staging}); busy == nil {
			idle = 0
		}
		select {
		case <-ctx.Done():
			return errorf(AboutHost, "Another visit to %s is under way, and does not end. This one has changed nothing: apply again when the other has ended.", v.url())
		case <-time.After(pause):
		}
	}
}

// checkLock reports a lock that was lost: another visit took this one for dead.
func (v *visit) checkLock(ctx context.Context) error {
	if _, err := v.api.ContainerInspect(ctx, v.container, client.ContainerInspectOptions{}); err != nil {
		return errorf(AboutHost, "Another visit to %s took this one for dead, as the host answers slowly (%v). This one has changed nothing: apply again.", v.url(), err)
	}
	return nil
}

// outlived reports a container that is older, by the host's clock, than its visit
// can be.
func (v *visit) outlived(c container.InspectResponse) bool {
	created, err := time.Parse(time.RFC3339Nano, c.Created)
	now, nowErr := time.Parse(time.RFC3339Nano, v.info.SystemTime)
	if err != nil || nowErr != nil || c.Config == nil {
		return false
	}
	lifetime, err := time.ParseDuration(c.Config.Labels["docker-tls.lifetime"])
	now = now.Add(v.host.Now().Sub(v.seen))
	return err == nil && now.Sub(created) > lifetime
}

// launch starts the container's command; end waits for its end.
func (v *visit) launch(ctx context.Context, id string) (end func() error, err error) {
	waited := v.api.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := v.api.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		return nil, v.failed("start a container with the host's own programs", err)
	}
	return func() error {
		select {
		case err := <-waited.Error:
			return v.failed("wait for a container", err)
		case status := <-waited.Result:
			if status.StatusCode == 0 {
				return nil
			}
			said, err := v.log(ctx, id, "10")
			if err != nil {
				said = err.Error()
			}
			return fmt.Errorf("it ended with %d: %s", status.StatusCode, said)
		}
	}, nil
}

// log is what a container has written, the last lines of it or all.
func (v *visit) log(ctx context.Context, id, lines string) (string, error) {
	logs, err := v.api.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: lines})
	if err != nil {
		return "", err
	}
	defer func() { _ = logs.Close() }()
	text, err := io.ReadAll(io.LimitReader(logs, maxFile))
	return demultiplexed(text), err
}

// demultiplexed takes the headers out of the output of a container without a
// terminal: 8 octets before each piece, of which the last four are its length.
func demultiplexed(text []byte) string {
	var out strings.Builder
	for len(text) >= 8 {
		announced := binary.BigEndian.Uint32(text[4:]) // which may be more than an int holds
		text = text[8:]
		length := len(text)
		if uint64(announced) < uint64(length) {
			length = int(announced)
		}
		out.Write(text[:length])
		text = text[length:]
	}
	return strings.TrimSpace(out.String())
}

// hostFile is a file as the host has it. Of a symbolic link that leads out of its
// directory, the content is not known.
type hostFile struct {
	content string
	mode    int64
	exists  bool
	link    string
}

// read carries a file here. A file that is not there is no error.
func (v *visit) read(ctx context.Context, id, name string) (f hostFile, err error) {
	for range 8 {
		f, err = v.readOnce(ctx, id, name)
		if err != nil || f.link == "" || strings.Contains(f.link, "/") {
			return f, err
		}
		name = path.Join(path.Dir(name), f.link)
	}
	return hostFile{}, errors.New("it is a chain of too many symbolic links: make it a file")
}

// readAll carries the files of one directory here, by path: several at once, since
// each archive costs dockerd a process.
func (v *visit) readAll(ctx context.Context, files []string) (map[string]hostFile, error) {
	there := map[string]hostFile{}
	if len(files) > 1 {
		if err := v.readDirectory(ctx, path.Dir(files[0]), there); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		if f := there[file]; f.exists && f.link == "" {
			continue
		}
		f, err := v.read(ctx, v.container, v.viewed(file))
		if err != nil {
			return nil, err
		}
		there[file] = f
	}
	return there, nil
}

// readDirectory reads the files of a directory, by path, as far as [maxFile] goes.
func (v *visit) readDirectory(ctx context.Context, directory string, there map[string]hostFile) error {
	result, err := v.api.CopyFromContainer(ctx, v.container, client.CopyFromContainerOptions{SourcePath: v.view(slices.Index(v.directories, directory))})
	if cerrdefs.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = result.Content.Close() }()
	maps.Copy(there, filesIn(result.Content, directory))
	return nil
}

// filesIn are the files in the archive of a directory, by path, as far as [maxFile]
// goes. What is missing is read by itself.
func filesIn(sent io.Reader, directory string) map[string]hostFile {
	there := map[string]hostFile{}
	archive := tar.NewReader(io.LimitReader(sent, maxFile))
	for left := int64(maxFile); ; {
		header, err := archive.Next()
		if err != nil {
			return there
		}
		if left -= header.Size; left < 0 { // holes are not in the archive
			return there
		}
		_, name, _ := strings.Cut(header.Name, "/") // the archive begins with the name of the directory
		file := path.Join(directory, name)
		if f, err := content(archive, header); err == nil && path.Dir(file) == directory {
			there[file] = f
		}
	}
}

// firstIn is the only file in an archive.
func firstIn(sent io.Reader) (hostFile, error) {
	archive := tar.NewReader(sent)
	header, err := archive.Next()
	if err != nil {
		return hostFile{}, err
	}
	return content(archive, header)
}

// content is an entry of an archive.
func content(archive *tar.Reader, header *tar.Header) (hostFile, error) {
	switch {
	case header.Typeflag == tar.TypeSymlink:
		return hostFile{exists: true, link: header.Linkname}, nil
	case header.Typeflag == tar.TypeReg && header.Size > maxFile:
		return hostFile{}, errors.New("it has more than 1 MiB, which no file of Docker's has: put it elsewhere")
	case header.Typeflag == tar.TypeReg:
		text, err := io.ReadAll(archive)
		return hostFile{content: string(text), mode: header.Mode & 0o7777, exists: true}, err
	}
	return hostFile{}, errors.New("it is not a regular file: make it one")
}

func (v *visit) readOnce(ctx context.Context, id, name string) (f hostFile, err error) {
	result, err := v.api.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: name})
	if cerrdefs.IsNotFound(err) {
		return hostFile{}, nil
	}
	if err != nil {
		return hostFile{}, err
	}
	defer func() { _ = result.Content.Close() }()
	return firstIn(result.Content)
}

// entry is a file, or a directory, that a visit puts into a directory of the host.
type entry struct {
	name    string // a final slash says directory
	content string
}

// put carries entries to [staging], in their order. Only root can read them.
func (v *visit) put(ctx context.Context, entries ...entry) error {
	var text bytes.Buffer
	archive := tar.NewWriter(&text)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(e.content))}
		if strings.HasSuffix(e.name, "/") {
			header.Typeflag, header.Mode = tar.TypeDir, 0o700
		}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
		if _, err := io.WriteString(archive, e.content); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	_, err := v.api.CopyToContainer(ctx, v.stager, client.CopyToContainerOptions{DestinationPath: staging, Content: &text})
	if err != nil && forbidden(err.Error()) {
		return v.failed("take the new files", err)
	}
	return err
}

// leave removes the containers and the image, and ends the visit. What cannot be
// removed now, the next visit removes.
func (v *visit) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*patience)
	defer cancel()
	var removed sync.WaitGroup
	for _, id := range []string{v.stager, v.runner} {
		removed.Go(func() { v.remove(ctx, id) })
	}
	removed.Wait()
	v.remove(ctx, v.container) // the lock
	v.removeImage(ctx, v.image)
	v.close()
}

// remove removes a container, if there is one.
func (v *visit) remove(ctx context.Context, id string) {
	if id != "" {
		_, _ = v.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
	}
}

// removeImage removes the image of a visit, if it has one.
func (v *visit) removeImage(ctx context.Context, id string) {
	if id != "" {
		_, _ = v.api.ImageRemove(ctx, id, client.ImageRemoveOptions{})
	}
}

func (v *visit) failed(step string, err error) *Error { return v.host.failed(step, err) }

// failed says which step of a visit the daemon refused.
func (h Host) failed(step string, err error) *Error {
	url := h.Endpoint.URL()
	switch text := err.Error(); {
	case forbidden(text):
		return errorf(AboutHost, "An authorization plugin of %s forbids a step of the visit, to %s: %s. Have it allow the subject of the visit's certificate what SECURITY.md lists. Nothing was changed there.", url, step, text)
	case errors.Is(err, context.Canceled):
		return errorf(AboutHost, "The visit to %s was interrupted when it was to %s. Nothing was changed there.", url, step)
	default:
		return errorf(AboutHost, "%s failed to %s: %s. Nothing was changed there.", url, step, text)
	}
}

// forbidden knows what a daemon says that has asked an authorization plugin.
func forbidden(text string) bool { return strings.Contains(text, "authorization denied by plugin") }
