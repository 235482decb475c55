package datasources

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

var (
	_ datasource.DataSource                   = (*endpoint)(nil)
	_ datasource.DataSourceWithValidateConfig = (*endpoint)(nil)
)

// defaultTimeout is long enough for a Docker that systemd starts for the first
// connection.
const defaultTimeout = 10 * time.Second

// maxTimeout bounds how long a server can hold up a plan.
const maxTimeout = "10m"

// endpoint is docker_tls_endpoint.
type endpoint struct{ now func() time.Time }

type endpointModel struct {
	Host             types.String `tfsdk:"host"`
	CACertPEM        types.String `tfsdk:"ca_cert_pem"`
	ServerName       types.String `tfsdk:"server_name"`
	CertPEM          types.String `tfsdk:"cert_pem"`
	PrivateKeyPEM    types.String `tfsdk:"private_key_pem"`
	Timeout          types.String `tfsdk:"timeout"`
	Mode             types.String `tfsdk:"mode"`
	TLSVersion       types.String `tfsdk:"tls_version"`
	Verified         types.Bool   `tfsdk:"verified"`
	PeerCertificates []string     `tfsdk:"peer_certificates"`
	ValidityEndTime  types.String `tfsdk:"validity_end_time"`
	ServerVersion    types.String `tfsdk:"server_version"`
	APIVersion       types.String `tfsdk:"api_version"`
}

func (*endpoint) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_endpoint"
}

func (*endpoint) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Dials a live Docker daemon and reports how it is protected. It is made for `check` blocks: " +
			"inside one, a failure is a warning and does not stop a run.\n\n" +
			"Without a client certificate the probe comes as a stranger, and tells whether strangers are locked out. " +
			"With a client certificate it also asks the daemon for its version, which proves that the daemon accepts the certificate.\n\n" +
			"If the certificate of a daemon does not verify against `ca_cert_pem`, the error says why " +
			"(expired, another authority, another name). A port where nothing listens, or something other than Docker, is an error too. " +
			"A daemon without TLS is not an error: its `mode` is `plain`.\n\n" +
			"The probe calls `host` and no other: it follows no redirect, uses no proxy of the environment, and reads at most 1 MiB of each connection.",
		Attributes: map[string]schema.Attribute{
			"host": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "The daemon's address: `tcp://host:port`, `host:port`, or `host` for port 2376.",
				Validators: []validator.String{check("must be an address such as tcp://web1.example.com:2376", func(s string) error {
					_, err := docker.ParseEndpoint(s)
					return err
				})},
			},
			"ca_cert_pem": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "The authorities to trust, and no others: a client's `ca.pem`, as in `docker_tls_ca.example.cert_pem`.",
				Validators: []validator.String{check("must be PEM certificates", func(s string) error {
					_, err := docker.ParseRoots(s)
					return err
				})},
			},
			"server_name": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Name or address to look for in the server certificate. Default: the one in `host`.",
				Validators:          []validator.String{check("must be a host name or an IP address", docker.CheckServerName)},
			},
			"cert_pem": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Client certificate to present, a client's `cert.pem`. Needs `private_key_pem`.",
				Validators:          []validator.String{stringvalidator.AlsoRequires(path.MatchRoot("private_key_pem"))},
			},
			"private_key_pem": schema.StringAttribute{
				Optional:            true,
				Sensitive:           true,
				MarkdownDescription: "Private key of the client certificate, a client's `key.pem`. Needs `cert_pem`.",
				Validators:          []validator.String{stringvalidator.AlsoRequires(path.MatchRoot("cert_pem"))},
			},
			"timeout": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Time for everything together, as a duration such as `\"500ms\"` or `\"1m\"`. Default `\"10s\"`, at most `\"" + maxTimeout + "\"`.",
				Validators: []validator.String{check("must be a positive duration such as 10s", func(s string) error {
					_, err := inputs.ParseTimeout(s, maxTimeout)
					return err
				})},
			},
			"mode": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "`tlsverify`: clients need a certificate, and strangers are locked out. The probe knows that this is Docker only if it has a client certificate. " +
					"`tls`: encrypted, but everyone who reaches the port is root on the host. `plain`: no TLS at all.",
			},
			"tls_version": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "TLS version of the connection, such as `TLS 1.3`. Null if `mode` is `plain`.",
			},
			"verified": schema.BoolAttribute{
				Computed:            true,
				MarkdownDescription: "Whether the daemon proved who it is: its chain leads to `ca_cert_pem` and is valid now, and its certificate has the name. False if `mode` is `plain`.",
			},
			"peer_certificates": schema.ListAttribute{
				Computed:            true,
				ElementType:         types.StringType,
				MarkdownDescription: "The certificates that the daemon sent, as PEM, its own first. Read them with the function `parse_certificate`. Empty if `mode` is `plain`.",
			},
			"validity_end_time": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "When the daemon's own certificate expires, RFC 3339, UTC. Null if `mode` is `plain`.",
			},
			"server_version": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Docker's version, such as `28.2.2`. Null if `mode` is `tlsverify` and no client certificate is given.",
			},
			"api_version": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Highest API version of the daemon, such as `1.50`. Null when `server_version` is.",
			},
		},
	}
}

