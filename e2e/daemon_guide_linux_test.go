package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	runningHostsGuide = "renewing-running-hosts"

	// guideHosts is what the guide's reader has beside its configuration: user data, and a client.
	guideHosts = `
resource "docker_tls_client_cert" "ci" {
  ca      = docker_tls_ca.this
  subject = { common_name = "ci" }
}

output "client_files" {
  sensitive = true
  value     = provider::docker::client_files(docker_tls_client_cert.ci)
}

output "user_data" {
  sensitive = true
  value     = { for name, cert in docker_tls_server_cert.host : name => provider::docker::cloud_init(cert, { settings = { live-restore = true, debug = true } }) }
}
`
	// guideCut is the guide's last authority, cut off once more.
	guideCut = `resource "docker_tls_ca" "this" {
  subject           = { common_name = "Docker CA" }
  rotation_triggers = { incident = "2" }
  overlap_hours     = 0
}
`
)

// guided are the hosts of a reader of the guide, by name.
type guided struct {
	workspace
	hosts map[string]*realHost
	env   string // the variable that leads to them
}

// TestGuideRunningHosts follows the guide with two hosts that run.
func TestGuideRunningHosts(t *testing.T) {
	t.Parallel()
	g := guideMachines(t)
	work := startWorkload(t, g.hosts["web1"])
	web2 := g.hosts["web2"]
	starts := web2.starts(t)

	printed := g.follow(t, runningHostsGuide, g.env)
	for i, want := range []string{
		"2 added, 0 changed, 0 destroyed", // the daemons, which are left alone
		"1 added, 1 changed, 1 destroyed", // web1 alone
		"1 added, 2 changed, 0 destroyed", // one more authority, and daemon.json
		"0 added, 6 changed, 0 destroyed", // the authority, two hosts, a client and two daemons
		"0 added, 6 changed, 0 destroyed", // the old root is cut off
	} {
		if !strings.Contains(printed[i], want) {
			t.Errorf("step %d does not say %q:\n%s", i+1, want, printed[i])
		}
	}
	if n := web2.starts(t) - starts; n != 3 {
		t.Errorf("Docker was started %d times on web2, want 3", n)
	}
	if text := web2.read(t, "/etc/docker/daemon.json"); !strings.Contains(text, `"max-size": "10m"`) {
		t.Errorf("daemon.json is:\n%s", text)
	}
	checkCalls(t, web2)
	g.checkRoots(t, 2) // of the two in clients
	g.cutInOne(t)
	g.withoutRestart(t)
	for _, h := range g.hosts {
		h.hasNoVisitor(t)
	}
	work.known(t)
}

// cutInOne cuts the old root off in the apply that rotates, which fails. The last file of the guide is the way back.
func (g guided) cutInOne(t *testing.T) {
	t.Helper()
	daemons := filepath.Join(g.dir, "daemons.tf")
	back, err := os.ReadFile(daemons)
	if err != nil {
		t.Fatal(err)
	}
	usual := guideFiles(t, runningHostsGuide)["daemons.tf"]
	writeFiles(t, filepath.Join(g.dir, ".docker"), output[map[string]string](t, g.workspace, "client_files"))
	writeFile(t, filepath.Join(g.dir, "ca.tf"), guideCut, 0o600)
	writeFile(t, daemons, usual, 0o600)
	served := g.hosts["web1"].served(t)
	if r := g.apply(); r.err == nil || !says(r, "Nothing was delivered to") {
		t.Errorf("a hard cut in one apply: %v\n%s", r.err, r.all())
	}
	if g.hosts["web1"].served(t) != served {
		t.Error("web1 serves another certificate after a delivery that failed")
	}
	writeFile(t, daemons, string(back), 0o600)
	g.mustApply(t)
	g.checkRoots(t, 2) // the old one is still there
	writeFile(t, daemons, usual, 0o600)
	g.mustApply(t)
	g.checkRoots(t, 1)
}

// withoutRestart renews a certificate whose files are there in the end, and which nobody serves yet.
func (g guided) withoutRestart(t *testing.T) {
	t.Helper()
	const file = certificateDirectory + "/server-cert.pem"
	h := g.hosts["web1"]
	starts, served, former := h.starts(t), h.served(t), h.read(t, file)
	usual := guideFiles(t, runningHostsGuide)["daemons.tf"]
	writeFile(t, filepath.Join(g.dir, "daemons.tf"), strings.Replace(usual, "\n}", "\n  restart = \"none\"\n}", 1), 0o600)
	g.mustApply(t, `-replace=docker_tls_server_cert.host["web1"]`)
	if h.read(t, file) == former || h.served(t) != served || h.starts(t) != starts {
		t.Error("without a restart, web1 must have a new file and serve the former certificate")
	}
	if r := g.runWith([]string{g.env}, "plan", "-detailed-exitcode", "-input=false"); r.err != nil {
		t.Errorf("the plan is not empty: %v\n%s", r.err, r.all())
	}
}

