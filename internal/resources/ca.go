package resources

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

const (
	caValidityHours = 43800 // 5 years
	caCommonName    = "Docker TLS CA"
)

type ca struct {
	now  func() time.Time
	keys *pki.Keyring
}

var (
	_ resource.ResourceWithModifyPlan     = (*ca)(nil)
	_ resource.ResourceWithValidateConfig = (*ca)(nil)
	_ resource.ResourceWithImportState    = (*ca)(nil)
	_ resource.ResourceWithMoveState      = (*ca)(nil)
	_ resource.ResourceWithUpgradeState   = (*ca)(nil)
)

// NewCA is the resource docker_tls_ca.
func NewCA(now func() time.Time, keys *pki.Keyring) resource.Resource { return &ca{now, keys} }

func (r *ca) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "docker_tls_ca"
}

func (r *ca) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config caModel
	if resp.Diagnostics.Append(decode(ctx, req.Config, &config)...); resp.Diagnostics.HasError() {
		return
	}
	validity := config.ValidityPeriodHours
	if validity.IsNull() {
		validity = types.Int64Value(caValidityHours)
	}
	resp.Diagnostics.Append(checkLifetime(validity, config.EarlyRenewalHours, r.now())...)
	resp.Diagnostics.Append(config.checkVersions()...)
	if inputs.Known(config.NameConstraints) && inputs.FullyKnown(config.NameConstraints) {
		constraints, err := constraintsOf(config.NameConstraints)
		summary := "Invalid name constraints"
		if err == nil {
			summary, err = "Empty name constraints", constraints.CheckNotEmpty()
		}
		if err == nil {
			summary, err = "Too many name constraints", constraints.CheckSize()
		}
		if err != nil {
			resp.Diagnostics.AddAttributeError(path.Root("name_constraints"), summary, inputs.Sentence(err))
		}
	}
}

// checkVersions reports write-only arguments without their versions.
func (m *caModel) checkVersions() diag.Diagnostics {
	return append(checkVersion(m.PrivateKeyPEMWO, m.PrivateKeyPEMWOVersion, "private_key_pem_wo"),
		checkVersion(m.PrivateKeyPassphraseWO, m.PrivateKeyPassphraseWOVersion, "private_key_passphrase_wo")...)
}

// Read derives the outputs from the certificate again, and says whether it is
// due. It never issues.
func (r *ca) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state caModel
	if resp.Diagnostics.Append(decode(ctx, req.State, &state)...); resp.Diagnostics.HasError() {
		return
	}
	root, diags := current(state.CertPEM)
	if diags.HasError() {
		resp.Diagnostics.Append(damagedRefresh(diags)...)
		return // the state stays as it is
	}
	before := state.outputs
	state.refresh(root, r.now())
	if state.outputs == before {
		return
	}
	resp.Diagnostics.Append(encode(ctx, &resp.State, &state)...)
}

// Delete has nothing to do: the state is all there is.
func (r *ca) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}
