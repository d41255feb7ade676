package explore

import (
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/storage"
)

// setting is one decision of the operator that the answers depend on.
type setting struct {
	name string
	set  func(m *World)
}

var (
	required         = setting{"required", func(m *World) { m.Required = true }}
	trust            = setting{"trust", func(m *World) { m.Trust = true }}
	strong           = setting{"strong only", func(m *World) { m.StrongOnly = true }}
	both             = setting{"a passkey is both", func(m *World) { m.PasskeyIsBoth = true }}
	proof            = setting{"enroll proof", func(m *World) { m.EnrollProof = true }}
	rescue           = setting{"rescue by mail", func(m *World) { m.RescueByMail = true }}
	repair           = setting{"repair only", func(m *World) { m.RescueByMail, m.RepairOnly = true, true }}
	mailBegins       = setting{"a mail begins", func(m *World) { m.MailBegins = true }}
	changing         = setting{"the operator changes the rules", func(m *World) { m.OperatorChanges = true }}
	noRecovery       = setting{"no recovery", func(m *World) { m.Recovers = false }}
	noReset          = setting{"no reset", func(m *World) { m.NoReset = true }}
	independentSites = setting{"independent sites", func(m *World) { m.SharesMailbox = false }}
	inviting         = setting{"invitations", func(m *World) { m.Invites = true }}
	signUp           = setting{"sign-up through a site", func(m *World) { m.SignsUp = true }}
	runs             = setting{"sign-up through the mailbox's site", func(m *World) {
		m.SignsUp, m.SiteRunsMailboxes = true, true
	}}
	former    = setting{"a former system", func(m *World) { m.Arrives = true }}
	vouching  = setting{"a former system that proves", func(m *World) { m.Arrives, m.FormerProves = true, true }}
	deletable = setting{"deletion", func(m *World) { m.Deletes = true }}
	tokens    = setting{"tokens", func(m *World) { m.Tokens = true }}
	acting    = setting{"programs", func(m *World) { m.Acts = true }}
	ownTable  = setting{"an own table", func(m *World) { m.OwnTable = true }}
	noMail    = setting{"no mail at first", func(m *World) { m.Mails = false }}
	unforced  = setting{"not forced after a mail or phone", func(m *World) {
		m.Unforced = []string{storage.Email, storage.SMS}
	}}
	// mailToo is not a decision of the operator: Eve also has Ann's mailbox.
	mailToo = setting{"Eve has the mailbox too", func(m *World) { m.EveHasMailToo = true }}
	// In copying Eve copies a session. Only faults use it: see World.EveCopiesASession.
	copying = setting{"Eve copies a session", func(m *World) { m.EveCopiesASession = true }}
)

// profiles are the combinations of settings that matter together.
var profiles = [][]setting{
	{}, {required}, {required, proof}, {trust}, {trust, required, changing}, {trust, rescue, changing},
	{strong}, {strong, required}, {both}, {both, trust}, {rescue}, {repair}, {rescue, required},
	{mailBegins}, {mailBegins, required}, {mailBegins, trust, rescue}, {mailBegins, repair, required},
	{mailBegins, both, strong},
	{noRecovery}, {noRecovery, mailBegins}, {independentSites}, {independentSites, mailBegins, rescue},
	{changing, required}, {changing, rescue, trust, mailBegins},
	{noReset, mailBegins}, {noReset, noRecovery, independentSites},
}

// lives are profiles about how accounts begin and end, and about what outlives a
// browser. They are explored with fewer kinds of factors.
var lives = [][]setting{
	{inviting}, {inviting, deletable}, {signUp}, {runs, deletable}, {former}, {vouching}, {deletable},
	{tokens}, {tokens, trust}, {tokens, required, changing},
	{acting}, {acting, trust}, {ownTable}, {ownTable, mailBegins},
	{noMail}, {noMail, required}, {noMail, mailBegins, trust},
	{required, unforced, mailBegins},
}

