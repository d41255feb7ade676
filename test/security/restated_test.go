package security_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// TestR006_AnAddressHasOnePlainSpelling checks that an address that looks like another one is
// refused with a reason, and that its plain form can register and gets mail. A username with
// letters of two scripts or invisible characters is refused too.
func TestR006_AnAddressHasOnePlainSpelling(t *testing.T) {
	w := newWorld(t, life)
	register := func(email, username string) *answer {
		body := m{"email": email, "password": secret, "password_confirm": secret}
		if username != "" {
			body["username"] = username
		}
		return w.browser().Post("/register", body)
	}
	for plain, odd := range map[string][]string{
		"victim@good.test":  {"ｖictim@good.test", "victim\u3164@good.test"},
		"strauss@good.test": {"strauß@good.test", "ſtrauss@good.test"},
		"fionn@good.test":   {"ﬁonn@good.test"},
		"école@good.test":   {"École@good.test", "E\u0301cole@good.test"},
	} {
		for _, s := range odd {
			if r := register(s, "").Want(400).Refused(s); r.JSON["field_errors"] == nil {
				t.Errorf("%q: no reason is given: %s", s, r.Body)
			}
		}
		if n := w.mails(); n > 0 && len(w.Mail.To(plain)) > 0 {
			t.Errorf("%s was written to before its owner came", plain)
		}
		register(plain, "").Want(200)
		w.settled()
		if len(w.Mail.To(plain)) != 1 {
			t.Errorf("%s registers and gets %d letters, want 1", plain, len(w.Mail.To(plain)))
		}
	}
	for i, name := range []string{"admin\u115f", "\u3164admin", "\u0430dmin1", "ad\u043cin", "p\u0430yp\u0430l"} {
		register(fmt.Sprintf("odd%d@good.test", i), name).Want(400).Refused(name)
	}
	for i, name := range []string{"admin", "админ", "관리자들"} {
		register(fmt.Sprintf("plain%d@good.test", i), name).Want(200)
	}
}

// TestR114_ManySmallNetworksAreALargeOne checks that a /56 or a /48 has a small multiple of the
// guesses of a /64, and not one budget for each of its /64s. A neighbor in another /48 has a
// separate budget.
func TestR114_ManySmallNetworksAreALargeOne(t *testing.T) {
	w := newWorld(t, proxied, with(limit.Limits{AddressFailures: 10}))
	guesses := func(address func(i int) string) (taken int) {
		for i := range 60 {
			if w.guess(fmt.Sprintf("nobody%d@good.test", i), address(i)) == 400 {
				taken++
			}
		}
		return taken
	}
	for _, c := range []struct {
		network string
		address func(i int) string
		want    int
	}{
		{"a /64", func(i int) string { return fmt.Sprintf("2001:db8:1::%x", i+1) }, 10},
		{"a /56", func(i int) string { return fmt.Sprintf("2001:db8:2:%x::1", i) }, 15},
		{"a /48", func(i int) string { return fmt.Sprintf("2001:db8:3:%x00::1", i) }, 20},
		{"many /48", func(i int) string { return fmt.Sprintf("2001:db8:%x::1", 0x100+i) }, 60},
	} {
		if got := guesses(c.address); got != c.want {
			t.Errorf("%s has %d guesses, want %d", c.network, got, c.want)
		}
	}
}

// TestR117_ARecoveryCountsGuesses checks that the link of a recovery accepts a limited number of
// wrong passwords, over all browsers. They have a budget of their own, which strangers do not use
// up.
func TestR117_ARecoveryCountsGuesses(t *testing.T) {
	w := newWorld(t, strictly, proxied, func(c *twofold.Config) { c.Advanced.Limits.FirstFailures = 5 })
	a := w.withApp("alice")
	link := w.askedLink(a)
	w.Advance(24*time.Hour + time.Minute)
	session := w.plantSession(a)
	for i := range 8 {
		w.guess(a.Email, fmt.Sprintf("198.51.100.%d", i%2))
	}
	from := func(i int) *browser { return w.at(fmt.Sprintf("203.0.113.%d", i)) }
	for i := range 5 {
		from(i).Post(link, m{"password": "wrong password"}).Want(400).Refused("a wrong password")
	}
	from(9).Post(link, m{"password": secret}).Want(429).Refused("the right password after too many wrong ones")
	session.Post("/verify", m{"password": secret}).Want(200)
	from(10).login(a).Want(200)
	w.Advance(time.Hour)
	b := from(11)
	b.Post(link, m{"password": secret}).Want(200)
	b.out("a recovery, nothing set up")
}

