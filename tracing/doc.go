// Package tracing records requests, and the messages they send, as spans with the API of
// OpenTelemetry. The tracer provider of the application, usually that of OpenTelemetry's SDK,
// decides which spans are exported and where.
//
// Spans contain methods, patterns of routes, status codes and channels. They never contain a path,
// an address, an account or other data of a request.
//
//	t := tracing.New(otel.GetTracerProvider())
//	handler = t.Handler(handler, route, trusted)
package tracing
