package howto_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/twofoldtest"
)

var tokens = twofold.Tokens{Refresh: true, RefreshInBody: true}

type client struct {
	origin  string
	pending string // Two-Factor-Pending: the sign-in that is under way
	token   string // Authentication-Token: signed in, for 15 minutes
	refresh string // exchanged for the next two; works once
}

func (c *client) post(path string, fields map[string]string) (map[string]any, error) {
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPost, c.origin+path+"?include_auth_token", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if c.pending != "" {
		r.Header.Set("Two-Factor-Pending", c.pending)
	}
	if c.token != "" {
		r.Header.Set("Authentication-Token", c.token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var answer struct{ Response map[string]any }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return answer.Response, fmt.Errorf("%s: %v", res.Status, answer.Response["errors"])
	}
	c.keep(answer.Response)
	return answer.Response, nil
}

func (c *client) keep(response map[string]any) {
	if pending, ok := response["tf_pending_token"].(string); ok {
		c.pending = pending
	}
	user, _ := response["user"].(map[string]any)
	if token, ok := user["authentication_token"].(string); ok {
		c.token, c.pending = token, ""
	}
	if refresh, ok := user["refresh_token"].(string); ok {
		c.refresh = refresh // store it before it is used
	}
}

func (c *client) signIn(email, password, code string) error {
	_, err := c.post("/login", map[string]string{"email": email, "password": password})
	if err == nil {
		_, err = c.post("/tf-validate", map[string]string{"code": code})
	}
	return err
}

func (c *client) exchange() error {
	c.token = ""
	_, err := c.post("/refresh-token", map[string]string{"refresh_token": c.refresh})
	return err
}

// status is what a page answers to the client's token.
func (c *client) status(t *testing.T, path string) int {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, c.origin+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authentication-Token", c.token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// nativeSite is a site, with a client of an account that has two factors.
func nativeSite(t *testing.T, email string) (*twofoldtest.Kit, *client) {
	t.Helper()
	k := twofoldtest.New(t, twofold.Config{Tokens: tokens})
	k.Serve(k.Auth.RequireTwoFactor(hello))
	k.LoginAs(email, 2)
	return k, &client{origin: k.URL}
}

func TestNativeClient(t *testing.T) {
	const email = "ada@example.org"
	k, c := nativeSite(t, email)
	if err := c.signIn(email, twofoldtest.Password, k.Code(email)); err != nil || c.token == "" || c.refresh == "" {
		t.Fatalf("%v: %+v", err, c)
	}
	if got := c.status(t, "/"); got != http.StatusOK {
		t.Errorf("with the token: %d", got)
	}
	k.Clock.Move(16 * time.Minute)
	if got := c.status(t, "/"); got != http.StatusUnauthorized {
		t.Errorf("with the old token: %d", got)
	}
	used := c.refresh
	if err := c.exchange(); err != nil || c.refresh == used {
		t.Fatalf("the exchange: %v", err)
	}
	if got := c.status(t, "/"); got != http.StatusOK {
		t.Errorf("with the new token: %d", got)
	}
	k.Clock.Move(time.Minute)
	thief := &client{origin: k.URL, refresh: used}
	if err := thief.exchange(); err == nil {
		t.Error("a refresh token works twice")
	}
	if got := c.status(t, "/"); got != http.StatusUnauthorized {
		t.Errorf("after that the family lives: %d", got)
	}
}

// TestNativeClientWithoutTheLastStep checks that there is no token before the last step.
func TestNativeClientWithoutTheLastStep(t *testing.T) {
	const email = "ada@example.org"
	k, c := nativeSite(t, email)
	if err := c.signIn(email, twofoldtest.Password, "000000"); err == nil || c.token != "" || c.pending == "" {
		t.Errorf("%v: %+v", err, c)
	}
	c.pending = ""
	_, err := c.post("/tf-validate", map[string]string{"code": k.Code(email)})
	if err == nil || !strings.HasPrefix(err.Error(), "400") {
		t.Errorf("the second step without the first one: %v", err)
	}
}
