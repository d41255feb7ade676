package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/factor"
	"github.com/twofold-auth/twofold/internal/limit"
	"github.com/twofold-auth/twofold/internal/policy"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
)

// maxFactors is the maximum number of factors of an account (R64).
const maxFactors = 10

// actor is the user who sets up a factor: a signed-in user with a fresh session at the account's
// full level, or a sign-in that must set up a factor before it gets a session. A pending sign-in of
// an account that has a factor is neither (R18).
type actor struct {
	who     *Principal
	pending *pendingSignIn
}

func (a actor) user() storage.User {
	if a.who != nil {
		return a.who.User
	}
	return a.pending.user
}

// proved reports whether the caller's first factor depends on the same thing as this method. The
// same thing cannot become the second factor of the sign-in that it started (R7).
func (l Enroll) proved(a actor, method string) bool {
	first, ok := a.first()
	return ok && !l.rules.AreIndependent(first, policy.By(method))
}

// first returns the first factor of the caller's sign-in.
func (a actor) first() (first storage.Proof, ok bool) {
	if a.pending != nil {
		return a.pending.First, true
	}
	if proofs := a.who.Session.Proofs; len(proofs) > 0 {
		return proofs[0], true
	}
	return storage.Proof{}, false
}

// owner returns the owner of the draft. A session keeps its ID when its token changes.
func (a actor) owner() string {
	if a.who != nil {
		return "session:" + a.who.Session.ID
	}
	return "pending:" + a.pending.Hash
}

// lost returns the ID of the factor that a repair replaces, or an empty string.
func (a actor) lost() string {
	if a.pending != nil && a.pending.State == storage.Repair {
		return a.pending.Factor
	}
	return ""
}

// rescued reports whether the caller signed in, or is signing in, by a rescue.
func (a actor) rescued() bool {
	if a.pending != nil {
		return a.lost() != "" && a.pending.Rescue
	}
	return byRescue(a.who.Session)
}

// byRescue reports whether a rescue was the last proof of a session.
func byRescue(s storage.Session) bool {
	return len(s.Proofs) > 0 && s.Proofs[len(s.Proofs)-1].Method == policy.Rescued
}

// actor identifies the caller. A session must be fresh.
func (l Enroll) actor(ctx context.Context, cookie *PendingCookie, who *Principal) (actor, error) {
	if who != nil {
		if err := l.Reauth.RequireFresh(ctx, *who, l.c.Policy.Freshness); err != nil {
			return actor{}, err
		}
		return actor{who: who}, nil
	}
	w, err := l.loadPending(ctx, cookie, nil)
	if err != nil {
		return actor{}, err
	}
	if w.State != storage.Repair && (w.State != storage.Setup || len(w.factors) > 0) {
		return actor{}, ErrState
	}
	return actor{pending: &w}, nil
}

// Profile describes the second factors that a user has and may set up.
type Profile struct {
	User     storage.User
	Required bool // a second factor is required
	Primary  *storage.Factor
	Factors  []storage.Factor
	Methods  []string // offered for set-up, in display order
	Pending  bool     // requested by a sign-in that must set up a factor
}

// Setup returns what the caller has and may set up.
func (l Enroll) Setup(ctx context.Context, cookie *PendingCookie, who *Principal) (Profile, error) {
	a, err := l.actor(ctx, cookie, who)
	if err != nil {
		return Profile{}, err
	}
	p, err := l.Profile(ctx, a.user(), a.pending != nil)
	if a.pending != nil { // do not show factors to a user who is not signed in yet
		p.Primary, p.Factors = nil, nil
	}
	p.Methods = slices.DeleteFunc(p.Methods, func(method string) bool {
		follows := l.Passwordless.follows(ctx, a, method, true)
		if follows != nil && !errors.Is(follows, ErrMethod) {
			err = follows
		}
		return l.proved(a, method) || follows != nil
	})
	return p, err
}

// Profile returns the second factors that a user has and may set up.
func (l Enroll) Profile(ctx context.Context, u storage.User, pending bool) (Profile, error) {
	p := Profile{User: u, Required: l.c.Policy.Require(u), Pending: pending}
	var err error
	if p.Factors, err = l.c.Factors.FactorsOf(ctx, u.ID); err != nil {
		return Profile{}, err
	}
	for i, f := range p.Factors {
		if f.Primary || i == 0 && p.Primary == nil {
			p.Primary = &p.Factors[i]
		}
	}
	for _, m := range l.c.Policy.Methods {
		if l.enabled(m) {
			p.Methods = append(p.Methods, m)
		}
	}
	return p, nil
}

