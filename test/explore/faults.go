package explore

import (
	"fmt"
	"math"
	"slices"
)

// Fault is a fault that is inserted to check that it is found.
type Fault uint8

// The faults. Numbers with an F are those of the audit that found the fault in Twofold; the others are
// invented.
const (
	NoFault                     Fault = iota
	PlantedFactorsStay                // F1: what a stranger set up outlives the first proof of the address
	SitesAreIndependent               // F2: an account at a mail provider and its mailbox count as two things
	DescendantsAreNotAsked            // F8: what was issued earlier is not held to the current requirements
	MailFactorsStay                   // F10: a factor by mail stays at the former address
	BlockedCannotBeRescued            // F15: no rescue where strangers used up the guesses
	MailFollowsAReset                 // a password that was reset by mail counts as another thing than the mailbox
	SecondIsNotAsked                  // a sign-in ends after the first factor
	SetUpIsNotAsked                   // a required factor is not asked for
	SameThingTwice                    // a second factor may be the same thing as the first
	WeakFactorsCount                  // a factor that does not count anymore ends a sign-in
	AgainByOneFactor                  // one factor makes a session fresh
	RescueByTheSameThing              // a mailed code rescues a sign-in that began by mail
	RescueFollowsAReset               // a mailed code rescues a sign-in by a password that was reset by mail
	LastWayInGoes                     // the last way in can be removed
	FirstProofEndsNothing             // the first proof of an address ends nothing that was set up
	StrangersEnroll                   // what opens an account is added before the address is proven
	MailboxProvesAll                  // the mail alone proves the address, and not who chose the password
	OneFactorChanges                  // a session of one factor may change what opens the account
	TrustIsForever                    // trust outlives the proofs that it was given for
	RecoveryWorksTwice                // the link of a recovery is not spent
	ChangesEndNothing                 // a change leaves all sessions and all trust
	InvitationWorksTwice              // the link of an invitation is not spent
	InvitationTakesAnAccount          // an invitation gives the account of its address another password
	RevokedInvitationWorks            // an invitation works after it was revoked
	SiteSaysWhatIsProven              // what another site says about an address counts as its proof
	SiteOpensByAddress                // an account elsewhere opens the account of its address
	ClaimOpensWhatWaits               // a claim in a former system opens the waiting account of its address
	ClaimOpensAnAccount               // the same if the account does not wait
	AnyoneAsksForDeletion             // a session that is not fresh or not full asks for the deletion
	SignInStopsNoDeletion             // a sign-in does not stop the deletion
	LinkStopsNoDeletion               // the mailed link does not stop a deletion
	DeletionLeavesSessions            // a deletion ends no session
	DeletionLeavesTheInvitation       // a deletion does not end the invitation of the address
	TokensOutliveChanges              // a change ends sessions and no tokens
	TokensAreNotAsked                 // a token is not held to the current requirements for a sign-in
	StrangersMint                     // tokens are made before the address is proven
	OneFactorMints                    // a session that is not fresh or not full makes a personal token
	ExchangeIsFresh                   // a session that a refresh token was exchanged for is fresh
	SetUpInPlaceOfProof               // a sign-in sets up another factor instead of proving one
	StaleSessionsChange               // a session that is not fresh or not full changes what opens the account
	MailboxDropsFactors               // the mailbox alone removes second factors that an owner set up
	RecoveryDoesNotWait               // the link of a recovery works at once
	RecoveryIsNotStopped              // no change, sign-in or cancellation ends a recovery
	CodesOutliveARescue               // recovery codes stay when a lost factor is replaced
	ResetLeavesWaysIn                 // a reset of the access leaves what begins a sign-in
	DeactivationEndsNothing           // a deactivation ends no session
	NewAddressLeavesWaysIn            // an address that the operator or application sets leaves ways in
	OperatorProves                    // an address that the operator sets counts as proven
	CodesEndNothing                   // new recovery codes end no session
	OthersAreNotEnded                 // the end of all other sessions ends none
	ChangesEndOnesOwn                 // a change ends the session that made it and none of another person
	NothingIsFresh                    // neither a sign-in nor a re-authentication makes a session fresh
	OperatorStartsNothing             // an operator cannot start a recovery
	AppCodesAreMailed                 // a code can be mailed in place of an app's
	UnforcedIsNeverAsked              // if a set-up is not forced after one method, it is not forced after any
)

