package process

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

type contextKey struct{}

// asked is a server that keeps the context of each call.
type asked struct {
	tfprotov6.ProviderServer
	contexts []context.Context
	during   func()
}

func (a *asked) ReadResource(ctx context.Context, _ *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	a.contexts = append(a.contexts, ctx)
	a.during()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &tfprotov6.ReadResourceResponse{}, nil
}

// TestQuiet has a call whose context loses its values, and one that is cancelled.
func TestQuiet(t *testing.T) {
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "logger"))
	next := &asked{during: func() {}}
	if _, err := (quiet{next}).ReadResource(ctx, nil); err != nil {
		t.Error(err)
	}
	if value := next.contexts[0].Value(contextKey{}); value != nil {
		t.Errorf("the context has the value %v", value)
	}
	if next.contexts[0].Err() == nil {
		t.Error("the context outlives its call")
	}
	next.during = func() {
		cancel()
		<-next.contexts[1].Done()
	}
	if _, err := (quiet{next}).ReadResource(ctx, nil); err == nil {
		t.Error("a call that is cancelled goes on")
	}
}
