package process

import (
	"context"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// quiet is a server whose calls have a context without loggers. The framework keeps
// the context of each call until Terraform stops the provider (proto6server,
// registerContext), and with it 14 kB of loggers: 220 MB for a plan of 4,000
// certificates. It has the calls that a fleet makes many of.
//
// It passes on no list resource, action or state store, of which there are none.
type quiet struct{ tfprotov6.ProviderServer }

func (q quiet) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return call(ctx, req, q.ProviderServer.ValidateResourceConfig)
}

func (q quiet) UpgradeResourceState(ctx context.Context, req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return call(ctx, req, q.ProviderServer.UpgradeResourceState)
}

func (q quiet) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return call(ctx, req, q.ProviderServer.ReadResource)
}

func (q quiet) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	return call(ctx, req, q.ProviderServer.PlanResourceChange)
}

func (q quiet) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return call(ctx, req, q.ProviderServer.ApplyResourceChange)
}

func (q quiet) CallFunction(ctx context.Context, req *tfprotov6.CallFunctionRequest) (*tfprotov6.CallFunctionResponse, error) {
	return call(ctx, req, q.ProviderServer.CallFunction)
}

// call calls next with a context that has nothing of ctx but its end.
func call[Req, Resp any](ctx context.Context, req Req, next func(context.Context, Req) (Resp, error)) (Resp, error) {
	bare, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := context.AfterFunc(ctx, cancel)
	defer stop()
	return next(bare, req)
}
