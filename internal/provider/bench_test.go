package provider_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/tfsim"
)

// benchLeaves is how many leaves one process of the provider serves.
const benchLeaves = 50

// leafCalls are what Terraform asks about a server certificate: apply in the plan
// that creates it, and all else in the empty plan that follows.
type leafCalls struct {
	upgrade  *tfprotov6.UpgradeResourceStateRequest
	read     *tfprotov6.ReadResourceRequest
	validate *tfprotov6.ValidateResourceConfigRequest
	plan     *tfprotov6.PlanResourceChangeRequest
	apply    *tfprotov6.ApplyResourceChangeRequest
}

// recorder keeps the last request of each kind about a server certificate.
type recorder struct {
	tfprotov6.ProviderServer
	last leafCalls
}

func (r *recorder) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	if req.TypeName == tfsim.Server {
		r.last.read = req
	}
	return r.ProviderServer.ReadResource(ctx, req)
}

func (r *recorder) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	if req.TypeName == tfsim.Server {
		r.last.validate = req
	}
	return r.ProviderServer.ValidateResourceConfig(ctx, req)
}

func (r *recorder) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	if req.TypeName == tfsim.Server {
		r.last.plan = req
	}
	return r.ProviderServer.PlanResourceChange(ctx, req)
}

func (r *recorder) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	if req.TypeName == tfsim.Server {
		r.last.apply = req
	}
	return r.ProviderServer.ApplyResourceChange(ctx, req)
}

// newBenchServer makes the provider as a new process has it, with the schema asked for.
func newBenchServer(b *testing.B, now func() time.Time) tfprotov6.ProviderServer {
	b.Helper()
	server := providerserver.NewProtocol6(provider.New("test", now)())()
	if _, err := server.GetProviderSchema(b.Context(), &tfprotov6.GetProviderSchemaRequest{}); err != nil {
		b.Fatal(err)
	}
	return server
}

// recordLeaves creates leaves under one authority, each with a name of its own,
// and keeps what Terraform asked about them.
func recordLeaves(b *testing.B) (calls []leafCalls, now func() time.Time) {
	b.Helper()
	var r *recorder
	w := tfsim.New(b, func(clock func() time.Time) tfprotov6.ProviderServer {
		now = clock
		r = &recorder{ProviderServer: newBenchServer(b, clock)}
		return r
	})
	nothing := w.State[tfsim.Server]
	for i := range benchLeaves {
		name := fmt.Sprintf("host%d.example.com", i)
		w.State[tfsim.Server] = nothing
		w.Set(tfsim.Server, tfsim.Values{"dns_names": tfsim.Set(name)})
		w.MustPlanAndApply(b)
		w.MustChangeOnly(b, w.MustPlan(b))
		state := recordedResource(b, w, tfsim.Server, stateVersions[len(stateVersions)-1])
		r.last.upgrade = &tfprotov6.UpgradeResourceStateRequest{
			TypeName: tfsim.Server, Version: w.Schemas[tfsim.Server].Version, RawState: &tfprotov6.RawState{JSON: state},
		}
		calls = append(calls, r.last)
	}
	return calls, now
}

// call asks the provider about a leaf.
type call func(context.Context, tfprotov6.ProviderServer, leafCalls) ([]*tfprotov6.Diagnostic, error)

func validate(ctx context.Context, s tfprotov6.ProviderServer, c leafCalls) ([]*tfprotov6.Diagnostic, error) {
	resp, err := s.ValidateResourceConfig(ctx, c.validate)
	return resp.Diagnostics, err
}

func upgrade(ctx context.Context, s tfprotov6.ProviderServer, c leafCalls) ([]*tfprotov6.Diagnostic, error) {
	resp, err := s.UpgradeResourceState(ctx, c.upgrade)
	return resp.Diagnostics, err
}

func read(ctx context.Context, s tfprotov6.ProviderServer, c leafCalls) ([]*tfprotov6.Diagnostic, error) {
	resp, err := s.ReadResource(ctx, c.read)
	return resp.Diagnostics, err
}

func plan(ctx context.Context, s tfprotov6.ProviderServer, c leafCalls) ([]*tfprotov6.Diagnostic, error) {
	resp, err := s.PlanResourceChange(ctx, c.plan)
	return resp.Diagnostics, err
}

func apply(ctx context.Context, s tfprotov6.ProviderServer, c leafCalls) ([]*tfprotov6.Diagnostic, error) {
	resp, err := s.ApplyResourceChange(ctx, c.apply)
	return resp.Diagnostics, err
}

// BenchmarkLeaf measures what the provider does for one server certificate, call by
// call, and in "noop" all four calls of a plan without changes. A process serves each
// leaf once, so what it remembers of a leaf helps only in "noop".
func BenchmarkLeaf(b *testing.B) {
	calls, now := recordLeaves(b)
	for _, bench := range []struct {
		name  string
		calls []call
	}{
		{"validate", []call{validate}},
		{"upgrade", []call{upgrade}},
		{"read", []call{read}},
		{"plan", []call{plan}},
		{"apply", []call{apply}},
		{"noop", []call{upgrade, read, validate, plan}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			var server tfprotov6.ProviderServer
			for i := 0; b.Loop(); i++ {
				if i%len(calls) == 0 {
					b.StopTimer()
					server = newBenchServer(b, now)
					b.StartTimer()
				}
				for _, call := range bench.calls {
					diagnostics, err := call(b.Context(), server, calls[i%len(calls)])
					if err != nil || len(diagnostics) > 0 {
						b.Fatal(err, diagnostics)
					}
				}
			}
		})
	}
}

// BenchmarkBareCrypto makes the key and the certificate of a leaf with crypto alone,
// and marshals both: what no provider can do without.
func BenchmarkBareCrypto(b *testing.B) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Docker CA"}, SubjectKeyId: []byte{1},
		NotBefore: tfsim.Start, NotAfter: tfsim.Start.AddDate(5, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	b.ReportAllocs()
	for b.Loop() {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := x509.MarshalPKCS8PrivateKey(key); err != nil {
			b.Fatal(err)
		}
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "host.example.com"}, DNSNames: []string{"host.example.com"},
			NotBefore: tfsim.Start, NotAfter: tfsim.Start.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
		}
		if _, err := x509.CreateCertificate(rand.Reader, leaf, root, key.Public(), rootKey); err != nil {
			b.Fatal(err)
		}
	}
}
