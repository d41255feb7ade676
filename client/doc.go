// Package client calls the JSON paths of a Twofold sign-in.
//
// It is for programs without a browser, such as a mobile app, a desktop program or a
// command. A program that only checks whether a user may see a page needs the guards of
// package twofold, or the gate.
//
// The types and calls come from docs/openapi.yaml, which describes each of them.
// [NewClientWithResponses] makes a client. Each answer has a field for the status that
// came: JSON200 for a step that succeeded, JSON4XX for a refusal, JSON503 if the server
// cannot do its work.
//
// A client of header tokens sets IncludeAuthToken on every call that has it, sends the
// newest TfPendingToken in the header Two-Factor-Pending, and sends the header token in
// Authentication-Token; see
// https://github.com/twofold-auth/twofold/blob/main/docs/how-to/native-clients.md.
package client
