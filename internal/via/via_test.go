package via

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Target{
		"ssh://root@web1.example.com":      {"root", "web1.example.com", 22},
		"ssh://admin@10.0.0.5:2222":        {"admin", "10.0.0.5", 2222},
		"ssh://root@[2001:db8::1]":         {"root", "2001:db8::1", 22},
		"ssh://root@[2001:db8::1]:2222":    {"root", "2001:db8::1", 2222},
		"ssh://me@example.com@web1":        {"me@example.com", "web1", 22},
		"ssh://_svc.deploy-1@build_host:1": {"_svc.deploy-1", "build_host", 1},
	} {
		got, err := ParseTarget(text)
		if err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
		if again, err := ParseTarget(got.URL()); err != nil || again != got {
			t.Errorf("%s: %v, %v", got.URL(), again, err)
		}
	}
	for text, want := range map[string]string{
		"":                           "does not begin with ssh://",
		"root@web1":                  "does not begin with ssh://",
		"tcp://root:secret@web1":     "does not begin with ssh://",
		"ssh://web1":                 "as in ssh://root@web1",
		"ssh://@web1":                "not the name of a user",
		"ssh://-oProxy@web1":         "not the name of a user",
		"ssh://ro ot@web1":           "not the name of a user",
		"ssh://root:secret@web1":     "there is a password",
		"ssh://root@":                "neither a host name nor",
		"ssh://root@-v":              "neither a host name nor",
		"ssh://root@web 1":           "neither a host name nor",
		"ssh://root@web1/":           "nothing more",
		"ssh://root@web1?a":          "nothing more",
		"ssh://root@web1#a":          "nothing more",
		"ssh://root@web1:":           "from 1 to 65535",
		"ssh://root@web1:0":          "from 1 to 65535",
		"ssh://root@web1:65536":      "from 1 to 65535",
		"ssh://root@web1:ssh":        "from 1 to 65535",
		"ssh://root@2001:db8::1":     "in brackets",
		"ssh://root@[web1]":          "for IPv6",
		"ssh://root@[10.0.0.5]":      "for IPv6",
		"ssh://root@[fe80::1%a b]":   "for IPv6",
		"ssh://root@[2001:db8::1":    "for IPv6",
		"ssh://root@[2001:db8::1]22": "for IPv6",
	} {
		_, err := ParseTarget(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
}

// newKey makes a user's or a host's key: its line, and as OpenSSH writes it.
func newKey(t testing.TB, passphrase string) (ssh.Signer, string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return signer, string(pem.EncodeToMemory(block))
}

func line(key ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) }

