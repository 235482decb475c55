package deploy

import (
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