// Case is a fault with a small world in which it is visible.
type Case struct {
	Fault           Fault
	What            string
	profile         []setting
	seconds, firsts []Kind
	eve             Kind
	// Promise is the promise that the fault breaks. If it is empty, none is broken, and Why names
	// the other check that decides.
	Promise, Why string
}

// Cases returns all faults, some of them in several worlds.
func Cases() []Case { return slices.Concat(policyCases(), lifeCases(), outsideCases()) }

// policyCases are faults in decisions of package policy.
func policyCases() []Case {
	two, same, opens := promises[0].Words, promises[2].Words, moves[5].Words
	return []Case{
		{PlantedFactorsStay, "F1: what a stranger set up stays", nil, []Kind{App}, nil, None, promises[1].Words, ""},
		{PlantedFactorsStay, "F1: a way in that a stranger set up stays",
			nil, []Kind{App}, []Kind{Phone}, None, promises[1].Words, ""},
		{SitesAreIndependent, "F2: an account elsewhere and its mailbox count as two things", []setting{rescue},
			[]Kind{App}, []Kind{Site}, Mail, two, ""},
		{SitesAreIndependent, "F2: an account elsewhere and a factor by mail count as two things",
			nil, []Kind{Mail}, []Kind{Site}, Mail, same, ""},
		{DescendantsAreNotAsked, "F8: trust that ended", []setting{trust}, []Kind{App}, nil, None,
			promises[4].Words, ""},
		{DescendantsAreNotAsked, "F8: rules that changed", []setting{changing}, []Kind{App, Mail}, nil, None,
			promises[5].Words, ""},
		{DescendantsAreNotAsked, "F8: a required factor", []setting{changing, required}, []Kind{Mail, App}, nil, None,
			promises[5].Words, ""},
		{MailFactorsStay, "F10: a factor by mail stays at the former address", nil, []Kind{Mail}, nil, Mail,
			promises[3].Words, ""},
		{BlockedCannotBeRescued, "F15: no rescue where guesses are used up", nil, []Kind{App}, nil, Password,
			possible[0].Words, ""},
		{MailFollowsAReset, "a mailed code is the second factor after a reset by mail",
			nil, []Kind{App, Mail}, nil, Mail, moves[2].Words, ""},
		{SecondIsNotAsked, "the second factor is not asked for", nil, []Kind{App}, nil, Password, opens, ""},
		{SetUpIsNotAsked, "a required factor is not asked for", []setting{required}, []Kind{App}, nil, None, opens, ""},
		{SameThingTwice, "one thing is asked for twice", []setting{mailBegins}, []Kind{Mail}, nil, None, opens, ""},
		{WeakFactorsCount, "a factor that does not count ends a sign-in", []setting{changing},
			[]Kind{App, Mail}, nil, None, opens, ""},
		{AgainByOneFactor, "one factor makes a session fresh", nil, []Kind{App}, nil, None, opens, ""},
		{RescueByTheSameThing, "a mailed code rescues a sign-in by mail", []setting{rescue, mailBegins},
			[]Kind{App}, nil, None, opens, ""},
		{RescueByTheSameThing, "a sign-in by mail asks for a recovery by a mailed link",
			[]setting{mailBegins}, []Kind{App}, nil, None,
			moves[4].Words, ""},
		{RescueFollowsAReset, "a mailed code rescues after a reset by mail", []setting{rescue}, []Kind{App}, nil, None,
			moves[3].Words, ""},
		{LastWayInGoes, "the last way in can be removed", []setting{noReset, mailBegins},
			[]Kind{Mail}, []Kind{Phone}, None,
			possible[0].Words, ""},
		{LastWayInGoes, "the last way in can be removed where a password can be reset by mail",
			[]setting{mailBegins}, []Kind{Mail}, []Kind{Phone}, None,
			"", "a reset by mail gives the account a password, which opens it"},
		{FirstProofEndsNothing, "the first proof of an address ends nothing", []setting{mailBegins},
			[]Kind{App}, []Kind{Phone}, None, "", "nothing is set up before the first proof"},
		{StrangersEnroll, "a factor before the address is proven", nil, []Kind{App}, nil, None,
			promises[7].Words, ""},
		{MailboxProvesAll, "mail alone proves whose password it is", []setting{mailBegins}, []Kind{App}, nil, None,
			promises[1].Words, ""},
		{OneFactorChanges, "a session of one factor makes changes", []setting{trust},
			[]Kind{App, Mail}, nil, Password, "", "no session of one factor is left after a set-up, and a trusted " +
				"session is never fresh"},
		{TrustIsForever, "trust outlives what it rests on", []setting{trust, changing}, []Kind{App, Mail}, nil, None,
			promises[5].Words, ""},
		{RecoveryWorksTwice, "the link of a recovery works twice", nil, []Kind{App}, nil, None, moves[1].Words, ""},
		{ChangesEndNothing, "a change ends nothing", nil, []Kind{App}, nil, None, moves[0].Words, ""},
	}
}

