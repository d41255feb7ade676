package auth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/storage"
)

// A browser may send the same answer twice, for example after a double click or a reload. Both
// requests get the outcome of the first.
//
// The outcome is stored for a few seconds as a draft. It is encrypted with a key derived from the
// server's key, the browser's cookie for this step, and the answer itself. A client that can
// decrypt it has everything that the first request had, and gets the session that was issued then.
// No session is issued for a repetition.
//
// Trade-off: during these seconds an attacker who has a copy of the browser's cookie and knows the
// code gets the same session instead of being refused. Such an attacker could also have sent the
// first answer.
const (
	// repeatRight is the time for which a repeated correct answer gets the same outcome. repeatWrong
	// is the time for which the same wrong answer does not count as another guess.
	repeatRight = 10 * time.Second
	repeatWrong = 30 * time.Second
	// repeatNone is the time for which it is stored that an answer led to nothing.
	repeatNone = repeatRight
	// repeatWait is the time for which a repetition waits for the outcome of the first request.
	repeatWait = 3 * time.Second
	repeatStep = 30 * time.Millisecond
)

// decided is the stored outcome of an answer.
type decided struct {
	Wrong        bool
	At           string // factor at which it was wrong
	None         bool   // it led to nothing: a repetition is a new request
	Pending      bool   // the sign-in continues; Token is that of the pending
	UserID       string
	Token        string // of the session
	Header       string
	Refresh      string
	DeviceCookie string
	DeviceLife   time.Duration
	StayCookie   string
	StayLife     time.Duration
	FirstFactor  bool
	Left         int // number of recovery codes
}

// once runs a step of the browser with the given cookie. If the same answer is being processed or
// was processed a moment ago, it returns that outcome instead. at returns the factor of the step,
// or an error if the cookie belongs to no step; then nothing is written, unless the first answer
// has just used the cookie up.
func (l Repeats) once(
	ctx context.Context, r repeat, at func() (string, error), run func() (Outcome, error),
) (Outcome, error) {
	if r.cookie == "" || r.answer == "" {
		return run()
	}
	out, err, ok := r.find(ctx)
	if ok {
		return out, err
	}
	key := r.owner + ":" + r.name()
	elsewhere := errors.Is(err, errElsewhere)
	if r.at, err = at(); errors.Is(err, ErrState) {
		runs, failed := l.c.Limits.Running(ctx, key)
		if failed != nil {
			return Outcome{}, failed
		}
		if runs {
			if out, err, ok := r.await(ctx); ok {
				return out, err
			}
		}
	}
	if err != nil {
		return Outcome{}, err
	}
	if elsewhere { // it was wrong at another factor, so it is a new guess here
		key += ":" + r.at
	}
	var running *limit.Paused
	switch err := l.c.Limits.Once(ctx, key, repeatRight); {
	case errors.As(err, &running):
		if out, err, ok := r.await(ctx); ok {
			return out, err
		}
	case err != nil:
		return Outcome{}, err
	}
	out, err = run()
	r.keep(ctx, out, err)
	return out, err
}

// standing returns the factor at which an answer of a sign-in is checked.
func (l Repeats) standing(ctx context.Context, cookie *PendingCookie, who *Principal) (string, error) {
	w, err := l.loadPending(ctx, cookie, who)
	return where(w.Pending), err
}

func where(p storage.Pending) string { return fmt.Sprint(p.State, " ", p.Factor, " ", p.Rescue) }

// SetupAgain returns the outcome of the answer that completed a set-up a moment ago, for a browser
// that still has the cookie of the replaced session. One such outcome is stored for each session,
// and a different answer removes it, so answers cannot be guessed here. It returns ErrState.
func (l Repeats) SetupAgain(ctx context.Context, state, code string, b Client) (Outcome, error) {
	if b.Session == "" || factor.Bare(code) == "" {
		return Outcome{}, ErrState
	}
	r := l.repeat(stepSetup, b.Session, setupAnswer(state, code))
	if out, err, ok := r.find(ctx); ok {
		return out, err
	}
	if d, err := l.c.Drafts.Draft(ctx, r.owner); err == nil {
		_ = l.c.Drafts.TakeDraft(ctx, d.Owner, d.ID)
	}
	return Outcome{}, ErrState
}

// setupAnswer returns a first code together with its set-up.
func setupAnswer(state, code string) string { return factor.Bare(code) + ":" + state }

// repeat returns the record of an answer. At a set-up there is one for each session.
func (l Repeats) repeat(step, cookie, answer string) repeat {
	r := repeat{l: l.Login, step: step, cookie: cookie, answer: answer}
	if r.owner = "answer:" + hash(step+":"+cookie); step != stepSetup {
		r.owner = "answer:" + r.name()
	}
	return r
}

// ofPending is like repeat, for an answer in a pending sign-in.
func (l Repeats) ofPending(step string, cookie *PendingCookie, answer string) repeat {
	r := l.repeat(step, cookie.Value(), answer)
	r.pending = cookie
	return r
}

type repeat struct {
	l                           *Login
	pending                     *PendingCookie // nil for the answer of a session
	owner, step, cookie, answer string
	at                          string // factor at which it is checked
}

// name returns a name that identifies the answer without revealing it.
func (r repeat) name() string {
	return hash(string(r.l.c.Keys.MAC("answer-name", r.step, r.cookie, r.answer)))
}

// ciphers returns the ciphers for the server's keys, newest first.
func (r repeat) ciphers() ([]cipher.AEAD, error) {
	var out []cipher.AEAD
	for _, key := range r.l.c.Keys.MACs("answer", r.step, r.cookie, r.answer) {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		out = append(out, aead)
	}
	return out, nil
}

