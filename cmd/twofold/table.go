package main

import (
	"slices"
	"time"
)

const day = 24 * time.Hour

// table returns all settings in the order of the documentation.
func table() []setting {
	return derived(slices.Concat(
		group("The process", processTable()),
		group("Keys and database", slices.Concat(keyTable(), databaseTable())),
		group("Mail", mailTable()),
		group("Text messages", smsTable()),
		group("Signing in", signInTable()),
		group("Pages", pagesTable()),
		group("Signing in through other sites", oauthTable()),
		group("Accounts", slices.Concat(accountTable(), auditTable(), registerTable())),
		group("Captchas", captchaTable()),
		group("Passwords", slices.Concat(passwordTable(), checkerTable(), legacyTable())),
		group("Second factor", twoFactorTable()),
		group("Passkeys", passkeyTable()),
		group("Unified sign-in", unifiedTable()),
		group("Recovery codes", recoveryTable()),
		group("Tokens", tokenTable()),
		group("Sessions", sessionTable()),
		group("Limits", limitTable()),
		group("Paths", slices.Concat(pathTable(), accountPaths())),
		group("Pages shown afterwards", slices.Concat(viewTable(), accountViews())),
		group("Single-page applications", spaTable()),
		group("The gate", gateTable()),
		group(groupAbsent, absentTable()),
		group(groupInert, inertTable()),
	))
}

func group(name string, rows []setting) []setting {
	for i := range rows {
		rows[i].Group = name
	}
	return rows
}

func processTable() []setting {
	return []setting{
		{Name: "TWOFOLD_ORIGIN", Type: text, Empty: "required", Field: "Origin",
			Doc: "The address of the site as browsers see it: scheme, host and port, e.g. " +
				"`https://login.example.org`. Cookies, links and the check of where a request comes from are based " +
				"on it, never on what a request says. Plain http is allowed only for loopback hosts. With `--dev` " +
				"the default is the address that the server listens on.",
			Apply: applyOrigin},
		{Name: "TWOFOLD_LISTEN", Type: text, Default: "127.0.0.1:8080",
			Doc: "Address and port to listen on, e.g. `:8080` for all addresses. The server speaks HTTP/1.1 " +
				"and HTTP/2 without TLS: put a TLS proxy in front.",
			Apply: toAddress(func(s *settings) *string { return &s.Listen })},
		{Name: "TWOFOLD_METRICS_LISTEN", Type: text, Empty: "none",
			Doc: "Address and port of a second listener, which serves metrics at `/metrics` in the text format " +
				"of Prometheus, e.g. `127.0.0.1:9090`. They contain no accounts, addresses or secrets.",
			Cost: "Anyone who can reach it sees how many people sign in, or fail to: keep it off the public " +
				"network.",
			Apply: toAddress(func(s *settings) *string { return &s.MetricsListen })},
		{Name: "TWOFOLD_TRUSTED_PROXIES", Type: list, Empty: "none", Field: "Advanced.TrustedProxies",
			Doc: "Addresses or networks of the proxies in front, e.g. `10.0.0.0/8,192.168.1.7`. " +
				"`X-Forwarded-For` is accepted only from them, and only its last hop that is not one of them is " +
				"used.",
			Cost: "A listed address that is not your proxy can pretend to be any client, in the log and in the " +
				"list of devices.",
			Apply: applyProxies},
		{Name: "TWOFOLD_SITE", Type: text, Empty: "the origin's host", Field: "Pages.Site",
			Doc:   "Name of the site on pages, in mails and in text messages. With `--dev` the default is `Twofold`.",
			Apply: toText(func(s *settings) *string { return &s.Config.Pages.Site })},
		{Name: "TWOFOLD_LOG_FORMAT", Type: text, Default: "text",
			Doc: "Format of the log on standard error, one record per line: `text` or `json`.",
			Apply: func(s *settings, raw any) error {
				var format string
				err := toChoice(func(*settings) *string { return &format }, "text", "json")(s, raw)
				s.LogJSON = format == "json"
				return err
			}},
		{Name: "TWOFOLD_LOG_LEVEL", Type: text, Default: "info",
			Doc: "Minimum level of log records: `debug`, `info`, `warn` or `error`. No level shows passwords, " +
				"codes, tokens or cookies.",
			Apply: toChoice(func(s *settings) *string { return &s.LogLevel }, "debug", "info", "warn", "error")},
		{Name: "TWOFOLD_TEMPLATES", Type: text, Empty: "none", Field: "Pages.Templates",
			Doc: "Folder of your own pages. A file with the same name as one of ours (`login.html`) replaces " +
				"it.",
			Apply: toText(func(s *settings) *string { return &s.Templates })},
		{Name: "TWOFOLD_LOCALES", Type: text, Empty: "none", Field: "Pages.Locales",
			Doc:   "Folder of additional languages: files such as `fr.json`, with the same keys as ours.",
			Apply: toText(func(s *settings) *string { return &s.Locales })},
		{Name: "TWOFOLD_CONFIG", Type: text, Empty: "`/etc/twofold/twofold.toml`, if it exists",
			Doc:   "The TOML file to read, like `--config`. It can be set only in the environment.",
			Apply: func(*settings, any) error { return nil }},
	}
}

