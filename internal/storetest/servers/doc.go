// Package servers starts the throw-away PostgreSQL and Redis that tests run
// on, one of each for a test program, and gives every test an empty place in
// them. Their data lie in a temporary folder. They end with the test program,
// however it ends: a watcher waits for the end of a pipe that only the test
// program holds, stops the server by its process id and removes the folder.
//
// Where a server is not installed the test is skipped and says so; with
// CI=true it fails.
package servers
