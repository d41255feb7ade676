// Package tracing sends spans of OpenTelemetry to a collector: OTLP over HTTP
// in its JSON form, which every collector takes at port 4318. It is this small
// because a whole SDK would cost the program megabytes for two kinds of span.
//
// It owns the settings by OTEL_ variables, which requests are recorded, and
// what a span may say: methods, patterns of routes, status, channels. Never a
// path, an address, an account or anything that came in a request.
//
// A collector that is slow or away costs requests nothing: spans wait in a
// bounded queue and are dropped when it is full.
package tracing
