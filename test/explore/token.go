package explore

// minting is a turn in which tokens may be made and exchanged.
type minting struct{ *turn }

// A token is in the place of a browser's session: of a program that a person runs, or
// of an app that exchanges it for sessions. So what is promised of sessions is promised
// of tokens too.

// makesTokens makes a personal token or a refresh token, of a session that stands.
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

// puts shows what a browser got in addition to what it has. Where there is no room, it is shown
// in its place, and the other one is out of view.
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
