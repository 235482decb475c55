package usage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestParse has a file of one command with two processes of a provider.
func TestParse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "usage.json")
	for _, p := range []Process{
		{Name: Core, PID: 1},
		{Name: Provider, PID: 2},
		{Name: Provider, PID: 3},
		{Name: Provider, PID: 2, Ended: true, Wall: time.Second, CPU: 20 * time.Millisecond, Own: time.Millisecond, MaxRSS: 30},
		{Name: Provider, PID: 3, Ended: true, Wall: time.Second, CPU: 40 * time.Millisecond, Own: 2 * time.Millisecond, MaxRSS: 20},
		{Name: Core, PID: 1, Ended: true, Wall: 2 * time.Second, CPU: 163 * time.Millisecond, MaxRSS: 90},
	} {
		if err := Append(file, p); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	want := Command{Wall: 2 * time.Second, CoreCPU: 100 * time.Millisecond, ProviderCPU: 60 * time.Millisecond,
		CoreMaxRSS: 90, ProviderMaxRSS: 30, Providers: 2, coreProcesses: 1}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	const core = `{"Name":"core","PID":1}{"Name":"core","PID":1,"Ended":true,"CPU":5}`
	for name, test := range map[string]struct{ text, want string }{
		"an empty file":               {"", "0 of terraform itself"},
		"two commands":                {core + core, "2 of terraform itself"},
		"a provider that was killed":  {core + `{"Name":"provider","PID":2}`, "1 were killed"},
		"a provider nobody waits for": {core + `{"Name":"provider","PID":2}{"Name":"provider","PID":2,"Ended":true,"CPU":6}`, "waited for none"},
		"another text":                {"terraform", "invalid character"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, not %q", err, test.want)
			}
		})
	}
}
