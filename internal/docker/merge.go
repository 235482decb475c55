package docker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// CertificatePaths are where a daemon reads its certificates, absolute. CA is
// empty of a daemon that asks no client for a certificate.
type CertificatePaths struct{ CA, Cert, Key string }

// ErrNoPaths is of a daemon.json that does not name the certificates.
var ErrNoPaths = errors.New(DaemonJSONPath + " names no tlscert and tlskey")

// PathsIn reads the paths from the text of a daemon.json, which may be empty.
func PathsIn(daemonJSON string) (CertificatePaths, error) {
	members, err := parseMembers(daemonJSON)
	if err != nil {
		return CertificatePaths{}, err
	}
	paths := CertificatePaths{CA: members.text("tlscacert"), Cert: members.text("tlscert"), Key: members.text("tlskey")}
	if paths.Cert == "" || paths.Key == "" {
		return CertificatePaths{}, ErrNoPaths
	}
	seen := map[string]bool{}
	for _, key := range []string{"tlscacert", "tlscert", "tlskey"} {
		switch file := members.text(key); {
		case file == "":
		case !plainPath.MatchString(file) || path.Clean(file) != file || path.Dir(file) == "/":
			return CertificatePaths{}, fmt.Errorf("%s has %q as %s: it must be a plain absolute path of letters, digits and . _ + @ -, in a directory", DaemonJSONPath, Printable(file), key)
		case seen[file]:
			return CertificatePaths{}, fmt.Errorf("%s names %s twice: the certificate, its key and tlscacert must be files of their own", DaemonJSONPath, file)
		default:
			seen[file] = true
		}
	}
	return paths, nil
}

// MergeDaemonJSON returns the daemon.json of a host that has one already, or ""
// if it has none: the keys that the options decide are set, those of former are
// removed where the options no longer have them, and all others stay as they are,
// in their order. Where that changes nothing, the text stays as it is too, unless the
// check of the drop-in would not find TLS in it.
func MergeDaemonJSON(existing string, o Options, former []string) (string, error) {
	wanted, err := DaemonJSON(o)
	if err != nil || strings.TrimSpace(existing) == "" {
		return wanted, err
	}
	members, err := parseMembers(existing)
	if err != nil {
		return "", err
	}
	own, err := parseMembers(wanted)
	if err != nil {
		return "", err
	}
	merged := slices.DeleteFunc(slices.Clone(members), func(m member) bool {
		_, decided := ownSettings[m.key]
		return (decided || slices.Contains(former, m.key)) && own.find(m.key) == nil
	})
	for _, m := range own {
		if there := merged.find(m.key); there != nil {
			if !equalJSON(there.value, m.value) {
				there.value = m.value
			}
			continue
		}
		merged = append(merged, m)
	}
	if merged.equal(members) && guarded(existing, o) {
		return existing, nil
	}
	return merged.encode()
}

// guarded reports a text in which the check of the drop-in finds TLS.
func guarded(text string, o Options) bool { return regexp.MustCompile(o.guard()).MatchString(text) }

// WithCertificates returns the text of a daemon.json with other paths of the
// certificates, for dockerd to check before they are put in their place.
func WithCertificates(daemonJSON string, paths CertificatePaths) (string, error) {
	members, err := parseMembers(daemonJSON)
	if err != nil {
		return "", err
	}
	for key, path := range map[string]string{"tlscacert": paths.CA, "tlscert": paths.Cert, "tlskey": paths.Key} {
		if there := members.find(key); there != nil && path != "" {
			if there.value, err = json.Marshal(path); err != nil {
				return "", fmt.Errorf("%s: %w", key, err)
			}
		}
	}
	return members.encode()
}

// CheckDaemonJSON reports what would keep a dockerd that cannot check it by itself
// (one before 23.0) from starting with the text of a daemon.json: a key that it
// does not know, or a value of another type. It shows no value, which may be secret.
func CheckDaemonJSON(daemonJSON string) error {
	members, err := parseMembers(daemonJSON)
	if err != nil {
		return err
	}
	for _, m := range members {
		s, known, is := shapeOf(m.key)
		switch {
		case !is:
			return fmt.Errorf("%s has the key %q, which dockerd does not know", DaemonJSONPath, Printable(m.key))
		case known != m.key:
			return fmt.Errorf("%s has the key %q, which dockerd does not know: write %q", DaemonJSONPath, Printable(m.key), known)
		}
		if err := s.check(m.key, decodeJSON(m.value)); err != nil {
			return err
		}
	}
	return nil
}

