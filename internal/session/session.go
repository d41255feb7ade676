package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
)

// Config configures a Manager. A zero duration means the default.
type Config struct {
	Sessions storage.Sessions
	Users    storage.UserReader
	Both     storage.SessionUser    // nil if Sessions and Users are read one after the other
	Tokens   storage.PersonalTokens // nil if there are no personal access tokens
	Now      func() time.Time
	// Idle is the time without a request after which a session ends: 1 hour by default (NIST SP
	// 800-63B-4 section 2.2.3 recommends at most that).
	Idle time.Duration
	// Absolute is the maximum lifetime of a session: 24 hours by default (same section).
	Absolute time.Duration
	// TokenLife is the lifetime of a header token: 15 minutes by default.
	TokenLife time.Duration
	// Cache is the time for which a node may cache sessions. The default and the maximum are one
	// second. A session that this process ends is invalid at once, and one that another process
	// ends within this time. A negative value switches the cache off.
	Cache time.Duration
	// Notices carries notifications of changes between nodes. With it, the cache is used only while
	// no notification can be missed, and a session that one node ends is invalid on the others as
	// soon as they are notified, or at the latest after the cache's time.
	//
	// If it is a storage.Witness, a node caches sessions for as long as it hears of changes, and
	// Cache is the time for which it trusts a Judge. Then a change that anyone made is known within
	// a quarter of a second.
	Notices storage.Notifier
	// If OwnUsers is set, users are records of the application, whose changes no store reports. Then
	// a Witness is used like any other Notifier.
	OwnUsers bool
}

// Manager creates and finds sessions.
type Manager struct {
	c       Config
	witness storage.Witness // nil if there is none
	cache   *cache
	touches touches
}

// New returns a manager.
func New(c Config) (*Manager, error) {
	if c.Cache == 0 {
		c.Cache = time.Second
	}
	if c.Idle < time.Minute || c.Absolute < c.Idle || c.TokenLife <= 0 {
		return nil, errors.New("session: a limit is missing, or the idle limit is above the absolute limit")
	}
	if c.Cache > time.Second {
		return nil, errors.New("session: cache time must be at most one second")
	}
	m := &Manager{c: c}
	if !c.OwnUsers {
		m.witness, _ = c.Notices.(storage.Witness)
	}
	m.cache = newCache(c.Cache, m.witness != nil)
	m.cache.use(c.Notices == nil) // Follow may change this
	return m, nil
}

// Follow listens to the other nodes until ctx is done. Without Notices it
// returns at once.
func (m *Manager) Follow(ctx context.Context) {
	if m.c.Notices == nil || m.c.Cache <= 0 {
		return
	}
	if m.witness != nil {
		m.witness.Witness(ctx, m.hear, m.cache.use, m.cache.since)
	} else {
		m.c.Notices.Listen(ctx, m.hear, m.cache.use)
	}
	m.cache.use(false)
}

func (m *Manager) hear(word string) {
	if hash, ok := strings.CutPrefix(word, storage.SessionChanged); ok {
		m.cache.drop(hash)
	} else if id, ok := strings.CutPrefix(word, storage.UserChanged); ok {
		m.cache.dropUser(id)
	} else {
		m.cache.clear()
	}
}

// tell notifies the other nodes. The caller does not wait for a broken channel or fail because of
// it, because no cache entry is used for longer than a second. A witness notifies by itself.
func (m *Manager) tell(ctx context.Context, word string) {
	if m.c.Notices == nil || m.c.Cache <= 0 || m.witness != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.c.Cache)
	defer cancel()
	_ = m.c.Notices.Notify(ctx, word)
}

// Open stores a session and returns its token. It keeps CreatedAt if that is set, and the session then
// ends as long after it as any other: no renewal extends it. The caller sets the user, the proofs and
// the origin. Open sets the hash, the times and, if it is empty, the ID.
func (m *Manager) Open(ctx context.Context, s storage.Session) (token string, opened storage.Session, err error) {
	token, s = m.Prepare(s)
	if err := m.c.Sessions.PutSession(ctx, s); err != nil {
		return "", storage.Session{}, err
	}
	return token, s, nil
}

// Prepare is like Open, but leaves it to the caller to store the session.
func (m *Manager) Prepare(s storage.Session) (token string, prepared storage.Session) {
	now := m.c.Now()
	token = seal.Token()
	s.Hash = seal.HashToken(token)
	if s.ID == "" {
		s.ID = storage.NewID()
	}
	if s.SeenAt = now; s.CreatedAt.IsZero() || s.CreatedAt.After(now) {
		s.CreatedAt = now // a session that renews another one keeps its time and its end
	}
	s.IdleAt, s.ExpiresAt = now.Add(m.c.Idle), s.CreatedAt.Add(m.c.Absolute)
	if s.Token {
		s.ExpiresAt = now.Add(m.c.TokenLife)
		s.IdleAt = s.ExpiresAt
	}
	return token, s
}

