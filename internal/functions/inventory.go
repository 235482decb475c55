package functions

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/x509text"
)

type inventory struct{}

func newInventory() function.Function { return inventory{} }

func (inventory) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "inventory"
}

func (inventory) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "A list of certificates, without secrets",
		MarkdownDescription: "Returns a list with an object for each certificate, and for each root of an authority:\n\n" +
			"- `kind`: `ca`, `server` or `client`\n" +
			"- `name`: the common name, or else the first DNS name or IP address, or else the distinguished name\n" +
			"- `current`: whether it is in use. `false` for the previous roots of an authority, which are still trusted\n" +
			"- `serial_number`, `fingerprint_sha256`: as the attributes of the resources\n" +
			"- `issuer`: distinguished name (RFC 2253) of who signed it\n" +
			"- `generation`: of an authority's current root, as the attribute `generation`; otherwise `null`\n" +
			"- `validity_end_time`: RFC 3339, UTC\n" +
			"- `renewal_time`: as the attribute `renewal_time`; `null` for previous roots, and where an object has none\n\n" +
			"All but `generation` and `renewal_time` is read from `cert_pem`. The order is that of the arguments. Maps, and resources with `for_each`, are in the order of their keys. " +
			"A certificate that is given twice is listed once. " + withoutSecrets("inventory"),
		VariadicParameter: certificatesParameter(),
		Return:            function.ListReturn{ElementType: types.ObjectType{AttrTypes: inventoryTypes()}},
	}
}

// inventoryEntry describes one certificate.
type inventoryEntry struct {
	Kind              string       `tfsdk:"kind"`
	Name              string       `tfsdk:"name"`
	Current           bool         `tfsdk:"current"`
	SerialNumber      string       `tfsdk:"serial_number"`
	FingerprintSHA256 string       `tfsdk:"fingerprint_sha256"`
	Issuer            string       `tfsdk:"issuer"`
	Generation        types.Number `tfsdk:"generation"`
	ValidityEndTime   string       `tfsdk:"validity_end_time"`
	RenewalTime       types.String `tfsdk:"renewal_time"`
}

func inventoryTypes() map[string]attr.Type {
	return map[string]attr.Type{
		"kind": types.StringType, "name": types.StringType, "current": types.BoolType,
		"serial_number": types.StringType, "fingerprint_sha256": types.StringType, "issuer": types.StringType,
		"generation": types.NumberType, "validity_end_time": types.StringType, "renewal_time": types.StringType,
	}
}

func (inventory) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	s, failure := findCertificates(ctx, req)
	if failure != nil {
		resp.Error = failure
		return
	}
	entries := []inventoryEntry{}
	for _, f := range s.found {
		s.open = s.open || f.generation.IsUnknown() || f.renewalTime.IsUnknown()
		for _, l := range f.list {
			entries = append(entries, f.entry(l))
		}
	}
	if s.open {
		resp.Error = setUnknown(ctx, &resp.Result)
		return
	}
	resp.Error = resp.Result.Set(ctx, entries)
}

// entry describes a certificate of an object. Only a current one has what the
// object says beside it.
func (f found) entry(l x509text.Listed) inventoryEntry {
	d := x509text.Describe(l.Certificate)
	e := inventoryEntry{
		Kind: x509text.Kind(l.Certificate), Name: x509text.DisplayName(l.Certificate), Current: l.Current,
		SerialNumber: d.SerialNumber, FingerprintSHA256: d.FingerprintSHA256, Issuer: d.Issuer.DistinguishedName,
		ValidityEndTime: d.ValidityEndTime,
	}
	if l.Current {
		e.Generation, e.RenewalTime = f.generation, f.renewalTime
	}
	return e
}