// shapeOf finds the key that a name may be meant for, and its shape.
func shapeOf(name string) (s shape, known string, is bool) {
	if known, is = folded(ownShapes, name); is {
		return ownShapes[known], known, true
	}
	known, is = folded(daemonKeys, name)
	return daemonKeys[known], known, is
}

// ownShapes are those of the keys of daemon.json that the options decide.
var ownShapes = map[string]shape{
	"hosts": textsShape, "tls": boolShape, "tlsverify": boolShape, "tlscacert": textShape, "tlscert": textShape, "tlskey": textShape,
}

// check reports a value that is not of the shape as it is. Null is of any: dockerd
// takes it for nothing.
func (s shape) check(at string, value any) error {
	fits := s.kind == anything
	switch v := value.(type) {
	case nil:
		return nil
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if err := s.inside(key).check(at+"."+key, v[key]); err != nil {
				return err
			}
		}
		fits = fits || s.kind == object
	case []any:
		for i, element := range v {
			if err := s.inside("").check(fmt.Sprintf("%s[%d]", at, i), element); err != nil {
				return err
			}
		}
		fits = fits || s.kind == list
	default:
		fitted, ok := s.kind.convert(value)
		fits = ok && fitted == value
	}
	if !fits {
		return fmt.Errorf("%s has %s as %q, where dockerd wants %s", DaemonJSONPath, kindOf(value), Printable(at), s.kind)
	}
	return nil
}

// member is a name of a JSON object with its value.
type member struct {
	key   string
	value json.RawMessage
}

// memberList is a JSON object, in order.
type memberList []member

// parseMembers reads the text of a daemon.json. dockerd takes an empty file for an
// empty object.
func parseMembers(text string) (memberList, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if strings.HasPrefix(text, "\ufeff") {
		return nil, fmt.Errorf("%s begins with a byte order mark, which an older dockerd refuses: save it as UTF-8 without one", DaemonJSONPath)
	}
	if !json.Valid([]byte(text)) {
		return nil, invalidJSON(text)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, fmt.Errorf("%s is JSON, but no object, as Docker wants: write { } around its keys", DaemonJSONPath)
	}
	var members memberList
	for decoder.More() {
		key, err := decoder.Token()
		name, ok := key.(string)
		if err != nil || !ok {
			return nil, invalidJSON(text)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, invalidJSON(text)
		}
		if members.find(name) != nil {
			return nil, fmt.Errorf("%s has the key %q twice: remove one", DaemonJSONPath, Printable(name))
		}
		members = append(members, member{name, value})
	}
	return members, nil
}

// invalidJSON says where a text stops to be JSON, and nothing of what is in it.
func invalidJSON(text string) error {
	var syntax *json.SyntaxError
	var ignored any
	err := json.NewDecoder(strings.NewReader(text)).Decode(&ignored)
	if !errors.As(err, &syntax) {
		if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%s is no JSON: it ends too early, or goes on after its end", DaemonJSONPath)
		}
		return fmt.Errorf("%s is no JSON", DaemonJSONPath)
	}
	line := 1 + strings.Count(text[:min(int(syntax.Offset), len(text))], "\n")
	return fmt.Errorf("%s is no JSON in line %d: JSON has no comments and no comma after the last entry", DaemonJSONPath, line)
}

func (l memberList) find(key string) *member {
	for i := range l {
		if l[i].key == key {
			return &l[i]
		}
	}
	return nil
}

// text is the value of a key that is a string; empty if there is none.
func (l memberList) text(key string) (text string) {
	if m := l.find(key); m != nil {
		_ = json.Unmarshal(m.value, &text) // dockerd takes nothing else
	}
	return text
}

func (l memberList) equal(other memberList) bool {
	return slices.EqualFunc(l, other, func(a, b member) bool { return a.key == b.key && equalJSON(a.value, b.value) })
}

func equalJSON(a, b json.RawMessage) bool {
	return reflect.DeepEqual(decodeJSON(a), decodeJSON(b))
}

func decodeJSON(text json.RawMessage) (value any) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	_ = decoder.Decode(&value) // it was valid when it was read
	return value
}

func (l memberList) encode() (string, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range l {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return "", fmt.Errorf("the keys of %s: %w", DaemonJSONPath, err)
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	var indented bytes.Buffer
	if err := json.Indent(&indented, b.Bytes(), "", "  "); err != nil {
		return "", fmt.Errorf("%s: %w", DaemonJSONPath, err)
	}
	return indented.String() + "\n", nil
}
