// Package web is the paths: JSON and pages from the same steps, cookies,
// guards, errors and words.
//
// A step is written once: it reads typed fields, calls login, and returns an
// answer; whether that becomes JSON or a page is decided at the end, in one
// place (reply.go). Errors become status, message and field in one table
// (errors.go). Every text goes through the catalogue (words.go, locales/).
//
// It decides nothing about who may sign in; that is login's.
package web
