package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/internal/storetest"
	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/internal/testkit"
	"github.com/twofold-auth/twofold/send/sendtest"
	"github.com/twofold-auth/twofold/store/postgres"
	"github.com/twofold-auth/twofold/store/redis"
)

const key = "q8Rk2-vT0xN5sYb7LwHc3UdJ9fZaMgEo4PiKtQ1r_uA"

// cluster is three nodes with their shared databases and nginx in front.
type cluster struct {
	t       *testing.T
	program string
	env     []string
	nodes   []*servers.Server
	front   string // nginx
	db      storage.Store
	smtp    *sendtest.SMTPServer
	client  *http.Client

	mu    sync.Mutex
	read  int               // mails looked at
	codes map[string]string // the newest by address
}

func start(t *testing.T) *cluster {
	t.Helper()
	nginx := servers.Find(t, "nginx")
	pg, rd := servers.PostgresTables(t), servers.Redis(t)
	c := &cluster{t: t, smtp: sendtest.SMTP(t), codes: map[string]string{}, program: build(t)}
	c.client = testkit.NewClient(t, &http.Transport{MaxIdleConnsPerHost: 64})
	durable, err := postgres.Open(t.Context(), pg)
	c.must(err)
	volatile, err := redis.Open(t.Context(), rd)
	c.must(err)
	c.db = storage.Join(durable, volatile)
	t.Cleanup(func() { _ = c.db.Close() })
	port := servers.FreePort(t)
	c.front = fmt.Sprintf("http://127.0.0.1:%d", port)
	c.env = []string{
		"TWOFOLD_ORIGIN=" + c.front, "TWOFOLD_TRUSTED_PROXIES=127.0.0.1", "SECRET_KEY=" + key,
		"SECURITY_MULTI_FACTOR_RECOVERY_CODES=true",
		"DATABASE_URL=" + pg, "TWOFOLD_REDIS_URL=" + rd, "MAIL_SERVER=127.0.0.1",
		"MAIL_PORT=" + strconv.Itoa(c.smtp.Port),
		"MAIL_DEFAULT_SENDER=no-reply@good.test", "SECURITY_TWO_FACTOR_SENDS_ADDRESS=1000000",
		"SECURITY_TWO_FACTOR_SENDS_SHORT=1000",
		"SECURITY_TWO_FACTOR_SENDS_DAY=1000", "SECURITY_TWO_FACTOR_SENDS_HOUR=1000000",
		"SECURITY_LOGIN_ADDRESS_FAILURES=1000000",
		"SECURITY_TWO_FACTOR_SETUPS_HOUR=1000", "SECURITY_TWO_FACTOR_FAILURE_WINDOW=1 minute",
	}
	var upstream strings.Builder
	for range 3 {
		at := servers.FreePort(t)
		dir := t.TempDir()
		command := append([]string{"/usr/bin/env", "-i"}, c.env...)
		command = append(command, c.program, "serve", "--listen", fmt.Sprintf("127.0.0.1:%d", at))
		c.nodes = append(c.nodes, servers.New(t, dir, "KILL", at, command...))
		fmt.Fprintf(&upstream, "server 127.0.0.1:%d max_fails=0;\n", at)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	c.must(os.WriteFile(file,
		[]byte(strings.NewReplacer("DIR", dir, "PORT", strconv.Itoa(port), "UPSTREAM",
			upstream.String()).Replace(front)), 0o600))
	servers.New(t, dir, "QUIT", port, nginx, "-p", dir, "-c", file, "-e", filepath.Join(dir, "error.log"))
	return c
}

const front = `daemon off; master_process off; pid DIR/nginx.pid; error_log DIR/error.log;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/fastcgi; uwsgi_temp_path DIR/uwsgi; scgi_temp_path DIR/scgi;
	upstream twofold { UPSTREAM keepalive 32; }
	server {
		listen 127.0.0.1:PORT;
		location / {
			proxy_pass http://twofold;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $http_host;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_next_upstream error timeout;
		}
	}
}
`

func build(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "twofold")
	if out, err := exec.Command("go", "build", "-o", file, "../../cmd/twofold").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

func (c *cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// number returns a setting of the test run. By default, it is small in a short run and large in a
// thorough one.
func number(t *testing.T, name string, few, many int) int {
	t.Helper()
	if v := os.Getenv(name); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if storetest.Thorough() {
		return many
	}
	return few
}

// person is an account, with a mailed second factor if mailed is set.
func (c *cluster) person(name string, mailed bool) storage.User {
	c.t.Helper()
	now, email := time.Now(), name+"@good.test"
	u := storage.User{ID: storage.NewID(), Email: email, EmailKey: email, ProvenKey: email,
		PasswordHash: testkit.PasswordHash, Active: true, CredentialVersion: storage.NewID(), CreatedAt: now,
		UpdatedAt: now, ConfirmedAt: now}
	c.must(c.db.CreateUser(c.t.Context(), u))
	if mailed {
		f := storage.Factor{ID: storage.NewID(), UserID: u.ID, Method: storage.Email, Destination: email, Primary: true,
			CreatedAt: now}
		c.must(c.db.ChangeFactors(c.t.Context(),
			storage.FactorChange{UserID: u.ID, From: u.CredentialVersion, To: storage.NewID(), Add: &f, Now: now}))
	}
	return u
}

// code returns the newest code mailed to an address, but not the previous one.
func (c *cluster) code(address, before string) string {
	for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(2 * time.Millisecond) {
		c.mu.Lock()
		mails := c.smtp.Mails()
		for ; c.read < len(mails); c.read++ {
			m := mails[c.read]
			if found := testkit.Code(m.Text); found != "" && len(m.To) == 1 {
				c.codes[m.To[0]] = found
			}
		}
		code := c.codes[address]
		c.mu.Unlock()
		if code != "" && code != before {
			return code
		}
	}
	return ""
}

// browser is a browser in front of nginx. A killed node may take an answer with it.
type browser struct{ *testkit.Browser }

func (c *cluster) browser() *browser {
	b := testkit.NewBrowser(c.t, c.client, c.front)
	b.Bare, b.Lost = true, true
	return &browser{b}
}

// send posts JSON, and leaves the cookies as they are.
func (b *browser) send(path string, body map[string]any) *testkit.Answer {
	raw, err := json.Marshal(body)
	if err != nil {
		b.T.Error(err)
	}
	return b.Send(http.MethodPost, path, testkit.TypeJSON, string(raw), "Accept", testkit.TypeJSON)
}

// login sends the first factor to nginx, or to a node if at is its address.
func (b *browser) login(at string, u storage.User) *testkit.Answer {
	return b.Post(at+"/login", map[string]any{"email": u.Email, "password": testkit.Password})
}

// sessions returns the number of a user's active sessions.
func (c *cluster) sessions(u storage.User) int {
	list, err := c.db.SessionsOf(context.WithoutCancel(c.t.Context()), u.ID, time.Now())
	if err != nil {
		c.t.Error(err)
	}
	return len(list)
}
