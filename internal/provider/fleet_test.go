package provider_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/deploy"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/resources"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/via"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// fleet stands in for all hosts that the provider would dial: what package deploy
// does to a real one is not what these tests are about.
type fleet struct {
	mu        sync.Mutex
	serves    map[string]string // fingerprint by address
	silent    map[string]bool   // hosts that hold a connection and say nothing
	fails     map[string]error
	warns     []string
	delivered []delivered
	dialled   int

	opened  []via.Config
	closed  int
	knocked int        // at Docker's socket
	locked  error      // why SSH lets nobody in
	blocked *via.Error // why Docker's socket does not open
}

// delivered is one visit, successful or not.
type delivered struct {
	address string
	deploy.Host
	deploy.Delivery
}

func newFleet() *fleet {
	return &fleet{serves: map[string]string{}, silent: map[string]bool{}, fails: map[string]error{}}
}

// server makes the provider with these hosts.
func (f *fleet) server(now func() time.Time) tfprotov6.ProviderServer {
	return providerserver.NewProtocol6(provider.NewWithHosts(now, f.reach, f.open)())()
}

func (f *fleet) reach(h deploy.Host) resources.Host { return &fleetHost{f, h} }

// last is the last visit.
func (f *fleet) last() delivered { return f.delivered[len(f.delivered)-1] }

type fleetHost struct {
	fleet *fleet
	deploy.Host
}

// Deliver serves the certificate, if the visit is one that a daemon with that ca.pem
// lets in.
func (h *fleetHost) Deliver(ctx context.Context, d deploy.Delivery) (deploy.Result, error) {
	h.fleet.mu.Lock()
	defer h.fleet.mu.Unlock()
	address := h.Endpoint.Address()
	h.fleet.delivered = append(h.fleet.delivered, delivered{address, h.Host, d})
	if err := h.fleet.fails[address]; err != nil {
		return deploy.Result{}, err
	}
	if h.Via != nil {
		if err := h.enter(ctx); err != nil {
			return deploy.Result{}, err
		}
	} else if err := h.admit(d); err != nil {
		return deploy.Result{}, &deploy.Error{About: deploy.AboutVisitor, Text: "The host does not let the visit in."}
	}
	chain, err := x509text.ParseCertificates(d.Server.CertPEM)
	if err != nil {
		return deploy.Result{}, err
	}
	if d.Restart {
		h.fleet.serves[address] = x509text.Fingerprint(chain[0])
	}
	return deploy.Result{
		Written: []string{"/etc/docker/tls/server-cert.pem"}, FingerprintSHA256: h.fleet.serves[address], DockerVersion: "28.2.2",
		Warnings: slices.Clone(h.fleet.warns),
	}, nil
}

// enter opens Docker's socket, as soon as it does or until the time is over, which
// here is at the second attempt.
func (h *fleetHost) enter(ctx context.Context) error {
	for range 2 {
		conn, err := h.Via.Dial(ctx, "unix", "/run/docker.sock")
		if err == nil {
			return conn.Close()
		}
		if ctx.Err() != nil {
			return &deploy.Error{About: deploy.AboutHost, Text: "The visit was interrupted."}
		}
	}
	return &deploy.Error{About: deploy.AboutHost, Text: "The host was not reached."}
}

// open stands in for SSH.
func (f *fleet) open(ctx context.Context, config via.Config) (resources.Way, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened = append(f.opened, config)
	if _, limited := ctx.Deadline(); !limited {
		return nil, errors.New("a way that may take for ever to open")
	}
	if f.locked != nil {
		return nil, f.locked
	}
	return &fleetWay{f}, nil
}

type fleetWay struct{ fleet *fleet }

func (w *fleetWay) Dial(_ context.Context, network, address string) (net.Conn, error) {
	w.fleet.knocked++
	if network != "unix" || address != "/run/docker.sock" || w.fleet.blocked != nil {
		return nil, errors.New("open failed")
	}
	conn, _ := net.Pipe()
	return conn, nil
}

func (w *fleetWay) Explain(context.Context, string, error) *via.Error { return w.fleet.blocked }

func (w *fleetWay) Close() error {
	w.fleet.closed++
	return nil
}

func (h *fleetHost) admit(d deploy.Delivery) error {
	pair, err := h.Visitor(false)
	if err != nil {
		return err
	}
	// The log of the acceptance tests is searched for this one too.
	if der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey); err == nil {
		knownKeys.Store(string(der), true)
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	if d.Options.Clients == nil {
		roots.AppendCertsFromPEM([]byte(d.Server.CACertPEM))
	}
	for _, bundle := range d.Options.Clients {
		for _, root := range bundle {
			roots.AddCert(root)
		}
	}
	for _, der := range pair.Certificate[1:] {
		cross, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		intermediates.AddCert(cross)
	}
	_, err = pair.Leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: h.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

// Served answers as a host does: one that is silent, only by the end of ctx.
func (h *fleetHost) Served(ctx context.Context) (string, error) {
	h.fleet.mu.Lock()
	h.fleet.dialled++
	fingerprint, silent := h.fleet.serves[h.Endpoint.Address()], h.fleet.silent[h.Endpoint.Address()]
	h.fleet.mu.Unlock()
	if silent {
		if end, limited := ctx.Deadline(); !limited || time.Until(end) > 2*time.Second {
			return "", errors.New("a dial of more than two seconds")
		}
		<-ctx.Done()
		return "", ctx.Err()
	}
	if fingerprint == "" {
		return "", fmt.Errorf("dial tcp %s: connection refused", h.Endpoint.Address())
	}
	return fingerprint, nil
}
