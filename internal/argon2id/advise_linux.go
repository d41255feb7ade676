package argon2id

import "golang.org/x/sys/unix"

// advise asks for huge pages, which save most of the look-ups of addresses, and
// leaves memory out of core dumps. A system that refuses either is not worse than one
// that has neither.
func advise(memory []byte) {
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE)
	_ = unix.Madvise(memory, unix.MADV_DONTDUMP)
}
