package argon2id

import "golang.org/x/sys/unix"

// advise requests huge pages, which avoid most TLB misses, and excludes memory from core dumps. If
// the system refuses either, hashing still works.
func advise(memory []byte) {
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE)
	_ = unix.Madvise(memory, unix.MADV_DONTDUMP)
}