func keyTable() []setting {
	return []setting{
		{Name: "SECRET_KEY", Type: secret, Empty: "required", Field: "Key",
			Doc: "Encrypts stored secrets and signs cookies and tokens; at least 32 bytes. `twofold key new` " +
				"creates one. Anyone who has the key and the database can compute every second factor: keep them " +
				"apart.",
			Apply: toText(func(s *settings) *string { return &s.SecretKey })},
		{Name: "SECRET_KEY_FALLBACKS", Type: secrets, Empty: "none",
			Doc: "Former values of `SECRET_KEY`, the most recent first. They decrypt and verify, but never " +
				"encrypt or sign. Keep each, unless it leaked (docs/how-to/rotate-keys.md).",
			Apply: toList(func(s *settings) *[]string { return &s.Fallbacks })},
		{Name: "TWOFOLD_KEY_FILE", Type: text, Empty: "`twofold.key` in the folder of the TOML file, if it exists",
			Doc: "A file with the keys, one per line, the newest last, in place of `SECRET_KEY`. Append a line " +
				"to rotate the key. Keep each former key, unless it leaked (docs/how-to/rotate-keys.md). No one else " +
				"may be able to read the file (mode 0600).",
			Apply: toText(func(s *settings) *string { return &s.KeyFile })},
		{Name: "TWOFOLD_KEY_LOST", Type: flag, Default: "false",
			Doc: "Starts the server with a database that another key wrote. Without it the server refuses to " +
				"start, because this is nearly always a mistake.",
			Cost: "Data encrypted with the other key is lost: authenticator apps must be set up again, and the " +
				"audit trail does not verify.", Apply: toBool(func(s *settings) *bool { return &s.keyLost })},
	}
}

func mailTable() []setting {
	m := func(f func(*mailSettings) *string) func(*settings, any) error {
		return toText(func(s *settings) *string { return f(&s.mail) })
	}
	return []setting{
		{Name: "MAIL_SERVER", Type: text, Empty: "no mail is sent", Field: "Mail",
			Doc:   "Host of the submission server. Without one, methods and rescues by mail are not offered.",
			Apply: m(func(m *mailSettings) *string { return &m.server })},
		{Name: "MAIL_PORT", Type: number, Empty: "587, 465 or 25, depending on the kind of TLS",
			Doc: "Port of the submission " +
				"server.", Apply: toInt(func(s *settings) *int { return &s.mail.port }, 1, 65535)},
		{Name: "MAIL_USE_TLS", Type: flag, Default: "false",
			Doc: "Uses STARTTLS, and sends nothing without it. This or `MAIL_USE_SSL` is required unless the " +
				"server is on this machine.",
			Apply: toBool(func(s *settings) *bool { return &s.mail.useTLS })},
		{Name: "MAIL_USE_SSL", Type: flag, Default: "false",
			Doc: "Uses TLS from the first byte.", Apply: toBool(func(s *settings) *bool { return &s.mail.useSSL })},
		{Name: "MAIL_USERNAME", Type: text, Empty: "none", Doc: "Username at the submission server.",
			Apply: m(func(m *mailSettings) *string { return &m.username })},
		{Name: "MAIL_PASSWORD", Type: secret, Empty: "none", Doc: "Password at the submission server.",
			Apply: m(func(m *mailSettings) *string { return &m.password })},
		{Name: "MAIL_DEFAULT_SENDER", Type: text, Empty: "none",
			Doc: "Sender of mails: `no-reply@example.org`, `Example <no-reply@example.org>`, or a list of name " +
				"and address.",
			Apply: applySender(func(m *mailSettings) *string { return &m.defaultSender })},
		{Name: "SECURITY_EMAIL_SENDER", Type: text, Empty: "`MAIL_DEFAULT_SENDER`",
			Doc:   "Sender of the mails of this server, in place of `MAIL_DEFAULT_SENDER`.",
			Apply: applySender(func(m *mailSettings) *string { return &m.sender })},
		{Name: "MAIL_TIMEOUT", Type: duration, Default: "10 seconds",
			Doc:   "Timeout for sending one mail.",
			Apply: toDuration(func(s *settings) *time.Duration { return &s.mail.timeout }, time.Second, 2*time.Minute)},
		{Name: mailFallback, Type: secretMap, Empty: "none", Field: "Advanced.MailFallback",
			Doc: "A second submission server, which takes over while the first one fails: `SERVER` and, if " +
				"needed, `PORT`, `USE_TLS`, `USE_SSL`, `USERNAME`, `PASSWORD` and `SENDER`, each as in `MAIL_...` " +
				"and as text. A message that the first server accepted without confirming it may arrive twice.",
			Apply: toDict(func(s *settings) *map[string]string { return &s.mailFallback })},
	}
}

