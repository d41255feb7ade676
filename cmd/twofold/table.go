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
		group("Where to go afterwards", slices.Concat(viewTable(), accountViews())),
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
				"`https://login.example.org`. Cookies, the check of where a request comes from and every link rest " +
				"on it, never on what a request says. Plain http is for loopback hosts only. With `--dev` it is " +
				"the address that is listened on.",
			Apply: applyOrigin},
		{Name: "TWOFOLD_LISTEN", Type: text, Default: "127.0.0.1:8080",
			Doc: "Address and port to listen on, e.g. `:8080` for all addresses. It speaks HTTP/1.1 and HTTP/2 " +
				"without TLS: put a proxy with TLS in front.",
			Apply: toAddress(func(s *settings) *string { return &s.Listen })},
		{Name: "TWOFOLD_METRICS_LISTEN", Type: text, Empty: "none",
			Doc: "Address and port of a second listener with the metrics, in the text format of Prometheus, at " +
				"`/metrics`, e.g. `127.0.0.1:9090`. They hold no account, no address and no secret.",
			Cost:  "Anyone who reaches it sees how many people sign in, and fail to: keep it off the public network.",
			Apply: toAddress(func(s *settings) *string { return &s.MetricsListen })},
		{Name: "TWOFOLD_TRUSTED_PROXIES", Type: list, Empty: "none", Field: "Advanced.TrustedProxies",
			Doc: "Addresses or networks of the proxies in front, e.g. `10.0.0.0/8,192.168.1.7`. Only from them is " +
				"`X-Forwarded-For` taken, and only its last hop that is not one of them.",
			Cost: "An address that is not a proxy of yours may claim to be anybody, in the log and in the list of " +
				"devices.",
			Apply: applyProxies},
		{Name: "TWOFOLD_SITE", Type: text, Empty: "the origin's host", Field: "Pages.Site",
			Doc:   "The name of the site on pages, in mails and in text messages.",
			Apply: toText(func(s *settings) *string { return &s.Config.Pages.Site })},
		{Name: "TWOFOLD_LOG_FORMAT", Type: text, Default: "text",
			Doc: "`text` or `json`, one record a line on standard error.",
			Apply: func(s *settings, raw any) error {
				var format string
				err := toChoice(func(*settings) *string { return &format }, "text", "json")(s, raw)
				s.LogJSON = format == "json"
				return err
			}},
		{Name: "TWOFOLD_LOG_LEVEL", Type: text, Default: "info",
			Doc:   "`debug`, `info`, `warn` or `error`. No level shows passwords, codes, tokens or cookies.",
			Apply: toChoice(func(s *settings) *string { return &s.LogLevel }, "debug", "info", "warn", "error")},
		{Name: "TWOFOLD_TEMPLATES", Type: text, Empty: "none", Field: "Pages.Templates",
			Doc: "A folder with pages of your own: a file of the same name as one of ours (`login.html`) takes its " +
				"place.",
			Apply: toText(func(s *settings) *string { return &s.Templates })},
		{Name: "TWOFOLD_LOCALES", Type: text, Empty: "none", Field: "Pages.Locales",
			Doc:   "A folder with further languages: files like `fr.json`, with the keys of ours.",
			Apply: toText(func(s *settings) *string { return &s.Locales })},
		{Name: "TWOFOLD_CONFIG", Type: text, Empty: "`/etc/twofold/twofold.toml`, if it is there",
			Doc:   "The TOML file to read, as `--config` does. Environment only.",
			Apply: func(*settings, any) error { return nil }},
	}
}

