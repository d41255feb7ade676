package explore

import (
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/store"
)

// setting is one decision of the operator that the answers depend on.
type setting struct {
	name string
	set  func(m *World)
}

var (
	required  = setting{"required", func(m *World) { m.Required = true }}
	trust     = setting{"trust", func(m *World) { m.Trust = true }}
	strong    = setting{"strong only", func(m *World) { m.StrongOnly = true }}
	both      = setting{"a passkey is both", func(m *World) { m.PasskeyIsBoth = true }}
	proof     = setting{"enroll proof", func(m *World) { m.EnrollProof = true }}
	rescue    = setting{"rescue by mail", func(m *World) { m.RescueByMail = true }}
	repair    = setting{"repair only", func(m *World) { m.RescueByMail, m.RepairOnly = true, true }}
	mail      = setting{"a mail begins", func(m *World) { m.MailBegins = true }}
	changing  = setting{"the operator changes the rules", func(m *World) { m.OperatorChanges = true }}
	final     = setting{"no recovery", func(m *World) { m.Recovers = false }}
	noReset   = setting{"no reset", func(m *World) { m.NoReset = true }}
	elsewhere = setting{"independent sites", func(m *World) { m.SharesMailbox = false }}
	inviting  = setting{"invitations", func(m *World) { m.Invites = true }}
	signUp    = setting{"sign-up through a site", func(m *World) { m.SignsUp = true }}
	runs      = setting{"sign-up through the mailbox's site", func(m *World) {
		m.SignsUp, m.SiteRunsMailboxes = true, true
	}}
	former    = setting{"a former system", func(m *World) { m.Arrives = true }}
	vouching  = setting{"a former system that proves", func(m *World) { m.Arrives, m.FormerProves = true, true }}
	deletable = setting{"deletion", func(m *World) { m.Deletes = true }}
	tokens    = setting{"tokens", func(m *World) { m.Tokens = true }}
)

// profiles are the combinations of settings that matter together.
var profiles = [][]setting{
	{}, {required}, {required, proof}, {trust}, {trust, required, changing}, {trust, rescue, changing},
	{strong}, {strong, required}, {both}, {both, trust}, {rescue}, {repair}, {rescue, required},
	{mail}, {mail, required}, {mail, trust, rescue}, {mail, repair, required}, {mail, both, strong},
	{final}, {final, mail}, {elsewhere}, {elsewhere, mail, rescue},
	{changing, required}, {changing, rescue, trust, mail},
	{noReset, mail}, {noReset, final, elsewhere},
}

// lives are profiles about how accounts begin and end, and about what outlives a
// browser. They are explored with fewer kinds of factors.
var lives = [][]setting{
	{inviting}, {inviting, deletable}, {signUp}, {runs, deletable}, {former}, {vouching}, {deletable},
	{tokens}, {tokens, trust}, {tokens, required, changing},
}

var (
	secondSets = [][]Kind{{App}, {Mail}, {Phone}, {Passkey}, {App, Mail}, {Phone, Mail}, {App, Passkey}}
	firstSets  = [][]Kind{{}, {Phone}, {App}, {Passkey}, {Site}}
	eveHas     = []Kind{None, Password, Mail, Phone, App, Passkey, Site, Sheet}
)

// worlds are all combinations of a profile, the methods that are offered, and what
// Eve has.
func worlds() (out []*World) {
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
					m.Name += ", who copies a session"
					out = append(out, m)
				}
			}
		}
	}
	return slices.Concat(out, lifeWorlds(), pairWorlds())
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
					m.Name += ", who has the link of the invitation"
				default:
					m.EveCopiesASession = true
					m.Name += ", who copies a session"
				}
				out = append(out, m)
			}
		}
	}
	return out
}

// world is nil if what Eve has is of no use in it.
func world(profile []setting, seconds, firsts []Kind, eve Kind) *World {
	all := []string{store.Authenticator, store.SMS, store.Email, store.Passkey}
	m := &World{
		Rules:    policy.Rules{Methods: all, Mails: true},
		Recovers: true, SharesMailbox: true, Seconds: seconds, Firsts: firsts, EveHas: eve,
	}
	// Codes and guesses have nothing to do with what begins a sign-in, or with which
	// factors the account has.
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
	if !useful || len(seconds) > 1 && len(firsts) > 0 { // two kinds of factors are enough at a time
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
	// A mailbox is enough where the operator lets it rescue, after a reset, a wait
	// and a notice. Within a day it is not.
	m.WithinADay = eve == Mail
	m.Name = "[" + strings.Join(m.settings, ", ") + "] second: " + list(seconds) +
		"; first: " + list(firsts) + "; Eve: " + kindNames[eve]
	return m
}

func list(kinds []Kind) string {
	var names []string
	for _, k := range kinds {
		names = append(names, kindNames[k])
	}
	return strings.Join(names, ", ")
}