// EnrollRequest is a factor to be set up.
type EnrollRequest struct {
	Method string
	Phone  string // for sms
	Add    bool   // add to the current factors instead of replacing the primary one
	Name   string // name chosen by the user

	within time.Duration // lifetime of the draft; zero means Policy.SetupWithin
}

// Enrollment is a draft that waits for its first code.
type Enrollment struct {
	Method      string
	Destination string // destination of the code; empty for an app
	StateToken  string // empty for a sign-in, whose cookie is enough
	Secret      *factor.EnrollmentSecret
}

// BeginSetup stores a draft and sends its code. Nothing is active before ConfirmSetup; existing
// factors keep working. It returns ErrMethod, ErrPhone, ErrReauthenticate, ErrUnproven or ErrState.
// With ErrSend it also returns an Enrollment whose draft is valid.
func (l Enroll) BeginSetup(
	ctx context.Context, cookie *PendingCookie, who *Principal, w EnrollRequest, b Client,
) (Enrollment, error) {
	a, err := l.actor(ctx, cookie, who)
	if err != nil {
		return Enrollment{}, err
	}
	if !l.enabled(w.Method) || l.proved(a, w.Method) {
		return Enrollment{}, ErrMethod
	}
	if a.lost() != "" {
		w.Add = false
	}
	if err := l.Passwordless.follows(ctx, a, w.Method, w.Add); err != nil {
		return Enrollment{}, err
	}
	if a.lost() == "" && w.Method != storage.Email { // a mailed code is the proof itself
		if err := l.Account.mayEnroll(a.user()); err != nil {
			return Enrollment{}, err
		}
	}
	started, err := l.begin(ctx, a.owner(), a.user(), w, b)
	if a.who == nil {
		started.StateToken = ""
		return started, err
	}
	if err != nil {
		return started, err
	}
	return started, l.supersede(ctx, cookie, *who)
}

// supersede ends the earlier step of the session when it starts a set-up, because its page takes
// the code of the newest step.
func (l Enroll) supersede(ctx context.Context, cookie *PendingCookie, who Principal) error {
	w, err := l.loadPending(ctx, cookie, &who)
	if err == nil {
		err = l.takePending(ctx, w)
	}
	if errors.Is(err, ErrState) || errors.Is(err, storage.ErrUsed) {
		return nil
	}
	return err
}

// begin stores a draft of an owner and sends its code.
func (l Enroll) begin(ctx context.Context, owner string, u storage.User, w EnrollRequest,
	b Client) (Enrollment, error) {
	if err := l.c.Limits.Setup(ctx, u.ID); err != nil {
		return Enrollment{}, err
	}
	m, now, state := l.c.Methods[w.Method], l.c.Now(), seal.Token()
	if w.within == 0 {
		w.within = l.c.Policy.SetupWithin
	}
	d := storage.Draft{
		Owner: owner, ID: hash(state), UserID: u.ID, CredentialVersion: u.CredentialVersion, FactorID: storage.NewID(),
		Method: w.Method, Name: w.Name, Add: w.Add, CreatedAt: now, ExpiresAt: now.Add(w.within),
	}
	shown, err := m.BeginEnroll(ctx, draftTransaction(d, u, b), w.Phone, &d)
	if errors.Is(err, factor.ErrDestination) {
		return Enrollment{}, fmt.Errorf("%w: %w", ErrPhone, err)
	}
	if err != nil {
		return Enrollment{}, err
	}
	if err := l.c.Drafts.PutDraft(ctx, d); err != nil {
		return Enrollment{}, err
	}
	started := Enrollment{Method: w.Method, Destination: d.Destination, StateToken: state, Secret: shown}
	if m.Channel() == "" {
		return started, nil
	}
	return started, l.sendDraft(ctx, d, u, m, b)
}

func draftTransaction(d storage.Draft, u storage.User, b Client) factor.Transaction {
	return factor.Transaction{ID: d.ID, Purpose: factor.SetUp, User: u, Locale: language(u, b)}
}

// ConfirmSetup activates the draft of a signed-in user. A state token must belong to the draft; an
// empty one means the session's draft. It returns ErrSetupToken, ErrSetupExpired, ErrCode or
// ErrState.
func (l Enroll) ConfirmSetup(ctx context.Context, who Principal, state, code string, b Client) (Outcome, error) {
	at := func() (string, error) { return "", nil } // the caller's session is valid
	return l.Repeats.once(ctx, l.Repeats.repeat(stepSetup, b.Session, setupAnswer(state, code)), at,
		func() (Outcome, error) {
			return l.confirm(ctx, actor{who: &who}, state, code, b)
		})
}

// DraftMethod returns the method of the caller's draft that waits for its code, or an empty string
// if there is none.
func (l Enroll) DraftMethod(ctx context.Context, cookie *PendingCookie, who *Principal) (string, error) {
	d, _, err := l.ownDraft(ctx, cookie, who)
	return d.Method, noDraft(err)
}

