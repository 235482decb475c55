package via

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// login is what a user proves to be.
type login struct {
	signers []ssh.Signer
	source  string    // of the keys, in words
	agent   io.Closer // nil where the key is given
}

func (u login) methods() []ssh.AuthMethod {
	return []ssh.AuthMethod{ssh.PublicKeys(u.signers...)}
}

func (u login) close() {
	if u.agent != nil {
		_ = u.agent.Close()
	}
}

// list names the keys by their fingerprints.
func (u login) list() string {
	const most = 5
	var keys []ssh.PublicKey
	for _, signer := range u.signers[:min(len(u.signers), most)] {
		keys = append(keys, signer.PublicKey())
	}
	text := "the key " + fingerprints(keys)
	if len(u.signers) > most {
		text += " or another one"
	}
	return text
}

// login reads the user's key, or asks the agent for its keys.
func (c Config) login(ctx context.Context) (login, error) {
	if c.PrivateKeyPEM != "" {
		signer, err := parsePrivateKey(c.PrivateKeyPEM, c.PrivateKeyPassphrase)
		if err != nil {
			return login{}, err
		}
		return login{signers: []ssh.Signer{signer}, source: "ssh.private_key_pem"}, nil
	}
	return askAgent(ctx, c.AgentSocket)
}

const giveKey = "or give a key as ssh.private_key_pem"

func askAgent(ctx context.Context, socket string) (login, error) {
	if socket == "" {
		return login{}, errorf(AboutPrivateKey, "There is no key to log in with: no agent runs (SSH_AUTH_SOCK is not set). Start one and add a key with ssh-add, %s.", giveKey)
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", socket)
	if err != nil {
		return login{}, errorf(AboutPrivateKey, "The agent that SSH_AUTH_SOCK names does not answer: %v. Start one and add a key with ssh-add, %s.", err, giveKey)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	signers, err := agent.NewClient(conn).Signers()
	if err == nil && len(signers) > 0 {
		return login{signers: signers, source: "the agent", agent: conn}, nil
	}
	_ = conn.Close()
	if err != nil {
		return login{}, errorf(AboutPrivateKey, "The agent at %s does not list its keys: %v. Start another one and add a key with ssh-add, %s.", socket, err, giveKey)
	}
	return login{}, errorf(AboutPrivateKey, "The agent at %s has no keys. Add one with ssh-add, %s.", socket, giveKey)
}

// parsePrivateKey reads a key that OpenSSH or OpenSSL has written. Errors never
// repeat the text.
func parsePrivateKey(text, passphrase string) (ssh.Signer, error) {
	signer, err := readPrivateKey(text, passphrase)
	var missing *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return signer, nil
	case errors.As(err, &missing), errors.Is(err, x509text.ErrPassphraseMissing):
		return nil, errorf(AboutPassphrase, "The key in ssh.private_key_pem is encrypted. Give its passphrase as ssh.private_key_passphrase, or leave the key to an agent (ssh-add).")
	case errors.Is(err, x509.IncorrectPasswordError), errors.Is(err, x509text.ErrPassphraseWrong):
		return nil, errorf(AboutPassphrase, "ssh.private_key_passphrase does not decrypt ssh.private_key_pem. Give the passphrase of this key: ssh-keygen -y -f FILE asks for it and shows whether it fits.")
	}
	return nil, errorf(AboutPrivateKey, "ssh.private_key_pem is not a private key that can log in: %s. Write the content of a file that ssh-keygen makes, such as ~/.ssh/id_ed25519.", strings.TrimPrefix(err.Error(), "ssh: "))
}

func readPrivateKey(text, passphrase string) (ssh.Signer, error) {
	if !strings.Contains(text, "OPENSSH PRIVATE KEY") {
		key, err := x509text.ParsePrivateKey(text, passphrase)
		if err != nil {
			return nil, err
		}
		return ssh.NewSignerFromSigner(key)
	}
	signer, err := ssh.ParsePrivateKey([]byte(text))
	var missing *ssh.PassphraseMissingError
	if errors.As(err, &missing) && passphrase != "" {
		return ssh.ParsePrivateKeyWithPassphrase([]byte(text), []byte(passphrase))
	}
	return signer, err
}