// Judge returns the standing of a session that has neither ended nor expired, or storage.ErrNotFound
// if it is no longer valid. Its result is cached with the session for a second.
type Judge func(ctx context.Context, s storage.Session, u storage.User) (policy.Standing, error)

// Found is a valid session with its active user.
type Found struct {
	Session  storage.Session
	User     storage.User
	Standing policy.Standing
}

// Find returns the valid session with a token and its active user. It returns storage.ErrNotFound if
// there is no such session, it has ended, its user does not exist or is not active, the user's
// credentials have changed, or judge returns it. header is set if the token came in a header: a
// cookie's token is not valid in a header, and a header token not in a cookie.
func (m *Manager) Find(ctx context.Context, token string, header bool, judge Judge) (Found, error) {
	if len(token) != tokenLength {
		return Found{}, storage.ErrNotFound
	}
	hash := seal.HashToken(token)
	now := m.c.Now().Round(0) // the wall clock, which does not stop while the machine sleeps
	// Read the epoch before the entry, so that the entry is not cached if the session ends in
	// between.
	epoch := m.cache.epoch()
	var err error
	e, ok := m.recent(hash, now)
	if ok {
		e, err = m.judged(ctx, e, epoch, judge)
	} else {
		e, err = m.load(ctx, hash, epoch, now, judge)
	}
	if err != nil {
		return Found{}, err
	}
	return m.alive(ctx, e, header, epoch, now)
}

// recent returns a session from the cache. If its idle time is over there, it is read again, because
// another node may have recorded activity.
func (m *Manager) recent(hash string, now time.Time) (entry, bool) {
	e, ok := m.cache.get(hash)
	return e, ok && now.Before(e.session.IdleAt)
}

// alive checks the limits on every read, so that neither the cache nor a late cleanup extends a
// session.
func (m *Manager) alive(ctx context.Context, e entry, header bool, epoch uint64, now time.Time) (Found, error) {
	if e.session.Token != header || !now.Before(e.session.IdleAt) || !now.Before(m.end(e.session)) {
		return Found{}, storage.ErrNotFound
	}
	if !header && now.Sub(e.session.SeenAt) >= m.c.Idle/60 {
		if err := m.touch(ctx, &e, epoch, now); err != nil {
			return Found{}, err
		}
	}
	return Found{e.session, e.user, e.standing}, nil
}

// end returns when a session ends even if it is used. The limit of today also holds for sessions that
// were stored when a longer one was set.
func (m *Manager) end(s storage.Session) time.Time {
	if limit := s.CreatedAt.Add(m.c.Absolute); !s.Token && limit.Before(s.ExpiresAt) {
		return limit
	}
	return s.ExpiresAt
}

// FindByID is like Find, for data that came from a browser's session and contains its ID, which
// does not change when the session is renewed.
func (m *Manager) FindByID(ctx context.Context, userID, id string, judge Judge) (Found, error) {
	now, epoch := m.c.Now().Round(0), m.cache.epoch()
	if name, ok := m.cache.get(idPrefix + id); ok {
		if e, ok := m.recent(name.session.Hash, now); ok && e.session.ID == id && e.user.ID == userID {
			e, err := m.judged(ctx, e, epoch, judge)
			if err != nil {
				return Found{}, err
			}
			return m.alive(ctx, e, false, epoch, now)
		}
	}
	m.settle(ctx, now)
	all, err := m.c.Sessions.SessionsOf(ctx, userID, now)
	if err != nil {
		return Found{}, err
	}
	for _, s := range all {
		if s.ID != id || s.Token { // a header token may have the same ID
			continue
		}
		e, err := m.load(ctx, s.Hash, epoch, now, judge)
		if err != nil {
			return Found{}, err
		}
		m.cache.put(idPrefix+id, entry{session: storage.Session{Hash: s.Hash}, read: time.Now()}, epoch)
		return m.alive(ctx, e, false, epoch, now)
	}
	return Found{}, storage.ErrNotFound
}

// idPrefix is the prefix of the cache keys of sessions by ID. No hash starts with it.
const idPrefix = "id "

// tokenLength is the length of the result of seal.Token.
const tokenLength = 43

func (m *Manager) load(ctx context.Context, hash string, epoch uint64, now time.Time, judge Judge) (entry, error) {
	m.settle(ctx, now)
	began := time.Now()
	s, u, err := m.read(ctx, hash, now)
	if err != nil {
		return entry{}, err
	}
	if !u.Active || u.CredentialVersion != s.CredentialVersion {
		return entry{}, storage.ErrNotFound
	}
	return m.judged(ctx, entry{session: s, user: u, read: began}, epoch, judge)
}

