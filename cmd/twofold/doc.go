// Command twofold is the stand-alone server: sign-in with a second factor for applications in any
// language, and the commands that operators need.
//
//	twofold serve --dev      everything on this machine, for development
//	twofold serve            settings from the environment and a TOML file
//	twofold user ...         accounts
//	twofold key new          a new SECRET_KEY
//	twofold config check     checks the settings
//	twofold version
//
// It contains the settings (one table, from which parsing, errors and docs/configuration.md are
// derived), the process (listening, timeouts, stopping) and the command line. It does not decide
// who may sign in.
package main
