package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/via"
)

const dockerSocket = "/run/docker.sock"

// sshHost is a real host whose sshd lets three users in with one key: root, docker-user, who is in the group docker, and
// other-user, who is not.
type sshHost struct {
	*realHost
	key string // path of the private key
}

func newSSHHost(t *testing.T) sshHost {
	t.Helper()
	h := newRealHost(t, "")
	h.boot(t)
	key := h.letIn(t)
	for _, args := range [][]string{{"--groups=docker", "docker-user"}, {"other-user"}} {
		h.must(t, "useradd", append([]string{"--create-home", "--shell=/bin/sh"}, args...)...)
		user := args[len(args)-1]
		h.write(t, "/home/"+user+"/.ssh/authorized_keys", h.read(t, "/root/.ssh/authorized_keys"), 0o644)
	}
	s := sshHost{h, key}
	s.configure(t, "")
	return s
}

// configure restarts sshd with these lines.
func (s sshHost) configure(t *testing.T, lines string) {
	t.Helper()
	s.write(t, "/etc/ssh/sshd_config.d/e2e.conf", "MaxStartups 100\n"+lines+"\n", 0o644)
	s.must(t, "systemctl", "reset-failed", "ssh") // it counts how often it is started
	s.must(t, "systemctl", "restart", "ssh")
}

func (s sshHost) target(user string) via.Target {
	return via.Target{User: user, Host: s.address, Port: 22}
}

// config is a way in that is right.
func (s sshHost) config(t *testing.T, user string) via.Config {
	t.Helper()
	return via.Config{Target: s.target(user), HostKey: s.hostKey(t), PrivateKeyPEM: readText(t, s.key)}
}