func keyTable() []setting {
	return []setting{
		{Name: "SECRET_KEY", Type: secret, Empty: "required", Field: "Key",
			Doc: "Seals what is stored and signs what is handed out; 32 bytes at least. `twofold key new` makes " +
				"one. Anyone who has it and the database can compute every second factor: keep them apart.",
			Apply: toText(func(s *settings) *string { return &s.SecretKey })},
		{Name: "SECRET_KEY_FALLBACKS", Type: secrets, Empty: "none",
			Doc: "Former values of `SECRET_KEY`, the most recent first. They open and verify, and never seal or " +
				"sign. Do not remove one: its place in the list is the name under which what it sealed is found.",
			Apply: toList(func(s *settings) *[]string { return &s.Fallbacks })},
		{Name: "TWOFOLD_KEY_FILE", Type: text, Empty: "`twofold.key` in the folder of the TOML file, if it is there",
			Doc: "A file that holds the keys, one a line, the newest last, in place of `SECRET_KEY`. Append a line " +
				"to rotate; remove an old one only after every user has signed in since, which seals their secrets " +
				"again. No one else may read it (mode 0600).",
			Apply: toText(func(s *settings) *string { return &s.KeyFile })},
		{Name: "TWOFOLD_KEY_LOST", Type: flag, Default: "false",
			Doc: "Starts on a database that another key has written. Without it that is refused, as it is nearly " +
				"always a mistake.",
			Cost: "What the other key sealed stays closed: second factors by app must be set up again, and the " +
				"audit trail does not verify.", Apply: toBool(func(s *settings) *bool { return &s.keyLost })},
	}
}

func mailTable() []setting {
	m := func(f func(*mailSettings) *string) func(*settings, any) error {
		return toText(func(s *settings) *string { return f(&s.mail) })
	}
	return []setting{
		{Name: "MAIL_SERVER", Type: text, Empty: "no mail is sent", Field: "Mail",
			Doc:   "The submission server. Without one, methods and rescues by mail are not offered.",
			Apply: m(func(m *mailSettings) *string { return &m.server })},
		{Name: "MAIL_PORT", Type: number, Empty: "587, 465 or 25, by the kind of TLS",
			Doc: "The port of the server.", Apply: toInt(func(s *settings) *int { return &s.mail.port }, 1, 65535)},
		{Name: "MAIL_USE_TLS", Type: flag, Default: "false",
			Doc: "STARTTLS, or nothing is sent. This or `MAIL_USE_SSL` is needed unless the server is on this " +
				"machine.",
			Apply: toBool(func(s *settings) *bool { return &s.mail.useTLS })},
		{Name: "MAIL_USE_SSL", Type: flag, Default: "false",
			Doc: "TLS from the first byte.", Apply: toBool(func(s *settings) *bool { return &s.mail.useSSL })},
		{Name: "MAIL_USERNAME", Type: text, Empty: "none", Doc: "Signs in to the server.",
			Apply: m(func(m *mailSettings) *string { return &m.username })},
		{Name: "MAIL_PASSWORD", Type: secret, Empty: "none", Doc: "Signs in to the server.",
			Apply: m(func(m *mailSettings) *string { return &m.password })},
		{Name: "MAIL_DEFAULT_SENDER", Type: text, Empty: "none",
			Doc: "The sender: `no-reply@example.org`, `Example <no-reply@example.org>`, or a list of name and " +
				"address.",
			Apply: applySender(func(m *mailSettings) *string { return &m.defaultSender })},
		{Name: "SECURITY_EMAIL_SENDER", Type: text, Empty: "`MAIL_DEFAULT_SENDER`",
			Doc:   "The sender of this server's mails.",
			Apply: applySender(func(m *mailSettings) *string { return &m.sender })},
		{Name: "MAIL_TIMEOUT", Type: duration, Default: "10 seconds",
			Doc:   "The timeout for sending one mail.",
			Apply: toDuration(func(s *settings) *time.Duration { return &s.mail.timeout }, time.Second, 2*time.Minute)},
		{Name: mailFallback, Type: secretMap, Empty: "none", Field: "Advanced.MailFallback",
			Doc: "A second submission server, which takes over while the first one fails: `SERVER`, and as needed " +
				"`PORT`, `USE_TLS`, `USE_SSL`, `USERNAME`, `PASSWORD`, `SENDER`, each as in `MAIL_...` and as " +
				"text. A message of a first server that took it and did not say so may then arrive twice.",
			Apply: toDict(func(s *settings) *map[string]string { return &s.mailFallback })},
	}
}

