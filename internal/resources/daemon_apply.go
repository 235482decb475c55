package resources

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/deploy"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/via"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// visitorName is the common name of the visit, which Docker's authorization
// plugins see.
const visitorName = "terraform-provider-docker-tls"

// How long the certificate of a visit is valid around now; wide for a host whose
// clock is wrong.
const (
	visitBefore, visitAfter = 5 * time.Minute, 10 * time.Minute
	wideVisit               = 24 * time.Hour
)

// provenKey is where the private state has the fingerprint of the certificate that
// a delivery has proven. The state has the one that was last seen: whoever answered
// a refresh may have shown that, so it is nothing to trust.
const provenKey = "proven"

// viaKey is where the private state says whether the last delivery went over `via`.
// The argument is not stored: with it or without, nothing differs on the host.
const viaKey = "via"

// privateState is what Terraform stores beside the state.
type privateState interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// proven reads the fingerprint; none is an empty text.
func proven(ctx context.Context, private privateState) (string, diag.Diagnostics) {
	value, diags := private.GetKey(ctx, provenKey)
	var fingerprint string
	if len(value) > 0 {
		if err := json.Unmarshal(value, &fingerprint); err != nil {
			diags.AddError(damaged, "The fingerprint in the private state cannot be read. Restore the state from a backup, or forget the host with terraform state rm and apply again: the host itself stays as it is.")
		}
	}
	return fingerprint, diags
}

// overVia reads what viaKey has; a state without it is of a delivery by the port.
func overVia(ctx context.Context, private interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}) (bool, diag.Diagnostics) {
	value, diags := private.GetKey(ctx, viaKey)
	return string(value) == "true", diags
}

func (r *daemon) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	config, diags := readDaemon(ctx, req.Config)
	plan, moreDiags := readDaemon(ctx, req.Plan)
	resp.Diagnostics.Append(append(diags, moreDiags...)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.apply(ctx, config, plan, nil, resp.Private)...); !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(encode(ctx, &resp.State, plan)...)
	}
}

// Update delivers where the plan asks for it: where it does not know
// docker_version. Otherwise it stores arguments.
func (r *daemon) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	config, diags := readDaemon(ctx, req.Config)
	plan, moreDiags := readDaemon(ctx, req.Plan)
	state, stateDiags := readDaemon(ctx, req.State)
	resp.Diagnostics.Append(append(append(diags, moreDiags...), stateDiags...)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.DockerVersion.IsUnknown() {
		resp.Diagnostics.Append(r.apply(ctx, config, plan, state, resp.Private)...)
	}
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(encode(ctx, &resp.State, plan)...)
	}
}

// apply delivers, and writes what that has brought about into the plan. state is
// nil at create.
func (r *daemon) apply(ctx context.Context, config, plan, state *daemonModel, private privateState) diag.Diagnostics {
	known, diags := proven(ctx, private)
	diags.Append(config.checkWays()...)
	d, moreDiags := config.desired(ctx)
	if diags.Append(moreDiags...); diags.HasError() {
		return diags
	}
	content, diags := d.digest()
	delivery, moreDiags := config.delivery(ctx, d, state)
	diags.Append(moreDiags...)
	v, moreDiags := config.visit(r.keys)
	if diags.Append(moreDiags...); diags.HasError() {
		return diags
	}
	host, moreDiags := r.host(d, v, known)
	if diags.Append(moreDiags...); diags.HasError() {
		return diags
	}
	way, err := config.way()
	if err != nil {
		return append(diags, viaError("Invalid way in", err))
	}
	var result deploy.Result
	err = r.rollout.run(ctx, d.host, func() (err error) {
		result, err = r.deliver(ctx, host, way, delivery)
		return err
	})
	if err != nil {
		diags.Append(v.failed(d.host, err))
		return diags
	}
	for _, warning := range result.Warnings {
		diags.AddAttributeWarning(path.Root("host"), "About "+d.host, warning)
	}
	tflog.Info(ctx, "delivered", map[string]any{"host": d.host, "fingerprint_sha256": result.FingerprintSHA256, "written": result.Written})
	plan.ContentSHA256 = content
	diags.Append(plan.record(result)...)
	return append(diags, remember(ctx, private, result, way != nil)...)
}

// remember stores what the next refresh and visit are to know.
func remember(ctx context.Context, private privateState, result deploy.Result, over bool) diag.Diagnostics {
	fingerprint, _ := json.Marshal(result.FingerprintSHA256) //nolint:errchkjson // a text can always be written
	diags := private.SetKey(ctx, provenKey, fingerprint)
	return append(diags, private.SetKey(ctx, viaKey, strconv.AppendBool(nil, over))...)
}

// record writes what a delivery has found into the plan.
func (m *daemonModel) record(result deploy.Result) diag.Diagnostics {
	var diags diag.Diagnostics
	if planned := m.ServedFingerprintSHA256; !planned.IsUnknown() && planned.ValueString() != result.FingerprintSHA256 {
		diags.AddAttributeError(path.Root("host"), "The host serves another certificate", "The delivery ended, and the host serves the certificate with the fingerprint "+result.FingerprintSHA256+". Please report this as a defect of the provider.")
	}
	m.ServedFingerprintSHA256, m.DockerVersion = textOrNull(result.FingerprintSHA256), textOrNull(result.DockerVersion)
	return diags
}

