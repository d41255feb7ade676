// Command twofold is the stand-alone server: sign-in with a second factor for
// applications in any language, and the commands an operator needs alongside it.
//
//	twofold serve --dev      everything at hand on this machine, for trying out
//	twofold serve            settings from the environment and a TOML file
//	twofold user ...         accounts
//	twofold key new          a new SECRET_KEY
//	twofold config check     says what is wrong with the settings
//	twofold version
//
// It owns the names of the settings (one table, from which parsing, errors and
// docs/configuration.md come), the process (listening, time-outs, stopping) and
// the words of the command line. It decides nothing about who may sign in.
package main
