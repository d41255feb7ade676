package main

import (
	"fmt"

	"github.com/twofold-auth/twofold"
)

const description = `Sign-in with a second factor.

  twofold serve --dev                     try it out on this machine
  twofold key new                         create a SECRET_KEY
  twofold doctor                          find problems with settings, database, mail and clock
  twofold user create ann@example.org --password-stdin < password.txt

Settings come from the environment and a TOML file: --config, TWOFOLD_CONFIG or /etc/twofold/twofold.toml.
The key is read from twofold.key in the same folder, unless SECRET_KEY or TWOFOLD_KEY_FILE is set.`

// cli is the command line.
type cli struct {
	Serve   serveCommand    `cmd:"" help:"Run the server."`
	User    userCommands    `cmd:"" help:"Create, list and change accounts."`
	Role    roleCommands    `cmd:"" help:"Create, list and change roles and their permissions."`
	Key     keyCommands     `cmd:"" help:"Create keys."`
	Audit   auditCommands   `cmd:"" help:"Read and check the audit trail."`
	Migrate migrateCommands `cmd:"" help:"Bring the database's schema up to date."`
	Backup  backupCommand   `cmd:"" help:"Copy the SQLite database while it is in use."`
	Restore restoreCommand  `cmd:"" help:"Replace the SQLite database with a copy."`
	Import  importCommands  `cmd:"" help:"Import accounts from a file or another system."`
	Export  exportCommand   `cmd:"" help:"Write accounts to a file."`
	Doctor  doctorCommand   `cmd:"" help:"Check the settings, the services that the server needs, and the database."`
	Config  configCommands  `cmd:"" help:"Check or convert settings."`
	Rules   rulesCommands   `cmd:"" help:"Check the rules of the gate."`
	Texts   textsCommands   `cmd:"" help:"Check your own texts and translations."`
	Unit    unitCommand     `cmd:"" help:"Print a systemd unit."`

	Shadow      shadowCommand      `cmd:"" help:"Compare the sign-ins of another system with what this server would do."`
	SendTest    sendTestCommand    `cmd:"" help:"Send a test message through every sender."`
	Healthcheck healthcheckCommand `cmd:"" help:"Check whether the server on this machine is ready."`

	Completion completionCommand `cmd:"" help:"Print a script that completes commands in a shell."`
	Man        manCommand        `cmd:"" help:"Print the manual page."`

	Version versionCommand `cmd:"" help:"Print the version."`
}

type serveCommand struct {
	where
	ListenAt string `name:"listen" help:"Address and port to listen on; overrides TWOFOLD_LISTEN." placeholder:"ADDR"`
}

// Help implements kong.HelpProvider.
func (serveCommand) Help() string {
	return `Examples:
  twofold serve --dev
  twofold serve --dev --listen 127.0.0.1:9000 --dir /tmp/try
  TWOFOLD_ORIGIN=https://login.example.org SECRET_KEY=... twofold serve
  twofold serve --config /etc/twofold.toml

On SIGINT or SIGTERM the server stops accepting connections, completes pending requests and closes the database.`
}

type keyCommands struct {
	New keyNewCommand `cmd:"" help:"Print a new random key, for SECRET_KEY or SECURITY_TOTP_SECRETS."`
}

type keyNewCommand struct{}

// Help implements kong.HelpProvider.
func (keyNewCommand) Help() string {
	return `Examples:
  export SECRET_KEY=$(twofold key new)
  (umask 077; twofold key new > twofold.key)     for TWOFOLD_KEY_FILE
  twofold key new >> twofold.key                 rotates the key: new data uses the last line, old data any line`
}

// Run prints a key.
func (keyNewCommand) Run(p process) error {
	_, err := fmt.Fprintln(p.out, twofold.NewKey())
	return err
}