func (*endpoint) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var m endpointModel
	// Only the inputs: the computed attributes are null here.
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("cert_pem"), &m.CertPEM)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("private_key_pem"), &m.PrivateKeyPEM)...)
	if resp.Diagnostics.HasError() || m.CertPEM.IsNull() || m.PrivateKeyPEM.IsNull() || m.CertPEM.IsUnknown() || m.PrivateKeyPEM.IsUnknown() {
		return
	}
	if _, err := docker.ParseClientPair(m.CertPEM.ValueString(), m.PrivateKeyPEM.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("cert_pem"), "Invalid client certificate", err.Error())
	}
}

func (e *endpoint) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m endpointModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	probe, timeout, diags := e.probe(m)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	report, err := probe.Run(ctx)
	if err != nil {
		resp.Diagnostics.Append(m.diagnose(err))
		return
	}
	m.fill(report)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// probe reads the configuration, which has passed its validators.
func (e *endpoint) probe(m endpointModel) (docker.Probe, time.Duration, diag.Diagnostics) {
	var diags diag.Diagnostics
	p := docker.Probe{ServerName: m.ServerName.ValueString(), Now: e.now}
	var err error
	if p.Endpoint, err = docker.ParseEndpoint(m.Host.ValueString()); err != nil {
		diags.AddAttributeError(path.Root("host"), "Invalid host", err.Error())
	}
	if p.Roots, err = docker.ParseRoots(m.CACertPEM.ValueString()); err != nil {
		diags.AddAttributeError(path.Root("ca_cert_pem"), "Invalid authority certificate", err.Error())
	}
	if !m.CertPEM.IsNull() {
		if p.Client, err = docker.ParseClientPair(m.CertPEM.ValueString(), m.PrivateKeyPEM.ValueString()); err != nil {
			diags.AddAttributeError(path.Root("cert_pem"), "Invalid client certificate", err.Error())
		}
	}
	timeout := defaultTimeout
	if !m.Timeout.IsNull() {
		if timeout, err = inputs.ParseTimeout(m.Timeout.ValueString(), maxTimeout); err != nil {
			diags.AddAttributeError(path.Root("timeout"), "Invalid timeout", err.Error())
		}
	}
	return p, timeout, diags
}

// diagnose points at the argument that the error is about.
func (m endpointModel) diagnose(err error) diag.Diagnostic {
	var failure *docker.ProbeError
	if !errors.As(err, &failure) {
		return diag.NewErrorDiagnostic("Cannot examine the Docker endpoint", err.Error())
	}
	switch failure.About {
	case docker.AboutServer:
		return diag.NewAttributeErrorDiagnostic(path.Root("ca_cert_pem"), "Server certificate does not verify", failure.Text)
	case docker.AboutName:
		at := path.Root("server_name")
		if m.ServerName.IsNull() {
			at = path.Root("host")
		}
		return diag.NewAttributeErrorDiagnostic(at, "Name not in the server certificate", failure.Text)
	case docker.AboutClient:
		return diag.NewAttributeErrorDiagnostic(path.Root("cert_pem"), "Client certificate refused", failure.Text)
	default:
		return diag.NewAttributeErrorDiagnostic(path.Root("host"), "Cannot examine the Docker endpoint", failure.Text)
	}
}

func (m *endpointModel) fill(r docker.Report) {
	m.Mode = types.StringValue(r.Mode)
	m.Verified = types.BoolValue(r.Verified)
	m.TLSVersion = orNull(r.TLSVersion)
	m.ServerVersion = orNull(r.ServerVersion)
	m.APIVersion = orNull(r.APIVersion)
	m.ValidityEndTime = types.StringNull()
	m.PeerCertificates = []string{}
	for i, c := range r.PeerCertificates {
		if i == 0 {
			m.ValidityEndTime = types.StringValue(c.NotAfter.UTC().Format(time.RFC3339))
		}
		m.PeerCertificates = append(m.PeerCertificates, x509text.EncodeCertificates(c))
	}
}

func orNull(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}
