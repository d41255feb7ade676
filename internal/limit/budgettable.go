package limit

import "time"

// The names of all budgets.
const (
	firstNetwork      name = "first"
	firstAccount      name = "firstaccount"
	firstKnown        name = "firstknown"
	firstKnownAccount name = "firstknownaccount"
	firstSession      name = "firstsession"
	address           name = "address"
	spray             name = "wave"
	captchaName       name = "captchaname"
	captchaNetwork    name = "captchanetwork"
	captchaAnswer     name = "captchaanswer"
	second            name = "second"
	recoveryCode      name = "recoverycode"
	factorLife        name = "factor"
	factorStrangers   name = "factorstrangers"
	factorNetworks    name = "factornetworks"
	factorFirst       name = "factorfirst"
	mailedLife        name = "mailed"
	rescueLife        name = "rescued"
	passkey           name = "passkey"
	passkeyAddress    name = "passkeyaddress"
	passkeyOptions    name = "passkeyoptions"
	passkeyAnswer     name = "answer"
	warn              name = "warn"
	gap               name = "gap"
	firstShort        name = "first10m"
	firstShare        name = "firstshare"
	firstShareText    name = "firstsharetext"
	firstDay          name = "first24h"
	firstDayText      name = "first24htext"
	firstMost         name = "firstmost"
	firstMostText     name = "firstmosttext"
	firstKnownShort   name = "firstknown10m"
	sendShortly       name = "send10m"
	sendUnanswered    name = "send24h"
	sendMost          name = "sendmost"
	sendClaimed       name = "sendclaimed"
	sendAddress       name = "sendaddress"
	sendAll           name = "sendall"
	linkHour          name = "link1h"
	linkShare         name = "linkshare"
	linkAddress       name = "linkaddress"
	linkDay           name = "link24h"
	rescueHour        name = "rescue1h"
	rescueDay         name = "rescue24h"
	setup             name = "setup"
	register          name = "register"
	oauthStart        name = "depart"
	sessions          name = "sessions"
	exchange          name = "exchange"
	exchanges         name = "exchanges"
	profiles          name = "profiles"
	copies            name = "copies"
	once              name = "once"
)

// firsts returns the budgets of passwords and of codes that replace them.
func firsts() []Budget {
	return []Budget{
		{
			Name: firstNetwork, Claims: "anyone, with a password or a code in its place",
			Per:    "identity as typed, password, network",
			Number: firstFailures, Window: day, Hold: firstHold, Longest: firstMaxHold, Networks: true,
			Returns: "a correct one from there; a new password; unlocking",
			Hurts:   "the owner in that network, in a browser that never signed in before",
		},
		{
			Name: firstAccount, Claims: "anyone, with a password or a code in its place", Per: "account, password",
			Number: accountFailures, Window: day, Hold: firstHold, Longest: firstMaxHold,
			Returns: "a correct one from anywhere; a new password; unlocking",
			Hurts:   "the owner, if neither the browser nor the network signed in before",
		},
		{
			Name:   firstKnown,
			Claims: "a browser that signed in to the account before, with a password or a code in its place",
			Per:    "account, password, browser",
			Number: firstFailures, Window: day, Hold: firstHold, Longest: firstMaxHold,
			Returns: "a correct one from there; a new password; unlocking",
			Hurts:   "the users of that browser",
		},
		{
			Name: firstKnownAccount,
			Claims: "all browsers and networks that signed in to the account before, with a password or a code " +
				"in its place",
			Per:    "account, password",
			Number: accountFailures, Window: day, Hold: firstHold, Longest: firstMaxHold,
			Returns: "a correct one from anywhere; a new password; unlocking",
			Hurts:   "the owner; only callers who signed in to the account before can fill it",
		},
		{
			Name: firstSession, Claims: "a valid session or the holder of a recovery link, with the password",
			Per:    "session or link, account, password",
			Number: firstFailures, Window: day, Hold: firstHold, Longest: firstMaxHold,
			Returns: "a correct one there; a new password",
			Hurts:   "that session, or that link",
		},
		{
			Name: address, Claims: "anyone, with a password or a code in its place, for any account", Per: "network",
			Number: addressFailures, Window: quarter, Networks: true,
			costs:   true,
			Returns: "a correct one releases its own place",
			Hurts:   "that network, except browsers and networks that signed in to the account before",
		},
		{
			Name: spray, Claims: "every wrong password", Per: "the whole site",
			Number: func(n Limits) int { return max(1, n.HourFailures-1) }, Window: hour,
			costs:   true,
			Returns: "nothing",
			Hurts: "no one: the operator is told, and refusals for unknown identities are no longer written to " +
				"the audit trail",
		},
	}
}

