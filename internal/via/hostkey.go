package via

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys are the keys that a host is known by.
type hostKeys struct {
	keys      []ssh.PublicKey
	source    string // where they are, in words
	path      string // of the file, where no key is given as an argument
	certified bool   // an authority in the file may vouch for the host
	verify    ssh.HostKeyCallback
}

var errUnknownHost, errChangedHost = errors.New("unknown host key"), errors.New("changed host key")

// hostKeys reads the keys that are given, or those in known_hosts.
func (c Config) hostKeys(l leg, given string) (*hostKeys, error) {
	keys, err := parseHostKeys(l.aboutHostKey, given)
	if err != nil {
		return nil, err
	}
	if len(keys) > 0 {
		return &hostKeys{keys: keys, source: "ssh." + l.aboutHostKey, verify: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			if slices.ContainsFunc(keys, func(known ssh.PublicKey) bool { return bytes.Equal(known.Marshal(), key.Marshal()) }) {
				return nil
			}
			return errChangedHost
		}}, nil
	}
	return readKnownHosts(l, c.KnownHosts)
}

// parseHostKeys reads public keys, each on a line of its own: that of a .pub file,
// or of known_hosts and ssh-keyscan, with names in front.
func parseHostKeys(about, text string) ([]ssh.PublicKey, error) {
	var keys []ssh.PublicKey
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parseHostKey(line)
		if err != nil {
			return nil, errorf(about, "A line of ssh.%s is not the public key of a host: %v. Write what is in /etc/ssh/ssh_host_ed25519_key.pub there, as in ssh-ed25519 AAAA….", about, err)
		}
		keys = append(keys, key)
	}
	if text != "" && len(keys) == 0 {
		return nil, errorf(about, "There is no key in ssh.%s. Write what is in /etc/ssh/ssh_host_ed25519_key.pub on the host, as in ssh-ed25519 AAAA…, or leave the argument out for the keys in ~/.ssh/known_hosts.", about)
	}
	return keys, nil
}

func parseHostKey(line string) (ssh.PublicKey, error) {
	switch {
	case strings.Contains(line, "PRIVATE KEY"):
		return nil, errors.New("it begins a private key, which belongs on the host alone")
	case strings.HasPrefix(line, "@"):
		return nil, errors.New("it begins with a marker, which only the file known_hosts may have")
	case strings.HasPrefix(line, "SHA256:"):
		return nil, errors.New("it is a fingerprint, which only people compare")
	}
	words := strings.Fields(line)
	for i := range min(2, len(words)-1) { // the key stands first, or behind the names of the host
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(strings.Join(words[i:i+2], " "))) //nolint:dogsled // the rest is of users' keys
		if err == nil && key.Type() == words[i] {
			return key, nil
		}
	}
	return nil, errors.New("it has no key in base64 behind the name of its kind")
}

// readKnownHosts finds what known_hosts has about a host.
func readKnownHosts(l leg, path string) (*hostKeys, error) {
	unknown := func(string, net.Addr, ssh.PublicKey) error { return errUnknownHost }
	keys := &hostKeys{path: path, source: path, verify: unknown}
	if path == "" {
		return keys, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the user's own file
	if errors.Is(err, fs.ErrNotExist) {
		return keys, nil
	}
	var verify ssh.HostKeyCallback
	if err == nil {
		verify, err = knownhosts.New(path)
	}
	if err != nil {
		return nil, errorf(l.aboutHostKey, "The file %s cannot be read: %v. Mend it, or give the key of the host as ssh.%s.", path, err, l.aboutHostKey)
	}
	var known *knownhosts.KeyError
	if errors.As(verify(l.target.Address(), &net.TCPAddr{}, nobody{}), &known) && len(known.Want) > 0 {
		lines := strings.Split(string(text), "\n")
		for _, want := range known.Want {
			keys.keys = append(keys.keys, want.Key)
			keys.source = want.Filename
			keys.certified = keys.certified || want.Line <= len(lines) && strings.HasPrefix(strings.TrimSpace(lines[want.Line-1]), "@cert-authority")
		}
		keys.verify = verify
	}
	return keys, nil
}

// nobody is a key that no host has, to ask known_hosts which ones it expects.
type nobody struct{}

func (nobody) Type() string                        { return "none" }
func (nobody) Marshal() []byte                     { return nil }
func (nobody) Verify([]byte, *ssh.Signature) error { return errUnknownHost }

func (k *hostKeys) known() bool { return len(k.keys) > 0 }

// Algorithms with which a host proves to have an RSA key (RFC 8332).
var rsaAlgorithms = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}