// SettingUp is like DraftMethod and returns the data of the draft again to the sign-in or session
// that started it, which must still be fresh.
func (l Enroll) SettingUp(
	ctx context.Context, cookie *PendingCookie, who *Principal,
) (started Enrollment, ok bool, err error) {
	d, u, err := l.ownDraft(ctx, cookie, who)
	if err != nil {
		return Enrollment{}, false, noDraft(err)
	}
	started, err = l.shownAgain(ctx, d, u, who)
	return started, true, err
}

// noDraft returns nil for an error that means that there is no draft.
func noDraft(err error) error {
	if errors.Is(err, ErrState) || errors.Is(err, ErrSetupToken) || errors.Is(err, ErrSetupExpired) {
		return nil
	}
	return err
}

// shownAgain returns a draft as it is shown again to the user who started it. It includes the
// secret while the session is fresh.
func (l Enroll) shownAgain(ctx context.Context, d storage.Draft, u storage.User, who *Principal) (Enrollment, error) {
	started := Enrollment{Method: d.Method, Destination: d.Destination}
	show, may := l.c.Methods[d.Method].(factor.Shower)
	if !may || who != nil && l.Reauth.RequireFresh(ctx, *who, l.c.Policy.Freshness) != nil {
		return started, nil
	}
	var err error
	started.Secret, err = show.Show(draftTransaction(d, u, Client{}), d)
	return started, err
}

// ResendSetup sends another code for the caller's draft and invalidates the previous one. It
// returns ErrState, ErrMethod or ErrSend.
func (l Enroll) ResendSetup(ctx context.Context, cookie *PendingCookie, who *Principal, b Client) (Enrollment, error) {
	d, u, err := l.ownDraft(ctx, cookie, who)
	if errors.Is(err, ErrSetupToken) || errors.Is(err, ErrSetupExpired) {
		err = ErrState
	}
	if err != nil {
		return Enrollment{}, err
	}
	return l.sendAgain(ctx, d, u, b)
}

func (l Enroll) sendAgain(ctx context.Context, d storage.Draft, u storage.User, b Client) (Enrollment, error) {
	m := l.c.Methods[d.Method]
	if m == nil || m.Channel() == "" {
		return Enrollment{}, ErrMethod
	}
	return Enrollment{Method: d.Method, Destination: d.Destination}, l.sendDraft(ctx, d, u, m, b)
}

func (l Enroll) ownDraft(
	ctx context.Context, cookie *PendingCookie, who *Principal,
) (storage.Draft, storage.User, error) {
	a := actor{who: who}
	if who == nil {
		w, err := l.loadPending(ctx, cookie, nil)
		if err == nil && !w.State.Enrolls() {
			err = ErrState
		}
		if err != nil {
			return storage.Draft{}, storage.User{}, err
		}
		a.pending = &w
	}
	d, err := l.draft(ctx, a, "")
	return d, a.user(), err
}

// sendDraft sends a draft's code, within the budgets.
func (l Enroll) sendDraft(ctx context.Context, d storage.Draft, u storage.User, m factor.Method, b Client) error {
	if err := l.budgets.send(ctx, u, limit.Message{
		Class: limit.Claimed, Transaction: "draft:" + d.ID, Channel: m.Channel(), Destination: d.Destination,
	}, b); err != nil {
		return err
	}
	if err := m.Send(ctx, draftTransaction(d, u, b), d.Destination); err != nil {
		return l.SecondFactor.sendError(ctx, u, d.Method, err)
	}
	return l.tell(ctx, event.TFSecurityTokenSent{User: subject(u), Method: d.Method,
		Destination: send.Mask(d.Method, d.Destination), Context: l.at(b)})
}

// draft returns the actor's own draft, if it was created under the current credentials.
func (l Enroll) draft(ctx context.Context, a actor, state string) (storage.Draft, error) {
	return l.draftOf(ctx, a.owner(), a.user(), state)
}

func (l Enroll) draftOf(ctx context.Context, owner string, u storage.User, state string) (storage.Draft, error) {
	d, err := l.c.Drafts.Draft(ctx, owner)
	if errors.Is(err, storage.ErrNotFound) {
		return storage.Draft{}, ErrSetupToken
	}
	if err != nil {
		return storage.Draft{}, err
	}
	if state != "" && d.ID != hash(state) || d.UserID != u.ID || d.CredentialVersion != u.CredentialVersion {
		return storage.Draft{}, ErrSetupToken
	}
	if !l.c.Now().Before(d.ExpiresAt) {
		return storage.Draft{}, ErrSetupExpired
	}
	return d, nil
}
