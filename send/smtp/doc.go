// Package smtp sends mail through a submission server (RFC 6409).
//
// A mail has one recipient, text with an optional HTML alternative, and headers that mark it as
// automatically generated and reveal nothing about this machine. The package does not render texts,
// retry or check whether addresses exist.
//
// TLS is required and the certificate is verified, unless Config explicitly allows a connection
// without TLS. Errors contain only the codes of the server's answers, because servers quote the
// mail.
package smtp
