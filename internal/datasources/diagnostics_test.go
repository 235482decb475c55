package datasources

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

func wantDiagnostic(t *testing.T, got diag.Diagnostics, at, text string) {
	t.Helper()
	if len(got) != 1 {
		t.Fatalf("%d errors, want one: %v", len(got), got)
	}
	d, ok := got[0].(diag.DiagnosticWithPath)
	switch {
	case !ok || !d.Path().Equal(path.Root(at)):
		t.Errorf("not at %s: %v", at, got[0])
	case !strings.Contains(d.Detail(), text):
		t.Errorf("got  %s\nwant %s", d.Detail(), text)
	case strings.Contains(d.Detail(), "PRIVATE KEY-----"):
		t.Error("the error shows a key")
	}
}
