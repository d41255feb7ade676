// Package devbox keeps the last messages in memory so that a development
// server can show them, in place of sending anything.
//
// It is for development only: it holds codes and links in the clear, for
// everybody who can see the page it is shown on. A server without
// its development switch never makes one.
package devbox
