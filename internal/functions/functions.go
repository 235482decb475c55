// Package functions holds the provider's functions, one file each. They are
// pure: what they return is in no state, only in what the caller makes of it.
package functions

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/docker"
	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/inputs"
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

// identityParameter allows what is not known: Terraform would not call the
// function before the first apply, and the other arguments would be checked no
// earlier.
func identityParameter(name, description string) function.ObjectParameter {
	return function.ObjectParameter{
		Name:                name,
		AllowUnknownValues:  true,
		AttributeTypes:      inputs.IdentityTypes,
		MarkdownDescription: description + " Any object with `ca_cert_pem`, `cert_pem` and `private_key_pem` works.",
	}
}

// newIdentity reads the argument at position, and whether all of it is known.
func newIdentity(argument types.Object, position int64) (id docker.Identity, known bool, failure *function.FuncError) {
	id, known, err := inputs.ReadIdentity(argument)
	if err != nil {
		return id, false, function.NewArgumentFuncError(position, err.Error())
	}
	return id, known, nil
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
	return optionsParameter(inputs.HostOptions("`2376`", clientsOption))
}

// clientsOption and daemonsOption say whom a side trusts.
const (
	clientsOption = "  - `clients`: the authorities whose clients may enter, a list of `docker_tls_ca` or of objects with `cert_pem`. Only `cert_pem` is read. " +
		"The daemon's file of authorities then has their roots, each once, in place of the roots of the server's own authority. " +
		"An empty list is an error, and so is an authority that had expired when the server's certificate was issued. Default: `ca_cert_pem` of the server.\n"
	daemonsOption = "  - `daemons`: the authorities of the daemons that the client trusts, a list of `docker_tls_ca` or of objects with `cert_pem`. Only `cert_pem` is read. " +
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
	decoded, err := inputs.Raw(value)
	if err != nil {
		return nil, false, function.NewArgumentFuncError(position, err.Error())
	}
	raw, ok := decoded.(map[string]any)
	if !ok {
		return nil, false, function.NewArgumentFuncError(position, "the options must be an object, such as { port = 2376 }")
	}
	return raw, value.IsFullyKnown(), nil
}

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
	id, identityKnown, failure := newIdentity(certificate, 0)
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
