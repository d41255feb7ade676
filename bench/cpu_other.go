//go:build !linux

package main

import "time"

// threadCPU is known on Linux only; elsewhere the hash's share is not told.
func threadCPU() time.Duration { return 0 }
