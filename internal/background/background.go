// Package background runs the workers of a sign-in while a program does something else.
package background

import (
	"context"
	"time"

	"github.com/twofold-auth/twofold"
)

// Start calls Run, waits until the workers run, and returns a function that ends
// them and waits for their end.
func Start(auth *twofold.Auth) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = auth.Run(ctx) // it fails only if it already runs
	}()
	for {
		if now, _ := auth.Stats(ctx); now.Running { // even if the store fails, and with it this call
			break
		}
		time.Sleep(time.Millisecond)
	}
	return func() {
		cancel()
		<-done
	}
}