// lifeCases are faults in the start and end of accounts, and in tokens.
func lifeCases() []Case {
	planted, early, leaving := promises[1].Words, promises[7].Words, promises[8].Words
	begins, invited, left := moves[6].Words, moves[7].Words, moves[8].Words
	asked, again := moves[9].Words, moves[10].Words
	app, site := []Kind{App}, []Kind{Site}
	return []Case{
		{InvitationWorksTwice, "an invitation is not spent", []setting{inviting}, app, nil, None, invited, ""},
		{InvitationTakesAnAccount, "an invitation takes an account over", []setting{inviting}, app, nil, None,
			invited, ""},
		{RevokedInvitationWorks, "a revoked invitation works", []setting{inviting}, app, nil, None, invited, ""},
		{SiteSaysWhatIsProven, "another site's word proves an address", []setting{signUp}, app, site, None,
			planted, ""},
		{SiteOpensByAddress, "an account elsewhere opens the account of its address", []setting{signUp}, app, site,
			None, begins, ""},
		{ClaimOpensWhatWaits, "an address that someone claims in a former system opens the account that waits",
			[]setting{former}, app, nil, None, planted, ""},
		{ClaimOpensAnAccount, "an address that someone claims in a former system opens an account that does not wait",
			[]setting{former}, app, nil, None,
			planted, ""},
		{AnyoneAsksForDeletion, "an old session asks for the deletion", []setting{deletable}, app, nil, None,
			asked, ""},
		{SignInStopsNoDeletion, "a sign-in does not stop the deletion", []setting{deletable}, app, nil, None,
			leaving, ""},
		{LinkStopsNoDeletion, "the mailed link does not stop the deletion", []setting{deletable, noReset},
			app, nil, None,
			possible[2].Words, ""},
		{DeletionLeavesSessions, "a deletion ends no session", []setting{deletable}, app, nil, None, left, ""},
		{DeletionLeavesTheInvitation, "a deletion leaves the invitation of the address",
			[]setting{inviting, deletable}, app, nil, None, left, ""},
		{TokensOutliveChanges, "a change ends no token", []setting{tokens}, app, nil, None, moves[0].Words, ""},
		{TokensAreNotAsked, "a token is not held to the current requirements", []setting{tokens, changing},
			[]Kind{App, Mail}, nil, None, promises[5].Words, ""},
		{StrangersMint, "tokens before the address is proven", []setting{tokens}, app, nil, None, early, ""},
		{OneFactorMints, "an old session makes a personal token", []setting{tokens}, app, nil, None, asked, ""},
		{OneFactorMints, "a session of a trusted browser makes a personal token", []setting{tokens, trust}, app, nil,
			None, moves[5].Words, ""},
		{ExchangeIsFresh, "a refresh token makes a session fresh", []setting{tokens}, app, nil, None, again, ""},
	}
}

