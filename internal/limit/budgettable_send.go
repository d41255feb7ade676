package limit

import "time"

// codes returns the budgets of codes and links that replace a password.
func codes() []Budget {
	return []Budget{
		{
			Name: gap, Claims: "every code that is sent", Per: "sign-in, set-up or browser; channel",
			Number: func(Limits) int { return 1 }, Window: func(n Limits) time.Duration { return n.SendGap },
			costs:   true,
			Returns: "nothing",
			Hurts:   "that sign-in, set-up or browser",
		},
		{
			Name: firstShort, Claims: "anyone who asks for a code or link in place of a password",
			Per:    "channel, identity as typed, network",
			Number: sendShort, Window: short, Networks: true,
			Returns: "a code or link that is used releases its place",
			Hurts:   "the owner in that network",
		},
		{
			Name: firstShare, Claims: "anyone who asks for a code or link in place of a password",
			Per:    "channel, identity as typed, network",
			Number: func(n Limits) int { return max(1, n.FirstDay/4) }, Window: day, Networks: true,
			Returns: "a code or link that is used releases its place",
			Hurts:   "the owner in that network",
		},
		{
			Name: firstShareText, Claims: "the same, by text", Per: "identity as typed, network",
			Number: func(n Limits) int { return max(1, n.SendDay/2) }, Window: day, Networks: true,
			Returns: "a code or link that is used releases its place",
			Hurts:   "the owner in that network",
		},
		{
			Name: firstDay, Per: "account, channel",
			Claims: "anyone who asks for a code or link in place of a password",
			Number: func(n Limits) int { return n.FirstDay }, Window: day, Hold: quarter,
			Returns: "a code or link that is used releases its place; unlocking",
			Hurts:   "the owner, if neither the browser nor the network signed in before: one code every 15 minutes",
		},
		{
			Name: firstDayText, Claims: "the same, by text", Per: "account",
			Number: func(n Limits) int { return 2 * n.SendDay }, Window: day, Hold: hour,
			Returns: "a code or link that is used releases its place; unlocking",
			Hurts:   "the owner, if neither the browser nor the network signed in before: one text an hour",
		},
		{
			Name: firstMost, Claims: "anyone who has a code or link mailed in place of a password",
			Per:    "account, kind of caller",
			Number: func(n Limits) int { return max(2*n.FirstDay, n.SendMost) }, Window: day,
			costs:   true,
			Returns: "nothing",
			Hurts:   "the owner, among callers of that kind",
		},
		{
			Name: firstMostText, Claims: "the same, by text", Per: "account, kind of caller",
			Number: func(n Limits) int { return n.SendMost }, Window: day,
			costs:   true,
			Returns: "nothing",
			Hurts:   "the owner, among callers of that kind",
		},
		{
			Name: firstKnownShort, Claims: "a browser that signed in to the account before, for the same",
			Per:    "channel, account, browser",
			Number: sendShort, Window: short,
			Returns: "a code or link that is used releases its place",
			Hurts:   "the users of that browser",
		},
	}
}

// behindFirst returns the budgets of codes that are sent after a first factor, and of all messages.
func behindFirst() []Budget {
	return []Budget{
		{
			Name: sendShortly, Claims: "a caller who proved a first factor, is signed in, asks for a rescue, " +
				"or sets up a destination", Per: "destination, channel, kind of caller",
			Number: sendShort, Window: short,
			Returns: "a code that is used releases its place; unlocking; the first proof of the destination",
			Hurts:   "callers of that kind; enrolling a number never affects an owner who has proved it",
		},
		{
			Name: sendUnanswered, Claims: "the same", Per: "destination, channel, kind of caller",
			Number: sendDay, Window: day,
			Returns: "a code that is used releases its place; unlocking; the first proof of the destination",
			Hurts:   "callers of that kind; enrolling a number never affects an owner who has proved it",
		},
		{
			Name: sendMost, Claims: "the same", Per: "destination, channel, kind of caller",
			Number: func(n Limits) int { return n.SendMost }, Window: day,
			costs:   true,
			Returns: "nothing",
			Hurts:   "callers of that kind; enrolling a number never affects an owner who has proved it",
		},
		{
			Name: sendClaimed, Claims: "a caller who sets up a destination", Per: "account, channel",
			Number: sendDay, Window: day,
			Returns: "a code that is used releases its place; unlocking; the first proof of the destination",
			Hurts:   "the account that sets up the destination",
		},
		{
			Name: sendAddress, Claims: "anyone who has a code sent",
			Per:    "network; browsers that signed in before separately from others",
			Number: func(n Limits) int { return n.SendAddress }, Window: hour, Networks: true,
			costs:   true,
			Returns: "a code that is used releases its place",
			Hurts:   "that network",
		},
		{
			Name: sendAll, Claims: "every message that is requested and sent, including mails about " +
				"registrations", Per: "channel, kind of caller: anyone, known, claimed, proven, owner",
			Number: func(n Limits) int { return n.SendHour }, Window: hour,
			costs:   true,
			Returns: "nothing",
			Hurts:   "all callers of that kind until the hour ends, and no others",
		},
	}
}