func smsTable() []setting {
	return []setting{
		{Name: "SECURITY_SMS_SERVICE", Type: text, Default: "Dummy", Field: "SMS",
			Doc: "`Twilio`, `Vonage`, `Bird`, `Plivo`, `Sinch`, `SNS` (of AWS), `Template` for any other provider, " +
				"`Webhook`, or `Dummy` for none: then the method sms is not offered.",
			Apply: toChoice(func(s *settings) *string { return &s.smsService }, smsServices()...)},
		{Name: "SECURITY_SMS_SERVICE_CONFIG", Type: secretMap, Empty: "none",
			Doc: "For Twilio `ACCOUNT_SID`, `AUTH_TOKEN`, `PHONE_NUMBER` and, if it is not Twilio's own, `BASE_URL`; " +
				"for Vonage `API_KEY`, `API_SECRET`, `FROM`; for Bird `ACCESS_KEY`, `WORKSPACE_ID`, `CHANNEL_ID`; " +
				"for Plivo `AUTH_ID`, `AUTH_TOKEN`, `FROM`; for Sinch `SERVICE_PLAN_ID`, `API_TOKEN`, `FROM` and, if " +
				"it is not `us`, `REGION`; for SNS `REGION`, `ACCESS_KEY_ID`, `SECRET_ACCESS_KEY` and, if wanted, " +
				"`SESSION_TOKEN`, `SENDER_ID`; for Webhook `URL` and `SECRET` (32 bytes at least). For Template " +
				"`URL`, `BODY` and, if wanted, `USERNAME` and `PASSWORD` (HTTP Basic), `HEADER Name`, `SUCCESS` and " +
				"`REFUSED` (rules with commas between them, e.g. `202` or `200 messages.0.status=0`), and " +
				"placeholders in lower case. `BODY` is JSON or a form with `{to}` or `{to_digits}`, `{text}`, `{id}` " +
				"and these; each is escaped for where it stands.",
			Apply: toDict(func(s *settings) *map[string]string { return &s.smsConfig })},
		{Name: smsFallback, Type: secretMap, Empty: "none", Field: "Advanced.SMSFallback",
			Doc: "A second service, which takes over while the first one fails: `SERVICE` (as in " +
				"`SECURITY_SMS_SERVICE`) " +
				"and its keys as in `SECURITY_SMS_SERVICE_CONFIG`.",
			Apply: toDict(func(s *settings) *map[string]string { return &s.smsFallback })},
		{Name: "SECURITY_PHONE_REGION_DEFAULT", Field: "TwoFactor.PhoneRegion",
			Doc: "The region of phone numbers given without country code.", Apply: applyRegion},
		{Name: "SECURITY_PHONE_STRICT", Type: flag, Default: "true", Field: "TwoFactor.PossiblePhones",
			Doc: "Refuses phone numbers in ranges that this release does not know. " +
				"Countries open new ranges: if people report a number that is refused and works, set `false`. " +
				"Then a right length is enough.",
			Cost:  "`false`: texts may go to numbers that cost more, or that do not exist.",
			Apply: toOpposite(func(s *settings) *bool { return &s.Config.TwoFactor.PossiblePhones })},
		{Name: "SECURITY_SMS_COUNTRIES", Type: list, Empty: "every country", Field: "TwoFactor.SMSCountries",
			Doc:   "Regions to which text messages are sent, such as `US,CA,DE`.",
			Cost:  "Every country: texts to the dearest ones, too, at the wish of anyone who has an account.",
			Apply: toList(func(s *settings) *[]string { return &s.Config.TwoFactor.SMSCountries })},
	}
}
