package tfsim

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/pki"
)

// The types of the resources.
const (
	CA     = "docker_tls_ca"
	Server = "docker_tls_server_cert"
	Client = "docker_tls_client_cert"
	Daemon = "docker_tls_daemon"
)

// Order is the order of the dependencies. A world has a [Daemon] behind them where
// one is configured.
var Order = []string{CA, Server, Client}

// links are the arguments that follow another resource, unless they are configured.
var links = map[string]string{"ca": CA, "server": Server}

// Start is when the clock of a new world begins.
var Start = time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC)

// World is one authority with a server and a client certificate, their
// configuration and state, and a clock. It speaks to the provider as Terraform
// does.
type World struct {
	Now      time.Time
	Config   map[string]Values // what is not null; a `ca`, or `server`, that is not there follows the resource
	State    map[string]tftypes.Value
	Secrets  Values          // merged into `ca`
	Given    []crypto.Signer // all keys so far that the configuration gave
	Phrases  []string        // all passphrases so far, the newest first
	Warnings []string        // of the last plan, apply, import or move
	Ignoring map[string]bool // resources with lifecycle.ignore_changes = [ca]: plans get none, apply does
	Schemas  map[string]*tfprotov6.Schema

	ctx     context.Context
	server  tfprotov6.ProviderServer
	private map[string][]byte // what the provider stores beside the state
	keyring pki.Keyring       // saves deriving the key of a passphrase again
}

// New makes a world in which nothing exists yet. serve makes the provider with
// the world's clock.
func New(tb testing.TB, serve func(now func() time.Time) tfprotov6.ProviderServer) *World {
	tb.Helper()
	w := &World{ctx: tb.Context(), Now: Start, State: map[string]tftypes.Value{}, private: map[string][]byte{}}
	w.server = serve(func() time.Time { return w.Now })
	schema, err := w.server.GetProviderSchema(w.ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		tb.Fatal(err)
	}
	w.Schemas = schema.ResourceSchemas
	w.Config = map[string]Values{
		CA:     {},
		Server: {"dns_names": Set("host.example.com")},
		Client: {"subject": w.Object(Client, "subject", Values{"common_name": String("ci")})},
	}
	for name := range w.Schemas {
		w.State[name] = Null(w.kind(name))
	}
	return w
}

// order are the resources that are configured.
func (w *World) order() []string {
	if w.Config[Daemon] == nil {
		return Order
	}
	return append(slices.Clone(Order), Daemon)
}

func (w *World) attributes(name string) []*tfprotov6.SchemaAttribute {
	return w.Schemas[name].Block.Attributes
}

func (w *World) kind(name string) tftypes.Type { return w.Schemas[name].ValueType() }

// Object makes the value of a nested attribute from what is not null in it.
func (w *World) Object(name, attribute string, set Values) tftypes.Value {
	for _, a := range w.attributes(name) {
		if a.Name == attribute {
			values := fields(a.NestedType.Attributes, Null(a.ValueType()))
			for key := range values {
				if value, ok := set[key]; ok {
					values[key] = value
				}
			}
			return tftypes.NewValue(a.ValueType(), values)
		}
	}
	panic("no attribute " + attribute)
}

// Set configures arguments of a resource.
func (w *World) Set(name string, arguments Values) {
	merged := Values{} // a saved plan has the former ones
	maps.Copy(merged, w.Config[name])
	maps.Copy(merged, arguments)
	w.Config[name] = merged
}

// Unset configures arguments of a resource no longer.
func (w *World) Unset(name string, arguments ...string) {
	w.Config[name] = maps.Clone(w.Config[name])
	for _, argument := range arguments {
		delete(w.Config[name], argument)
	}
}

// Fields are the attributes of a resource in the state.
func (w *World) Fields(name string) Values { return fields(w.attributes(name), w.State[name]) }

// Text is a text in the state, or nothing where there is none.
func (w *World) Text(name, attribute string) string { return Text(w.Fields(name)[attribute]) }

// Number is a whole number in the state.
func (w *World) Number(name, attribute string) int64 { return Number(w.Fields(name)[attribute]) }

// Ready is ready_for_renewal in the state.
func (w *World) Ready(name string) bool { return ready(w.Fields(name)) }

func ready(values Values) bool {
	var ready bool
	if err := values["ready_for_renewal"].As(&ready); err != nil {
		panic(err)
	}
	return ready
}

// configure evaluates a configuration: `ca = docker_tls_ca.this`, unless another
// one is configured, and `server` likewise.
func (w *World) configure(name string, config Values, resources map[string]tftypes.Value) tftypes.Value {
	values := fields(w.attributes(name), Null(w.kind(name)))
	maps.Copy(values, config)
	for argument, linked := range links {
		_, given := config[argument]
		if _, has := values[argument]; !has || given {
			continue
		}
		object := maps.Clone(fields(w.attributes(linked), resources[linked])) // tftypes shares its map
		if linked == CA {
			maps.Copy(object, w.Secrets)
		}
		values[argument] = w.Object(name, argument, object)
	}
	return tftypes.NewValue(w.kind(name), values)
}

func (w *World) encode(name string, value tftypes.Value) *tfprotov6.DynamicValue {
	encoded, err := tfprotov6.NewDynamicValue(w.kind(name), value)
	if err != nil {
		panic(err)
	}
	return &encoded
}

func (w *World) decode(name string, value *tfprotov6.DynamicValue) (tftypes.Value, error) {
	if value == nil {
		return tftypes.Value{}, errors.New("no value")
	}
	return value.Unmarshal(w.kind(name))
}

// report takes in diagnostics: warnings are kept, errors are returned.
func (w *World) report(diagnostics []*tfprotov6.Diagnostic) error {
	var errs []error
	for _, d := range diagnostics {
		if text := d.Summary + ": " + d.Detail; d.Severity == tfprotov6.DiagnosticSeverityError {
			errs = append(errs, fmt.Errorf("%s (at %s)", text, d.Attribute))
		} else {
			w.Warnings = append(w.Warnings, text)
		}
	}
	return errors.Join(errs...)
}
