// Package background runs the workers of a sign-in while a program does something else.
package background

import "context"

// Runner is a twofold.Auth.
type Runner interface {
	Run(ctx context.Context) error
}

// Start calls Run and returns a function that ends it and waits for it.
func Start(r Runner) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Run(ctx) // it fails only if it already runs
	}()
	return func() {
		cancel()
		<-done
	}
}