// bounded ends what takes too long.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// getsIn asks Docker whether it is there.
func getsIn(t *testing.T, config via.Config) {
	t.Helper()
	conn, err := via.Open(bounded(t), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	socket, err := conn.Dial(bounded(t), "unix", dockerSocket)
	if err != nil {
		t.Fatal(err, conn.Explain(bounded(t), dockerSocket, err))
	}
	pings(t, socket)
}

func pings(t *testing.T, docker net.Conn) {
	t.Helper()
	defer docker.Close()
	answer := make([]byte, 12)
	_, err := fmt.Fprint(docker, "GET /_ping HTTP/1.0\r\n\r\n")
	if err == nil {
		_, err = docker.Read(answer)
	}
	if err != nil || !strings.HasSuffix(string(answer), " 200") {
		t.Errorf("Docker answers %q, %v", answer, err)
	}
}

// isLockedOut fails the test unless the way is closed for these reasons, and none of them shows the key.
func isLockedOut(t *testing.T, config via.Config, about string, wants ...string) {
	t.Helper()
	conn, err := via.Open(bounded(t), config)
	if err == nil {
		conn.Close()
	}
	saysWhy(t, err, about, wants...)
}

func saysWhy(t *testing.T, err error, about string, wants ...string) {
	t.Helper()
	var failure *via.Error
	if !errors.As(err, &failure) || failure.About != about {
		t.Errorf("want an error about %s, got %v", about, err)
		return
	}
	for _, want := range wants {
		if !strings.Contains(failure.Text, want) {
			t.Errorf("%s; want %q", failure.Text, want)
		}
	}
	if strings.Contains(failure.Text, "PRIVATE KEY") || strings.Contains(failure.Text, "passphrase-of") {
		t.Error("the error has a secret")
	}
}

// stuck is why Docker's socket does not open.
func (s sshHost) stuck(t *testing.T, user string, wants ...string) {
	t.Helper()
	conn, err := via.Open(bounded(t), s.config(t, user))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	socket, err := conn.Dial(bounded(t), "unix", dockerSocket)
	if err == nil {
		socket.Close()
		t.Fatalf("%s gets in", user)
	}
	saysWhy(t, conn.Explain(bounded(t), dockerSocket, err), via.AboutVia, append(wants, s.address)...)
}

// TestVia goes to Docker's socket on a host over its sshd, by each way that there is.
func TestVia(t *testing.T) {
	t.Parallel()
	s := newSSHHost(t)
	t.Run("users", func(t *testing.T) {
		getsIn(t, s.config(t, "root"))
		getsIn(t, s.config(t, "docker-user"))
		s.stuck(t, "other-user", "usermod -aG docker other-user")
		isLockedOut(t, s.config(t, "stranger"), via.AboutVia, `"stranger"`, "SHA256:", "authorized_keys")
	})
	t.Run("keys", s.testKeys)
	t.Run("agent", s.testAgent)
	t.Run("host keys", s.testHostKeys)
	t.Run("jump host", s.testJump)
	t.Run("forwarding", s.testForwarding)
	t.Run("no Docker", s.testNoDocker) // the last: it has none any more
}

func (s sshHost) testKeys(t *testing.T) {
	config := s.config(t, "root")
	config.PrivateKeyPassphrase = "passphrase-of-none"
	getsIn(t, config)

	// ssh-keygen makes the key of other kinds and forms, all of which are root's.
	keygen := tool(t, "ssh-keygen")
	for _, args := range []string{"-t ed25519", "-t rsa -b 2048", "-t rsa -b 2048 -m PEM", "-t ecdsa -m PKCS8"} {
		for _, passphrase := range []string{"", "passphrase-of-it"} {
			key := filepath.Join(t.TempDir(), "key")
			if r := (invocation{path: keygen, args: append(strings.Fields(args), "-q", "-N", passphrase, "-f", key)}).run(); r.err != nil {
				t.Fatal(r.err, r.all())
			}
			config.PrivateKeyPEM, config.PrivateKeyPassphrase = readText(t, key), passphrase
			s.write(t, "/root/.ssh/authorized_keys", readText(t, s.key+".pub")+readText(t, key+".pub"), 0o600)
			getsIn(t, config)
			if passphrase == "" {
				continue
			}
			config.PrivateKeyPassphrase = ""
			isLockedOut(t, config, via.AboutPassphrase, "is encrypted")
			config.PrivateKeyPassphrase = "passphrase-of-another"
			isLockedOut(t, config, via.AboutPassphrase, "does not decrypt")
		}
	}
	s.write(t, "/root/.ssh/authorized_keys", readText(t, s.key+".pub"), 0o600)
	isLockedOut(t, via.Config{Target: config.Target, HostKey: config.HostKey, PrivateKeyPEM: config.PrivateKeyPEM, PrivateKeyPassphrase: "passphrase-of-it"},
		via.AboutVia, `"root"`, "ssh.private_key_pem", "SHA256:")
	s.configure(t, "PubkeyAuthentication no")
	isLockedOut(t, s.config(t, "root"), via.AboutVia, "takes no key", "PubkeyAuthentication")
	s.configure(t, "")
}

// startAgent runs an SSH agent without a key, and returns its socket.
func startAgent(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	agent := invocation{path: tool(t, "ssh-agent"), args: []string{"-D", "-a", socket}}.command(context.Background())
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = agent.Process.Kill(), agent.Wait() })
	eventually(t, 10*time.Second, "the agent listens", func() bool { _, err := os.Stat(socket); return err == nil })
	return socket
}

// addKey gives the agent a key.
func addKey(t *testing.T, socket, key string) {
	t.Helper()
	if r := (invocation{path: tool(t, "ssh-add"), args: []string{key}, env: []string{"SSH_AUTH_SOCK=" + socket}}).run(); r.err != nil {
		t.Fatal(r.err, r.all())
	}
}

