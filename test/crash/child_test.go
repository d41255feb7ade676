package crash_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/background"
	"github.com/twofold-auth/twofold/internal/factor/passkey"
	"github.com/twofold-auth/twofold/internal/factor/recovery"
	"github.com/twofold-auth/twofold/internal/factor/totp"
	"github.com/twofold-auth/twofold/internal/seal"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/internal/transfer"
	"github.com/twofold-auth/twofold/internal/transfer/engine"
	"github.com/twofold-auth/twofold/internal/transfer/sealed"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/redis"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// role is the environment variable that makes this program a child.
const role = "TWOFOLD_CRASH_CHILD"

// place is the storage of a site.
type place struct {
	File, Postgres, Redis string
	Origin                string
	Mails                 string // a file
	Offset                time.Duration
	// The following fields are off in most flows; see waysIn.
	Unified, ByLink              bool
	Corp, ClientID, ClientSecret string // another site
}

func TestMain(m *testing.M) {
	if at := os.Getenv(role); at != "" {
		if err := child(at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // flows mostly wait: a repeated request waits for the first one's answer
	os.Exit(m.Run())
}

// open opens the store. If d is set, it counts the calls.
func (p place) open(d *doom) (storage.Store, error) {
	if p.Postgres == "" {
		db, err := sqlite.Open(context.Background(), p.File)
		if err != nil || d == nil {
			return db, err
		}
		return alone{durable{db, d}, volatile{db, d}, db, db}, nil
	}
	db, err := postgres.Open(context.Background(), p.Postgres)
	if err != nil {
		return nil, err
	}
	if p.Redis == "" {
		if d == nil {
			return db, nil
		}
		return shared{durable{db, d}, volatile{db, d}, db, db}, nil
	}
	rd, err := redis.Open(context.Background(), p.Redis)
	if err != nil {
		return nil, err
	}
	if d == nil {
		return storage.Join(db, rd), nil
	}
	return storage.Join(joint{durable{db, d}, db}, fleeting{volatile{rd, d}, rd, rd}), nil
}

// config returns the configuration of the site, with all features enabled.
func (p place) config(db storage.Store, now func() time.Time) (twofold.Config, error) {
	limits := twofold.Limits{
		SecondFailures: 10, SendGap: time.Nanosecond, SendShort: 1000, SendDay: 1000,
		SendHour: 1_000_000, SendAddress: 1_000_000,
		AddressFailures: 1_000_000, RegisterHour: 100_000, SetupHour: 10_000,
		FirstFailures: 100, RescueHour: 1000, RescueDay: 1000,
		LinkHour: 1000, LinkAddress: 1_000_000, LinkDay: 1000,
	}
	c := twofold.Config{
		Origin: p.Origin, Key: twofold.KeyText(testkit.Key), Store: db,
		Pages: twofold.Pages{Site: "good", AccountPage: true}, Advanced: twofold.Advanced{Limits: limits, Now: now},
		TwoFactor: twofold.TwoFactor{
			EnabledMethods: []string{storage.Authenticator, storage.SMS, storage.Email},
			LoginValidity:  30 * 24 * time.Hour,
			RescueEmail:    true, HelpAddress: "help@good.test", Recovery: true,
			RecoveryCodes: &twofold.RecoveryCodes{},
		},
		Accounts: twofold.Accounts{
			Confirmable: true, Recoverable: true, Changeable: true, ChangeEmail: true,
			ChangeUsername: true, Deletable: true,
			Registerable: true, Usernames: true,
		},
		Tokens:   twofold.Tokens{Refresh: true, RefreshInBody: true, Scopes: []string{"read", "write"}},
		Passkeys: &twofold.Passkeys{FirstFactor: true, MultiFactor: true},
		Sessions: twofold.Sessions{NoNewBrowserMail: true},
		Mail:     file(p.Mails), SMS: file(p.Mails), Log: slog.New(slog.DiscardHandler),
	}
	return c, p.adds(&c)
}

// file is a provider that appends messages to a file, so that sent messages survive a crash.
type file string

// Send implements send.Sender.
func (f file) Send(_ context.Context, m send.Message) error {
	line, err := json.Marshal(letter{m.To, m.Kind, m.Text})
	if err != nil {
		return err
	}
	out, err := os.OpenFile(string(f), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = out.Write(append(line, '\n'))
	return err
}

// mail is a message in the file.
type letter struct{ To, Kind, Text string }

// child serves the site until it is killed.
func child(at string) error {
	var p place
	if err := json.Unmarshal([]byte(at), &p); err != nil {
		return err
	}
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	d := &doom{}
	db, err := p.open(d)
	if err != nil {
		return err
	}
	var offset atomic.Int64
	offset.Store(int64(p.Offset))
	now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	c, err := p.config(db, now)
	if err != nil {
		return err
	}
	auth, err := twofold.New(c)
	if err != nil {
		return err
	}
	background.Start(auth) // until this process is killed
	mux := http.NewServeMux()
	auth.Mount(mux)
	mux.Handle("/app/user", auth.RequireUser(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := twofold.UserOf(r)
		fmt.Fprintf(w, "signed in as %s level %d", u.Email, u.Level)
	})))
	mux.HandleFunc("/import", func(w http.ResponseWriter, r *http.Request) {
		if err := p.bring(r, db, now); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	return http.Serve(l, d.mark(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at, err := strconv.ParseInt(r.Header.Get("X-Crash-Clock"), 10, 64); err == nil && at > offset.Load() {
			offset.Store(at)
		}
		mux.ServeHTTP(w, r)
	})))
}

// bring imports the accounts in a request.
func (p place) bring(r *http.Request, db storage.Store, now func() time.Time) error {
	keys, err := seal.NewKeys(testkit.Key)
	if err != nil {
		return err
	}
	ring, err := seal.NewRingOf(testkit.Key)
	if err != nil {
		return err
	}
	hasher, err := password.New(password.Config{})
	if err != nil {
		return err
	}
	apps, err := totp.New(totp.Config{Factors: db, Ring: ring, Issuer: "good", Now: now})
	if err != nil {
		return err
	}
	passkeys, err := passkey.New(passkey.Config{Factors: db, Ring: ring, Origin: p.Origin, Now: now})
	if err != nil {
		return err
	}
	codes, err := recovery.New(recovery.Config{Number: 10, Codes: db, Keys: keys, Ring: ring, Now: now})
	if err != nil {
		return err
	}
	e, err := engine.New(engine.Config{Store: db, Keys: keys, Hasher: hasher, Apps: apps,
		Passkeys: passkeys, Codes: codes, Scratch: sealed.NewScratch, SMS: true, Mail: true, Now: now})
	if err != nil {
		return err
	}
	from := transfer.NewFile(strings.NewReader(r.FormValue("file")))
	report, err := e.Import(r.Context(), from, engine.Options{RPID: "127.0.0.1"})
	if err == nil && report.Refused > 0 {
		err = fmt.Errorf("%d accounts were refused: %+v", report.Refused, report.Problems)
	}
	return err
}
