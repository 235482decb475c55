package deploy

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"
)

func TestDemultiplexed(t *testing.T) {
	piece := func(stream byte, text string) string {
		return string([]byte{stream, 0, 0, 0, 0, 0, byte(len(text) >> 8), byte(len(text))}) + text
	}
	long := strings.Repeat("x", 300)
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"one piece", piece(1, "hello\n"), "hello"},
		{"both streams", piece(1, "a\n") + piece(2, "b\n") + piece(1, ""), "a\nb"},
		{"a long piece", piece(2, long), long},
		{"half a header", piece(1, "a") + "\x01\x00\x00", "a"},
		{"half a piece", piece(1, "a") + piece(1, "hello")[:10], "ahe"},
		{"a length of 4 GiB", "\x01\x00\x00\x00\xff\xff\xff\xffabc", "abc"},
	} {
		if got := demultiplexed([]byte(test.text)); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestLifetime(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 2 * time.Minute, time.Minute: 4 * time.Minute, time.Hour: 122 * time.Minute} {
		if got := lifetime(timeout); got != want {
			t.Errorf("of %s: %s", timeout, got)
		}
	}
}

// The age of a container counts by the clock of its host, which may be any.
func TestOutlived(t *testing.T) {
	v := visit{connection: &connection{host: Host{Now: func() time.Time { return noon.Add(time.Minute) }}}, seen: noon,
		info: system.Info{SystemTime: "2020-01-01T00:00:00.5Z"}}
	of := func(created, lifetime string) container.InspectResponse {
		return container.InspectResponse{Created: created, Config: &container.Config{Labels: map[string]string{"docker-tls.lifetime": lifetime}}}
	}
	for _, test := range []struct {
		name string
		c    container.InspectResponse
		want bool
	}{
		{"younger", of("2019-12-31T23:58:00Z", "4m0s"), false},
		{"older", of("2019-12-31T23:56:00Z", "4m0s"), true},
		{"without a label", of("2019-01-01T00:00:00Z", ""), false},
		{"without a date", of("", "4m0s"), false},
		{"without a configuration", container.InspectResponse{Created: "2019-01-01T00:00:00Z"}, false},
	} {
		if got := v.outlived(test.c); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
	v.info.SystemTime = ""
	if v.outlived(of("2019-01-01T00:00:00Z", "4m0s")) {
		t.Error("by no clock at all")
	}
}

// Nothing is read that was not sent.
func FuzzDemultiplexed(f *testing.F) {
	for _, seed := range []string{"", "\x01\x00\x00\x00\x00\x00\x00\x02a\n\x02\x00\x00\x00\x00\x00\x00\x01b", "\x01\x00\x00\x00\xff\xff\xff\xffabc", "\x01\x00\x00\x00\x00", "\x01\x00\x00\x00\x80\x00\x00\x00abc"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := string(text)
		got := demultiplexed(text)
		if len(got) > max(0, len(text)-8) || string(text) != before {
			t.Errorf("%q becomes %q", before, got)
		}
		frame := binary.BigEndian.AppendUint32([]byte{1, 0, 0, 0}, uint32(len(got)))
		if again := demultiplexed(append(frame, got...)); again != got {
			t.Errorf("%q is read as %q", got, again)
		}
	})
}

// archived makes an archive as a host's Docker does.
func archived(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var text bytes.Buffer
	archive := tar.NewWriter(&text)
	for _, header := range headers {
		if err := archive.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(make([]byte, header.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// hole is a file that is all hole, as GNU tar's sparse format 0.1 has it: a file of
// any size that is of no size in the archive.
func hole(name string, size int64) []byte {
	var records string
	for _, record := range []string{"GNU.sparse.major=0", "GNU.sparse.minor=1", "GNU.sparse.numblocks=0", "GNU.sparse.map=", fmt.Sprint("GNU.sparse.size=", size)} {
		records += fmt.Sprintf("%d %s\n", len(record)+4, record) // the length has two digits
	}
	text := rawHeader("x", tar.TypeXHeader, len(records))
	text = append(text, records...)
	text = append(text, make([]byte, 512-len(records)%512)...)
	return append(text, rawHeader("tls/"+name, tar.TypeReg, 0)...)
}

func rawHeader(name string, kind byte, size int) []byte {
	header := make([]byte, 512)
	copy(header, name)
	copy(header[100:], "0000600\x00")
	copy(header[124:], fmt.Sprintf("%011o\x00", size))
	copy(header[148:], "        ")
	header[156] = kind
	copy(header[257:], "ustar\x0000")
	sum := 0
	for _, octet := range header {
		sum += int(octet)
	}
	copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
	return header
}

func TestArchivesAreBounded(t *testing.T) {
	var holes []byte
	for i := range 64 {
		holes = append(holes, hole(fmt.Sprint(i), maxFile)...)
	}
	for name, sent := range map[string][]byte{
		"holes":       holes,
		"a long hole": hole("long", 1<<32),
		"a long file": archived(t, tar.Header{Name: "tls/long", Typeflag: tar.TypeReg, Size: maxFile + 1}),
	} {
		size := 0
		for _, f := range filesIn(bytes.NewReader(sent), "/etc/docker/tls") {
			size += len(f.content)
		}
		if size > maxFile {
			t.Errorf("%s: %d octets are kept", name, size)
		}
		if f, err := firstIn(bytes.NewReader(sent)); len(f.content) > maxFile || name != "holes" && err == nil {
			t.Errorf("%s: %d octets are read, %v", name, len(f.content), err)
		}
	}
}

// Whatever a host sends as an archive, it is bounded, and lies in the directory that
// was asked for.
func FuzzArchive(f *testing.F) {
	f.Add(archived(f, tar.Header{Name: "tls/", Typeflag: tar.TypeDir}, tar.Header{Name: "tls/ca.pem", Typeflag: tar.TypeReg, Size: 3, Mode: 0o444}, tar.Header{Name: "tls/key.pem", Typeflag: tar.TypeSymlink, Linkname: "../key.pem"}))
	f.Add(archived(f, tar.Header{Name: "tls/../../x", Typeflag: tar.TypeReg, Size: 1}, tar.Header{Name: "tls/..", Typeflag: tar.TypeReg}))
	f.Add(hole("a", 1<<20))
	f.Add(hole("b", 1<<32))
	const directory = "/etc/docker/tls"
	f.Fuzz(func(t *testing.T, sent []byte) {
		size := 0
		for file, found := range filesIn(bytes.NewReader(sent), directory) {
			size += len(found.content)
			if path.Dir(file) != directory || !found.exists {
				t.Errorf("%q is found: %v", file, found.exists)
			}
		}
		first, err := firstIn(bytes.NewReader(sent))
		if size > maxFile || len(first.content) > maxFile {
			t.Errorf("%d octets, and %d of the first file", size, len(first.content))
		}
		if err == nil && (!first.exists || first.link != "" && first.content != "" || first.mode&^0o7777 != 0) {
			t.Errorf("the first is %+v", first)
		}
	})
}
