package main

import (
	"testing"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
)

// address is a database that a test may empty.
func address(t *testing.T) string { return servers.Postgres(t) }
