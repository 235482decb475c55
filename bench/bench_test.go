//go:build linux

package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestBench measures everything but hashicorp/tls once, for two hosts, with real
// Terraform.
func TestBench(t *testing.T) {
	terraform := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if terraform == "" {
		terraform = "terraform"
	}
	if _, err := exec.LookPath(terraform); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	var report, progress bytes.Buffer
	err := run(t.Context(), options{hosts: 2, runs: 1, backends: []string{local, remote}, terraform: terraform, only: regexp.MustCompile("")}, &report, &progress)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("%d files are left behind (%v)", len(left), err)
	}
	text := report.String()
	if head, _, _ := strings.Cut(text, "\n"); !strings.Contains(head, "N=2 hosts, RUNS=1") {
		t.Errorf("the first line is %q", head)
	}
	for section, want := range map[string]int{phaseApply: 14, phasePlan: 14, phaseNoRefresh: 2, phaseRotation: 2} {
		rows := rowsOf(text, section)
		if len(rows) != want {
			t.Errorf("%s has %d rows, want %d", section, len(rows), want)
			continue
		}
		for _, row := range rows {
			checkRow(t, row)
			if row[1] != ownKeys && row[1] != requests { // which store no private key
				checkBytes(t, rows[0], row)
			}
		}
	}
	targets := rowsOf(text, "Targets")
	if len(targets) != 12 {
		t.Errorf("the targets are %q", targets)
	}
	for _, row := range targets {
		if len(row) != 3 || !positive.MatchString(row[1]+row[2]) {
			t.Errorf("the target %q has no figure", row)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

var positive = regexp.MustCompile(`[1-9]`)

// checkRow checks that a row of a phase has a figure in each column, and that a
// provider has used something unless it is built in.
func checkRow(t *testing.T, row []string) {
	t.Helper()
	if len(row) != 10 {
		t.Errorf("%q has %d columns", row, len(row))
		return
	}
	for i, value := range row[2:] {
		ofProvider := i == 2 || i == 4
		if positive.MatchString(value) == (ofProvider && row[1] == builtIn) {
			t.Errorf("%q has %s in column %d", row, value, i+3)
		}
	}
}

// checkBytes checks that a subject stores about as many bytes a host as ours. No two
// certificates have quite the same length.
func checkBytes(t *testing.T, ours, row []string) {
	t.Helper()
	const column = 7
	want, err := strconv.Atoi(ours[column])
	if err != nil {
		t.Fatal(err)
	}
	got, err := strconv.Atoi(row[column])
	if err != nil {
		t.Fatal(err)
	}
	if got < want-30 || got > want+30 {
		t.Errorf("%q stores %d bytes a host, ours %d", row, got, want)
	}
}

// rowsOf are the rows of the table below a heading, without its head.
func rowsOf(report, heading string) [][]string {
	_, section, _ := strings.Cut(strings.ToLower(report), "## "+strings.ToLower(heading)+"\n\n")
	section, _, _ = strings.Cut(section, "\n\n")
	var rows [][]string
	for _, line := range strings.Split(section, "\n")[1:] {
		rows = append(rows, strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | "))
	}
	return rows[1:]
}

// TestStates speaks to the backend as Terraform does.
func TestStates(t *testing.T) {
	var s states
	stop, err := s.serve()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	for _, step := range []struct {
		method, body string
		code         int
		answer       string
	}{
		{"GET", "", 404, ""},
		{"LOCK", "first", 200, ""},
		{"LOCK", "second", 423, "first"},
		{"POST", "state", 200, ""},
		{"UNLOCK", "first", 200, ""},
		{"LOCK", "second", 200, ""},
		{"GET", "", 200, "state"},
		{"PUT", "state", 405, ""},
		{"DELETE", "", 200, ""},
		{"GET", "", 404, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), step.method, s.url+"/name", strings.NewReader(step.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != step.code || string(answer) != step.answer {
			t.Errorf("%s %s: %d %q, want %d %q", step.method, step.body, resp.StatusCode, answer, step.code, step.answer)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []options{
		{hosts: 0, runs: 1, backends: []string{local}},
		{hosts: 1, runs: 0, backends: []string{local}},
		{hosts: 1, runs: 1, backends: []string{local, "s3"}},
	} {
		if o.check() == nil {
			t.Errorf("%+v is no error", o)
		}
	}
}