func smsTable() []setting {
	return []setting{
		{Name: "SECURITY_SMS_SERVICE", Type: text, Default: "Dummy", Field: "SMS",
			Doc: "The provider of text messages: `Twilio`, `Vonage`, `Bird`, `Plivo`, `Sinch`, `SNS` (of AWS), " +
				"`Template` for any other provider, `Webhook`, or `Dummy` for none. With `Dummy` the method `sms` " +
				"is not offered.",
			Apply: toChoice(func(s *settings) *string { return &s.smsService }, smsServices()...)},
		{Name: "SECURITY_SMS_SERVICE_CONFIG", Type: secretMap, Empty: "none",
			Doc: "Keys of the provider. Twilio: `ACCOUNT_SID`, `AUTH_TOKEN`, `PHONE_NUMBER` and, to use " +
				"another endpoint, `BASE_URL`. Vonage: `API_KEY`, `API_SECRET`, `FROM`. Bird: `ACCESS_KEY`, " +
				"`WORKSPACE_ID`, `CHANNEL_ID`. Plivo: `AUTH_ID`, `AUTH_TOKEN`, `FROM`. Sinch: `SERVICE_PLAN_ID`, " +
				"`API_TOKEN`, `FROM` and, unless it is `us`, `REGION`. SNS: `REGION`, `ACCESS_KEY_ID`, " +
				"`SECRET_ACCESS_KEY` and optionally `SESSION_TOKEN` and `SENDER_ID`. Webhook: `URL` and `SECRET` " +
				"(at least 32 bytes). Template: `URL`, `BODY` and optionally `USERNAME` and `PASSWORD` (HTTP " +
				"Basic), `HEADER Name`, `SUCCESS` and `REFUSED` (rules separated by commas, e.g. `202` or `200 " +
				"messages.0.status=0`), and your own placeholders in lower case. `BODY` is JSON or a form with " +
				"`{to}` or `{to_digits}`, `{text}`, `{id}` and your placeholders; each value is escaped for its " +
				"context.",
			Apply: toDict(func(s *settings) *map[string]string { return &s.smsConfig })},
		{Name: smsFallback, Type: secretMap, Empty: "none", Field: "Advanced.SMSFallback",
			Doc: "A second provider, which takes over while the first one fails: `SERVICE` (as in " +
				"`SECURITY_SMS_SERVICE`) and its keys as in `SECURITY_SMS_SERVICE_CONFIG`.",
			Apply: toDict(func(s *settings) *map[string]string { return &s.smsFallback })},
		{Name: "SECURITY_PHONE_REGION_DEFAULT", Field: "TwoFactor.PhoneRegion",
			Doc: "Region of phone numbers that are entered without a country code.", Apply: applyRegion},
		{Name: "SECURITY_PHONE_STRICT", Type: flag, Default: "true", Field: "TwoFactor.PossiblePhones",
			Doc: "Refuses phone numbers in ranges that this release does not know. Countries open new ranges: " +
				"if users report that a working number is refused, set `false`. Then only the length is checked.",
			Cost:  "With `false`, text messages may go to numbers that cost more or do not exist.",
			Apply: toOpposite(func(s *settings) *bool { return &s.Config.TwoFactor.PossiblePhones })},
		{Name: "SECURITY_SMS_COUNTRIES", Type: list, Empty: "every country", Field: "TwoFactor.SMSCountries",
			Doc: "Regions to which text messages are sent, such as `US,CA,DE`.",
			Cost: "If every country is allowed, anyone who has an account can cause messages to the most " +
				"expensive ones.",
			Apply: toList(func(s *settings) *[]string { return &s.Config.TwoFactor.SMSCountries })},
	}
}
