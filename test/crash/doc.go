// Package crash kills the server before and after every call of its store, in every
// flow.
//
// A child process serves the site. Its store counts the calls of the requests that a
// flow makes, and ends its own process by SIGKILL before or after one of them. The
// test then starts another child on the same database, and looks:
//
//   - the doctor finds nothing;
//   - no session of an account with a second factor rests on less than two proofs;
//   - if the step was done, the same request again changes nothing: no code, link or
//     recovery code works twice;
//   - if it was not, it can be done, by the same request or from the start;
//   - the owner can sign in.
//
// It goes on with the next call until a flow ends without being killed: so every call
// has its turn. Flows are in flows_test.go; what is looked at after a crash, in
// crash_test.go.
//
// What lies in the database changes with writes only, so a kill after each write and
// one at the start are all there is to see. The everyday run kills after every third
// write of some flows, on SQLite. TWOFOLD_THOROUGH=1 takes all flows: it kills after
// every write on SQLite, and after every third on PostgreSQL, and PostgreSQL with
// Redis. TWOFOLD_CRASH=all kills before every call and after every write, on all
// three; TWOFOLD_STORE chooses one of them.
package crash