func (g guided) apply(args ...string) result {
	return g.runWith([]string{g.env}, append([]string{"apply", "-auto-approve", "-input=false"}, args...)...)
}

func (g guided) mustApply(t *testing.T, args ...string) {
	t.Helper()
	if r := g.apply(args...); r.err != nil {
		t.Fatal(r.all())
	}
}

// checkRoots checks that each host serves the client, and how many roots it trusts.
func (g guided) checkRoots(t *testing.T, want int) {
	t.Helper()
	client := clientMaterial(output[map[string]string](t, g.workspace, "client_files"))
	for name, h := range g.hosts {
		if n := strings.Count(h.serves(t, client).CA, "BEGIN CERTIFICATE"); n != want {
			t.Errorf("%s trusts %d roots, want %d", name, n, want)
		}
	}
}

// TestGuideQuotes looks for what guides say that messages say, in what says it.
func TestGuideQuotes(t *testing.T) {
	t.Parallel()
	var text string
	for _, guide := range []string{runningHostsGuide, existingHostGuide, manyHostsGuide} {
		text += guideText(t, guide)
	}
	sources := readAll(t, "../internal/deploy/*.go", "../internal/docker/*.go", "../internal/resources/*.go", "../internal/via/*.go", "daemon_faults_linux_test.go")
	row := regexp.MustCompile(`(?m)^\|.*\|$`)
	quote := regexp.MustCompile(`"([^"]+)"`)
	for _, line := range row.FindAllString(text, -1) {
		for _, quoted := range quote.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
			if !strings.Contains(sources, quoted[1]) {
				t.Errorf("no message says %q", quoted[1])
			}
		}
	}
}

var codeSpan = regexp.MustCompile("`[^`]*`")

// guideFiles are the files of a guide by name, as it has them first.
func guideFiles(t *testing.T, guide string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, block := range guideBlock.FindAllStringSubmatch(guideText(t, guide), -1) {
		if name := fileName.FindStringSubmatch(block[2]); name != nil && files[name[1]] == "" {
			files[name[1]] = block[2]
		}
	}
	return files
}

// guideMachines boots the guide's hosts with user data. Terraform has made their certificates, and nothing else yet.
func guideMachines(t *testing.T) guided {
	t.Helper()
	g := guided{
		workspace: writeWorkspace(t, guideFiles(t, runningHostsGuide)), // which is HOME
		hosts:     map[string]*realHost{"web1": newRealHost(t, ""), "web2": newRealHost(t, "")},
	}
	writeFile(t, filepath.Join(g.dir, "test.tf"), guideHosts, 0o600)
	addresses, err := json.Marshal(map[string]string{"web1": g.hosts["web1"].address, "web2": g.hosts["web2"].address})
	if err != nil {
		t.Fatal(err)
	}
	g.env = "TF_VAR_hosts=" + string(addresses)
	g.mustApply(t, "-target=docker_tls_server_cert.host", "-target=docker_tls_client_cert.ci")
	for name, text := range output[map[string]string](t, g.workspace, "user_data") {
		g.hosts[name].seed(t, text)
		g.hosts[name].boot(t)
	}
	return g
}

var (
	calledAPI = regexp.MustCompile(`Calling ([A-Z]+) (?:/v[0-9.]+)?(/[^"?\s]*)`)
	visitID   = regexp.MustCompile(`/(?:(?:sha256:)?[0-9a-f]{64}|docker-tls-visit)\b`)
	listedAPI = regexp.MustCompile("`([A-Z]+ /[^`]*)`")
)

// checkCalls compares what visits have called on a host, on which nobody else has called Docker, with what SECURITY.md has
// an authorization plugin allow.
func checkCalls(t *testing.T, h *realHost) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "SECURITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, call := range listedAPI.FindAllStringSubmatch(string(text), -1) {
		listed = append(listed, call[1])
	}
	calls := calledAPI.FindAllStringSubmatch(h.journal(t, "docker.service"), -1)
	if len(calls) == 0 {
		t.Error("nothing was called")
	}
	for _, call := range calls {
		if name := call[1] + " " + visitID.ReplaceAllString(call[2], "/{name}"); !slices.Contains(listed, name) {
			t.Errorf("SECURITY.md does not list %s", name)
		}
	}
}
