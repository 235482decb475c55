package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listed is what a test reads of an entry of inventory.
type listed struct {
	Kind            string `json:"kind"`
	Current         bool   `json:"current"`
	Fingerprint     string `json:"fingerprint_sha256"`
	ValidityEndTime string `json:"validity_end_time"`
}

// ends are the ends of the certificates of an inventory, in Unix time, as a query of Prometheus answers them.
func ends(t *testing.T, inventory []listed) map[string]string {
	t.Helper()
	ends := map[string]string{}
	for _, l := range inventory {
		end, err := time.Parse(time.RFC3339, l.ValidityEndTime)
		if err != nil {
			t.Fatal(err)
		}
		ends[l.Fingerprint+" "+l.Kind+" "+strconv.FormatBool(l.Current)] = strconv.FormatInt(end.Unix(), 10)
	}
	return ends
}

// TestMetrics has Prometheus's own programs read what metrics returns, in both formats.
func TestMetrics(t *testing.T) {
	t.Parallel()
	promtool, prometheus, nodeExporter := tool(t, "promtool"), tool(t, "prometheus"), tool(t, "prometheus-node-exporter")
	w := workspace{findTerraform(t), t.TempDir()}
	if err := w.write("report.tf"); err != nil {
		t.Fatal(err)
	}
	for _, generation := range []string{"generation=1", "generation=2"} {
		if err := w.apply(generation); err != nil {
			t.Fatal(err)
		}
	}
	metrics := output[string](t, w, "metrics")
	want := ends(t, output[[]listed](t, w, "inventory"))
	if len(want) != 5 {
		t.Fatalf("inventory lists %d certificates, want 5", len(want))
	}

	t.Run("promtool check metrics", func(t *testing.T) {
		if r := (invocation{path: promtool, args: []string{"check", "metrics"}, stdin: metrics}).run(); r.err != nil || r.all() != "" {
			t.Errorf("%v\n%s\n%s", r.err, r.all(), metrics)
		}
	})
	t.Run("OpenMetrics", func(t *testing.T) {
		daemon := scrape(t, prometheus, metrics, "application/openmetrics-text; version=1.0.0; charset=utf-8")
		expectSeries(t, daemon, want)
	})
	t.Run("textfile collector", func(t *testing.T) {
		dir, address := t.TempDir(), "127.0.0.1:"+freePort(t)
		writeFile(t, filepath.Join(dir, "docker-tls.prom"), metrics, 0o644)
		exporter := serve(t, invocation{path: nodeExporter, args: []string{
			"--web.listen-address=" + address, "--collector.disable-defaults", "--collector.textfile", "--collector.textfile.directory=" + dir}})
		var page string
		exporter.ready(t, "node_exporter answers", func() bool {
			var err error
			page, err = fetch("http://" + address + "/metrics")
			return err == nil
		})
		if !strings.Contains(page, "\nnode_textfile_scrape_error 0\n") {
			t.Error("node_exporter rejects the file")
		}
		expectSeries(t, scrape(t, prometheus, page, "text/plain; version=0.0.4; charset=utf-8"), want)
	})
}

// scrape starts a Prometheus that reads a page, and returns its URL.
func scrape(t *testing.T, prometheus, page, contentType string) string {
	t.Helper()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, page)
	}))
	t.Cleanup(target.Close)
	dir, address := t.TempDir(), "127.0.0.1:"+freePort(t)
	config := fmt.Sprintf("scrape_configs: [{job_name: e2e, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{targets: [%q]}]}]\n",
		strings.TrimPrefix(target.URL, "http://"))
	writeFile(t, filepath.Join(dir, "prometheus.yml"), config, 0o600)
	daemon := serve(t, invocation{path: prometheus, args: []string{
		"--config.file=" + filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + address}})
	url := "http://" + address
	daemon.ready(t, "Prometheus answers", func() bool { _, err := fetch(url + "/-/ready"); return err == nil })
	return url
}

// expectSeries waits until Prometheus has read all, and compares what it read.
func expectSeries(t *testing.T, prometheus string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	eventually(t, 20*time.Second, "Prometheus has read the page", func() bool {
		text, err := fetch(prometheus + "/api/v1/query?query=x509_cert_not_after")
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Data struct {
				Result []struct {
					Metric map[string]string `json:"metric"`
					Value  []any             `json:"value"`
				} `json:"result"`
			} `json:"data"`
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
		for _, r := range answer.Data.Result {
			got[r.Metric["fingerprint_sha256"]+" "+r.Metric["kind"]+" "+r.Metric["current"]] = fmt.Sprint(r.Value[1])
			if name := `Docker "CA" \ Ōtepoti`; r.Metric["issuer_CN"] != name {
				t.Fatalf("the issuer is %q, want %q", r.Metric["issuer_CN"], name)
			}
		}
		return len(got) > 0
	})
	if !maps.Equal(got, want) {
		t.Errorf("Prometheus knows\n%v, want\n%v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// fetch reads a page over HTTP.
func fetch(url string) (string, error) {
	response, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, response.Status)
	}
	return string(text), err
}
