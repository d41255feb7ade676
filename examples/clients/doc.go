// Package clients signs in with the typed Go client, as docs/how-to/native-clients.md
// shows. It is a module of its own, as the client is.
package clients
