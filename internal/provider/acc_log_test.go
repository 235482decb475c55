package provider_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// knownKeys are the PKCS#8 encodings of all private keys that the acceptance
// tests have seen in a state.
var knownKeys sync.Map

func collectKeys(state *terraform.State) error {
	for _, instance := range state.RootModule().Resources {
		for name, value := range instance.Primary.Attributes {
			if block, _ := pem.Decode([]byte(value)); block != nil && strings.HasSuffix(name, "private_key_pem") {
				knownKeys.Store(string(block.Bytes), true)
			}
		}
	}
	return nil
}

// TestMain has Terraform, the testing framework and the provider log at level
// TRACE while the acceptance tests run, and fails if the log holds any of the
// private keys that were made meanwhile.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // the protocol makes much garbage, and little of it lives
	if os.Getenv("TF_ACC") == "" {
		os.Exit(m.Run())
	}
	os.Exit(runLogged(m))
}

func runLogged(m *testing.M) int {
	dir, err := os.MkdirTemp("", "docker-tls-log")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	log := filepath.Join(dir, "trace.log")
	for name, value := range map[string]string{"TF_LOG": "TRACE", "TF_ACC_LOG": "TRACE", "TF_ACC_LOG_PATH": log} {
		if err := os.Setenv(name, value); err != nil {
			fmt.Println(err)
			return 1
		}
	}
	if code := m.Run(); code != 0 {
		return code
	}
	lines, err := leaks(log)
	if err != nil {
		fmt.Println("the log of the acceptance tests cannot be read:", err)
		return 1
	}
	if len(lines) > 0 {
		fmt.Printf("FAIL: the log of the acceptance tests holds private keys, first in line %d\n", lines[0])
		return 1
	}
	return 0
}

// leaks are the numbers of the lines of a log that hold a part of a known
// private key. It reports an error when the log cannot be what it should be.
func leaks(name string) ([]int, error) {
	needles := map[string]bool{}
	knownKeys.Range(func(der, _ any) bool {
		for _, secret := range secrets([]byte(der.(string))) {
			addNeedles(needles, secret)
		}
		return true
	})
	file, err := os.Open(name)
	if err != nil {
		if len(needles) == 0 {
			return nil, nil // no acceptance test was selected
		}
		return nil, err
	}
	defer file.Close()
	var found []int
	var alive bool
	reader := bufio.NewReaderSize(file, 1<<20)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		alive = alive || bytes.Contains(line, []byte("issued an authority"))
		if holdsAny(line, needles) {
			found = append(found, number)
		}
		if err != nil {
			break
		}
	}
	if len(needles) > 0 && !alive {
		return nil, fmt.Errorf("nothing that the provider logs is in it")
	}
	return found, nil
}

// secrets are the parts of a PKCS#8 private key that are not public: a
// certificate shows the others.
func secrets(der []byte) [][]byte {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil
	}
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		if scalar, err := key.Bytes(); err == nil {
			return [][]byte{scalar}
		}
	case ed25519.PrivateKey:
		return [][]byte{key.Seed()}
	case *rsa.PrivateKey:
		return [][]byte{key.Primes[0].Bytes(), key.Primes[1].Bytes(), key.D.Bytes()}
	}
	return nil
}

// needleLength is long enough to be no accident, and short enough to lie in one
// line of a PEM text.
const needleLength = 20

// addNeedles adds the base64 and the hex texts in which a part of the secret
// can appear.
func addNeedles(needles map[string]bool, secret []byte) {
	for shift := range 3 {
		text := base64.RawStdEncoding.EncodeToString(secret[shift : shift+(len(secret)-shift)/3*3])
		for i := range len(text) - needleLength + 1 {
			needles[text[i:i+needleLength]] = true
		}
	}
	text := hex.EncodeToString(secret)
	needles[text[:needleLength]] = true
	needles[strings.ToUpper(text[:needleLength])] = true
}

// holdsAny reports whether any window of the line is a needle. Only runs of
// base64 characters can be one.
func holdsAny(line []byte, needles map[string]bool) bool {
	run := 0
	for i, c := range line {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/' || c == '=' {
			run++
		} else {
			run = 0
		}
		if run >= needleLength && needles[string(line[i-needleLength+1:i+1])] {
			return true
		}
	}
	return false
}

// TestSearchFindsKeys proves that the search of the log can find something, for
// every algorithm, in a PEM text as an attribute would be logged.
func TestSearchFindsKeys(t *testing.T) {
	for _, algorithm := range x509text.KeyAlgorithms() {
		key, err := algorithm.Generate()
		if err != nil {
			t.Fatal(err)
		}
		text, err := x509text.EncodePrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode([]byte(text))
		needles := map[string]bool{}
		for _, secret := range secrets(block.Bytes) {
			addNeedles(needles, secret)
		}
		for _, logged := range []string{text, fmt.Sprintf("%q", text), hex.EncodeToString(block.Bytes), base64.StdEncoding.EncodeToString(block.Bytes)} {
			if !holdsAny([]byte(logged), needles) {
				t.Errorf("%s: the search does not find the key", algorithm)
			}
		}
		spki, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		if holdsAny(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), needles) {
			t.Errorf("%s: the search takes the public key for the private one", algorithm)
		}
	}
}