// algorithms are those of the known keys: a host that has several keys is to prove
// one of these. Of an unknown host, the key that people compare is the first of these.
func (k *hostKeys) algorithms() []string {
	if !k.known() {
		return append([]string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521}, rsaAlgorithms...)
	}
	var algorithms []string
	if k.certified {
		algorithms = append(algorithms, ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01, ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01)
	}
	for _, key := range k.keys {
		if key.Type() == ssh.KeyAlgoRSA {
			algorithms = append(algorithms, rsaAlgorithms...)
			continue
		}
		algorithms = append(algorithms, key.Type())
	}
	return unique(algorithms)
}

func unique(list []string) []string {
	var result []string
	for _, text := range list {
		if !slices.Contains(result, text) {
			result = append(result, text)
		}
	}
	return result
}

// observer remembers what a host has shown, and what is to be said against it.
type observer struct {
	keys *hostKeys
	key  ssh.PublicKey
	err  error
}

func (o *observer) check(address string, _ net.Addr, key ssh.PublicKey) error {
	o.key, o.err = key, o.keys.verify(address, &net.TCPAddr{}, key) // which address a name has does not matter
	return o.err
}

// line is a host's key as known_hosts has it.
func (l leg) line(key ssh.PublicKey) string {
	if certificate, ok := key.(*ssh.Certificate); ok {
		key = certificate.Key
	}
	return knownhosts.Line([]string{l.target.Address()}, key)
}

// distrust says what is wrong with the key that a host has shown.
func (l leg) distrust(seen *observer) *Error {
	url, fingerprint := l.target.URL(), ssh.FingerprintSHA256(seen.key)
	var revoked *knownhosts.RevokedError
	switch {
	case errors.Is(seen.err, errUnknownHost):
		file := ""
		if l.keys.path != "" {
			file = " (or add the line to " + l.keys.path + ")"
		}
		return errorf(l.aboutHostKey, "The key of %s is not known, and nothing was sent there. It shows the key with the fingerprint %s. Compare that on the host's own console with the output of\n\n  ssh-keygen -lf /etc/ssh/%s\n\n"+
			"and where it is the same, give the line as ssh.%s%s:\n\n  %s", url, fingerprint, keyFile(seen.key), l.aboutHostKey, file, l.line(seen.key))
	case errors.As(seen.err, &revoked):
		return errorf(l.aboutHostKey, "%s shows a key that line %d of %s has revoked, with the fingerprint %s. Somebody who has got hold of that key may stand in between. Nothing was sent there: give the host a new key.", url, revoked.Revoked.Line, revoked.Revoked.Filename, fingerprint)
	}
	return errorf(l.aboutHostKey, "%s has another key than the one it is known by, and nothing was sent there. Somebody may stand in between (a man in the middle), or the host was set up anew. It shows the fingerprint %s; %s expects %s. "+
		"Find out which on the host's own console, with ssh-keygen -lf /etc/ssh/%s. Where the new key is the host's, put this line in place of the old one there:\n\n  %s",
		url, fingerprint, l.place(seen), fingerprints(l.keys.keys), keyFile(seen.key), l.line(seen.key))
}

// place is where the key stands that a host does not have.
func (l leg) place(seen *observer) string {
	var known *knownhosts.KeyError
	if errors.As(seen.err, &known) && len(known.Want) > 0 {
		return "line " + lineNumbers(known.Want) + " of " + known.Want[0].Filename
	}
	return l.keys.source
}

// otherKind is about a host that has no key of the kinds that it is known by.
func (l leg) otherKind(offered []string) *Error {
	var kinds []string
	for _, key := range l.keys.keys {
		kinds = append(kinds, key.Type())
	}
	return errorf(l.aboutHostKey, "%s has no key of the kind that %s has (%s), but of %s. Somebody may stand in between (a man in the middle), or the host was set up anew. Nothing was sent there. "+
		"Compare on the host's own console, with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, and put its key in the place of that one.", l.target.URL(), l.keys.source, strings.Join(unique(kinds), ", "), strings.Join(offered, ", "))
}

// keyFile is where a host has a public key of that kind.
func keyFile(key ssh.PublicKey) string {
	switch {
	case strings.Contains(key.Type(), "ecdsa"):
		return "ssh_host_ecdsa_key.pub"
	case strings.Contains(key.Type(), "rsa"):
		return "ssh_host_rsa_key.pub"
	}
	return "ssh_host_ed25519_key.pub"
}

func fingerprints(keys []ssh.PublicKey) string {
	var texts []string
	for _, key := range keys {
		texts = append(texts, ssh.FingerprintSHA256(key))
	}
	return strings.Join(texts, " or ")
}

func lineNumbers(keys []knownhosts.KnownKey) string {
	var numbers []string
	for _, key := range keys {
		numbers = append(numbers, strconv.Itoa(key.Line))
	}
	return strings.Join(numbers, " or ")
}