func (s sshHost) testAgent(t *testing.T) {
	socket := startAgent(t)
	dir := t.TempDir()
	config := s.config(t, "docker-user")
	config.PrivateKeyPEM, config.AgentSocket = "", socket
	isLockedOut(t, config, via.AboutPrivateKey, "has no keys", "ssh-add")
	for i := range 7 {
		key := filepath.Join(dir, fmt.Sprint("key", i))
		makeKey(t, key)
		addKey(t, socket, key)
		if i == 0 {
			isLockedOut(t, config, via.AboutVia, `"docker-user"`, "from the agent")
			addKey(t, socket, s.key)
			getsIn(t, config)
		}
	}
	// Seven wrong keys and none that is right.
	if r := (invocation{path: tool(t, "ssh-add"), args: []string{"-d", s.key}, env: []string{"SSH_AUTH_SOCK=" + socket}}).run(); r.err != nil {
		t.Fatal(r.err, r.all())
	}
	isLockedOut(t, config, via.AboutVia, "gave up after the first keys", "ssh.private_key_pem")
	config.Jump, config.JumpHostKey = &config.Target, config.HostKey
	isLockedOut(t, config, via.AboutJump, "gave up after the first keys")
}

func (s sshHost) testHostKeys(t *testing.T) {
	fingerprint := strings.Fields(s.must(t, "ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub"))[1]
	rsa := "/etc/ssh/ssh_host_rsa_key"
	s.must(t, "ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", rsa)
	defer s.configure(t, "")
	s.configure(t, "HostKey /etc/ssh/ssh_host_ed25519_key\nHostKey "+rsa)

	config := s.config(t, "root")
	config.HostKey = s.read(t, rsa+".pub") // it has two, and proves the one that is known
	getsIn(t, config)
	config.HostKey = otherHostKey + "\n" + s.address + " " + s.hostKey(t)
	getsIn(t, config)
	config.HostKey = otherHostKey
	isLockedOut(t, config, via.AboutHostKey, "Somebody may stand in between", fingerprint, "ssh.host_key expects SHA256:")

	// known_hosts
	config.HostKey = ""
	isLockedOut(t, config, via.AboutHostKey, "is not known", fingerprint, s.address+" "+strings.Join(strings.Fields(s.hostKey(t))[:2], " "), "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
	config.KnownHosts = filepath.Join(t.TempDir(), "known_hosts")
	isLockedOut(t, config, via.AboutHostKey, "is not known", config.KnownHosts)
	for _, args := range [][]string{{"-H", "-t", "ed25519"}, {"-H", "-t", "rsa"}, {"-t", "rsa,ed25519"}} {
		r := invocation{path: tool(t, "ssh-keyscan"), args: append(args, s.address)}.run()
		if r.err != nil || r.stdout == "" {
			t.Fatal(r.err, r.all())
		}
		writeFile(t, config.KnownHosts, "web1.example.com "+otherHostKey+"\n"+r.stdout, 0o600)
		getsIn(t, config)
	}
	writeFile(t, config.KnownHosts, "# changed\n"+s.address+" "+otherHostKey+"\n", 0o600)
	isLockedOut(t, config, via.AboutHostKey, "Somebody may stand in between", "line 2 of "+config.KnownHosts, fingerprint)
	writeFile(t, config.KnownHosts, s.address+" "+s.hostKey(t)+"\n@revoked * "+s.hostKey(t)+"\n", 0o600)
	isLockedOut(t, config, via.AboutHostKey, "line 2 of "+config.KnownHosts, "revoked")

	// An authority certifies its keys.
	s.must(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/authority")
	s.must(t, "ssh-keygen", "-q", "-s", "/etc/ssh/authority", "-h", "-I", "host", "-n", s.address, "/etc/ssh/ssh_host_ed25519_key.pub")
	s.configure(t, "HostKey /etc/ssh/ssh_host_ed25519_key\nHostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub")
	writeFile(t, config.KnownHosts, "@cert-authority * "+s.read(t, "/etc/ssh/authority.pub"), 0o600)
	getsIn(t, config)

	s.configure(t, "HostKey "+rsa)
	config.HostKey = otherHostKey
	isLockedOut(t, config, via.AboutHostKey, "no key of the kind", "ssh-ed25519", "rsa-sha2")
}

func (s sshHost) testJump(t *testing.T) {
	config := s.config(t, "docker-user")
	jump := s.target("root")
	config.Target.Host, config.Jump, config.JumpHostKey = "127.0.0.1", &jump, config.HostKey // the host itself, as only it can reach it
	getsIn(t, config)

	wrong := config
	wrong.JumpHostKey = otherHostKey
	isLockedOut(t, wrong, via.AboutJumpHostKey, "Somebody may stand in between", "ssh.jump_host_key expects")
	wrong = config
	wrong.HostKey = otherHostKey
	isLockedOut(t, wrong, via.AboutHostKey, "ssh://docker-user@127.0.0.1:22", "ssh.host_key expects")
	stranger := s.target("stranger")
	wrong = config
	wrong.Jump = &stranger
	isLockedOut(t, wrong, via.AboutJump, `"stranger"`)
	wrong = config
	wrong.Target.User = "stranger"
	isLockedOut(t, wrong, via.AboutVia, `"stranger"`)

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // it waits for one that is booting
	defer cancel()
	wrong = config
	wrong.Target.Port = 9
	_, err := via.Open(ctx, wrong)
	saysWhy(t, err, via.AboutVia, "cannot be reached from the jump host")
	s.configure(t, "AllowTcpForwarding no")
	isLockedOut(t, config, via.AboutJump, "forbids forwarding")
	s.configure(t, "")
}

func (s sshHost) testForwarding(t *testing.T) {
	// To a port, and no longer than the time allows.
	conn, err := via.Open(bounded(t), s.config(t, "root"))
	if err != nil {
		t.Fatal(err)
	}
	port, err := conn.Dial(bounded(t), "tcp", "127.0.0.1:22")
	if err != nil {
		t.Fatal(err)
	}
	banner := make([]byte, 4)
	if _, err := port.Read(banner); err != nil || string(banner) != "SSH-" {
		t.Errorf("the port says %q, %v", banner, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := conn.Dial(ctx, "tcp", "198.51.100.255:9"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a dial that nobody answers ends with %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Dial(bounded(t), "unix", dockerSocket); err == nil {
		t.Error("a way that is closed opens")
	}

	for _, lines := range []string{"AllowStreamLocalForwarding no", "DisableForwarding yes", "Match User docker-user\nAllowStreamLocalForwarding remote"} {
		s.configure(t, lines)
		s.stuck(t, "docker-user", "AllowStreamLocalForwarding no", "Match User docker-user")
	}
	s.configure(t, "")
	for options, want := range map[string]string{"restrict": "no-port-forwarding", `restrict,command="echo hello"`: "why could not be asked there"} {
		s.write(t, "/home/docker-user/.ssh/authorized_keys", options+" "+readText(t, s.key+".pub"), 0o644)
		s.stuck(t, "docker-user", want)
	}
	s.write(t, "/home/docker-user/.ssh/authorized_keys", readText(t, s.key+".pub"), 0o644)
	getsIn(t, s.config(t, "docker-user"))
}

func (s sshHost) testNoDocker(t *testing.T) {
	s.must(t, "systemctl", "stop", "docker.socket", "docker.service")
	s.must(t, "python3", "-c", "import socket; socket.socket(socket.AF_UNIX).bind('/run/left-over')")
	s.must(t, "mv", "/run/left-over", dockerSocket)
	s.stuck(t, "root", "nothing listens on "+dockerSocket, "systemctl start docker")
	s.must(t, "rm", dockerSocket)
	s.stuck(t, "docker-user", "there is a dockerd", "systemctl start docker")
	s.write(t, dockerSocket, "", 0o666)
	s.stuck(t, "root", "is no socket")
	s.must(t, "rm", dockerSocket, s.must(t, "which", "dockerd"))
	s.stuck(t, "docker-user", "There is no Docker on", "Install it")
}
