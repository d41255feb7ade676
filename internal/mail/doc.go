// Package mail renders the mails and text messages of a site: codes, links, notices, and the mail
// that asks the administrators for help.
//
// A Renderer takes the texts from package i18n, in the language of the recipient, and the layout
// from two templates, which a site may replace. It returns messages of package send and sends
// nothing.
package mail
