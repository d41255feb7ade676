//go:build !linux

package main

import "time"

// ownCPU is known on Linux only; elsewhere the hash's share is not told.
func ownCPU() time.Duration { return 0 }
