package settings

import (
	"slices"
	"sync"
	"time"
)

// Day is 24 hours.
const Day = 24 * time.Hour

var ownTable = sync.OnceValue(func() []Row {
	return slices.Concat(twoFactor(), passkeys(), passwordless(), passwords(), accounts(), sessions(), tokens(),
		guesses(), messages(), requests())
})

// Rows returns the table. It must not be changed.
func Rows() []Row { return ownTable() }

// Orders returns the pairs of fields that depend on each other.
func Orders() []Order {
	const limits = "Advanced.Limits."
	return []Order{
		{"Accounts.UsernameMin", "Accounts.UsernameMax"},
		{"Sessions.Idle", "Sessions.Absolute"},
		{"Tokens.RefreshIdle", "Tokens.RefreshLife"},
		{limits + "FirstHold", limits + "FirstMaxHold"},
		{limits + "SecondFailures", limits + "FactorFailures"},
		{limits + "SendDay", limits + "SendMost"},
	}
}

func twoFactor() []Row {
	const codes = "NIST SP 800-63B-4 section 3.1.3.2"
	return []Row{
		life("TwoFactor.LoginValidity", 0, time.Second, 30*Day).zero("no browser may skip it"),
		life("TwoFactor.AuthenticatorValidity", 30*time.Second, 30*time.Second, 2*time.Minute).
			from("RFC 6238 section 5.2"),
		text("TwoFactor.PhoneRegion", "US"),
		life("TwoFactor.MailValidity", 5*time.Minute, 30*time.Second, 10*time.Minute).from(codes),
		life("TwoFactor.SMSValidity", 5*time.Minute, 30*time.Second, 10*time.Minute).from(codes),
		life("TwoFactor.SetupWithin", 10*time.Minute, time.Minute, 30*time.Minute),
		life("TwoFactor.Freshness", 15*time.Minute, NoMin, NoMax).server(NoMin, 30*Day),
		most("TwoFactor.RecoveryCodes.Number", 10, 1, 20),
		life("TwoFactor.RecoveryCodes.Life", 0, Day, NoMax).zero("codes do not expire"),
		wait("TwoFactor.RecoveryWait", 24*time.Hour, time.Hour, 30*Day),
	}
}

func passkeys() []Row {
	const ceremony = "WebAuthn level 3 section 15.1"
	return []Row{
		least("Passkeys.ChallengeBytes", 32, 16, 64).from("WebAuthn level 3 section 13.4.3"),
		life("Passkeys.RegisterWithin", 5*time.Minute, time.Second, 10*time.Minute).from(ceremony),
		life("Passkeys.SignInWithin", 5*time.Minute, time.Second, 10*time.Minute).from(ceremony),
		life("Passkeys.RegisterTimeout", time.Minute, time.Second, 10*time.Minute),
		life("Passkeys.SignInTimeout", time.Minute, time.Second, 10*time.Minute),
		most("Passkeys.NameMaxLength", 64, 1, 64),
	}
}

func passwordless() []Row {
	setup := life("Passwordless.SetupWithin", 0, time.Second, 30*time.Minute)
	setup.Like = "TwoFactor.SetupWithin"
	return []Row{life("Passwordless.CodeValidity", 5*time.Minute, 30*time.Second, 10*time.Minute), setup}
}

func passwords() []Row {
	return []Row{
		text("Password.Scheme", "argon2", "argon2", "bcrypt"),
		least("Password.MinLength", 8, 8, 64).from("NIST SP 800-63B-4 section 3.1.1.2"),
		number("Password.Slots", 0, 1, NoMax).zero("one for each processor").server(1, 1024),
	}
}

func accounts() []Row {
	return []Row{
		life("Accounts.ConfirmWithin", 2*Day, time.Minute, 30*Day),
		life("Accounts.ResetWithin", time.Hour, time.Minute, 24*time.Hour),
		life("Accounts.ChangeEmailWithin", 2*time.Hour, time.Minute, 24*time.Hour),
		life("Accounts.LoginWithin", 10*time.Minute, time.Minute, 10*time.Minute),
		least("Accounts.UsernameMin", 4, 1, 128),
		most("Accounts.UsernameMax", 32, 1, 128),
		wait("Accounts.DeletionWait", 7*Day, Day, 90*Day),
		life("Accounts.InviteWithin", 7*Day, time.Minute, 30*Day),
		number("Accounts.AuditDays", 0, 30, 36500).zero("all rows are kept"),
		{Field: "Accounts.CaptchaMinScore", Kind: Score, Min: 0, Max: 1, ServerMin: 0, ServerMax: 1,
			Zero: "the keys are for v2"},
		least("Accounts.CaptchaCost", 100_000, 1000, 10_000_000),
	}
}