func TestCheck(t *testing.T) {
	t.Parallel()
	signer, plain := newKey(t, "")
	_, encrypted := newKey(t, "right")
	public := line(signer.PublicKey())
	for name, test := range map[string]struct {
		config      Config
		about, want string // of the error; none if empty
	}{
		"nothing":              {},
		"a line of .pub":       {config: Config{HostKey: public + " root@web1\n"}},
		"of ssh-keyscan":       {config: Config{HostKey: "# web1:22 SSH-2.0\nweb1,10.0.0.5 " + public + "\n" + public}},
		"a hashed line":        {config: Config{JumpHostKey: "|1|AAAA|BBBB " + public}},
		"a fingerprint":        {Config{HostKey: ssh.FingerprintSHA256(signer.PublicKey())}, AboutHostKey, "is a fingerprint"},
		"a private key":        {Config{HostKey: plain}, AboutHostKey, "a private key, which belongs on the host"},
		"a marker":             {Config{HostKey: "@cert-authority * " + public}, AboutHostKey, "a marker"},
		"another kind":         {Config{HostKey: strings.Replace(public, "ssh-ed25519", "ssh-rsa", 1)}, AboutHostKey, "no key in base64"},
		"half a key":           {Config{HostKey: public[:40]}, AboutHostKey, "no key in base64"},
		"a comment":            {Config{HostKey: "# none"}, AboutHostKey, "There is no key"},
		"the jump host's":      {Config{JumpHostKey: "none"}, AboutJumpHostKey, "ssh.jump_host_key"},
		"a key":                {config: Config{PrivateKeyPEM: plain}},
		"a key, passphrase":    {config: Config{PrivateKeyPEM: plain, PrivateKeyPassphrase: "needless"}},
		"encrypted":            {config: Config{PrivateKeyPEM: encrypted, PrivateKeyPassphrase: "right"}},
		"encrypted, wrong":     {Config{PrivateKeyPEM: encrypted, PrivateKeyPassphrase: "wrong"}, AboutPassphrase, "does not decrypt"},
		"encrypted, none":      {Config{PrivateKeyPEM: encrypted}, AboutPassphrase, "is encrypted"},
		"a public key":         {Config{PrivateKeyPEM: public}, AboutPrivateKey, "ssh-keygen"},
		"a key without an end": {Config{PrivateKeyPEM: plain[:100]}, AboutPrivateKey, "not a private key"},
	} {
		var failure *Error
		switch err := test.config.Check(); {
		case test.want == "" && err == nil:
		case !errors.As(err, &failure) || failure.About != test.about || !strings.Contains(failure.Text, test.want):
			t.Errorf("%s: %v", name, err)
		case strings.Contains(failure.Text, "wrong") || strings.Contains(failure.Text, strings.Split(plain, "\n")[1]):
			t.Errorf("%s: the error has a secret", name)
		}
	}
}

// listen serves one kind of trouble on loopback, and returns the way to it.
func listen(t *testing.T, serve func(net.Conn)) Target {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
	address := listener.Addr().(*net.TCPAddr)
	return Target{"root", "127.0.0.1", address.Port}
}

// TestOpenElsewhere has ports without sshd.
func TestOpenElsewhere(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "")
	closed := listen(t, nil)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Port = free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	for name, test := range map[string]struct {
		target Target
		want   string
	}{
		"nobody":  {closed, "nothing listens on port"},
		"silent":  {listen(t, func(net.Conn) {}), "says nothing"},
		"closes":  {listen(t, func(c net.Conn) { _ = c.Close() }), "closes the connection before"},
		"no SSH":  {listen(t, func(c net.Conn) { _, _ = c.Write(make([]byte, 300)) }), "is not SSH"},
		"no name": {Target{"root", "web1.invalid", 22}, "cannot be resolved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
			defer cancel()
			conn, err := Open(ctx, Config{Target: test.target, PrivateKeyPEM: key})
			var failure *Error
			if conn != nil || !errors.As(err, &failure) || failure.About != AboutVia || !strings.Contains(failure.Text, test.want) || !strings.Contains(failure.Text, test.target.URL()) {
				t.Errorf("%v; want %q", err, test.want)
			}
		})
	}
}

func TestAgentIsNotThere(t *testing.T) {
	t.Parallel()
	for socket, want := range map[string]string{"": "SSH_AUTH_SOCK is not set", filepath.Join(t.TempDir(), "none"): "does not answer"} {
		_, err := Open(t.Context(), Config{Target: Target{"root", "127.0.0.1", 1}, AgentSocket: socket})
		var failure *Error
		if !errors.As(err, &failure) || failure.About != AboutPrivateKey || !strings.Contains(failure.Text, want) {
			t.Errorf("%q: %v", socket, err)
		}
	}
}

