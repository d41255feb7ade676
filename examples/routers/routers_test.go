package routers

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/gorilla/mux"
	"github.com/labstack/echo/v4"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// public is a page without a guard; private is behind one.
var (
	public = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, ok := twofold.UserOf(r); ok {
			_, _ = io.WriteString(w, "signed in as "+u.Email)
			return
		}
		_, _ = io.WriteString(w, "please sign in")
	})
	private = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, _ := twofold.UserOf(r)
		_, _ = io.WriteString(w, "only for "+u.Email)
	})
)

// ginGuard makes a guard middleware of gin.
func ginGuard(guard func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		passed := false
		guard(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			passed, c.Request = true, r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !passed {
			c.Abort()
		}
	}
}

func ginPublic(c *gin.Context) {
	if u, ok := twofold.UserOf(c.Request); ok {
		c.String(http.StatusOK, "signed in as "+u.Email)
		return
	}
	c.String(http.StatusOK, "please sign in")
}

func ginPrivate(c *gin.Context) {
	u, _ := twofold.UserOf(c.Request)
	c.String(http.StatusOK, "only for "+u.Email)
}

func echoPublic(c echo.Context) error {
	if u, ok := twofold.UserOf(c.Request()); ok {
		return c.String(http.StatusOK, "signed in as "+u.Email)
	}
	return c.String(http.StatusOK, "please sign in")
}

func echoPrivate(c echo.Context) error {
	u, _ := twofold.UserOf(c.Request())
	return c.String(http.StatusOK, "only for "+u.Email)
}

// serveFunc serves an application on a listener until the test ends.
type serveFunc func(t *testing.T, auth *twofold.Auth, l net.Listener)

// over serves an http.Handler.
func over(make func(*twofold.Auth) http.Handler) serveFunc {
	return func(t *testing.T, auth *twofold.Auth, l net.Listener) {
		server := &http.Server{Handler: make(auth)}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
	}
}

func TestTheSignInServesInFrontOfEveryRouter(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	for name, serve := range map[string]serveFunc{
		"net/http, wrapped": over(func(auth *twofold.Auth) http.Handler {
			m := http.NewServeMux()
			m.Handle("/public", auth.Identify(public))
			m.Handle("/private", auth.RequireUser(private))
			return auth.Wrap(m)
		}),
		"net/http, mounted": over(func(auth *twofold.Auth) http.Handler {
			m := http.NewServeMux()
			auth.Mount(m)
			m.Handle("/public", auth.Identify(public))
			m.Handle("/private", auth.RequireUser(private))
			return m
		}),
		"chi, wrapped": over(func(auth *twofold.Auth) http.Handler {
			m := chi.NewRouter()
			m.With(auth.Identify).Handle("/public", public)
			m.With(auth.RequireUser).Handle("/private", private)
			return auth.Wrap(m)
		}),
		"chi, mounted": over(func(auth *twofold.Auth) http.Handler {
			m := chi.NewRouter()
			auth.Mount(m)
			m.With(auth.Identify).Handle("/public", public)
			m.With(auth.RequireUser).Handle("/private", private)
			return m
		}),
		"chi, as middleware": over(func(auth *twofold.Auth) http.Handler {
			m := chi.NewRouter()
			m.Use(auth.Wrap)
			m.With(auth.Identify).Handle("/public", public)
			m.With(auth.RequireUser).Handle("/private", private)
			return m
		}),
		"gin": over(func(auth *twofold.Auth) http.Handler {
			m := gin.New()
			m.Any("/public", gin.WrapH(auth.Identify(public)))
			m.Any("/private", gin.WrapH(auth.RequireUser(private)))
			return auth.Wrap(m)
		}),
		"echo": over(func(auth *twofold.Auth) http.Handler {
			m := echo.New()
			m.Any("/public", echo.WrapHandler(public), echo.WrapMiddleware(auth.Identify))
			m.Any("/private", echo.WrapHandler(private), echo.WrapMiddleware(auth.RequireUser))
			return auth.Wrap(m)
		}),
		"gin, with handlers of its own": over(func(auth *twofold.Auth) http.Handler {
			m := gin.New()
			m.Any("/public", ginGuard(auth.Identify), ginPublic)
			m.Any("/private", ginGuard(auth.RequireUser), ginPrivate)
			return auth.Wrap(m)
		}),
		"echo, with handlers of its own": over(func(auth *twofold.Auth) http.Handler {
			m := echo.New()
			m.Any("/public", echoPublic, echo.WrapMiddleware(auth.Identify))
			m.Any("/private", echoPrivate, echo.WrapMiddleware(auth.RequireUser))
			return auth.Wrap(m)
		}),
		"gorilla": over(func(auth *twofold.Auth) http.Handler {
			m := mux.NewRouter()
			m.Handle("/public", auth.Identify(public))
			m.Handle("/private", auth.RequireUser(private))
			return auth.Wrap(m)
		}),
		"fiber": func(t *testing.T, auth *twofold.Auth, l net.Listener) {
			m := fiber.New(fiber.Config{DisableStartupMessage: true})
			m.Use(adaptor.HTTPMiddleware(auth.Wrap))
			m.All("/public", adaptor.HTTPHandler(auth.Identify(public)))
			m.All("/private", adaptor.HTTPHandler(auth.RequireUser(private)))
			go func() { _ = m.Listener(l) }()
			t.Cleanup(func() { _ = m.Shutdown() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			use(t, serve)
		})
	}
}

// use signs a user in and requests all pages.
func use(t *testing.T, serve serveFunc) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	origin := "http://" + l.Addr().String()
	auth, err := twofold.New(twofold.Config{Origin: origin, Key: twofold.KeyText(twofold.NewKey()), Store: db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	const email, password = "ann@example.org", "a long enough passphrase"
	if _, err := auth.CreateUser(context.Background(), twofold.NewUser{Email: email, Password: password}); err != nil {
		t.Fatal(err)
	}
	serve(t, auth, l)
	jar, _ := cookiejar.New(nil)
	b := browser{t, origin, &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}

	b.get("/public", 200, "please sign in")
	b.get("/private", 303, "")
	b.get("/nowhere", 404, "")
	b.get("/login", 200, "<form")
	b.get("/tf-static/twofold.css", 200, "{")
	b.get("/tf-static/nothing.css", 404, "")
	b.get("/tf-setup/a-token", 405, "")
	b.signIn(email, password)
	b.get("/public", 200, "signed in as "+email)
	b.get("/private", 200, "only for "+email)
}

type browser struct {
	t      *testing.T
	origin string
	http   *http.Client
}

func (b browser) get(path string, status int, shows string) {
	b.t.Helper()
	res, err := b.http.Get(b.origin + path)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status || !strings.Contains(string(body), shows) {
		b.t.Errorf("GET %s: %d %.200q (%v), want %d with %q", path, res.StatusCode, body, err, status, shows)
	}
}

func (b browser) signIn(email, password string) {
	b.t.Helper()
	answer := struct {
		Response struct {
			Token string `json:"csrf_token"`
		}
	}{}
	req, err := http.NewRequest(http.MethodGet, b.origin+"/login", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	err = json.NewDecoder(res.Body).Decode(&answer)
	_ = res.Body.Close()
	if err != nil {
		b.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{"email": email, "password": password,
		"csrf_token": answer.Response.Token})
	if err != nil {
		b.t.Fatal(err)
	}
	res, err = b.http.Post(b.origin+"/login", "application/json", strings.NewReader(string(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("sign-in: %d", res.StatusCode)
	}
}
