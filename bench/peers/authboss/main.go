// Command authboss is a site that signs in with authboss, for comparison with Twofold: see
// bench/README.md.
//
//	authboss -db FILE -seed USERS
//	authboss -db FILE -listen 127.0.0.1:8082
//
// Users are in SQLite. State of browsers is in signed cookies, as in authboss's example. Everything
// not set here has the default of authboss: passwords are hashed by bcrypt with cost 10.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/volatiletech/authboss/v3"
	_ "github.com/volatiletech/authboss/v3/auth"
	"github.com/volatiletech/authboss/v3/defaults"
	"github.com/volatiletech/authboss/v3/otp/twofactor/totp2fa"
	"golang.org/x/crypto/bcrypt"
	_ "modernc.org/sqlite"
)

func main() {
	file := flag.String("db", "authboss.db", "`file` of SQLite")
	users := flag.Int("seed", 0, "store so many `users` and end")
	listen := flag.String("listen", "127.0.0.1:8082", "`address` to serve")
	cost := flag.Int("cost", bcrypt.DefaultCost, "cost of bcrypt")
	flag.Parse()
	db, err := sql.Open("sqlite", "file:"+*file+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)")
	if err != nil {
		log.Fatal(err)
	}
	if *users > 0 {
		err = seed(db, *users, *cost)
	} else {
		err = serve(db, *listen)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// seed stores the users that bench/person.go defines.
func seed(db *sql.DB, users, cost int) error {
	_, err := db.Exec(`CREATE TABLE users (email TEXT PRIMARY KEY, password TEXT, totp TEXT, recovery TEXT)`)
	if err != nil {
		return err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte("correct horse battery staple"), cost)
	if err != nil {
		return err
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for i := range users {
		secret := sha256.Sum256(fmt.Appendf(nil, "bench/secret/%d", i))
		_, err := tx.Exec(`INSERT INTO users VALUES (?, ?, ?, '')`, fmt.Sprintf("user%07d@example.com", i),
			string(hash),
			base32.StdEncoding.EncodeToString(secret[:20]))
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

func serve(db *sql.DB, listen string) error {
	ab := authboss.New()
	ab.Config.Storage.Server = store{db}
	ab.Config.Storage.SessionState = cookies("session")
	ab.Config.Storage.CookieState = cookies("remember")
	ab.Config.Paths.Mount = "/auth"
	ab.Config.Paths.RootURL = "http://" + listen
	ab.Config.Core.ViewRenderer = defaults.JSONRenderer{}
	defaults.SetCore(&ab.Config, true, false)
	ab.Config.Core.Logger = defaults.NewLogger(io.Discard)
	ab.Config.Core.Redirector = &defaults.Redirector{Renderer: defaults.JSONRenderer{}, CorceRedirectTo200: true}
	ab.Config.Modules.TOTP2FAIssuer = "bench"
	if err := (&totp2fa.TOTP{Authboss: ab}).Setup(); err != nil {
		return err
	}
	if err := ab.Init(); err != nil {
		return err
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") })
	mux := http.NewServeMux()
	mux.Handle("/auth/", http.StripPrefix("/auth", ab.Config.Core.Router))
	mux.Handle("/bare", hello)
	mux.Handle("/guarded", authboss.Middleware2(ab, authboss.RequireNone, authboss.RespondUnauthorized)(hello))
	return http.ListenAndServe(listen, ab.LoadClientStateMiddleware(mux))
}

type user struct{ email, password, totp, recovery string }

func (u *user) GetPID() string            { return u.email }
func (u *user) PutPID(s string)           { u.email = s }
func (u *user) GetEmail() string          { return u.email }
func (u *user) PutEmail(s string)         { u.email = s }
func (u *user) GetPassword() string       { return u.password }
func (u *user) PutPassword(s string)      { u.password = s }
func (u *user) GetTOTPSecretKey() string  { return u.totp }
func (u *user) PutTOTPSecretKey(s string) { u.totp = s }
func (u *user) GetRecoveryCodes() string  { return u.recovery }
func (u *user) PutRecoveryCodes(s string) { u.recovery = s }

type store struct{ db *sql.DB }

func (s store) Load(ctx context.Context, key string) (authboss.User, error) {
	u := &user{}
	err := s.db.QueryRowContext(ctx, `SELECT email, password, totp, recovery FROM users WHERE email = ?`, key).
		Scan(&u.email, &u.password, &u.totp, &u.recovery)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, authboss.ErrUserNotFound
	}
	return u, err
}

func (s store) Save(ctx context.Context, of authboss.User) error {
	u := of.(*user)
	_, err := s.db.ExecContext(ctx, `UPDATE users SET password = ?, totp = ?, recovery = ? WHERE email = ?`, u.password,
		u.totp, u.recovery, u.email)
	return err
}

// cookies stores the state of browsers in a signed cookie with this name.
type cookies string

type state map[string]string

func (s state) Get(key string) (string, bool) { v, ok := s[key]; return v, ok }

func sign(text string) string {
	mac := hmac.New(sha256.New, []byte("bench: this key protects nothing at all, everybody can read it"))
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (c cookies) ReadState(r *http.Request) (authboss.ClientState, error) {
	s := state{}
	got, err := r.Cookie(string(c))
	if err != nil {
		return s, nil
	}
	text, sum, _ := strings.Cut(got.Value, ".")
	if !hmac.Equal([]byte(sum), []byte(sign(text))) {
		return s, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return s, nil
	}
	return s, json.Unmarshal(raw, &s)
}

func (c cookies) WriteState(w http.ResponseWriter, was authboss.ClientState, events []authboss.ClientStateEvent) error {
	s := state{}
	if old, ok := was.(state); ok {
		s = old
	}
	for _, e := range events {
		switch e.Kind {
		case authboss.ClientStateEventPut:
			s[e.Key] = e.Value
		case authboss.ClientStateEventDel:
			delete(s, e.Key)
		}
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	text := base64.RawURLEncoding.EncodeToString(raw)
	http.SetCookie(w, &http.Cookie{Name: string(c), Value: text + "." + sign(text), Path: "/", HttpOnly: true})
	return nil
}
