package breach

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/password"
)

const (
	// Service is the default URL of the service.
	Service = "https://api.pwnedpasswords.com"

	defaultTimeout = 3 * time.Second
	// maxAnswer is far above the size of the longest answer, about 40 KB with padding.
	maxAnswer = 1 << 20
)

// Config configures a Checker. The zero Config uses Service and accepts a password if the service
// does not answer.
type Config struct {
	// URL is the base URL of the service, to which "/range/" and five digits are appended. It must
	// be https, or http on loopback.
	URL string
	// Count is the number of occurrences from which a password is refused. The default is 1.
	Count int
	// Timeout is the time limit of one request. The default is 3 seconds.
	Timeout time.Duration
	// Strict refuses a password if the service does not answer. Trade-off: while the service is
	// down, no password can be set.
	Strict bool
	// Log receives failed requests. If it is nil, they are not logged.
	Log *slog.Logger
}

// Checker is a password.Checker that asks the service.
type Checker struct {
	c      Config
	client *http.Client
}

// New returns a Checker, or an error if c is not valid.
func New(c Config) (*Checker, error) {
	if c.URL == "" {
		c.URL = Service
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("breach: URL must be scheme, host and perhaps a path, e.g. " + Service)
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme != "https" &&
		!(u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())) {
		return nil, errors.New("breach: URL must be https (plain http is for localhost only)")
	}
	if c.Count < 0 || c.Timeout < 0 {
		return nil, errors.New("breach: Count and Timeout must not be negative")
	}
	c.URL = strings.TrimSuffix(c.URL, "/")
	if c.Count == 0 {
		c.Count = 1
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Checker{c: c, client: &http.Client{
		Timeout:       c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Check implements password.Checker.
func (c *Checker) Check(ctx context.Context, plain string, _ ...string) error {
	// SHA-1 identifies the password in the service's list; its security does not matter here.
	sum := sha1.Sum([]byte(plain))
	name := strings.ToUpper(hex.EncodeToString(sum[:]))
	seen, err := c.seen(ctx, name[:5], name[5:])
	switch {
	case err == nil && seen >= c.c.Count:
		return password.ErrBreached
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	// The cause contains the service but not the requested digits, which would narrow down the
	// password in the log.
	c.c.Log.WarnContext(ctx, "a password could not be looked up among breached ones", "service", c.c.URL, "refused",
		c.c.Strict, "cause", err)
	if c.c.Strict {
		return password.ErrNotChecked
	}
	return nil
}

// seen returns the number of occurrences of the password with the given hash.
func (c *Checker) seen(ctx context.Context, prefix, rest string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.c.URL+"/range/"+prefix, nil)
	if err != nil {
		return 0, errors.New("the request could not be created")
	}
	r.Header.Set("Add-Padding", "true")
	r.Header.Set("User-Agent", "twofold")
	resp, err := c.client.Do(r)
	if err != nil {
		var u *url.Error // its text contains the requested digits
		if errors.As(err, &u) {
			err = u.Err
		}
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	return find(resp.Body, rest)
}

// find reads lines "<35 digits>:<count>". Padding has the count 0. An answer of another form does
// not come from such a service, and a truncated answer proves nothing.
func find(body io.Reader, rest string) (int, error) {
	lines := bufio.NewScanner(io.LimitReader(body, maxAnswer))
	found, n := 0, 0
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		name, number, ok := strings.Cut(line, ":")
		count, err := strconv.Atoi(number)
		if !ok || len(name) != len(rest) || err != nil || count < 0 {
			return 0, errors.New("invalid answer")
		}
		n++
		if strings.EqualFold(name, rest) {
			found = max(found, count)
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, errors.New("empty answer")
	}
	return found, nil
}
