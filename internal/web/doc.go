// Package web serves the paths, as JSON and as pages, with cookies, guards and errors.
//
// A step is written once: it reads typed fields, calls package auth and returns an answer.
// reply.go decides whether the answer becomes JSON or a page. One table in errors.go converts
// errors to a status, a text and a field. All texts come from package i18n.
//
// Package auth decides who may sign in.
package web