func sessions() []Row {
	return []Row{
		life("Sessions.Idle", time.Hour, time.Minute, NoMax).server(time.Minute, 30*Day),
		life("Sessions.Absolute", 24*time.Hour, time.Minute, NoMax).server(time.Minute, 30*Day),
		life("Sessions.TokenLife", 15*time.Minute, 1, NoMax).server(time.Minute, 30*Day),
		life("Sessions.Remember", 0, time.Minute, 30*Day).zero("no browser may stay signed in"),
	}
}

func tokens() []Row {
	return []Row{
		life("Tokens.RefreshLife", 90*Day, time.Minute, 366*Day),
		life("Tokens.RefreshIdle", 7*Day, time.Minute, 366*Day),
		text("Tokens.RefreshCookie", "fs_refresh"),
		life("Tokens.PersonalLife", 90*Day, Day, 366*Day),
	}
}

// guesses are the limits of wrong proofs.
func guesses() []Row {
	const attempts = "NIST SP 800-63B-4 section 3.2.2"
	return []Row{
		most("Advanced.Limits.FirstFailures", 10, 1, 100).from(attempts),
		most("Advanced.Limits.AccountFailures", 100, 1, 10_000),
		wait("Advanced.Limits.FirstHold", 30*time.Second, 1, NoMax).server(time.Second, Day),
		wait("Advanced.Limits.FirstMaxHold", time.Hour, 1, NoMax).server(time.Second, Day),
		most("Advanced.Limits.SecondFailures", 5, 1, 10),
		wait("Advanced.Limits.SecondWindow", 15*time.Minute, time.Minute, NoMax).server(time.Minute, Day),
		most("Advanced.Limits.FactorFailures", 100, 1, 100).from(attempts),
		most("Advanced.Limits.AddressFailures", 100, 10, 1_000_000),
		most("Advanced.Limits.CaptchaFailures", 3, 1, 100),
		most("Advanced.Limits.HourFailures", 1000, 10, 100_000_000),
		most("Advanced.Limits.PasskeyFailures", 10, 1, 1000),
	}
}

// messages are the limits of sent messages.
func messages() []Row {
	all := most("Advanced.Limits.SendMost", 30, 1, 10_000)
	all.Like = "Advanced.Limits.SendDay"
	return []Row{
		wait("Advanced.Limits.SendGap", 30*time.Second, 1, NoMax).server(time.Second, time.Hour),
		most("Advanced.Limits.SendShort", 5, 1, 1000),
		most("Advanced.Limits.SendDay", 10, 1, 1000),
		all,
		most("Advanced.Limits.SendAddress", 60, 1, 1_000_000),
		most("Advanced.Limits.SendHour", 10_000, 1, 100_000_000),
		most("Advanced.Limits.FirstDay", 120, 1, 10_000),
		most("Advanced.Limits.LinkHour", 3, 1, 1000),
		most("Advanced.Limits.LinkAddress", 30, 1, 1_000_000),
		most("Advanced.Limits.LinkDay", 20, 1, 1000),
	}
}

// requests are the limits of other requests.
func requests() []Row {
	return []Row{
		most("Advanced.Limits.RescueHour", 3, 1, 1000),
		most("Advanced.Limits.RescueDay", 5, 1, 1000),
		most("Advanced.Limits.SetupHour", 30, 1, 10_000),
		most("Advanced.Limits.RegisterHour", 20, 1, 1_000_000),
		most("Advanced.Limits.PasskeyHour", 1000, 1, 1_000_000),
	}
}

// life is the row of a lifetime: shorter is safer.
func life(field string, def, low, high time.Duration) Row {
	return row(field, Duration, Lower, int64(def), int64(low), int64(high))
}

// wait is the row of a waiting time: longer is safer.
func wait(field string, def, low, high time.Duration) Row {
	return row(field, Duration, Higher, int64(def), int64(low), int64(high))
}

// most is the row of a number of which less is safer.
func most(field string, def, low, high int64) Row { return row(field, Number, Lower, def, low, high) }

// least is the row of a number of which more is safer.
func least(field string, def, low, high int64) Row { return row(field, Number, Higher, def, low, high) }

// number is the row of a number of which neither more nor less is safer.
func number(field string, def, low, high int64) Row {
	return row(field, Number, Neutral, def, low, high)
}

// text is the row of a text, with its values if they are limited.
func text(field, def string, choices ...string) Row {
	return Row{Field: field, Kind: Text, Standard: def, Choices: choices}
}

func row(field string, k Kind, safer Side, def, low, high int64) Row {
	return Row{Field: field, Kind: k, Safer: safer, Default: def, Min: low, Max: high, ServerMin: low, ServerMax: high}
}

func (r Row) zero(meaning string) Row { r.Zero = meaning; return r }

func (r Row) from(source string) Row { r.Source = source; return r }

func (r Row) server(low, high time.Duration) Row {
	r.ServerMin, r.ServerMax = int64(low), int64(high)
	return r
}
