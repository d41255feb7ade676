package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadCPU is what the calling thread has used; the caller holds on to it.
func threadCPU() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
