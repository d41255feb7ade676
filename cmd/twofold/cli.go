package main

import (
	"fmt"

	"github.com/twofold-auth/twofold"
)

const description = `Sign-in with a second factor.

  twofold serve --dev                     try it out on this machine
  twofold key new                         make a SECRET_KEY
  twofold doctor                          say what is wrong with settings, database, mail and clock
  twofold user create ann@example.org --password-stdin < password.txt

Settings come from the environment and a TOML file: --config, TWOFOLD_CONFIG or /etc/twofold/twofold.toml.
A file twofold.key alongside it holds the key, unless SECRET_KEY or TWOFOLD_KEY_FILE says otherwise.`

// cli is the command line.
type cli struct {
	Serve   serveCommand    `cmd:"" help:"Run the server."`
	User    userCommands    `cmd:"" help:"Make, list and change accounts."`
	Role    roleCommands    `cmd:"" help:"Make, list and change roles and what they permit."`
	Key     keyCommands     `cmd:"" help:"Make keys."`
	Audit   auditCommands   `cmd:"" help:"Read and check the audit trail."`
	Migrate migrateCommands `cmd:"" help:"Bring the database's schema up to date."`
	Backup  backupCommand   `cmd:"" help:"Copy the SQLite database while it is in use."`
	Restore restoreCommand  `cmd:"" help:"Put a copy in the place of the SQLite database."`
	Import  importCommands  `cmd:"" help:"Bring in accounts from a file or another system."`
	Export  exportCommand   `cmd:"" help:"Write accounts to a file."`
	Doctor  doctorCommand   `cmd:"" help:"Look for what is wrong: settings, everything the server needs, the database."`
	Config  configCommands  `cmd:"" help:"Check the settings."`
	Rules   rulesCommands   `cmd:"" help:"Check the rules of the gate."`
	Texts   textsCommands   `cmd:"" help:"Check texts and languages of your own."`
	Unit    unitCommand     `cmd:"" help:"Print a unit for systemd."`

	Shadow      shadowCommand      `cmd:"" help:"Compare sign-ins of another system with what this one would do."`
	SendTest    sendTestCommand    `cmd:"" help:"Send a test message by every sender."`
	Healthcheck healthcheckCommand `cmd:"" help:"Ask the server on this machine whether it is ready."`

	Completion completionCommand `cmd:"" help:"Print a script that completes commands in a shell."`
	Man        manCommand        `cmd:"" help:"Print the manual page."`

	Version versionCommand `cmd:"" help:"Print the version."`
}

type serveCommand struct {
	where
	ListenAt string `name:"listen" help:"Address and port, in place of TWOFOLD_LISTEN." placeholder:"ADDR"`
}

// Help implements kong.HelpProvider.
func (serveCommand) Help() string {
	return `Examples:
  twofold serve --dev
  twofold serve --dev --listen 127.0.0.1:9000 --dir /tmp/try
  TWOFOLD_ORIGIN=https://login.example.org SECRET_KEY=... twofold serve
  twofold serve --config /etc/twofold.toml

On SIGINT and SIGTERM it accepts no new connections, completes pending requests, and closes the database.`
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
  twofold key new >> twofold.key                 exchanges the key: the last line is used, all open`
}

// Run prints a key.
func (keyNewCommand) Run(p process) error {
	_, err := fmt.Fprintln(p.out, twofold.NewKey())
	return err
}
