package provider_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
)

// messagePackages are the packages whose errors a user may see.
var messagePackages = []string{"provider", "resources", "inputs", "functions", "datasources", "ephemerals", "deploy", "via", "docker", "pki", "x509text"}

// unseen are messages that reach nobody: another one takes their place.
var unseen = []string{
	"unknown host key", "changed host key", // hostkey.go says which host, and what to do
	"open … over …: …",                      // Explain says why
	"no state", "not attempted", "ahead of", // part of others
}

// unitOnHost are sentences of the unit on a host, which the guide has where the host says them.
const unitOnHost = "docker-tls: "

// fewestWords is how many words of its own a quote needs that leaves some of its message out.
const fewestWords = 3

// TestTroubleshooting compares the guide with the source: it has all messages of the provider, and none that the
// provider does not say.
func TestTroubleshooting(t *testing.T) {
	t.Parallel()
	messages := sourceMessages(t, messagePackages...)
	if len(messages) < 400 {
		t.Fatalf("only %d messages are found", len(messages))
	}
	quotes := guideQuotes(t)
	if len(quotes) < 300 {
		t.Fatalf("only %d quotes are found", len(quotes))
	}
	quoted := make([]bool, len(messages))
	for _, quote := range quotes {
		of := messagesOf(quote, messages)
		if len(of) == 0 {
			t.Errorf("no message of the provider is %q", quote)
		}
		for _, i := range of {
			quoted[i] = true
		}
	}
	for i, m := range messages {
		if !quoted[i] && !slices.Contains(unseen, m.text) {
			t.Errorf("%s: the guide does not have %q", m.at, m.text)
		}
	}
}

// messagesOf are the positions of the messages that a quote stands for: the one that it is, word for word, or those that
// have all its words, with more of their own in the place of an [ellipsis]. Whoever shows a message may have made a sentence of it.
func messagesOf(quote string, messages []sourceMessage) (exact []int) {
	var abbreviated []int
	pattern := regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(plain(quote)), ellipsis, ".+") + `$`)
	for i, m := range messages {
		switch text := plain(m.text); {
		case text == plain(quote):
			exact = append(exact, i)
		case pattern.MatchString(text):
			abbreviated = append(abbreviated, i)
		}
	}
	if exact == nil && wordsIn(quote) >= fewestWords {
		return abbreviated
	}
	return exact
}

// plain is a message as it is compared: on one line, with a small first letter, and without the dot of a sentence.
func plain(text string) string {
	letters := []rune(strings.Join(strings.Fields(text), " "))
	if len(letters) > 0 {
		letters[0] = unicode.ToLower(letters[0])
	}
	return strings.TrimSuffix(string(letters), ".")
}

// TestUnseenMessages keeps the list short.
func TestUnseenMessages(t *testing.T) {
	t.Parallel()
	messages := sourceMessages(t, messagePackages...)
	for _, text := range unseen {
		if !slices.ContainsFunc(messages, func(m sourceMessage) bool { return m.text == text }) {
			t.Errorf("%q is no message any more", text)
		}
	}
}

var (
	providerPart = regexp.MustCompile(`(?s)\n## terraform plan and apply: the provider\n(.*?)\n## `)
	messageCell  = regexp.MustCompile("(?m)^\\| (`.*?) \\| ")
	codeSpan     = regexp.MustCompile("`([^`]+)`")
)

// guideQuotes are the messages of the provider, as the guide has them: the code in the first column of its tables.
func guideQuotes(t *testing.T) []string {
	t.Helper()
	text := readTroubleshooting(t)
	part := providerPart.FindStringSubmatch(text)
	if part == nil {
		t.Fatal("the guide has no part about the provider")
	}
	var quotes []string
	add := func(text string, only string) {
		for _, cell := range messageCell.FindAllStringSubmatch(text, -1) {
			for _, code := range codeSpan.FindAllStringSubmatch(cell[1], -1) {
				if sentence, ok := strings.CutPrefix(code[1], only); ok {
					quotes = append(quotes, sentence)
				}
			}
		}
	}
	add(part[1], "")
	add(text, unitOnHost)
	return quotes
}

func readTroubleshooting(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "templates", "guides", "troubleshooting.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// oldTerraform is a Terraform without write-only arguments: before 1.11.
type oldTerraform struct{ tfprotov6.ProviderServer }

func (o oldTerraform) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	req.ClientCapabilities = nil
	return o.ProviderServer.ValidateResourceConfig(ctx, req)
}

// TestOldTerraform looks in the guide for what an old Terraform shows.
func TestOldTerraform(t *testing.T) {
	t.Parallel()
	w := tfsim.New(t, func(now func() time.Time) tfprotov6.ProviderServer {
		return oldTerraform{providerserver.NewProtocol6(provider.New("test", now)())()}
	})
	err := w.Validate(tfsim.Server)
	if err == nil {
		t.Fatal("an old Terraform may use write-only arguments")
	}
	guide := readTroubleshooting(t)
	for _, said := range []string{"WriteOnly Attribute Not Allowed", "Write-only attributes are only supported in Terraform 1.11 and later."} {
		if !strings.Contains(err.Error(), said) {
			t.Errorf("the error does not say %q: %v", said, err)
		}
		if !strings.Contains(guide, "`"+said+"`") {
			t.Errorf("the guide does not have %q", said)
		}
	}
}
