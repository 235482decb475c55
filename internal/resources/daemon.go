package resources

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/deploy"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// probeTimeout is what a host that is down costs a refresh.
const probeTimeout = 2 * time.Second

// Host is a [deploy.Host], or what a test has in its place.
type Host interface {
	Deliver(context.Context, deploy.Delivery) (deploy.Result, error)
	Served(context.Context) (string, error)
}

// daemon is docker_tls_daemon.
type daemon struct {
	now     func() time.Time
	keys    *pki.Keyring // of authorities
	reach   func(deploy.Host) Host
	open    OpenFunc
	rollout *Rollout
}

var (
	_ resource.ResourceWithConfigure      = (*daemon)(nil)
	_ resource.ResourceWithModifyPlan     = (*daemon)(nil)
	_ resource.ResourceWithValidateConfig = (*daemon)(nil)
	_ resource.ResourceWithImportState    = (*daemon)(nil)
)

// NewDaemon is the resource docker_tls_daemon. reach makes the host that is
// delivered to; nil is the host itself. open opens the way of `via`; nil is SSH.
func NewDaemon(now func() time.Time, keys *pki.Keyring, reach func(deploy.Host) Host, open OpenFunc) resource.Resource {
	if reach == nil {
		reach = func(h deploy.Host) Host { return h }
	}
	if open == nil {
		open = openVia
	}
	return &daemon{now: now, keys: keys, reach: reach, open: open, rollout: NewRollout(1, true, true)}
}

func (r *daemon) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "docker_tls_daemon"
}

// Configure takes the rollout that the provider's configuration asks for, the
// same for all hosts of a run.
func (r *daemon) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	if rollout, ok := req.ProviderData.(*Rollout); ok {
		r.rollout = rollout
	}
}

func readDaemon(ctx context.Context, from getter) (*daemonModel, diag.Diagnostics) {
	model := daemonModel{}
	return &model, decode(ctx, from, &model)
}

// ValidateConfig checks all that does not depend on the time, nor on whether there
// is something to deliver, as far as it is known.
func (r *daemon) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	config, diags := readDaemon(ctx, req.Config)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.Append(config.checkWays()...); resp.Diagnostics.HasError() {
		return
	}
	d, diags := config.desired(ctx)
	resp.Diagnostics.Append(diags...)
	v, diags := config.visit(r.keys)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(config.checkVia()...)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(d.checkName()...)
		resp.Diagnostics.Append(d.checkVisit(v)...)
	}
}

// Read asks the host which certificate it serves. That decides about a delivery
// and is not trusted: whoever answers may say what they like. A port that nobody but
// the last delivery's way may reach need not answer.
func (r *daemon) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state, diags := readDaemon(ctx, req.State)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() || !r.rollout.probe {
		return
	}
	endpoint, err := docker.ParseEndpoint(state.Host.ValueString())
	if err != nil {
		resp.Diagnostics.AddAttributeWarning(path.Root("host"), damaged, inputs.Sentence(err))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	fingerprint, err := r.reach(deploy.Host{Endpoint: endpoint, Now: r.now}).Served(ctx)
	if err != nil {
		if over, diags := overVia(ctx, req.Private); over {
			resp.Diagnostics.Append(diags...)
			return
		}
		resp.Diagnostics.AddAttributeWarning(path.Root("host"), "The host does not answer",
			"What "+state.Host.ValueString()+" serves could not be seen, so the plan takes it for what it was. "+inputs.Sentence(err))
		return
	}
	if fingerprint != state.ServedFingerprintSHA256.ValueString() {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("served_fingerprint_sha256"), fingerprint)...)
	}
}

// Delete leaves the host as it is; the plan has said so.
func (r *daemon) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// ImportState takes over a daemon by its address. The next apply finds out what is
// there.
func (r *daemon) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	if _, err := docker.ParseEndpoint(req.ID); err != nil {
		resp.Diagnostics.AddError("Invalid import id", inputs.Sentence(err)+" The id is the host, as in tcp://web1.example.com:2376.")
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("host"), req.ID)...)
}

// visit is what lets a visit in: an authority that signs for minutes, or a client
// certificate. Over another way than the port, perhaps neither.
type visit struct {
	over    bool // `via` is given
	ca      inputs.CA
	trusted bool // the roots of ca are known and sound
	byCA    bool // `ca` is given
	pair    *tls.Certificate

	byClient bool // `client` is given
}

// visit reads `ca` and `client`, of which checkWays allows one.
func (m *daemonModel) visit(keys *pki.Keyring) (visit, diag.Diagnostics) {
	var diags diag.Diagnostics
	v := visit{over: !m.Via.IsNull(), byCA: !m.CA.IsNull(), byClient: !m.Client.IsNull()}
	if v.byCA {
		if v.ca, v.trusted = inputs.ReadCA(m.CA); v.trusted {
			diags.Append(v.ca.Check(keys)...)
		}
		return v, diags
	}
	if !inputs.Known(m.Client) {
		return v, diags
	}
	certPEM, _ := m.Client.Attributes()["cert_pem"].(types.String)
	keyPEM, _ := m.Client.Attributes()["private_key_pem"].(types.String)
	switch {
	case certPEM.IsUnknown() || keyPEM.IsUnknown():
		return v, diags
	case keyPEM.IsNull():
		diags.AddAttributeError(v.path().AtName("private_key_pem"), "No private key", "private_key_pem is null: the holder of the client certificate keeps its key. Add it, as in client = merge(docker_tls_client_cert.ci, { private_key_pem = var.ci_key }), or use ca.")
		return v, diags
	}
	var err error
	if v.pair, err = docker.ParseClientPair(certPEM.ValueString(), keyPEM.ValueString()); err == nil {
		err = docker.CheckClient(v.pair.Leaf)
	}
	if err != nil {
		v.pair = nil
		diags.AddAttributeError(v.path(), "Invalid client certificate", "No daemon lets this in: "+err.Error()+".")
	}
	return v, diags
}

// path leads to the argument that lets the visit in.
func (v visit) path() path.Path {
	switch {
	case v.byCA:
		return path.Root("ca")
	case v.byClient:
		return path.Root("client")
	}
	return path.Root("via")
}
