// Package openapitest holds docs/openapi.yaml against the truth: the table of
// paths and the Go types of answers (web), the answers that the tests of the contract
// and of security get, and what a fuzzer made from the document thinks of. A maintained
// validator judges the answers: test/oracle, a program of its own, so that its libraries
// are not in the library's go.mod. It checks the document itself as well.
//
// The fuzzer runs for a moment with the other tests. TWOFOLD_API_FUZZ=10m go test
// ./test/openapitest runs it longer; the last time, 66,094 requests as strangers and
// as people in every state got no answer of 5xx and none outside the document.
package openapitest