// keep stores the outcome. If it cannot be stored, a repetition is not answered.
func (r repeat) keep(ctx context.Context, out Outcome, err error) {
	d, err := r.draft(out, err)
	if err == nil {
		err = r.l.c.Drafts.PutDraft(context.WithoutCancel(ctx), d)
	}
	if err != nil {
		r.l.c.Log.WarnContext(ctx, "the outcome of an answer could not be kept", "cause", err)
	}
}

// draft returns the draft that stores the outcome.
func (r repeat) draft(out Outcome, err error) (storage.Draft, error) {
	v, life := decided{}, repeatRight
	switch {
	case errors.Is(err, ErrCode), errors.Is(err, ErrRecoveryCode):
		v.Wrong, v.At, life = true, r.at, repeatWrong
		if errors.Is(err, ErrCodeUsed) {
			v.Wrong, v.None, life = false, true, repeatNone
		}
	case err == nil && out.Session == nil && out.Pending != nil:
		v.Pending, v.Token = true, or(out.Pending.Token, r.cookie)
	case err != nil || out.Session == nil || out.Session.Token == "":
		v.None, life = true, repeatNone
	default:
		v = decided{
			Token: out.Session.Token, Header: out.Session.Header, Refresh: out.Session.Refresh,
			DeviceCookie: out.DeviceCookie, DeviceLife: out.DeviceLife, StayCookie: out.RememberMeCookie,
			StayLife:    out.RememberMeLife,
			FirstFactor: out.FirstFactor, Left: out.Left,
		}
	}
	v.UserID = out.User.ID
	raw, err := json.Marshal(v)
	if err != nil {
		return storage.Draft{}, err
	}
	all, err := r.ciphers()
	if err != nil {
		return storage.Draft{}, err
	}
	now := r.l.c.Now()
	return storage.Draft{
		Owner: r.owner, ID: r.name(), UserID: v.UserID, Method: "answer", CreatedAt: now, ExpiresAt: now.Add(life),
		Secret: all[0].Seal(nil, nil, raw, []byte(r.owner)),
	}, nil
}

// await waits until the first request with this answer is decided.
func (r repeat) await(ctx context.Context) (Outcome, error, bool) {
	deadline := time.NewTimer(repeatWait)
	defer deadline.Stop()
	for {
		select {
		case <-ctx.Done():
			return Outcome{}, ctx.Err(), true
		case <-deadline.C:
			return Outcome{}, nil, false
		case <-time.After(repeatStep):
		}
		if r.pending != nil {
			r.pending.forget() // the first request may have changed it
		}
		if out, err, ok := r.look(ctx); ok {
			return out, err, !errors.Is(err, errNone)
		}
	}
}

// find decrypts the outcome of this answer.
func (r repeat) find(ctx context.Context) (Outcome, error, bool) {
	out, err, found := r.look(ctx)
	return out, err, found && !errors.Is(err, errNone)
}

// errNone means that an answer led to nothing.
var errNone = errors.New("auth: nothing was decided")

// errElsewhere means that an answer was wrong at another factor.
var errElsewhere = errors.New("auth: the answer was wrong elsewhere")

func (r repeat) look(ctx context.Context) (Outcome, error, bool) {
	d, err := r.l.c.Drafts.Draft(ctx, r.owner)
	if errors.Is(err, storage.ErrNotFound) {
		return Outcome{}, nil, false
	}
	if err != nil {
		return Outcome{}, err, true
	}
	if d.ID != r.name() || !r.l.c.Now().Before(d.ExpiresAt) {
		return Outcome{}, nil, false
	}
	all, err := r.ciphers()
	if err != nil {
		return Outcome{}, err, true
	}
	for _, aead := range all {
		raw, err := aead.Open(nil, nil, d.Secret, []byte(r.owner))
		if err != nil {
			continue
		}
		var v decided
		if json.Unmarshal(raw, &v) != nil {
			break
		}
		return r.outcome(ctx, v)
	}
	return Outcome{}, nil, false
}

// outcome returns the stored outcome with the current session. A session that has ended since is
// not returned.
func (r repeat) outcome(ctx context.Context, v decided) (Outcome, error, bool) {
	if v.None {
		return Outcome{}, errNone, true
	}
	if v.Wrong {
		if r.pending != nil {
			w, err := r.pending.read(ctx, r.l.c)
			if err == nil && where(w.Pending) != v.At {
				return Outcome{}, errElsewhere, false
			}
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return Outcome{}, err, true
			}
		}
		if r.step == stepRecoveryCode {
			return Outcome{}, ErrRecoveryCode, true
		}
		return Outcome{}, ErrCode, true
	}
	if v.Pending {
		out, err := r.l.Pending(ctx, NewPendingCookie(v.Token), nil)
		if errors.Is(err, ErrState) {
			return Outcome{}, nil, false
		}
		if err == nil && v.Token != r.cookie {
			out.Pending.Token = v.Token
		}
		return out, err, true
	}
	who, err := r.l.Sessions.Session(ctx, v.Token, false)
	if errors.Is(err, storage.ErrNotFound) || err == nil && who.Enrolls {
		return Outcome{}, nil, false
	}
	if err != nil {
		return Outcome{}, err, true
	}
	return Outcome{
		User: who.User, Session: &Opened{Token: v.Token, Header: v.Header, Refresh: v.Refresh, Session: who.Session},
		DeviceCookie: v.DeviceCookie, DeviceLife: v.DeviceLife,
		RememberMeCookie: v.StayCookie, RememberMeLife: v.StayLife,
		FirstFactor: v.FirstFactor, Left: v.Left,
	}, nil, true
}

// The steps whose answers may be repeated.
const (
	stepCode         = "code"
	stepSetup        = "setup"
	stepRecoveryCode = "recovery-code"
)

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