// TestKnownHosts has files that cannot be read.
func TestKnownHosts(t *testing.T) {
	t.Parallel()
	_, key := newKey(t, "")
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte("# mine\nweb1 ssh-ed25519 AAAA\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Config{Target: Target{"root", "127.0.0.1", 1}, PrivateKeyPEM: key, KnownHosts: file})
	var failure *Error
	if !errors.As(err, &failure) || failure.About != AboutHostKey || !strings.Contains(failure.Text, file+":2") {
		t.Error(err)
	}
}

// TestErrorText has what a host may send to a terminal.
func TestErrorText(t *testing.T) {
	t.Parallel()
	if text := errorf(AboutVia, "a\nb\x1b[2J%s", strings.Repeat("ö", maxText)).Text; strings.ContainsRune(text, '\x1b') || !strings.HasPrefix(text, "a\nb") || len(text) > maxText {
		t.Errorf("%.20q, %d bytes", text, len(text))
	}
}

// What is accepted is the same when it is written, is dialled as it is written, and
// puts no line and no word of its own into known_hosts.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"", "ssh://root@web1:22", "ssh://me@example.com@web1", "ssh://root@[2001:db8::1]", "ssh://root@[fe80::1%eth0]:1", "ssh://root@[fe80::1%a\nb]", "ssh://root:sesame-open@web1", "ssh://root:sesame-open@[", "tcp://root:sesame-open@web1", "ssh://web1", "ssh://root@a..b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		target, err := ParseTarget(text)
		if err != nil {
			at := strings.LastIndexByte(text, '@')
			if _, password, found := strings.Cut(strings.TrimPrefix(text[:max(at, 0)], "ssh://"), ":"); found && len(password) > 8 && strings.Contains(err.Error(), password) {
				t.Errorf("the error repeats a password: %v", err)
			}
			return
		}
		if again, err := ParseTarget(target.URL()); err != nil || again != target {
			t.Errorf("%q becomes %v, and %q %v, %v", text, target, target.URL(), again, err)
		}
		if host, port, err := net.SplitHostPort(target.Address()); err != nil || host != target.Host || port != strconv.Itoa(target.Port) {
			t.Errorf("%q is dialled as %q and %q, %v", text, host, port, err)
		}
		if strings.HasPrefix(target.User, "-") || strings.ContainsFunc(target.URL(), func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsGraphic(r) || r == ' ' || r == ',' }) {
			t.Errorf("%q becomes %q", text, target.URL())
		}
	})
}

// What is accepted as the key of a host is accepted in the line that an error would
// tell to write, and knownhosts finds it there.
func FuzzHostKeys(f *testing.F) {
	signer, private := newKey(f, "")
	public := line(signer.PublicKey())
	for _, text := range []string{
		public, public + " root@web1", "web1,10.0.0.5 " + public, "[web1]:2222 " + public + "\n# a comment\n", "|1|c2FsdA==|aGFzaA== " + public,
		"@cert-authority *.example.com " + public, "@revoked * " + public, "! " + public, private, "SHA256:abc", "", "ssh-ed25519", "ssh-rsa " + strings.TrimPrefix(public, "ssh-ed25519 "),
	} {
		f.Add(text)
	}
	file := filepath.Join(f.TempDir(), "known_hosts")
	l := leg{target: Target{User: "root", Host: "web1", Port: 22}, aboutHostKey: AboutHostKey}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseHostKeys(AboutHostKey, text)
		if err != nil {
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); len(line) > 60 && strings.Contains(err.Error(), line) {
					t.Errorf("the error repeats a line: %v", err)
				}
			}
		}
		for _, key := range keys {
			again, err := parseHostKeys(AboutHostKey, l.line(key))
			if certificate, is := key.(*ssh.Certificate); is {
				key = certificate.Key
			}
			if err != nil || len(again) != 1 || !bytes.Equal(again[0].Marshal(), key.Marshal()) {
				t.Errorf("%q is read back as %v, %v", l.line(key), again, err)
			}
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		known, err := readKnownHosts(l, file)
		if err != nil {
			return
		}
		for _, key := range known.keys {
			_ = known.verify(l.target.Address(), &net.TCPAddr{}, key)
		}
		if known.known() && len(known.algorithms()) == 0 {
			t.Error("keys are known, and no algorithm is")
		}
	})
}