// outsideCases are faults in proofs and recoveries that no state shows, and in actions of the
// application and the operator.
func outsideCases() []Case {
	planted, own, guarded, wait := promises[1].Words, moves[11].Words, moves[12].Words, moves[13].Words
	app, site := []Kind{App}, []Kind{Site}
	return []Case{
		{SetUpInPlaceOfProof, "one more factor is set up in place of a proof", nil, app, nil, Password, own, ""},
		{SetUpInPlaceOfProof, "one more factor is set up by an intruder", nil, app, nil, Password, guarded, ""},
		{StaleSessionsChange, "an old session changes what opens the account", []setting{trust}, app, nil, None,
			moves[9].Words, ""},
		{FirstProofEndsNothing, "the first proof leaves what was set up before there was mail", []setting{noMail},
			app, nil, None, planted, ""},
		{FirstProofEndsNothing, "the first proof of another address leaves what begins a sign-in",
			[]setting{ownTable, mailBegins}, app, site, None, planted, ""},
		{MailboxDropsFactors, "a mailbox alone removes the owner's factors", []setting{ownTable}, app, nil, None,
			moves[15].Words, ""},
		{RecoveryDoesNotWait, "a recovery does not wait", nil, app, nil, Password, wait, ""},
		{RecoveryDoesNotWait, "a recovery does not wait for a thief of password and mailbox", []setting{mailToo},
			app, nil, Password, wait, ""},
		{RecoveryIsNotStopped, "no one can stop a recovery", []setting{mailToo}, app, nil, Password,
			possible[3].Words, ""},
		{CodesOutliveARescue, "recovery codes stay after a rescue", nil, app, nil, None, moves[14].Words, ""},
		{ResetLeavesWaysIn, "a reset of the access leaves what begins a sign-in", []setting{acting}, app, site, None,
			moves[16].Words, ""},
		{DeactivationEndsNothing, "a deactivation ends no session", []setting{acting}, app, nil, None,
			moves[17].Words, ""},
		{NewAddressLeavesWaysIn, "another address in the own table leaves what begins a sign-in",
			[]setting{ownTable}, app, site, None, moves[18].Words, ""},
		{NewAddressLeavesWaysIn, "the owner's address comes back, and an intruder's way in stays", nil, app, site,
			Password, moves[18].Words, ""},
		{OperatorProves, "an address that the operator sets counts as proven", nil, app, nil, Password,
			moves[18].Words, ""},
		{CodesEndNothing, "new recovery codes end no session", []setting{copying}, app, nil, None, moves[0].Words, ""},
		{OthersAreNotEnded, "the end of all other sessions ends none", []setting{copying}, app, nil, None,
			moves[0].Words, ""},
		{ChangesEndOnesOwn, "a change ends the session that made it, and none of another person", []setting{copying},
			app, nil, None, moves[0].Words, ""},
		{NothingIsFresh, "no session is fresh, so that no one ends another's", []setting{copying, noReset}, app, nil,
			None, possible[0].Words, ""},
		{OperatorStartsNothing, "an operator cannot start a recovery", []setting{noRecovery}, app, nil, Password,
			possible[1].Words, ""},
		{AppCodesAreMailed, "a code is mailed in the place of an app's", nil, app, nil, Mail, moves[19].Words, ""},
		{UnforcedIsNeverAsked, "exempting one method from the forced set-up exempts all",
			[]setting{required, unforced}, app, nil, None, promises[6].Words, ""},
	}
}

// Try explores the world of a case with its fault, up to the first story. Without the fault, no
// promise is broken in that world.
func (c Case) Try() (found *Story, with Result, err error) {
	m := *world(c.profile, c.seconds, c.firsts, c.eve)
	m.Crowd = true
	faulty := m
	faulty.Fault = c.Fault
	x := begin(&faulty)
	x.until = c.Promise
	with = x.explore(math.MaxInt)
	for i := range with.Stories {
		if with.Stories[i].Promise == c.Promise {
			found = &with.Stories[i]
		}
	}
	without := Explore(&m, math.MaxInt)
	switch {
	case len(without.Stories) > 0:
		err = fmt.Errorf("%s, without a fault: %s", m.Name, without.Stories[0])
	case c.Promise != "" && found == nil:
		err = fmt.Errorf("%s: %s: breaks no promise %q but %v", m.Name, c.What, c.Promise, with.Stories)
	case c.Promise == "" && len(with.Stories) > 0:
		err = fmt.Errorf("%s: %s: breaks a promise, which it must not: %s", m.Name, c.What, with.Stories[0])
	}
	return found, with, err
}
