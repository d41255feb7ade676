// Package cluster tests several real server processes with one PostgreSQL and one Redis, behind
// nginx. They must act as one, and killing them at any moment must break nothing. It has tests
// only.
//
// TWOFOLD_NODES_ROUNDS is the number of codes that are submitted concurrently (4 by default),
// TWOFOLD_NODES_SIGNINS and TWOFOLD_NODES_SETUPS are the numbers of sign-ins and enrollments while
// nodes are killed (8 and 4), and TWOFOLD_NODES_CODES is the number of sets of recovery codes, each
// with two sign-ins (4). With TWOFOLD_THOROUGH=1 or CI=true, the defaults are 10, 20, 10 and 10.
package cluster
