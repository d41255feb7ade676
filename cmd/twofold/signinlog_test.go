package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/event"
	"github.com/twofold-auth/twofold/internal/auth"
)

// records returns the lines of the log with a message.
func (s *server) records(msg string) (out []map[string]any) {
	for line := range strings.SplitSeq(s.text(), "\n") {
		record := map[string]any{}
		if json.Unmarshal([]byte(line), &record) == nil && record["msg"] == msg {
			out = append(out, record)
		}
	}
	return out
}

// awaited waits until there are enough records with a message and returns them.
func (s *server) awaited(msg string, n int) []map[string]any {
	s.t.Helper()
	for range 3000 {
		if list := s.records(msg); len(list) >= n {
			return list
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.t.Fatalf("the log does not say %q %d times: %s", msg, n, s.text())
	return nil
}

func TestTheLogRecordsTheOutcomeOfSignIns(t *testing.T) {
	t.Parallel()
	s := start(t, nil, "--dev")
	s.want(400, "POST", "/login", `{"email": "test@me.com", "password": "not the password"}`)
	s.want(400, "POST", "/login", `{"email": "nobody@me.com", "password": "not the password"}`)
	s.want(200, "POST", "/login", `{"email": "test@me.com", "password": "password"}`)
	refused := s.awaited("sign-in refused", 2)
	accepted := s.awaited("sign-in accepted", 1)[0]
	if r := refused[0]; r["level"] != "WARN" || r["method"] != "password" || r["client"] != "127.0.0.1" ||
		r["user"] != accepted["user"] || r["user"] == "" {
		t.Errorf("refused: %v", r)
	}
	if r := refused[1]; r["user"] != nil {
		t.Errorf("the log names an account for an unknown identity: %v", r)
	}
	if accepted["method"] != "password" || accepted["level"] != "INFO" {
		t.Errorf("accepted: %v", accepted)
	}
	requests := map[any]bool{}
	for _, r := range s.awaited("request", 3) {
		requests[r["request"]] = true
	}
	for _, r := range append(refused, accepted) {
		if id := r["request"]; id == "" || !requests[id] {
			t.Errorf("%v belongs to no request in the log", r)
		}
	}
	for _, hidden := range []string{"not the password", `"password":"password"`, "nobody@me.com"} {
		if strings.Contains(s.text(), hidden) {
			t.Errorf("the log contains %q", hidden)
		}
	}
}

func TestFail2banFindsTheAddressesOfRefusedClients(t *testing.T) {
	t.Parallel()
	filter, err := os.ReadFile("../../examples/fail2ban/twofold.conf")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^failregex = (.+)$`).FindSubmatch(filter)
	if found == nil {
		t.Fatal("the filter has no failregex")
	}
	fails := regexp.MustCompile(strings.ReplaceAll(string(found[1]), "<HOST>", `(?P<host>[0-9a-fA-F.:]+)`))
	var log bytes.Buffer
	tell := auth.LogSignIns((&settings{LogLevel: "info"}).logger(process{err: &log}))
	at := event.Context{Address: "203.0.113.7", Request: "R1"}
	for e, want := range map[event.Event]string{
		event.UserFailedAuthn{AuthType: "password",
			Context: at}: "203.0.113.7",
		event.UserFailedAuthn{AuthType: "code", SecondFactor: true, Method: "sms",
			Context: at}: "203.0.113.7",
		event.UserPaused{User: event.Subject{ID: "U"},
			Context: at}: "203.0.113.7",
		event.PasskeyRefused{Reason: `" level=WARN msg="sign-in refused" client=198.51.100.1 `,
			Context: at}: "203.0.113.7",
		event.UserLoggedOut{Context: at}:       "",
		event.TFSecurityTokenSent{Context: at}: "",
	} {
		log.Reset()
		tell(t.Context(), e)
		got := ""
		if m := fails.FindStringSubmatch(log.String()); m != nil {
			got = m[1]
		}
		if got != want {
			t.Errorf("%T: the filter finds %q in %q, want %q", e, got, log.String(), want)
		}
	}
	if slog.LevelWarn.String() != "WARN" {
		t.Error("the log writes levels differently than the filter expects")
	}
}

func TestProblemsForTheOperatorAreLogged(t *testing.T) {
	t.Parallel()
	s := start(t, []string{"TWOFOLD_ORIGIN=https://login.example.org", "SECRET_KEY=" + goodKey})
	get := func(host, forwarded string) (*http.Response, string) {
		r, err := http.NewRequest("GET", s.url+"/login", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		if forwarded != "" {
			r.Header.Set("X-Forwarded-For", forwarded)
		}
		res, err := s.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var body bytes.Buffer
		if _, err := body.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		return res, body.String()
	}
	res, body := get("other.example.org", "")
	id := res.Header.Get("X-Request-Id")
	if res.StatusCode != http.StatusMisdirectedRequest || id == "" || !strings.Contains(body, id) {
		t.Errorf("status %d, request %q, %.900s", res.StatusCode, id, body)
	}
	if strings.Contains(body, "answers for") {
		t.Error("the page tells a stranger which host the server answers for")
	}
	get("other.example.org", "")
	if list := s.awaited("a request was made for another host (told once a minute)", 1); len(list) != 1 ||
		list[0]["got"] != "other.example.org" || list[0]["expected"] != "login.example.org" {
		t.Errorf("the log says %v", list)
	}
	for range 3 {
		if res, _ := get("login.example.org", "203.0.113.7"); res.StatusCode != http.StatusOK {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	if list := s.awaited("X-Forwarded-For came from an address that is not a trusted proxy and was not believed "+
		"(told once a day)", 1); len(list) != 1 || list[0]["address"] != "127.0.0.1" {
		t.Errorf("the log says %v", list)
	}
}

func TestHealthcheckAsksTheServerOnThisMachine(t *testing.T) {
	t.Parallel()
	s := start(t, nil, "--dev")
	binary, err := buildOnce()
	if err != nil {
		t.Fatal(err)
	}
	check := func() (string, error) {
		_, port, _ := strings.Cut(strings.TrimPrefix(s.url, "http://"), ":")
		cmd := exec.Command(binary, "healthcheck")
		cmd.Env = []string{"TWOFOLD_LISTEN=:" + port, "HTTP_PROXY=http://127.0.0.1:1"} // no key, no origin
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := check(); err != nil || out != "ready\n" {
		t.Errorf("%v: %q", err, out)
	}
	s.stop()
	if out, err := check(); err == nil || !strings.Contains(out, "no answer") {
		t.Errorf("after the server stopped: %v: %q", err, out)
	}
}

func TestThePrintedUnitIsTheExample(t *testing.T) {
	example, err := os.ReadFile("../../examples/systemd/twofold.service")
	if err != nil || unit != string(example) {
		t.Errorf("cmd/twofold/twofold.service and examples/systemd/twofold.service differ (%v)", err)
	}
}