func textOrNull(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// delivery is what the host is to have.
func (m *daemonModel) delivery(ctx context.Context, d desired, state *daemonModel) (deploy.Delivery, diag.Diagnostics) {
	var diags diag.Diagnostics
	text := updateTimeout
	if state == nil {
		text = createTimeout
	}
	if !m.Timeout.IsNull() {
		text = m.Timeout.ValueString()
	}
	timeout, err := inputs.ParseTimeout(text, maxDaemonTimeout)
	if err != nil {
		diags.AddAttributeError(path.Root("timeout"), "Invalid timeout", inputs.Sentence(err))
	}
	if !d.serverKnown || !d.optionsKnown {
		diags.AddAttributeError(path.Root("server"), "Not known at apply", "What the host is to have is not known at apply. Please report this as a defect of the provider.")
	}
	former, err := state.settings(ctx)
	if err != nil {
		diags.AddAttributeError(path.Root("options"), damaged, inputs.Sentence(err))
	}
	return deploy.Delivery{
		Server:           d.server,
		Options:          d.options,
		CertificatesOnly: d.filesOnly,
		FormerSettings:   former,
		Restart:          d.restart.ValueString() != restartNone,
		Timeout:          timeout,
	}, diags
}

// settings are the keys of daemon.json in a state; none of a nil one.
func (m *daemonModel) settings(ctx context.Context) ([]string, error) {
	if m == nil {
		return nil, nil
	}
	value, _, err := raw(ctx, m.Options)
	if err != nil {
		return nil, err
	}
	options, _ := value.(map[string]any)
	settings, _ := options["settings"].(map[string]any)
	return slices.Sorted(maps.Keys(settings)), nil
}

// host is the host as it is visited: it is trusted if an authority of its
// certificate, or of the visit, has signed what it serves.
func (r *daemon) host(d desired, v visit, known string) (deploy.Host, diag.Diagnostics) {
	var diags diag.Diagnostics
	host := deploy.Host{Endpoint: d.endpoint, Known: known, Now: r.now}
	bundles := []string{d.server.CACertPEM}
	if v.byCA {
		bundles = append(bundles, v.ca.Roots.ValueString())
	}
	for _, bundle := range bundles {
		roots, err := docker.ParseRoots(bundle)
		if err != nil {
			diags.Append(fileError(err))
		}
		host.Roots = append(host.Roots, roots...)
	}
	if diags.Append(v.check(r.now())...); diags.HasError() {
		return host, diags
	}
	switch {
	case v.byCA:
	case v.pair == nil: // nothing but `via`
		return host, diags
	default:
		host.Visitor = func(bool) (tls.Certificate, error) { return *v.pair, nil }
		return host, diags
	}
	authority, moreDiags := v.ca.Authority(r.keys)
	host.Visitor = func(wide bool) (tls.Certificate, error) { return visitor(authority, v.ca.Crosses(), wide, r.now()) }
	return host, append(diags, moreDiags...)
}

// visitor makes a client certificate with a key of its own, which is stored nowhere.
func visitor(authority *pki.Authority, crosses []*x509.Certificate, wide bool, now time.Time) (tls.Certificate, error) {
	key, err := x509text.ECDSAP256.Generate()
	if err != nil {
		return tls.Certificate{}, err
	}
	window := pki.Window{NotBefore: now.Add(-visitBefore), NotAfter: now.Add(visitAfter)}
	if wide {
		window = pki.Window{NotBefore: now.Add(-wideVisit), NotAfter: now.Add(wideVisit)}
	}
	certificate, err := authority.Issue(pki.LeafRequest{
		Profile: pki.Client, Subject: pki.Subject{CommonName: visitorName}, Window: window, PublicKey: key.Public(),
	}, now)
	if err == nil {
		err = pki.CheckChain(certificate, crosses)
	}
	if err != nil {
		return tls.Certificate{}, err
	}
	pair := tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key, Leaf: certificate}
	for _, cross := range crosses {
		pair.Certificate = append(pair.Certificate, cross.Raw)
	}
	return pair, nil
}

// failed points at the argument that the error of a delivery is about.
func (v visit) failed(host string, err error) diag.Diagnostic {
	var failure *deploy.Error
	var locked *via.Error
	switch {
	case errors.As(err, &locked):
		return viaError("Nothing was delivered to "+host, locked)
	case errors.Is(err, errNotAttempted):
		return diag.NewAttributeErrorDiagnostic(path.Root("host"), "Not attempted", inputs.Sentence(err)+" "+host+" is as it was, and the next apply goes on here.")
	case !errors.As(err, &failure):
		return diag.NewAttributeErrorDiagnostic(path.Root("host"), "Nothing was delivered to "+host, inputs.Sentence(err))
	}
	at := path.Root("host")
	switch failure.About {
	case deploy.AboutServer:
		at = path.Root("server")
	case deploy.AboutVisitor:
		at = v.path()
	case deploy.AboutOptions:
		at = path.Root("options")
	case deploy.AboutRestart:
		at = path.Root("restart")
	}
	return diag.NewAttributeErrorDiagnostic(at, "Nothing was delivered to "+host, failure.Text)
}
