// Command panicking is the provider with a clock that panics at the call that
// PANIC_AT_CALL numbers: a crash in the middle of what it does.
package main

import (
	"context"
	"log"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/seed-2716f8bf/terraform-provider-docker-tls/internal/provider"
)

func main() {
	at, err := strconv.ParseInt(os.Getenv("PANIC_AT_CALL"), 10, 64)
	if err != nil {
		at = 0 // never
	}
	var calls atomic.Int64
	now := func() time.Time {
		if calls.Add(1) == at {
			panic("the clock has stopped")
		}
		return time.Now()
	}
	if err := providerserver.Serve(context.Background(), provider.New("test", now), providerserver.ServeOpts{Address: provider.Address}); err != nil {
		log.Fatal(err)
	}
}
