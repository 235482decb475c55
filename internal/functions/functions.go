// Package functions holds the provider's functions, one file each. They are
// pure: what they return is in no state, only in what the caller makes of it.
package functions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
)

// All returns every function of the provider.
func All() []func() function.Function {
	return []func() function.Function{
		newClientEnv,
		newClientFiles,
		newCloudInit,
		newDaemonJSON,
		newDockerContext,
		newHostFiles,
		newIgnition,
		newInventory,
		newMetrics,
		newParseCertificate,
		newServerFiles,
	}
}

// identity is the part of a certificate resource that functions read. Terraform
// converts the whole resource to it and drops the rest.
type identity struct {
	CACertPEM     types.String `tfsdk:"ca_cert_pem"`
	CertPEM       types.String `tfsdk:"cert_pem"`
	PrivateKeyPEM types.String `tfsdk:"private_key_pem"`
}

// identityParameter allows what is not known: Terraform would not call the
// function before the first apply, and the other arguments would be checked no
// earlier.
func identityParameter(name, description string) function.ObjectParameter {
	return function.ObjectParameter{
		Name:               name,
		AllowUnknownValues: true,
		AttributeTypes: map[string]attr.Type{
			"ca_cert_pem":     types.StringType,
			"cert_pem":        types.StringType,
			"private_key_pem": types.StringType,
		},
		MarkdownDescription: description + " Any object with `ca_cert_pem`, `cert_pem` and `private_key_pem` will do.",
	}
}

// newIdentity reads the argument at position, and whether all of it is known.
func newIdentity(ctx context.Context, argument types.Object, position int64) (id docker.Identity, known bool, failure *function.FuncError) {
	if argument.IsUnknown() {
		return id, false, nil
	}
	var i identity
	if failure := function.FuncErrorFromDiags(ctx, argument.As(ctx, &i, basetypes.ObjectAsOptions{})); failure != nil {
		return id, false, failure
	}
	id, known, err := i.files()
	if err != nil {
		return id, false, function.NewArgumentFuncError(position, err.Error())
	}
	return id, known, nil
}

// files turns the argument into what package docker takes. A null key means
// that its holder keeps it; an empty one is a mistake.
func (i identity) files() (id docker.Identity, known bool, err error) {
	switch {
	case i.CACertPEM.IsNull():
		return id, false, errors.New("ca_cert_pem is null: the authority's certificate is missing")
	case i.CertPEM.IsNull():
		return id, false, errors.New("cert_pem is null: the certificate is missing")
	case i.PrivateKeyPEM.Equal(types.StringValue("")):
		return id, false, errors.New("private_key_pem is empty: it must be a key, or null if its holder keeps it")
	}
	id = docker.Identity{CACertPEM: i.CACertPEM.ValueString(), CertPEM: i.CertPEM.ValueString(), PrivateKeyPEM: i.PrivateKeyPEM.ValueString()}
	return id, !i.CACertPEM.IsUnknown() && !i.CertPEM.IsUnknown() && !i.PrivateKeyPEM.IsUnknown(), nil
}

// optionsParameter is variadic because Terraform has no optional parameters.
// It accepts null, which is what a module's variable holds that nobody set.
func optionsParameter(keys string) function.DynamicParameter {
	return function.DynamicParameter{
		Name:                "options",
		AllowNullValue:      true,
		AllowUnknownValues:  true,
		MarkdownDescription: "At most one object, with any of these keys (OpenTofu passes no null: leave the argument out, or write `{}`):\n\n" + keys,
	}
}

