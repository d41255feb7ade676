// Package argon2id computes Argon2id and Argon2i, version 1.3, as RFC 9106 defines
// them.
//
// It owns two things: a kernel for processors with AVX2, and the memory that hashes
// work in. Every other machine, every build with the tag purego, and every [Pool]
// made as portable uses golang.org/x/crypto/argon2. Both give the same tags.
//
// # The kernel
//
// Almost all of the time goes into one function, the compression function G of RFC
// 9106, section 3.5, which makes one block of 1 KiB from two others. The kernel is G
// in two parts. The first part ends with the first word of the new block, and in a
// data-dependent pass that word says which block is needed next. The second part
// begins by asking the processor to fetch that block, so that it arrives while the
// rest of the present one is computed.
//
// # Memory
//
// A [Pool] keeps the memory of a hash for the next one. Where the system allows it,
// the memory is mapped outside the Go heap, so that the collector neither zeroes it
// nor counts it. It is given back after ten seconds without use. A hash that needs
// more than the pool keeps gives its memory back at once.
//
// What a hash of two or more passes wrote stays in its memory until the next hash
// overwrites it or the memory is given back; golang.org/x/crypto does the same. With
// it, passwords can be tried at the cost of all passes but the last. The blocks of a
// hash of one pass would let them be tried at the cost of a few BLAKE2b, so that
// memory is wiped. On Linux the memory is left out of core dumps.
package argon2id