// judged decides what a session is worth. The answer is cached with the session, for at most a
// second, because it may depend on more than the session and the user.
func (m *Manager) judged(ctx context.Context, e entry, epoch uint64, judge Judge) (entry, error) {
	if !e.judged.IsZero() && time.Since(e.judged) < m.c.Cache {
		return e, nil
	}
	var err error
	e.judged = time.Now()
	if e.standing, err = judge(ctx, e.session, e.user); err != nil {
		return entry{}, err
	}
	if e.standing == policy.Over {
		return entry{}, storage.ErrNotFound
	}
	m.cache.put(e.session.Hash, e, epoch)
	return e, nil
}

func (m *Manager) read(ctx context.Context, hash string, now time.Time) (storage.Session, storage.User, error) {
	if m.c.Both != nil {
		return m.c.Both.SessionUser(ctx, hash, now)
	}
	s, err := m.c.Sessions.Session(ctx, hash, now)
	if err != nil {
		return storage.Session{}, storage.User{}, err
	}
	u, err := m.c.Users.UserByID(ctx, s.UserID)
	return s, u, err
}

// touch extends the idle limit, at most sixty times per idle period. The store is told at once or,
// if the session has enough time left there, with the next collected touches.
func (m *Manager) touch(ctx context.Context, e *entry, epoch uint64, now time.Time) error {
	m.settle(ctx, now)
	left := e.session.IdleAt.Sub(now)
	t := storage.Touch{Hash: e.session.Hash, Seen: now, Idle: now.Add(m.c.Idle)}
	if left < collectedLeft || !m.touches.add(t) {
		if err := m.c.Sessions.TouchSession(ctx, t.Hash, t.Seen, t.Idle); err != nil {
			return err
		}
	}
	e.session.SeenAt, e.session.IdleAt = t.Seen, t.Idle
	m.cache.put(e.session.Hash, *e, epoch)
	return nil
}

// Take ends a session; exactly one of several callers gets it.
func (m *Manager) Take(ctx context.Context, hash string) (storage.Session, error) {
	defer m.ended(ctx, hash)
	return m.c.Sessions.TakeSession(ctx, hash)
}

// Rebind gives a header token's session new proofs for the user's current credentials. Its limits
// do not change.
func (m *Manager) Rebind(ctx context.Context, s storage.Session) error {
	defer m.ended(ctx, s.Hash)
	return m.c.Sessions.RebindSession(ctx, s)
}

// MakeStale makes a session no longer fresh. It changes nothing else.
func (m *Manager) MakeStale(ctx context.Context, s storage.Session) error {
	s.FreshAt = time.Time{}
	return m.Rebind(ctx, s)
}

// Trim ends all but the newest sessions of a user, and returns the ended ones.
func (m *Manager) Trim(ctx context.Context, userID string, keep int) ([]storage.Session, error) {
	ended, err := m.c.Sessions.TrimSessions(ctx, userID, keep)
	if err != nil { // some may have been ended
		m.ForgetUser(userID)
	}
	for _, s := range ended {
		m.ended(ctx, s.Hash)
	}
	return ended, err
}

// List returns a user's valid sessions, newest first.
func (m *Manager) List(ctx context.Context, userID string) ([]storage.Session, error) {
	now := m.c.Now()
	m.settle(ctx, now)
	list, err := m.c.Sessions.SessionsOf(ctx, userID, now)
	m.touches.apply(list)
	return slices.DeleteFunc(list, func(s storage.Session) bool { return !now.Before(m.end(s)) }), err
}

// End ends the user's session with the given ID, and the header token issued with it. It returns
// storage.ErrNotFound if there was none.
func (m *Manager) End(ctx context.Context, userID, id string) error {
	hashes, err := m.c.Sessions.EndSession(ctx, userID, id)
	if err != nil { // it may have been ended nevertheless
		m.ForgetUser(userID)
	}
	for _, hash := range hashes {
		m.ended(ctx, hash)
	}
	return err
}

// EndAll ends all sessions of a user.
func (m *Manager) EndAll(ctx context.Context, userID string) error {
	defer m.ForgetUser(userID)
	return m.c.Sessions.EndSessions(ctx, userID)
}

// ended removes one session from the cache, here and on the other nodes.
func (m *Manager) ended(ctx context.Context, hash string) {
	m.cache.drop(hash)
	m.tell(ctx, storage.SessionChanged+hash)
}

// ForgetUser removes a user's sessions from the caches. Call it after a change of the user's record
// or of anything that a Judge reads, so that this process applies it at once and the others soon.
func (m *Manager) ForgetUser(id string) {
	m.cache.dropUser(id)
	m.tell(context.Background(), storage.UserChanged+id)
}
