package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const expiryGuide = "knowing-before-it-expires"

// yamlFiles are the files in YAML of a guide by name, as the registry shows them: its template has escapes.
func yamlFiles(t *testing.T, guide string) map[string]string {
	t.Helper()
	text := readText(t, filepath.Join("..", "docs", "guides", guide+".md"))
	files := map[string]string{}
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n# (\\S+\\.yml)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		files[block[1]] = block[2]
	}
	return files
}

// TestExpiryRules has promtool say which alert the guide's rules fire at which series.
func TestExpiryRules(t *testing.T) {
	t.Parallel()
	promtool, dir := tool(t, "promtool"), t.TempDir()
	writeFile(t, filepath.Join(dir, "docker-tls.rules.yml"), yamlFiles(t, expiryGuide)["docker-tls.rules.yml"], 0o600)
	writeFile(t, filepath.Join(dir, "test.yml"), readText(t, filepath.Join("testdata", "expiry.rules.test.yml")), 0o600)
	if r := (invocation{path: promtool, args: []string{"test", "rules", "test.yml"}, dir: dir}).run(); r.err != nil {
		t.Errorf("%v\n%s", r.err, r.all())
	}
}

// expiryFiles are what the test needs to play the guide's host and its monitor, and a certificate that ends soon.
const expiryFiles = `
output "files" {
  sensitive = true
  value = {
    web1    = { ca = docker_tls_ca.this.cert_pem, cert = docker_tls_server_cert.host["web1"].cert_pem, key = docker_tls_server_cert.host["web1"].private_key_pem }
    monitor = { ca = docker_tls_ca.this.cert_pem, cert = docker_tls_client_cert.monitor.cert_pem, key = docker_tls_client_cert.monitor.private_key_pem }
  }
}
`

// expiryLives are other lives of the guide's certificates, in hours.
func (w workspace) expiryLives(t *testing.T, generation, ca, host int) {
	t.Helper()
	writeFile(t, filepath.Join(w.dir, "lives_override.tf"), fmt.Sprintf(`
resource "docker_tls_ca" "this" {
  validity_period_hours = %d
  rotation_triggers     = { generation = "%d" }
}
resource "docker_tls_server_cert" "host" { validity_period_hours = %d }
`, ca, generation, host), 0o600)
}

// TestGuideExpiry follows the guide with a daemon, and Prometheus's own programs as the guide configures them. No alert
// can fire, as the test does not wait for an hour: pending tells as much, and TestExpiryRules has the rest.
func TestGuideExpiry(t *testing.T) {
	t.Parallel()
	tool(t, "promtool")
	forEachDockerd(t, func(t *testing.T, binary string) {
		yaml := yamlFiles(t, expiryGuide)
		w := writeWorkspace(t, yaml)
		writeFile(t, filepath.Join(w.dir, "files.tf"), expiryFiles, 0o600)
		follow := func(port string) (env []string) {
			env = []string{fmt.Sprintf(`TF_VAR_hosts={web1="127.0.0.1:%s"}`, port)}
			w.follow(t, expiryGuide, env...)
			return env
		}
		w.expiryLives(t, 1, 9000, 8999)
		follow(freePort(t))
		prometheus := w.watch(t, yaml)
		expectAlerts(t, prometheus, "DockerNotTrusted")

		// The old root, and so the cross certificate, ends before the certificate of the host.
		w.expiryLives(t, 2, 9200, 9100)
		follow(freePort(t))
		d := startDockerd(t, binary, daemonTLSVerify, expiryMaterials(t, w)["web1"])
		env := follow(d.port)
		expectAlerts(t, prometheus)
		w.mustSay(t, false, "Plan: 0 to add, 0 to change, 0 to destroy.", env, "plan")
		probe := probed(t, w.blackbox(t, "blackbox.yml"), "docker", d.port)
		if chain, earliest := probe["probe_ssl_last_chain_expiry_timestamp_seconds"], probe["probe_ssl_earliest_cert_expiry"]; chain-earliest < 90*3600 {
			t.Errorf("the certificate ends at %f, and what comes with it at %f: want an earlier end", chain, earliest)
		}

		t.Run("a client", func(t *testing.T) {
			exporter := w.blackbox(t, "blackbox-client.yml")
			for files, success := range map[string]float64{"monitor": 1, "web1": 0} { // a server's certificate is no client's
				expiryMaterials(t, w)[files].writeTo(t, w.dir)
				if got := probed(t, exporter, "docker_client", d.port)["probe_success"]; got != success {
					t.Errorf("with the files of %s the probe says %f, want %f", files, got, success)
				}
			}
		})

		// Renewed, but not delivered.
		w.expiryLives(t, 2, 9200, 20*24)
		follow(d.port)
		expectAlerts(t, prometheus, "DockerCertificateNotRenewed", "DockerServesAnotherCertificate")
		w.mustSay(t, false, "web1 does not serve the certificate of the state.", env, "plan")

		d.restart(t, expiryMaterials(t, w)["web1"])
		expectAlerts(t, prometheus, "DockerCertificateNotRenewed", "DockerServesEndingCertificate")
		w.mustSay(t, false, "The certificate that web1 serves ends within 30 days.", env, "plan")

		if err := d.stop(); err != nil {
			t.Fatal(err)
		}
		expectAlerts(t, prometheus, "DockerCertificateNotRenewed", "DockerNotTrusted")

		if err := os.Remove(filepath.Join(w.dir, "textfile", "docker-tls.prom")); err != nil {
			t.Fatal(err)
		}
		expectAlerts(t, prometheus, "DockerCertificatesUnknown", "DockerNotTrusted")
	})
}