// seconds returns the budgets of second factors and their rescue.
func seconds() []Budget {
	return []Budget{
		{
			Name: second, Claims: "a caller who proved a first factor, with a code",
			Per:     "account and network; each browser that signed in before separately",
			Number:  func(n Limits) int { return n.SecondFailures },
			Window:  func(n Limits) time.Duration { return n.SecondWindow },
			Hold:    func(n Limits) time.Duration { return n.SecondWindow },
			Returns: "a correct one releases its own place; unlocking; the first proof of the address",
			Hurts: "the owner in a browser and a network that never signed in before, while others who know the " +
				"password try codes",
		},
		{
			Name: recoveryCode, Claims: "a caller who proved a first factor, with a recovery code",
			Per:     "account and network; each browser that signed in before separately",
			Number:  func(n Limits) int { return n.SecondFailures },
			Window:  func(n Limits) time.Duration { return n.SecondWindow },
			Hold:    func(n Limits) time.Duration { return n.SecondWindow },
			Returns: "a correct one releases its own place; unlocking; the first proof of the address",
			Hurts: "the owner in a browser and a network that never signed in before, while others who know the " +
				"password try recovery codes",
		},
	}
}

// attempts returns the budgets that count every code for one factor or one mailed proof.
func attempts() []Budget {
	return []Budget{
		{
			Name: factorLife, Claims: "every code that is tried for a factor, in any step", Per: "factor",
			Number: factorFailures, Window: forever,
			Returns: "a correct one; setting the factor up again; unlocking",
			Hurts:   "the owner: this factor is disabled",
		},
		{
			Name: factorStrangers, Per: "factor",
			Claims: "a browser that never signed in before, in a network that never did either, with every code " +
				"that is tried for a factor",
			Number: func(n Limits) int { return max(1, n.FactorFailures/2) }, Window: forever,
			Returns: "a correct one from anywhere; setting the factor up again; unlocking",
			Hurts: "the owner: this factor is accepted only in browsers and networks that signed in before; a " +
				"correct code there ends this",
		},
		{
			Name: factorNetworks, Per: "factor",
			Claims: "the same in networks that signed in to the account before, after strangers have used up theirs",
			Number: func(n Limits) int { return max(1, n.FactorFailures/4) }, Window: forever,
			Returns: "a correct one from anywhere; setting the factor up again; unlocking",
			Hurts: "the owner: this factor is accepted only in browsers that signed in before; a correct code " +
				"there ends this",
		},
		{
			Name:   factorFirst,
			Claims: "anyone in a browser that never signed in before, with an app's code in place of a password",
			Per:    "factor",
			Number: func(n Limits) int { return max(1, n.FactorFailures/4) }, Window: forever,
			Returns: "a correct one in place of a password; unlocking",
			Hurts: "the owner: the app begins a sign-in only in browsers that signed in before; a correct code " +
				"there ends this",
		},
		{
			Name: mailedLife, Claims: "a caller who proved a first factor, with a mailed code that proves the address",
			Per:    "account",
			Number: factorFailures, Window: forever, Hold: day,
			Returns: "a correct one; unlocking; the first proof of the address",
			Hurts:   "the owner who proves the address: one guess a day",
		},
		{
			Name: rescueLife, Per: "account",
			Claims: "a caller who proved a first factor and asked for a rescue, with a code",
			Number: func(Limits) int { return RescueFailures }, Window: forever, Hold: day,
			Returns: "a correct one; unlocking; the first proof of the address",
			Hurts:   "the owner who is rescued: one guess a day",
		},
	}
}

// ofPasskeys returns the budgets of passkeys and of notices to owners.
func ofPasskeys() []Budget {
	return []Budget{
		{
			Name: passkey, Claims: "a caller who proved a first factor or is signed in, with a passkey",
			Per:    "account and network; each browser that signed in before separately",
			Number: func(n Limits) int { return n.PasskeyFailures }, Window: quarter, Hold: quarter,
			Returns: "a correct one; unlocking; the first proof of the address",
			Hurts:   "the owner in a browser that never signed in before, while others send wrong answers",
		},
		{
			Name: passkeyAddress, Claims: "anyone, with a passkey", Per: "network",
			Number: addressFailures, Window: quarter, Networks: true,
			costs:   true,
			Returns: "a correct one releases its own place",
			Hurts:   "that network",
		},
		{
			Name: passkeyOptions, Claims: "anyone who begins to use a passkey", Per: "network",
			Number: func(n Limits) int { return n.PasskeyHour }, Window: hour, Networks: true,
			costs:   true,
			Returns: "nothing",
			Hurts:   "that network",
		},
		{
			Name: passkeyAnswer, Claims: "a caller who answers a request for a passkey", Per: "request",
			Number: func(Limits) int { return 5 }, Window: hour, // longer than the lifetime of a challenge
			costs:   true,
			Returns: "nothing",
			Hurts:   "the person who was asked: they can ask for a new request",
		},
		{
			Name: warn, Claims: "every wrong code after a correct first factor", Per: "account",
			Number: func(Limits) int { return 2 }, Window: hour,
			costs:   true,
			Returns: "nothing",
			Hurts:   "no one: from the third code on, the owner is told, once an hour",
		},
	}
}
