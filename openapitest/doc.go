// Package openapitest holds docs/openapi.yaml against the truth: the table of
// paths, the answers that tests get, and whatever a fuzzer thinks of.
package openapitest
