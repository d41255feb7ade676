package security_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/testkit"
)

func auditOf(p *person) event.AuditFilter { return event.AuditFilter{User: p.ID} }

// programDir is the folder of the built program. The first test that needs the program builds it,
// and TestMain removes the folder.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "twofold-security-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "twofold")
	out, err := exec.Command("go", "build", "-o", file, "../../cmd/twofold").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return file, nil
})

// TestMain removes the program after all tests.
func TestMain(main *testing.M) {
	debug.SetGCPercent(400) // hashing leaves much behind
	code := main.Run()
	if built.file != "" {
		_ = os.RemoveAll(filepath.Dir(built.file))
	}
	os.Exit(code)
}

var built struct {
	sync.Mutex
	file string
}

// command prepares the program with these settings only.
func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	built.Lock()
	built.file = file
	built.Unlock()
	c := exec.Command(file, args...)
	c.Dir, c.Env = t.TempDir(), append([]string{"HOME=/nonexistent", "TWOFOLD_LOG_LEVEL=debug"}, env...)
	return c
}

// running is a running program.
type running struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	log    *testkit.Buffer
	client *http.Client
}

func runProgram(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	p := &running{t: t, cmd: command(t, env, args...), log: &testkit.Buffer{}, client: &http.Client{
		Jar: jar, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, done := make(chan string, 1), make(chan struct{})
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-done; _ = p.cmd.Wait() })
	go func() {
		defer close(done)
		address := regexp.MustCompile(`msg"?[=:]"?serving.*address"?[=:]"?(127\.0\.0\.1:\d+)`)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			fmt.Fprintln(p.log, lines.Text())
			if found := address.FindStringSubmatch(lines.Text()); found != nil {
				ready <- found[1]
			}
		}
	}()
	select {
	case address := <-ready:
		p.url = "http://" + address
	case <-done:
		t.Fatal("the program ended: ", p.log.String())
	case <-time.After(30 * time.Second):
		t.Fatal("the program does not serve: ", p.log.String())
	}
	return p
}

func (p *running) request(ctx context.Context, method, path, body string) *http.Request {
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Accept", testkit.TypeJSON)
	if body != "" {
		r.Header.Set("Content-Type", testkit.TypeJSON)
	}
	return r
}

