package resources

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

// desired is what a host is to have, as far as the configuration says it yet.
type desired struct {
	host      string          // as it is configured
	endpoint  docker.Endpoint // zero while it is not known
	server    docker.Identity
	leaf      *x509.Certificate // of server; nil while it is not known
	options   docker.Options
	filesOnly bool // no options: daemon.json and the units stay as they are
	restart   types.String
	ignored   bool // no server: lifecycle.ignore_changes names it

	clients any               // as package docker reads them
	files   map[string]string // the certificates by their usual names; nil while server is not known

	serverKnown, clientsKnown, optionsKnown bool
}

// desired reads and checks what belongs to the host. What a validator of the schema
// refuses counts as unknown here.
func (m *daemonModel) desired(ctx context.Context) (desired, diag.Diagnostics) {
	d := desired{host: m.Host.ValueString(), restart: m.Restart, ignored: m.Server.IsNull(), filesOnly: m.Options.IsNull() || m.Options.IsUnderlyingValueNull()}
	if inputs.Known(m.Host) {
		d.endpoint, _ = docker.ParseEndpoint(d.host)
	}
	diags := d.readOptions(ctx, m)
	if !diags.HasError() {
		diags.Append(d.readServer(m.Server)...)
	}
	return d, diags
}

// readOptions reads `options` and `clients`, which package docker has among them.
func (d *desired) readOptions(ctx context.Context, m *daemonModel) diag.Diagnostics {
	var diags diag.Diagnostics
	var err error
	if d.clients, d.clientsKnown, err = raw(ctx, m.Clients); err != nil {
		diags.AddAttributeError(path.Root("clients"), "Invalid clients", inputs.Sentence(err))
	}
	options, optionsKnown, moreDiags := m.rawOptions(ctx)
	if diags.Append(moreDiags...); diags.HasError() {
		return diags
	}
	options["clients"] = d.clients
	if d.options, err = docker.NewOptions(options); err != nil {
		diags.AddAttributeError(path.Root("clients"), "Invalid clients", inputs.Sentence(err))
		return diags
	}
	d.optionsKnown = d.clientsKnown && optionsKnown && d.endpoint.Port != 0
	return append(diags, d.fitPort(options["port"])...)
}

