// Package tracing records requests and what they send as spans, through the API of
// OpenTelemetry. Where the spans go, and which of them, is up to the provider that an
// application gives it: usually the one of OpenTelemetry's SDK.
//
// It owns what a span may say: methods, patterns of routes, status, channels. Never a
// path, an address, an account or anything that came in a request.
//
//	t := tracing.New(otel.GetTracerProvider())
//	handler = t.Handler(handler, route, trusted)
package tracing