// recoveries are profiles of worlds in which Eve has the password and the mailbox. If no mailed code can rescue
// at once, that is not enough until a recovery has completed its wait.
var recoveries = [][]setting{
	{mailToo}, {mailToo, trust}, {mailToo, required}, {mailToo, mailBegins}, {mailToo, both}, {mailToo, strong},
	{mailToo, changing, required}, {mailToo, tokens}, {mailToo, noRecovery}, {mailToo, acting}, {mailToo, noReset},
}

var (
	secondSets = [][]Kind{{App}, {Mail}, {Phone}, {Passkey}, {App, Mail}, {Phone, Mail}, {App, Passkey}}
	firstSets  = [][]Kind{{}, {Phone}, {App}, {Passkey}, {Site}}
	eveHas     = []Kind{None, Password, Mail, Phone, App, Passkey, Site, Sheet}
)

// worlds are all combinations of a profile, the offered methods, and what Eve has.
func worlds() []*World {
	return slices.Concat(doorWorlds(), lifeWorlds(), pairWorlds(), recoveryWorlds())
}

func doorWorlds() (out []*World) {
	for _, p := range profiles {
		for _, seconds := range secondSets {
			for _, firsts := range firstSets {
				for _, eve := range eveHas {
					if m := world(p, seconds, firsts, eve); m != nil {
						out = append(out, m)
					}
				}
				if m := world(p, seconds, firsts, None); m != nil {
					m.EveCopiesASession = true
					m.Name += " and copies a session"
					out = append(out, m)
				}
			}
		}
	}
	return out
}

func lifeWorlds() (out []*World) {
	for _, p := range lives {
		for _, seconds := range [][]Kind{{App}, {App, Mail}} {
			for _, firsts := range [][]Kind{{}, {Passkey}, {Site}} {
				for _, eve := range []Kind{None, Password, Mail, Site} {
					if m := world(p, seconds, firsts, eve); m != nil {
						out = append(out, m)
					}
				}
				m := world(p, seconds, firsts, None)
				switch {
				case m == nil:
					continue
				case m.Invites:
					m.EveHasTheLink = true
					m.Name += " but the link of the invitation"
				default:
					m.EveCopiesASession = true
					m.Name += " and copies a session"
				}
				out = append(out, m)
			}
		}
	}
	return out
}

func recoveryWorlds() (out []*World) {
	for _, p := range recoveries {
		for _, seconds := range [][]Kind{{App}, {Passkey}, {Phone}, {App, Passkey}} {
			if m := world(p, seconds, nil, Password); m != nil {
				out = append(out, m)
			}
		}
	}
	return out
}

// world is nil if Eve could not use in it what she has.
func world(profile []setting, seconds, firsts []Kind, eve Kind) *World {
	all := []string{storage.Authenticator, storage.SMS, storage.Email, storage.Passkey}
	m := &World{
		Rules:    policy.Rules{Methods: all, Mails: true},
		Recovers: true, SharesMailbox: true, Seconds: seconds, Firsts: firsts, EveHas: eve,
	}
	// To keep worlds small, codes and guesses are explored only with one kind of second factor
	// and nothing else that begins a sign-in.
	m.Codes = len(firsts) == 0 && len(seconds) == 1
	m.Guesses = m.Codes
	for _, s := range profile {
		s.set(m)
		m.settings = append(m.settings, s.name)
	}
	useful := eve == None || eve == Password || eve == Mail || eve == Sheet
	for _, k := range append(append([]Kind{}, seconds...), firsts...) {
		useful = useful || k == eve
	}
	if !useful || len(seconds) > 1 && len(firsts) > 0 { // two kinds of factors at a time are enough
		return nil
	}
	if m.SignsUp && !slices.Contains(firsts, Site) {
		return nil
	}
	if m.StrongOnly || m.OperatorChanges { // an operator who wants strong factors offers one
		if !slices.Contains(seconds, App) && !slices.Contains(seconds, Passkey) {
			return nil
		}
	}
	m.Name = "[" + list(m.settings) + "] second: " + list(kindsOf(seconds)) + "; first: " + list(kindsOf(firsts)) +
		"; Eve has " + kindNames[eve]
	return m
}

func kindsOf(kinds []Kind) (names []string) {
	for _, k := range kinds {
		names = append(names, kindNames[k])
	}
	return names
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