// hostOptions are the keys of the functions that set up a host.
func hostOptions() function.DynamicParameter {
	return optionsParameter("  - `mode`: `\"tlsverify\"` (default) serves only clients whose certificate the authority signed; `\"tls\"` encrypts but serves everyone.\n" +
		"  - `directory`: where the certificates lie on the host, absolute. Default `\"/etc/docker/tls\"`.\n" +
		"  - `port`: TCP port. Default `2376`.\n" +
		"  - `listen`: `\"socket\"` (default) has systemd open the port and hand it to dockerd, which takes it where its unit says `-H fd://`, as nearly all do. " +
		"On any other host Docker refuses to start and says why. " +
		"`\"hosts\"` has dockerd open the port, by `hosts` in `daemon.json`, for units without `-H`, and for hosts without systemd: with `-H fd://` in the unit, dockerd would not start.\n" +
		"  - `address`: the one IP address to listen on, such as the host's private `\"10.0.0.5\"` or `\"fd00::5\"`. " +
		"Default: all of them (with `\"hosts\"`, all of IPv4), so that on a public network whoever likes reaches the port, and only TLS keeps strangers out.\n" +
		clientsOption +
		"  - `settings`: object of more `daemon.json` keys, such as `{ live-restore = true }`. The keys that the other options decide " +
		"(`hosts`, `tls`, `tlsverify`, `tlscacert`, `tlscert`, `tlskey`) are errors. " +
		"Where Docker wants another type and nothing is lost, a value is converted: `\"true\"` to `true`, `3` in `log-opts` to `\"3\"`. " +
		"Any other type is an error, and `null` is left out. A key that Docker's unit also passes as a flag keeps Docker from starting, even with the same value: " +
		"`containerd` with Docker's own packages, `live-restore` and `log-driver` on Fedora.")
}

// clientsOption and daemonsOption say whom a side trusts.
const (
	clientsOption = "  - `clients`: the authorities whose clients may enter, a list of `docker_tls_ca` or of objects with `cert_pem`, which is all that is read of them. " +
		"The daemon's file of authorities then has their roots, each once, in place of that of the server's own. " +
		"An empty list is an error, and so is an authority that had expired when the server's certificate was issued. Default: `ca_cert_pem` of the server.\n"
	daemonsOption = "  - `daemons`: the authorities of the daemons that the client trusts, a list of `docker_tls_ca` or of objects with `cert_pem`, which is all that is read of them. " +
		"An empty list is an error, and so is an authority that had expired when the client's certificate was issued. Default: `ca_cert_pem` of the client.\n"
)

// newOptions reads the optional options argument at position with check, which
// takes it as package docker does, and whether all of it is known. The rest of
// what is not known is checked.
func newOptions[O any](ctx context.Context, arguments []types.Dynamic, position int64, check func(map[string]any) (O, error)) (o O, known bool, failure *function.FuncError) {
	raw, known, failure := rawOptions(ctx, arguments, position)
	if failure != nil {
		return o, false, failure
	}
	o, err := check(raw)
	if err != nil {
		return o, false, function.NewArgumentFuncError(position, err.Error())
	}
	return o, known, nil
}

// rawOptions decodes the optional options argument at position.
func rawOptions(ctx context.Context, arguments []types.Dynamic, position int64) (raw map[string]any, known bool, failure *function.FuncError) {
	argument, given, failure := optional(arguments, position, "options object")
	if failure != nil {
		return nil, false, failure
	}
	if !given || argument.IsNull() || argument.IsUnderlyingValueNull() {
		return nil, true, nil
	}
	if argument.IsUnknown() || argument.IsUnderlyingValueUnknown() {
		return nil, false, nil
	}
	value, err := argument.ToTerraformValue(ctx)
	if err != nil {
		return nil, false, function.NewArgumentFuncError(position, err.Error())
	}
	decoded, err := decode(value)
	if err != nil {
		return nil, false, function.NewArgumentFuncError(position, err.Error())
	}
	raw, ok := decoded.(map[string]any)
	if !ok {
		return nil, false, function.NewArgumentFuncError(position, "the options must be an object, such as { port = 2376 }")
	}
	return raw, value.IsFullyKnown(), nil
}

// maxExponent, of 2, bounds the digits of a number.
const maxExponent = 1 << 12