// probed asks a blackbox_exporter about a port of 127.0.0.1, and returns the metrics without labels.
func probed(t *testing.T, exporter, module, port string) map[string]float64 {
	t.Helper()
	page, err := fetch("http://" + exporter + "/probe?module=" + module + "&target=127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	metrics := map[string]float64{}
	for _, line := range regexp.MustCompile(`(?m)^(\w+) (\S+)$`).FindAllStringSubmatch(page, -1) {
		if metrics[line[1]], err = strconv.ParseFloat(line[2], 64); err != nil {
			t.Fatal(err)
		}
	}
	return metrics
}

// TestExpiryWrite has the guide's function write an output that Terraform does not have: the file so far stays.
func TestExpiryWrite(t *testing.T) {
	t.Parallel()
	w := writeWorkspace(t, map[string]string{"main.tf": "output \"other\" { value = 1 }\n"})
	if err := w.apply(); err != nil {
		t.Fatal(err)
	}
	write := regexp.MustCompile(`(?ms)^write\(\) \{.*?^\}\n`).FindString(guideText(t, expiryGuide))
	if write == "" {
		t.Fatal("the guide has no function write")
	}
	path := filepath.Join(w.dir, "docker-tls.prom")
	writeFile(t, path, "so far", 0o600)
	r := invocation{path: tool(t, "bash"), args: []string{"-uc", write + "write metrics docker-tls.prom"}, dir: w.dir, env: append(w.command().env, w.path(t))}.run()
	if r.err == nil {
		t.Errorf("write succeeds:\n%s", r.all())
	}
	if got := readText(t, path); got != "so far" {
		t.Errorf("the file is %q", got)
	}
}

func expiryMaterials(t *testing.T, w workspace) map[string]material {
	t.Helper()
	files, err := w.materials()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// watch starts node_exporter, blackbox_exporter and Prometheus with the guide's files, and returns the URL of the last.
func (w workspace) watch(t *testing.T, yaml map[string]string) string {
	t.Helper()
	node, address := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	exporter := serve(t, invocation{path: tool(t, "prometheus-node-exporter"), args: []string{
		"--web.listen-address=" + node, "--collector.disable-defaults", "--collector.textfile", "--collector.textfile.directory=" + filepath.Join(w.dir, "textfile")}})
	exporter.ready(t, "node_exporter answers", func() bool { _, err := fetch("http://" + node); return err == nil })
	// blackbox_exporter keeps half a second of scrape_timeout for itself.
	config := "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 500ms}\n" +
		strings.NewReplacer("127.0.0.1:9100", node, "127.0.0.1:9115", w.blackbox(t, "blackbox.yml")).Replace(yaml["prometheus.yml"])
	writeFile(t, filepath.Join(w.dir, "prometheus.yml"), config, 0o600)
	daemon := serve(t, invocation{path: tool(t, "prometheus"), dir: w.dir, args: []string{
		"--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=" + address}})
	daemon.ready(t, "Prometheus answers", func() bool { _, err := fetch("http://" + address + "/-/ready"); return err == nil })
	return "http://" + address
}

// blackbox starts a blackbox_exporter with a file of the guide, and returns its address.
func (w workspace) blackbox(t *testing.T, config string) string {
	t.Helper()
	address := "127.0.0.1:" + freePort(t)
	exporter := serve(t, invocation{path: tool(t, "prometheus-blackbox-exporter"), dir: w.dir, args: []string{"--config.file=" + config, "--web.listen-address=" + address}})
	exporter.ready(t, "blackbox_exporter answers", func() bool { _, err := fetch("http://" + address); return err == nil })
	return address
}

// expectAlerts waits until Prometheus has these alerts and no others, firing or pending.
func expectAlerts(t *testing.T, prometheus string, want ...string) {
	t.Helper()
	var got []string
	defer func() {
		if !slices.Equal(got, want) {
			t.Logf("the alerts are %q, want %q", got, want)
		}
	}()
	eventually(t, 30*time.Second, "Prometheus has the alerts", func() bool {
		var answer struct {
			Data struct {
				Alerts []struct{ Labels map[string]string }
			}
		}
		if text, err := fetch(prometheus + "/api/v1/alerts"); err != nil || json.Unmarshal([]byte(text), &answer) != nil {
			t.Fatalf("%v: %s", err, text)
		}
		got = nil
		for _, alert := range answer.Data.Alerts {
			got = append(got, alert.Labels["alertname"])
		}
		slices.Sort(got)
		got = slices.Compact(got)
		return slices.Equal(got, want)
	})
}
