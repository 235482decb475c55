package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// head is the line that says what was measured, and where.
func (b *bench) head(ctx context.Context) (string, error) {
	version, err := b.version(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s; provider %s; %s, %d cores; N=%d hosts, RUNS=%d",
		version, commit(ctx), runtime.Version(), runtime.NumCPU(), b.hosts, b.runs), nil
}

// version is that of Terraform or OpenTofu.
func (b *bench) version(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, b.terraform, "version", "-json")
	cmd.Env = []string{"HOME=" + b.dir, "CHECKPOINT_DISABLE=1"}
	cmd.Dir = b.dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("terraform version: %w", err)
	}
	var version struct {
		Version string `json:"terraform_version"`
	}
	if err := json.Unmarshal(out, &version); err != nil {
		return "", fmt.Errorf("terraform version: %w", err)
	}
	return filepath.Base(b.terraform) + " " + version.Version, nil
}

// commit is the commit of the code, if git knows it.
func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=10").Output()
	if err != nil {
		return "of an unknown commit"
	}
	return strings.TrimSpace(string(out))
}

// report is all that was measured, in Markdown.
func (b *bench) report() string {
	var text strings.Builder
	for _, phase := range phases {
		fmt.Fprintf(&text, "## %s%s\n\n", strings.ToUpper(phase[:1]), phase[1:])
		head := []string{"backend", "subject", "wall s", "core CPU s", "provider CPU s", "core peak MB", "provider peak MB", "state bytes a host", "ours ÷ it, wall", "ours ÷ it, CPU"}
		text.WriteString(table(head, b.rows(phase)) + "\n")
	}
	text.WriteString("## Targets\n\n" + table([]string{"figure", "wall", "CPU"}, b.targets()) + "\n")
	text.WriteString(notes)
	return text.String()
}

const notes = `Each figure is the median of the runs, with the least and the most. A ratio is taken within each run.
CPU is user and system time. The core's excludes the providers'. The core's peak is never less than the provider's: the kernel tells the larger of the two.
The bytes are those of a host's resources in the state file, without the authority's.
`

// rows are the lines of a phase.
func (b *bench) rows(phase string) [][]string {
	var rows [][]string
	for _, backend := range b.backends {
		for _, s := range b.subjects {
			samples := b.results[cell{phase, backend, s.name}]
			if len(samples) == 0 {
				continue
			}
			row := []string{backend, s.name}
			for _, f := range []figure{wall, coreCPU, providerCPU, corePeak, providerPeak, stateBytes} {
				row = append(row, f.show(each(samples, f.of)))
			}
			for _, of := range []func(sample) float64{wall.of, cpu} {
				mine := b.results[cell{phase, backend, ours}]
				row = append(row, ratio.show(divide(each(mine, of), each(samples, of))))
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// targets are the figures that the project aims at.
func (b *bench) targets() [][]string {
	var rows [][]string
	// compare has a row for what one subject takes for each second of another: by the
	// clock, and in CPU, which other work on the machine disturbs less.
	compare := func(name, phase, backend string, over, under []string) {
		row := []string{name}
		for _, of := range []func(sample) float64{wall.of, cpu} {
			if values := divide(b.best(phase, backend, over, of), b.best(phase, backend, under, of)); len(values) > 0 {
				row = append(row, ratio.show(values))
			}
		}
		if len(row) > 1 {
			rows = append(rows, row)
		}
	}
	mine, tls := []string{ours}, []string{tlsCount, tlsModule}
	for _, backend := range b.backends {
		compare("plan without changes, "+backend+": ours ÷ "+plainest, phasePlan, backend, mine, []string{plainest})
	}
	for _, backend := range b.backends {
		against := map[string]string{remote: plainest, local: builtIn}[backend]
		compare("apply, "+backend+": ours ÷ "+against, phaseApply, backend, mine, []string{against})
	}
	for _, name := range []string{encrypted, ownKeys, requests} {
		for _, phase := range []string{phasePlan, phaseApply} {
			compare(phase+", "+b.backends[0]+": "+name+" ÷ "+ours, phase, b.backends[0], []string{name}, mine)
		}
	}
	for _, phase := range []string{phasePlan, phaseApply} {
		for _, backend := range b.backends {
			compare(phase+", "+backend+": hashicorp/tls at its best ÷ ours", phase, backend, tls, mine)
		}
	}
	var perResource, peak []float64
	for _, backend := range b.backends {
		for _, s := range b.results[cell{phasePlan, backend, ours}] {
			perResource = append(perResource, 1000*providerCPU.of(s)/float64(b.hosts+1))
		}
		for _, phase := range phases {
			peak = append(peak, each(b.results[cell{phase, backend, ours}], providerPeak.of)...)
		}
	}
	return append(rows,
		[]string{"plan without changes: provider CPU, ms a resource, its start included", "", ratio.show(perResource)},
		[]string{"provider peak of all phases, MB", providerPeak.show([]float64{slices.Max(peak)}), ""})
}

// best is a figure of the subject that has the least of it in each run.
func (b *bench) best(phase, backend string, subjects []string, of func(sample) float64) []float64 {
	best := each(b.results[cell{phase, backend, subjects[0]}], of)
	for _, subject := range subjects[1:] {
		best = least(best, each(b.results[cell{phase, backend, subject}], of))
	}
	return best
}

// figure is a column: a number of a sample.
type figure struct {
	of     func(sample) float64
	digits int
}

func (f figure) show(values []float64) string { return spreadOf(values).text(f.digits) }

var (
	wall         = figure{func(s sample) float64 { return s.Wall.Seconds() }, 2}
	coreCPU      = figure{func(s sample) float64 { return s.CoreCPU.Seconds() }, 2}
	providerCPU  = figure{func(s sample) float64 { return s.ProviderCPU.Seconds() }, 2}
	corePeak     = figure{func(s sample) float64 { return float64(s.CoreMaxRSS) / 1e6 }, 0}
	providerPeak = figure{func(s sample) float64 { return float64(s.ProviderMaxRSS) / 1e6 }, 0}
	stateBytes   = figure{func(s sample) float64 { return float64(s.hostBytes) }, 0}
	ratio        = figure{digits: 2}
)

func cpu(s sample) float64 { return (s.CoreCPU + s.ProviderCPU).Seconds() }

func each(samples []sample, of func(sample) float64) []float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, of(s))
	}
	return values
}

// divide divides run by run.
func divide(a, b []float64) []float64 {
	var values []float64
	for i := range min(len(a), len(b)) {
		values = append(values, a[i]/b[i])
	}
	return values
}

// least is the lesser, run by run.
func least(a, b []float64) []float64 {
	var values []float64
	for i := range min(len(a), len(b)) {
		values = append(values, math.Min(a[i], b[i]))
	}
	return values
}

// spread is the median of some numbers, with the least and the greatest.
type spread struct{ median, least, most float64 }

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return spread{(sorted[(n-1)/2] + sorted[n/2]) / 2, sorted[0], sorted[n-1]}
}

func (s spread) text(digits int) string {
	number := func(f float64) string { return fmt.Sprintf("%.*f", digits, f) }
	if number(s.least) == number(s.most) {
		return number(s.median)
	}
	return number(s.median) + " (" + number(s.least) + "–" + number(s.most) + ")"
}

// table is a table in Markdown.
func table(head []string, rows [][]string) string {
	var text strings.Builder
	line := func(cells []string) { text.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	line(slices.Repeat([]string{"---"}, len(head)))
	for _, row := range rows {
		line(row)
	}
	return text.String()
}
