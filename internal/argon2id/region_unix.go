//go:build unix && !aix && !solaris

package argon2id

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// huge is the size of a huge page on amd64, the only architecture that maps memory here.
const huge = 2 << 20

// newRegion maps n blocks outside the Go heap.
//
// The mapping starts on a boundary of a huge page: with 2 MiB more than needed there
// is always one. These sizes do not overflow: n is at most 1<<20. Pages beyond the
// blocks are never touched, so they take address space only.
func newRegion(n int) (*region, error) {
	size := n * blockSize
	mapped, err := unix.Mmap(-1, 0, size+huge, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, fmt.Errorf("argon2id: no memory for a hash: %w", err)
	}
	skip := int(-uintptr(unsafe.Pointer(&mapped[0])) & (huge - 1))
	used := mapped[skip : skip+size]
	advise(used)
	return &region{
		// A block contains no pointers and is aligned to 8 bytes; used is aligned to 2 MiB.
		blocks: unsafe.Slice((*block)(unsafe.Pointer(&used[0])), n),
		// Unmapping fails only for a range that was not mapped.
		give: func() { _ = unix.Munmap(mapped) },
	}, nil
}
