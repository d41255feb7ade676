package explore

// minting is a turn in which tokens may be made and exchanged.
type minting struct{ *turn }

// A token takes the place of a browser's session. It belongs to a program that a person runs, or to an app that
// exchanges it for sessions. So the promises about sessions are also promises about tokens.

// makesTokens makes a personal token or a refresh token, from a valid session.
func (t minting) makesTokens(i int) {
	b := t.was.Browsers[i]
	if !t.Tokens || !t.mayMint(&t.was) {
		return
	}
	n := b.Session
	n.Fresh = false
	if b.Session.Fresh && !b.Session.Trusted && t.full(&t.was, &b) || t.Fault == OneFactorMints {
		n.Trusted = false
		t.puts(i, Browser{Of: b.Of, Session: n, Token: true}, makesPersonal)
	}
	trusted := Browser{Of: b.Of, Session: b.Session, TrustFirst: b.TrustFirst, TrustSecond: b.TrustSecond}
	trusted.Session.Fresh, trusted.Token, trusted.Refreshes = false, true, true
	t.puts(i, trusted, "makes a refresh token")
}

// exchanges exchanges a refresh token for a session, which proves nothing again.
func (t minting) exchanges(i int) {
	b := t.was.Browsers[i]
	if !b.Refreshes || !t.usable(&t.was, &b) {
		return
	}
	b.Token, b.Refreshes = false, false
	b.Session.Fresh = t.Fault == ExchangeIsFresh
	t.puts(i, b, "exchanges a refresh token")
}

// puts shows what a browser got in addition to what it has. If there is no room, it replaces that, which is
// then out of view.
func (t minting) puts(i int, b Browser, verb string) {
	s := t.was
	if !t.Crowd && t.mayOpen(&s, b.Of) {
		for j := range s.Browsers {
			if s.Browsers[j].empty() {
				i = j
			}
		}
	}
	s.Browsers[i] = b
	t.then(By(b.Of), verb, s, b.Session.First, b.Session.Second)
}
