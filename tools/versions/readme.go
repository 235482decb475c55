package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// table is what stands between the markers in README.md.
var table = regexp.MustCompile(`(?s)(<!-- make versions writes this -->\n).*?(<!-- end -->)`)

const header = "\n| | obtained | acceptance tests | end-to-end tests | tested |\n|---|---|---|---|---|\n"

// withTable returns a text with its table brought up to date. A version that was not
// tested now keeps its line, and so does what was not run of one.
func withTable(text string, outcomes []outcome) (string, error) {
	found := table.FindStringSubmatch(text)
	if found == nil {
		return "", errors.New("the markers of the table are missing")
	}
	lines := linesOf(found[0])
	var b strings.Builder
	b.WriteString(found[1] + header)
	for _, r := range tested {
		line, known := lines[r.String()]
		for _, o := range outcomes {
			if o.release == r && o.acceptance != leftOut {
				line, known = o.line(line), true
			}
		}
		if known {
			fmt.Fprintf(&b, "| %s | %s |\n", r, strings.Join(line, " | "))
		}
	}
	b.WriteString("\n" + found[2])
	return strings.Replace(text, found[0], b.String(), 1), nil
}

// line has the columns behind the version. What was not run is as it was before.
func (o outcome) line(before []string) []string {
	line := []string{o.obtained, o.acceptance, o.e2e, o.date}
	for i := range min(len(before), len(line)) {
		if line[i] == notRun {
			line[i] = before[i]
		}
	}
	return line
}

// linesOf are the lines of a table by their version.
func linesOf(text string) map[string][]string {
	lines := map[string][]string{}
	for line := range strings.Lines(text) {
		columns := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range columns {
			columns[i] = strings.TrimSpace(columns[i])
		}
		if len(columns) == 5 && columns[0] != "" && columns[0] != "---" {
			lines[columns[0]] = columns[1:]
		}
	}
	return lines
}
