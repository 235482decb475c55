package e2e

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Where the pages and files of this project are, once it is published.
const (
	registryDocs = "https://registry.terraform.io/providers/seed-2716f8bf/docker-tls/latest/docs"
	repository   = "https://github.com/seed-2716f8bf/terraform-provider-docker-tls/blob/main/"
	rawFiles     = "https://raw.githubusercontent.com/seed-2716f8bf/terraform-provider-docker-tls/main/"
)

var (
	markdownLink    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	markdownHeading = regexp.MustCompile(`(?m)^#+ (.+)$|<a id="([^"]+)">`)
	markdownCode    = regexp.MustCompile("(?ms)^```.*?^```$")
)

// TestLinks follows every link of the documentation that leads to this project: to a page, to a heading of it, or to a
// file. The registry shows docs/ alone, at an address of its own, so a link from there is absolute.
func TestLinks(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		text := markdownCode.ReplaceAllString(readAll(t, page), "")
		for _, found := range markdownLink.FindAllStringSubmatch(text, -1) {
			file, ours := linked(page, found[1])
			switch {
			case !ours:
			case strings.HasPrefix(page, "../docs/") && !strings.HasPrefix(found[1], "https://") && !strings.HasPrefix(found[1], "#"):
				t.Errorf("%s: %s is relative", page, found[1])
			default:
				if why := deadLink(t, file); why != "" {
					t.Errorf("%s: %s: %s", page, found[1], why)
				}
			}
		}
	}
}

// pages are all texts that a reader of the project meets.
func pages(t *testing.T) (found []string) {
	t.Helper()
	for _, top := range []string{"../README.md", "../CONTRIBUTING.md", "../DESIGN.md", "../SECURITY.md", "../docs", "../modules", "../examples"} {
		err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && filepath.Ext(path) == ".md" {
				found = append(found, filepath.ToSlash(path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// linked is the file, and the anchor in it, that a link of a page leads to, if it is one of this project.
func linked(page, link string) (file string, ours bool) {
	if rest, ok := strings.CutPrefix(link, registryDocs); ok {
		rest, anchor, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "#")
		if rest == "" {
			rest = "index"
		}
		return "../docs/" + rest + ".md#" + anchor, true
	}
	for _, prefix := range []string{repository, rawFiles} {
		if rest, ok := strings.CutPrefix(link, prefix); ok {
			return "../" + rest, true
		}
	}
	switch {
	case strings.Contains(link, "://"):
		return "", false
	case strings.HasPrefix(link, "#"):
		return page + link, true
	default:
		return path.Join(path.Dir(page), link), true
	}
}

// deadLink says what is wrong with a link to a file and perhaps an anchor, or "".
func deadLink(t *testing.T, link string) string {
	t.Helper()
	file, anchor, _ := strings.Cut(link, "#")
	info, err := os.Stat(filepath.FromSlash(file))
	if err != nil {
		return "nothing is there"
	}
	if anchor == "" || info.IsDir() || path.Ext(file) != ".md" {
		return ""
	}
	for _, heading := range markdownHeading.FindAllStringSubmatch(markdownCode.ReplaceAllString(readAll(t, file), ""), -1) {
		if heading[2] == anchor || slug(heading[1]) == anchor {
			return ""
		}
	}
	return "the page has no such heading"
}

// slug is the anchor that GitHub and the registry give to a heading.
func slug(heading string) string {
	words := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(words, " ", "-")
}