// optional returns the only one of variadic arguments, the first of which is
// at position.
func optional[T any](arguments []T, position int64, what string) (value T, given bool, failure *function.FuncError) {
	switch len(arguments) {
	case 0:
		return value, false, nil
	case 1:
		return arguments[0], true, nil
	}
	return value, false, function.NewArgumentFuncError(position+1, fmt.Sprintf("too many arguments: at most one %s is allowed", what))
}

// decode turns a value of any type into what encoding/json would decode it to,
// with numbers as [json.Number]. What is not known is [docker.Unknown].
func decode(value tftypes.Value) (any, error) {
	if !value.IsKnown() {
		return docker.Unknown, nil
	}
	if value.IsNull() {
		return nil, nil
	}
	kind := value.Type()
	switch {
	case kind.Is(tftypes.String):
		var s string
		err := value.As(&s)
		return s, err
	case kind.Is(tftypes.Bool):
		var b bool
		err := value.As(&b)
		return b, err
	case kind.Is(tftypes.Number):
		var f big.Float
		err := value.As(&f)
		if e := f.MantExp(nil); e > maxExponent || e < -maxExponent {
			return nil, errors.New("a number in the options has too many digits to be written out")
		}
		return json.Number(f.Text('f', -1)), err
	case kind.Is(tftypes.List{}), kind.Is(tftypes.Set{}), kind.Is(tftypes.Tuple{}):
		var elements []tftypes.Value
		if err := value.As(&elements); err != nil {
			return nil, err
		}
		list := make([]any, len(elements))
		for i, e := range elements {
			var err error
			if list[i], err = decode(e); err != nil {
				return nil, err
			}
		}
		return list, nil
	case kind.Is(tftypes.Map{}), kind.Is(tftypes.Object{}):
		var attributes map[string]tftypes.Value
		if err := value.As(&attributes); err != nil {
			return nil, err
		}
		object := make(map[string]any, len(attributes))
		for k, v := range attributes {
			var err error
			if object[k], err = decode(v); err != nil {
				return nil, err
			}
		}
		return object, nil
	}
	return nil, fmt.Errorf("the options cannot hold a value of type %s", kind)
}

// argumentError points at the options if the error is about them, and at the
// certificates otherwise.
func argumentError(err error, certificates, options int64) *function.FuncError {
	var bad *docker.OptionError
	if errors.As(err, &bad) {
		return function.NewArgumentFuncError(options, err.Error())
	}
	return function.NewArgumentFuncError(certificates, err.Error())
}

// runWithOptions runs a function that takes a certificate and options. check
// reads the options, first of all: before the first apply, the certificate is not
// known.
func runWithOptions[O, R any](ctx context.Context, req function.RunRequest, resp *function.RunResponse,
	check func(map[string]any) (O, error), write func(docker.Identity, O) (R, error),
) {
	var certificate types.Object
	var options []types.Dynamic
	if resp.Error = req.Arguments.Get(ctx, &certificate, &options); resp.Error != nil {
		return
	}
	o, known, failure := newOptions(ctx, options, 1, check)
	if failure != nil {
		resp.Error = failure
		return
	}
	id, identityKnown, failure := newIdentity(ctx, certificate, 0)
	if failure != nil {
		resp.Error = failure
		return
	}
	if !known || !identityKnown {
		resp.Error = setUnknown(ctx, &resp.Result)
		return
	}
	result, err := write(id, o)
	if err != nil {
		resp.Error = argumentError(err, 0, 1)
		return
	}
	resp.Error = resp.Result.Set(ctx, result)
}

// setUnknown makes a result one of its type that is not known.
func setUnknown(ctx context.Context, result *function.ResultData) *function.FuncError {
	kind := result.Value().Type(ctx)
	value, err := kind.ValueFromTerraform(ctx, tftypes.NewValue(kind.TerraformType(ctx), tftypes.UnknownValue))
	if err != nil {
		return function.NewFuncError(err.Error())
	}
	return result.Set(ctx, value)
}
