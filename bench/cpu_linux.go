package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// ownCPU returns the CPU time of this process with microsecond precision; /proc has hundredths of a
// second.
func ownCPU() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
