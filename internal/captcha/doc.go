// Package captcha checks answers to captchas: those of Turnstile, hCaptcha and
// reCAPTCHA by asking their service, and those of Altcha, which this package also
// asks, by itself.
//
// It says what a page must show and which sites the page may load from. It does not
// decide when a captcha is asked for; login does. A service accepts each answer once,
// and an answer to Altcha is accepted once by Config.Once.
package captcha
