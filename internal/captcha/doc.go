// Package captcha checks answers to captchas. It asks the services of Turnstile,
// hCaptcha and reCAPTCHA. For Altcha, it makes the challenges and checks the
// answers itself.
//
// It returns what a page must show, and the sources from which the page may load.
// Package auth decides when a captcha is required. A service accepts each answer
// once. For Altcha, Config.Once ensures this.
package captcha