// rawOptions reads `options` as package docker does, each by itself to say which one
// is wrong, and whether all of them are known. `clients` is not one of them: what is
// in options is stored, and the authority's key would be with it.
func (m *daemonModel) rawOptions(ctx context.Context) (options map[string]any, known bool, diags diag.Diagnostics) {
	at := path.Root("options")
	value, known, err := raw(ctx, m.Options)
	if err != nil {
		diags.AddAttributeError(at, "Invalid options", inputs.Sentence(err))
		return nil, false, diags
	}
	options = map[string]any{}
	switch value := value.(type) {
	case map[string]any:
		options = value
	case nil:
	default:
		if value != docker.Unknown {
			diags.AddAttributeError(at, "Invalid options", "The options must be an object, such as { listen = \"hosts\" }.")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		if _, err := docker.NewOptions(map[string]any{name: options[name]}); err != nil {
			diags.AddAttributeError(at.AtName(name), "Invalid options", inputs.Sentence(err))
		}
	}
	if options["clients"] != nil && !diags.HasError() {
		diags.AddAttributeError(at.AtName("clients"), "Clients among the options", "The authorities whose clients may enter stand beside the options here: write clients = [ … ] in the resource.")
	}
	return options, known, diags
}

// fitPort has the daemon listen where that is proven.
func (d *desired) fitPort(configured any) diag.Diagnostics {
	var diags diag.Diagnostics
	switch {
	case configured == nil:
		d.options.Port = d.endpoint.Port
	case configured != docker.Unknown && d.endpoint.Port != 0 && d.options.Port != d.endpoint.Port:
		diags.AddAttributeError(path.Root("options").AtName("port"), "Another port than that of the host", fmt.Sprintf(
			"The daemon would listen on port %d, and host, where that is proven, has port %d. Write the same port in both, or leave this one out.", d.options.Port, d.endpoint.Port))
	}
	return diags
}

// raw turns a value into what package docker reads, and reports whether all of it
// is known.
func raw(ctx context.Context, value attr.Value) (any, bool, error) {
	terraform, err := value.ToTerraformValue(ctx)
	if err != nil {
		return nil, false, err
	}
	decoded, err := inputs.Raw(terraform)
	return decoded, terraform.IsFullyKnown(), err
}

// readServer reads `server`, and checks it as one that trusts the clients.
func (d *desired) readServer(server types.Object) diag.Diagnostics {
	var diags diag.Diagnostics
	var err error
	if d.server, d.serverKnown, err = inputs.ReadIdentity(server); err != nil {
		diags.Append(fileError(err))
	}
	if !d.serverKnown {
		return diags
	}
	options, err := docker.NewServerFileOptions(map[string]any{"clients": d.clients})
	if err == nil {
		d.files, err = docker.ServerFiles(d.server, options)
	}
	if err != nil {
		diags.Append(fileError(err))
		return diags
	}
	chain, err := x509text.ParseCertificates(d.server.CertPEM)
	if err == nil {
		d.leaf = chain[0]
	}
	return diags
}

// fileError points at what files cannot be made of.
func fileError(err error) diag.Diagnostic {
	var option *docker.OptionError
	if errors.As(err, &option) {
		return diag.NewAttributeErrorDiagnostic(path.Root("clients"), "Invalid clients", inputs.Sentence(err))
	}
	return diag.NewAttributeErrorDiagnostic(path.Root("server"), "Invalid certificate", "No daemon can serve this: "+err.Error()+".")
}

// checkName reports a host that the certificate does not name.
func (d *desired) checkName() diag.Diagnostics {
	var diags diag.Diagnostics
	if d.leaf == nil || d.endpoint.Port == 0 {
		return diags
	}
	if err := d.endpoint.CheckName(d.leaf); err != nil {
		diags.AddAttributeError(path.Root("host"), "Name not in the certificate", inputs.Sentence(err)+" Every client that connects here would refuse it. Write a name of the certificate, or add this one to it.")
	}
	return diags
}

// checkVisit reports a daemon that would not let in the next visit, unless that
// comes by another way than the port. That depends on no time: what has expired is
// renewed, with the same key or another generation.
func (d *desired) checkVisit(v visit) diag.Diagnostics {
	var diags diag.Diagnostics
	proves := d.restart.ValueString() != restartNone
	asks := d.filesOnly || d.optionsKnown && d.options.Mode == docker.ModeTLSVerify
	if v.over || !proves || !asks || !d.serverKnown || !d.clientsKnown {
		return diags
	}
	roots, err := docker.ParseRoots(d.files["ca.pem"])
	if err != nil || v.admittedBy(roots) {
		return diags
	}
	var admitted []string
	for _, root := range roots {
		admitted = append(admitted, displayName(root))
	}
	diags.AddAttributeError(v.path(), "The daemon would not let the next visit in", fmt.Sprintf(
		"It is to admit the clients of %s, and %s is none of them. Add the authority to clients, or use client with a certificate that the daemon admits.", strings.Join(admitted, ", "), v.name()))
	return diags
}

// name is who lets the visit in.
func (v visit) name() string {
	if v.byCA {
		return "the authority " + displayName(v.ca.Certificate) + ", which signs the visit,"
	}
	return "that of the client certificate " + displayName(v.pair.Leaf)
}

// admittedBy reports whether a daemon with these roots admits the visit. What is
// not known yet is taken for admitted.
func (v visit) admittedBy(roots []*x509.Certificate) bool {
	var chain []*x509.Certificate
	switch {
	case v.byCA && !v.trusted, !v.byCA && v.pair == nil:
		return true
	case v.byCA:
		chain = v.ca.Crosses()
	default:
		for _, der := range v.pair.Certificate {
			if certificate, err := x509.ParseCertificate(der); err == nil {
				chain = append(chain, certificate)
			}
		}
	}
	return slices.ContainsFunc(roots, func(root *x509.Certificate) bool {
		return v.byCA && bytes.Equal(root.RawSubject, v.ca.Certificate.RawSubject) && pki.SamePublicKey(root.PublicKey, v.ca.Certificate.PublicKey) ||
			slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return x509text.IssuedBy(c, root) })
	})
}

// digest hashes what is delivered, once all of it is known. The certificate stands
// for the key file: it has the public half.
func (d *desired) digest() (types.String, diag.Diagnostics) {
	var diags diag.Diagnostics
	if !d.serverKnown || !d.optionsKnown {
		return types.StringUnknown(), diags
	}
	files := d.files
	if !d.filesOnly {
		all, err := docker.HostFiles(d.server, d.options)
		if err != nil {
			diags.Append(fileError(err))
			return types.StringUnknown(), diags
		}
		files = map[string]string{}
		for name, file := range all {
			files[name] = file.Permissions + file.Content
		}
	}
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(name, "server-key.pem") {
			fmt.Fprintf(hash, "%s %x\n", name, sha256.Sum256([]byte(files[name])))
		}
	}
	return types.StringValue(hex.EncodeToString(hash.Sum(nil))), diags
}