func (p *running) do(want int, method, path, body string) string {
	p.t.Helper()
	resp, err := p.client.Do(p.request(p.t.Context(), method, path, body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	if want != 0 && resp.StatusCode != want {
		p.t.Fatalf("%s %s: %d, want %d: %s", method, path, resp.StatusCode, want, raw)
	}
	return string(raw)
}

// stranger sends a request without cookies and returns its status, or 0 if there is no answer.
func (p *running) stranger(ctx context.Context, method, path, body string) int {
	resp, err := (&http.Client{Timeout: 60 * time.Second}).Do(p.request(ctx, method, path, body))
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// memory returns the peak memory of the process in KiB, or 0 if it is unknown.
func (p *running) memory() int {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	found := peak.FindSubmatch(raw)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n
}

// TestR137_UnsafeSettingsDoNotStart checks that the error gives the reason but not the key. No
// setting makes a cookie insecure, and there are no debug pages.
func TestR137_UnsafeSettingsDoNotStart(t *testing.T) {
	t.Parallel()
	const good, spare = "q8Rk2-vT0xN5sYb7LwHc3UdJ9fZaMgEo4PiKtQ1r_uA", "w7Xn4-bV9yK1pLs3QdRf5TgJ8hZcMeUo2AiNtB6r_kE"
	origin, file := "TWOFOLD_ORIGIN=https://login.example.org", filepath.Join(t.TempDir(), "bad.key")
	if err := os.WriteFile(file, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  []string
		says string
		args []string
	}{
		"no key":    {[]string{origin}, "SECRET_KEY", nil},
		"short key": {[]string{origin, "SECRET_KEY=" + good[:31]}, "SECRET_KEY", nil},
		"known key": {[]string{origin, "SECRET_KEY=" + firstKey}, "SECRET_KEY", nil},
		"default key": {[]string{origin, "SECRET_KEY=changeme-changeme-changeme-changeme-changeme"}, "SECRET_KEY",
			nil},
		"monotonous key":   {[]string{origin, "SECRET_KEY=" + strings.Repeat("ab", 30)}, "SECRET_KEY", nil},
		"short key file":   {[]string{origin, "TWOFOLD_KEY_FILE=" + file}, "32 random bytes", nil},
		"missing key file": {[]string{origin, "TWOFOLD_KEY_FILE=" + file + ".none"}, "TWOFOLD_KEY_FILE", nil},
		"two keys": {[]string{origin, "SECRET_KEY=" + good, "TWOFOLD_KEY_FILE=" + file}, "TWOFOLD_KEY_FILE",
			nil},
		"key as salt": {[]string{origin, "SECRET_KEY=" + good, "SECURITY_PASSWORD_SALT=" + good}, "SECRET_KEY",
			nil},
		"key as fallback": {[]string{origin, "SECRET_KEY=" + good, "SECRET_KEY_FALLBACKS=" + good},
			"SECRET_KEY_FALLBACKS", nil},
		"short fallback": {[]string{origin, "SECRET_KEY=" + good, "SECRET_KEY_FALLBACKS=" + spare[:20]},
			"SECRET_KEY_FALLBACKS", nil},
		"key for secrets": {[]string{origin, "SECRET_KEY=" + good, `SECURITY_TOTP_SECRETS={"1":"` + good + `"}`},
			"SECURITY_TOTP_SECRETS", nil},
		"short for secrets": {[]string{origin, "SECRET_KEY=" + good,
			`SECURITY_TOTP_SECRETS={"1":"` + spare[:20] + `"}`}, "SECURITY_TOTP_SECRETS", nil},
		"no origin": {[]string{"SECRET_KEY=" + good}, "TWOFOLD_ORIGIN", nil},
		"http": {[]string{"TWOFOLD_ORIGIN=http://login.example.org", "SECRET_KEY=" + good},
			"TWOFOLD_ORIGIN", nil},
		"in memory": {[]string{origin, "SECRET_KEY=" + good, "SQLALCHEMY_DATABASE_URI=sqlite:///:memory:"},
			"SQLALCHEMY_DATABASE_URI", nil},
		"dev for all":       {nil, "TWOFOLD_LISTEN", []string{"--dev", "--listen", "0.0.0.0:0"}},
		"dev of a site":     {[]string{origin}, "TWOFOLD_ORIGIN", []string{"--dev"}},
		"a key as argument": {[]string{origin}, "unknown flag", []string{"--secret-key=" + good}},
	} {
		args := append([]string{"serve", "--listen", "127.0.0.1:0"}, c.args...)
		cmd := command(t, c.env, args...)
		late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
		out, err := cmd.CombinedOutput()
		late.Stop()
		if cmd.ProcessState.ExitCode() <= 0 || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: %v, exit code %d: %s", name, err, cmd.ProcessState.ExitCode(), out)
		}
		for _, key := range []string{good, spare[:20], good[:31], firstKey, "changeme-changeme",
			strings.Repeat("ab", 30)} {
			if strings.Contains(string(out), key) && !(name == "a key as argument" && key != good) {
				t.Errorf("%s: the message holds the key: %s", name, out)
			}
		}
	}
	for _, key := range []twofold.Key{twofold.KeyText(), twofold.KeyText(""), twofold.KeyText("short"),
		twofold.KeyText(good[:31]), twofold.KeyFile(file)} {
		if _, err := twofold.New(twofold.Config{Origin: "https://good.test", Key: key,
			Store: newWorldStore(t)}); err == nil || strings.Contains(err.Error(), good[:31]) {
			t.Errorf("a bad key is taken, or said: %v", err)
		}
	}
	p := runProgram(t, []string{origin, "SECRET_KEY=" + good, "DEBUG=True", "SQLALCHEMY_ECHO=True"}, "serve",
		"--listen", "127.0.0.1:0")
	for _, path := range []string{"/debug/vars", "/debug/pprof/", "/dev/outbox", "/metrics", "/config", "/env"} {
		r := p.request(t.Context(), "GET", path, "")
		r.Host = "login.example.org"
		resp, err := p.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != 404 || bytes.Contains(raw, []byte(good)) {
			t.Errorf("%s answers %d", path, resp.StatusCode)
		}
	}
	if strings.Contains(p.log.String(), good) {
		t.Error("the log holds the key")
	}
}

// rowsOf returns the person's audit rows since the given one.
func (w *world) trail(after int64) []event.AuditEntry {
	w.T.Helper()
	rows, err := w.Nodes[0].Auth.Audit().List(w.T.Context(), event.AuditFilter{After: after})
	w.Must(err)
	return rows
}

// TestR139_EveryEventIsOneRow checks that a row has time, person, address, user agent, request,
// method, result and reason.
func TestR139_EveryEventIsOneRow(t *testing.T) {
	ctx := t.Context()
	w := newWorld(t, func(c *twofold.Config) {
		open(c)
		c.Advanced.Limits.FirstFailures, c.Advanced.Limits.SecondFailures = 5, 5
	})
	auth := w.Nodes[0].Auth
	var last int64
	seen := map[string]bool{}
	// one runs a step and checks that it writes these rows: name/method/result/reason.
	one := func(p *person, step func(), want ...string) {
		t.Helper()
		step()
		var got []string
		for _, e := range w.trail(last) {
			last = e.Row
			got = append(got, fmt.Sprintf("%s/%s/%s/%s", e.Event, e.Method, e.Result, e.Reason))
			seen[e.Event] = true
			operator := e.Event == "account-changed"
			if !e.At.Equal(w.Now().UTC().Truncate(time.Microsecond)) || e.At.Location() != time.UTC ||
				p != nil && e.User != p.ID {
				t.Errorf("%s: at %v of %q", got[len(got)-1], e.At, e.User)
			}
			if !operator && (e.Address != "127.0.0.1" || e.Agent != "Firefox/130" || len(e.Request) != 26) {
				t.Errorf("%s: address %q, agent %q, request %q", got[len(got)-1], e.Address, e.Agent, e.Request)
			}
			if slices.Contains([]string{"user-authenticated", "user-reauthenticated", "user-logged-out"}, e.Event) &&
				len(e.Session) != 26 {
				t.Errorf("%s: session %q", got[len(got)-1], e.Session)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("rows %q, want %q", got, want)
		}
	}
	fox := func(b *browser) *browser { b.Header["User-Agent"] = "Firefox/130"; return b }
	a := w.person("alice")
	one(a, func() {}, "account-changed//ok/created")
	b := fox(w.browser())
	one(a, func() { b.login(a).Want(200) }, "user-authenticated/password/ok/")
	r := b.Post("/tf-setup", m{"setup": "authenticator"}).Want(200)
	a.App = testkit.ReadApp(w.T, r.Text("tf_authr_b32key"))
	one(a, func() { b.Post("/tf-setup/"+r.Text("tf_state_token"), m{"code": a.Code(0)}).Want(200) },
		"tf-profile-changed/authenticator/ok/")
	one(a, func() { b.Form("/logout") }, "user-logged-out//ok/")
	b = fox(w.browser())
	one(nil, func() { b.Post("/login", m{"email": secret, "password": "wrong password"}).Want(400) },
		"user-failed-authn/password/refused/unknown identity")
	one(a, func() { b.Post("/login", m{"email": a.Email, "password": "wrong password"}).Want(400) },
		"user-failed-authn/password/refused/")
	one(a, func() { b.login(a, m{"remember": true}).Want(200) }, "first-factor-proven/password/ok/")
	one(a, func() { b.validate(a.Wrong()).Want(400) }, "user-failed-authn/authenticator/refused/")
	code := a.Next()
	one(a, func() { b.validate(code).Want(200) }, "user-authenticated/authenticator/ok/", "device-trusted//ok/")
	replay := fox(w.plantPending(a))
	one(a, func() { replay.validate(code).Want(400) }, "user-failed-authn/authenticator/refused/replayed")
	one(a, func() { b.Post("/verify", m{"password": secret}).Want(200) }, "first-factor-proven/password/ok/")
	one(a, func() { b.validate(a.Next()).Want(200) }, "user-reauthenticated/authenticator/ok/")
	device := fox(b.copy().only("tf_validity"))
	stale := fox(device.copy())
	one(a, func() { device.login(a).Want(200) }, "user-authenticated/password/ok/trusted device")
	w.Advance(time.Minute)
	one(a, func() { stale.login(a).Want(200) }, "device-copied//refused/retired secret",
		"first-factor-proven/password/ok/")
	one(a, func() { stale.Post("/tf-rescue", m{"help_setup": "email"}).Want(200) }, "tf-security-token-sent/email/ok/",
		"tf-rescue-requested/email/ok/")
	one(a, func() { stale.validate(a.Mailed()).Want(200) }, "user-authenticated/rescue/ok/")
	one(a, func() { fox(w.plantPending(a)).Post("/tf-rescue", m{"help_setup": "help"}).Want(200) },
		"tf-rescue-requested/help/ok/")
	one(a, func() { fox(w.browser()).Form("/tf-not-me/" + a.newestStop()).Want(200) }, "user-disowned//ok/")
	b = fox(w.plantSession(a))
	one(a, func() { b.Post("/tf-setup", m{"setup": "disable"}).Want(200) }, "tf-disabled//ok/")
	one(a, func() { b.Post("/tf-setup", m{"setup": "sms", "phone": "+16505551212"}).Want(200) },
		"tf-security-token-sent/sms/ok/")
	a.enrollApp()
	w.Advance(16 * time.Minute) // the pause of the wrong codes above
	one(nil, func() {
		last = w.trail(0)[len(w.trail(0))-1].Row
		for range 5 {
			fox(w.plantPending(a)).validate(a.Wrong()).Want(400)
		}
		fox(w.plantPending(a)).validate(a.Code(0)).Want(429)
		fox(w.plantPending(a)).validate(a.Code(0)).Want(429)
	}, append(slices.Repeat([]string{"user-failed-authn/authenticator/refused/"}, 5),
		"tf-paused//refused/too many wrong codes")...)
	one(nil, func() {
		for range 5 {
			fox(w.browser()).Post("/login", m{"email": "nobody@good.test", "password": "wrong password"}).Want(400)
		}
		fox(w.browser()).Post("/login", m{"email": "nobody@good.test", "password": "wrong password"}).Want(429)
	}, append(slices.Repeat([]string{"user-failed-authn/password/refused/unknown identity"}, 5),
		"user-paused//refused/too many wrong passwords")...)
	one(nil, func() {
		fox(w.browser()).Post("/register",
			m{"email": "new@good.test", "password": secret, "password_confirm": secret}).Want(200)
	}, "user-registered//ok/", "user-authenticated/register/ok/")
	one(nil, func() {
		fox(w.browser()).Post("/register",
			m{"email": "new@good.test", "password": secret, "password_confirm": secret}).Want(200)
	}, "user-not-registered//refused/identity is taken")
	for what, act := range map[string]func() error{
		"password_changed": func() error { return auth.SetPassword(ctx, a.ID, "another horse 72 battery") },
		"deactivated":      func() error { return auth.SetActive(ctx, a.ID, false) },
		"activated":        func() error { return auth.SetActive(ctx, a.ID, true) },
		"roles_changed":    func() error { return auth.SetRoles(ctx, a.ID, "admin") },
		"identity_changed": func() error { return auth.SetIdentity(ctx, a.ID, "alice2@good.test", "") },
		"access_reset":     func() error { return auth.ResetAccess(ctx, a.ID) },
	} {
		one(a, func() { w.Must(act()) }, "account-changed//ok/"+what)
	}
	for _, e := range w.Events.All() {
		if _, recorded := event.EntryOf(e); recorded && !seen[e.Name()] {
			t.Errorf("%s was never looked at", e.Name())
		}
	}
	if report, err := auth.Audit().Verify(ctx, ""); err != nil || len(report.Problems) > 0 {
		t.Errorf("the trail: %+v, %v", report, err)
	}
	raw, err := json.Marshal(w.trail(0))
	w.Must(err)
	for value, what := range w.known() {
		if strings.Contains(string(raw), value) && len(value) > 6 {
			t.Errorf("the trail holds a %s", what)
		}
	}
}

func newWorldStore(t *testing.T) storage.Store {
	t.Helper()
	db, err := testkit.NewDatabase(t).Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
