//go:build !unix || aix || solaris

package argon2id

// newRegion allocates n blocks on the Go heap.
func newRegion(n int) (*region, error) { return &region{blocks: make([]block, n)}, nil }
