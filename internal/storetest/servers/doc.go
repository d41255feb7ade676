// Package servers starts temporary PostgreSQL and Redis servers for tests. Each
// test program has one of each, and each test gets an empty schema or prefix there.
// Their data are in a temporary directory. The servers end with the test program,
// however it ends: a watcher waits for the end of a pipe that only the test program
// holds, stops the server by its process ID and removes the directory.
//
// If a server is not installed, the test is skipped. With CI=true, it fails.
package servers
