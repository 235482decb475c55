package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/docker/go-connections/tlsconfig"
)

// clientTLS is the configuration that the docker command makes of the files in
// dir with DOCKER_TLS_VERIFY set.
func clientTLS(dir string, withCert bool) (*tls.Config, error) {
	o := tlsconfig.Options{CAFile: filepath.Join(dir, "ca.pem"), ExclusiveRootPools: true}
	if withCert {
		o.CertFile = filepath.Join(dir, "cert.pem")
		o.KeyFile = filepath.Join(dir, "key.pem")
	}
	return tlsconfig.Client(o)
}

// get returns what the daemon at address answers to a client with the files in dir.
func get(ctx context.Context, address, dir, path string) ([]byte, error) {
	config, err := clientTLS(dir, true)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", path, resp.Status)
	}
	return body, err
}

// refused returns the TLS alert with which the daemon at address turns away a
// client that trusts it but has no certificate, and an error when it does not.
func refused(ctx context.Context, address, dir string) (alert string, err error) {
	config, err := clientTLS(dir, false)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err == nil {
		// In TLS 1.3 the client has finished before the server looks for its
		// certificate (RFC 8446 section 2): the alert arrives with the first read.
		deadline, _ := ctx.Deadline()
		if err = conn.SetReadDeadline(deadline); err == nil {
			_, err = conn.Read(make([]byte, 1))
		}
		if closed := conn.Close(); err == nil {
			err = closed
		}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return op.Err.Error(), nil
	}
	return "", fmt.Errorf("it was not refused, as --tlsverify must: %w", err)
}