// TestR156_AForcedSetUpHasTheSameCount checks that if a required enrollment asks for a mailed code
// first, guesses at it are limited in a row, over all sign-ins and days, and then to one a day.
func TestR156_AForcedSetUpHasTheSameCount(t *testing.T) {
	w := newWorld(t, proofFirst, func(c *twofold.Config) {
		c.Advanced.Limits = limit.Limits{SecondFailures: 5, FactorFailures: 10, SendDay: 1000, SendMost: 1000}
		c.Advanced.Limits.FirstFailures = 100
	})
	p := w.person("alice")
	tried := 0
	for range 6 {
		thief := w.browser()
		thief.login(p).Want(200)
		for range 3 {
			if thief.validate(other(p.Mailed())).Status == 400 {
				tried++
			}
		}
		w.Advance(16 * time.Minute)
	}
	if tried != 10 {
		t.Errorf("%d of 18 wrong codes were tried, want 10", tried)
	}
	owner := w.browser()
	owner.login(p).Want(200)
	owner.validate(p.Mailed()).Want(429)
	w.Advance(25 * time.Hour)
	owner = w.browser()
	owner.login(p).Want(200)
	owner.validate(p.Mailed()).Want(200)
	owner.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
}

// TestR173_AHandshakeAtTwoSignIns covers a program with one sign-in for customers and one for
// staff, whose guards are nested. A page of a sibling host cannot open a WebSocket through either,
// with any user signed in, in HTTP/1.1 and HTTP/2.
func TestR173_AHandshakeAtTwoSignIns(t *testing.T) {
	staff := newWorld(t)
	customers := newWorld(struct{ testing.TB }{t})
	outer, inner := customers.Nodes[0].Auth, staff.Nodes[0].Auth
	customer := customers.plantSession(customers.person("alice")).Jar["twofold"]
	employee := staff.plantSession(staff.person("erika")).Jar["twofold"]
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	handshakes := map[string]func(r *http.Request){
		"WebSocket": func(r *http.Request) {
			r.Header.Set("Upgrade", "websocket")
			r.Header.Set("Connection", "Upgrade")
		},
		"CONNECT": func(r *http.Request) { r.Method = http.MethodConnect },
	}
	origins := map[string]string{
		"same-site": "https://evil.good.test", "cross-site": "https://evil.test", "same-origin": "",
	}
	for name, h := range map[string]http.Handler{
		"customers around staff":    outer.RequireUser(inner.RequireUser(page)),
		"staff around customers":    inner.RequireUser(outer.RequireUser(page)),
		"customers seen, staff":     outer.Identify(inner.RequireUser(page)),
		"staff, customers seen":     inner.RequireUser(outer.Identify(page)),
		"staff, seen by both":       outer.Identify(inner.Identify(inner.RequireUser(page))),
		"staff alone, for contrast": inner.RequireUser(page),
	} {
		both := name[:5] == "staff" && name != "staff around customers" || name == "customers seen, staff"
		for how, shake := range handshakes {
			for who, token := range map[string]string{"a customer": customer, "an employee": employee} {
				for site, origin := range origins {
					r, got := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/page", nil), httptest.NewRecorder()
					shake(r)
					r.Header.Set("Sec-Fetch-Site", site)
					if origin != "" {
						r.Header.Set("Origin", origin)
					}
					r.AddCookie(&http.Cookie{Name: "twofold", Value: token})
					h.ServeHTTP(got, r)
					opens := both && who == "an employee" && site == "same-origin"
					if (got.Code == http.StatusOK) != opens {
						t.Errorf("%s, %s, %s, %s: status %d", name, how, who, site, got.Code)
					}
				}
			}
		}
	}
}

// reads is a store that counts the reads of one account's data.
type reads struct {
	storage.Store
	n atomic.Int64
}

func (s *reads) SessionsOf(ctx context.Context, id string, now time.Time) ([]storage.Session, error) {
	s.n.Add(1)
	return s.Store.SessionsOf(ctx, id, now)
}