// mailBudgets returns the budgets of mails that anyone may request.
func mailBudgets() []Budget {
	return []Budget{
		{
			Name: linkHour, Claims: "anyone who requests a mail",
			Per:    "kind of mail, identity as typed, network or known browser",
			Number: func(n Limits) int { return n.LinkHour }, Window: hour, Networks: true,
			Returns: "nothing",
			Hurts:   "the owner in that network or browser",
		},
		{
			Name: linkShare, Claims: "anyone who requests a mail", Per: "kind of mail, identity as typed, network",
			Number: func(n Limits) int { return max(1, n.LinkDay/4) }, Window: day, Networks: true,
			Returns: "nothing",
			Hurts:   "the owner in that network",
		},
		{
			Name: linkAddress, Claims: "anyone who requests a mail, for any identity", Per: "network",
			Number: func(n Limits) int { return n.LinkAddress }, Window: hour, Networks: true,
			costs:   true,
			Returns: "nothing",
			Hurts:   "that network, except browsers and networks that signed in to the account before",
		},
		{
			Name: linkDay, Claims: "anyone who requests a mail",
			Per:    "kind of mail, identity; callers who signed in before separately from others",
			Number: func(n Limits) int { return n.LinkDay }, Window: day, Hold: quarter,
			Returns: "unlocking",
			Hurts:   "the owner, if neither the browser nor the network signed in before: one mail every 15 minutes",
		},
	}
}

// costly returns the budgets of other expensive actions.
func costly() []Budget {
	return []Budget{
		{
			Name: rescueHour, Per: "account, method",
			Claims: "a caller who proved a first factor and asks for a rescue",
			Number: func(n Limits) int { return n.RescueHour }, Window: hour,
			Returns: "unlocking",
			Hurts:   "the owner who lost the second factor",
		},
		{
			Name: rescueDay, Claims: "a caller who proved a first factor and asks for a rescue", Per: "account, method",
			Number: func(n Limits) int { return n.RescueDay }, Window: day,
			Returns: "unlocking",
			Hurts:   "the owner who lost the second factor",
		},
		{
			Name: setup, Claims: "a caller who is signed in or must enroll, and begins a set-up", Per: "account",
			Number: func(n Limits) int { return n.SetupHour }, Window: hour,
			Returns: "unlocking; the first proof of the address",
			Hurts:   "that account",
		},
		{
			Name: register, Claims: "anyone who registers", Per: "network",
			Number: func(n Limits) int { return n.RegisterHour }, Window: hour, Networks: true,
			costs:   true,
			Returns: "nothing",
			Hurts:   "that network",
		},
		{
			Name: oauthStart, Claims: "anyone who is redirected to another site", Per: "network or session",
			Number: func(Limits) int { return 300 }, Window: hour, Networks: true,
			costs:   true,
			Returns: "nothing",
			Hurts:   "that network or session",
		},
		{
			Name: sessions, Per: "account",
			Claims: "a caller who proved all that the account asks for, and begins a session",
			Number: func(Limits) int { return 120 }, Window: short,
			costs:   true,
			Returns: "nothing",
			Hurts:   "the account; no stranger can fill it",
		},
		{
			Name: exchange, Claims: "the holder of the newest refresh token of a family", Per: "family",
			Number: func(Limits) int { return 30 }, Window: short,
			costs:   true,
			Returns: "nothing",
			Hurts:   "that program",
		},
		{
			Name: exchanges, Claims: "the holders of the newest refresh tokens of all families", Per: "account",
			Number: func(Limits) int { return 300 }, Window: short,
			costs:   true,
			Returns: "nothing",
			Hurts:   "the programs of the account",
		},
		{
			Name: once, Claims: "actions allowed once in a while: following a link, repeating a notice", Per: "action",
			Number: func(Limits) int { return 1 }, Window: hour,
			costs:   true,
			Returns: "nothing",
			Hurts:   "no one",
		},
	}
}

// edits returns the budgets of changes that write permanent rows, and of reads of all rows.
func edits() []Budget {
	return []Budget{
		{
			Name: profiles, Claims: "a signed-in user who changes profile fields", Per: "account",
			Number: func(Limits) int { return 60 }, Window: hour,
			costs:   true,
			Returns: "nothing",
			Hurts:   "the account; no stranger can fill it",
		},
		{
			Name: copies, Per: "account",
			Claims: "a signed-in user with a fresh proof who asks for a copy of all their data",
			Number: func(Limits) int { return 10 }, Window: hour,
			costs:   true,
			Returns: "nothing",
			Hurts:   "the account; no stranger can fill it",
		},
	}
}
