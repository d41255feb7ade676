// Package cluster tests several real processes of the server on one PostgreSQL
// and one Redis, behind nginx: that they act as one, and that killing them at
// any moment breaks nothing. It has tests only.
//
// TWOFOLD_NODES_ROUNDS is how many codes are fought for (4 if not set),
// TWOFOLD_NODES_SIGNINS and TWOFOLD_NODES_SETUPS how many sign-ins and set-ups
// are made while nodes are killed (8 and 4), TWOFOLD_NODES_CODES how many sets
// of recovery codes, each with two sign-ins by them (4). With TWOFOLD_THOROUGH=1
// or CI=true what is not set is 10, 20, 10 and 10.
package cluster