func (s *reads) DevicesOf(ctx context.Context, id string, now time.Time) ([]storage.Device, error) {
	s.n.Add(1)
	return s.Store.DevicesOf(ctx, id, now)
}

func (s *reads) TokensOf(ctx context.Context, id string, now time.Time) ([]storage.Token, error) {
	s.n.Add(1)
	return s.Store.TokensOf(ctx, id, now)
}

func (s *reads) FactorsOf(ctx context.Context, id string) ([]storage.Factor, error) {
	s.n.Add(1)
	return s.Store.FactorsOf(ctx, id)
}

func (s *reads) FirstFactorsOf(ctx context.Context, id string) ([]storage.Factor, error) {
	s.n.Add(1)
	return s.Store.FirstFactorsOf(ctx, id)
}

func (s *reads) PasskeysOf(ctx context.Context, id string) ([]storage.Factor, error) {
	s.n.Add(1)
	return s.Store.PasskeysOf(ctx, id)
}

func (s *reads) ConnectionsOf(ctx context.Context, id string) ([]storage.Connection, error) {
	s.n.Add(1)
	return s.Store.ConnectionsOf(ctx, id)
}

func (s *reads) EventsBy(ctx context.Context, f storage.EventFilter,
	more ...storage.EventFilter) ([]storage.Event, error) {
	s.n.Add(1)
	return s.Store.EventsBy(ctx, f, more...)
}

func (s *reads) UserByID(ctx context.Context, id string) (storage.User, error) {
	s.n.Add(1)
	return s.Store.UserByID(ctx, id)
}

func (s *reads) Session(ctx context.Context, hash string, now time.Time) (storage.Session, error) {
	s.n.Add(1)
	return s.Store.Session(ctx, hash, now)
}

// TestR174_ThePageOfAnAccountReadsNoMoreForMore checks that the account page makes the same number
// of store calls for a full account as for one with a single entry per list, and requests a bounded
// number of rows.
func TestR174_ThePageOfAnAccountReadsNoMoreForMore(t *testing.T) {
	w := newWorld(t, tokens, remembering, plenty)
	count := &reads{}
	n := w.Start(func(s storage.Store) storage.Store { count.Store = s; return count })
	cost := func(b *browser) (calls int64, size int) {
		b.on(n).Page("/me").Want(200)
		before := count.n.Load()
		size = len(b.Page("/me").Want(200).Body)
		return count.n.Load() - before, size
	}
	little, many := w.withApp("alice"), w.withApp("robert")
	few, fewBytes := cost(w.plantSession(little))
	u, err := n.Store.UserByID(t.Context(), many.ID)
	w.Must(err)
	for i := range 150 {
		now, id := w.Now().Add(time.Duration(i)*time.Millisecond), storage.NewID()
		ends := now.Add(time.Hour)
		w.Must(n.Store.PutSession(t.Context(), storage.Session{
			Hash: seal.HashToken(seal.Token()), ID: id, UserID: u.ID, CredentialVersion: u.CredentialVersion,
			Level: storage.OneFactor,
			Agent: linuxFox, CreatedAt: now, SeenAt: now, IdleAt: ends, ExpiresAt: ends,
		}))
		w.Must(n.Store.PutDevice(t.Context(), storage.Device{
			ID: id, UserID: u.ID, CredentialVersion: u.CredentialVersion, Secret: id, Name: "Firefox",
			CreatedAt: now, LastSeenAt: now, ExpiresAt: ends,
		}))
		w.Must(n.Store.PutToken(t.Context(), storage.Token{
			ID: id, UserID: u.ID, CredentialVersion: u.CredentialVersion, Hash: id, SessionID: id,
			CreatedAt: now, IdleAt: ends, ExpiresAt: ends,
		}))
	}
	w.Advance(time.Second)
	w.heirs(many, nil) // a sign-in keeps the newest
	most, mostBytes := cost(w.plantSession(many))
	t.Logf("one of each: %d calls, %d bytes; the most: %d calls, %d bytes", few, fewBytes, most, mostBytes)
	if few == 0 || few > 12 || most > few {
		t.Errorf("the account page asks the store %d times for one of each and %d times for the most", few, most)
	}
	if mostBytes > 500_000 {
		t.Errorf("the page has %d bytes", mostBytes)
	}
}
