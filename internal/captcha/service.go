package captcha

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	// maxAnswer is the maximum length of a user's answer, and maxBody that of a
	// service's response, both in bytes.
	maxAnswer = 8 << 10
	maxBody   = 64 << 10
)

// verdict is the response of a service.
type verdict struct {
	Success  *bool    `json:"success"`
	Hostname string   `json:"hostname"`
	Action   string   `json:"action"`
	Score    *float64 `json:"score"`
	Codes    []string `json:"error-codes"`
}

// ask asks the service to check an answer. The service accepts each answer once.
func (k *Checker) ask(ctx context.Context, answer, action, address string) (bool, error) {
	if answer == "" || len(answer) > maxAnswer || strings.ContainsFunc(answer, notOfKeys) {
		return false, nil
	}
	v, err := k.verify(ctx, answer, address)
	if err != nil || !*v.Success {
		return false, err
	}
	why := ""
	switch {
	case !k.takesHost(v.Hostname):
		why = "it was given on another host"
	case v.Action != "" && v.Action != actionName(action):
		why = "it was given for another form"
	case k.c.MinScore > 0 && v.Score == nil:
		return false, errors.New("captcha: the service returned no score: use reCAPTCHA v3 keys")
	case k.c.MinScore > 0 && !(*v.Score >= k.c.MinScore):
		return false, nil
	}
	if why != "" {
		k.c.Log.WarnContext(ctx, "an answer to the captcha is refused",
			"reason", why, "host", v.Hostname, "action", v.Action)
	}
	return why == "", nil
}

func (k *Checker) takesHost(host string) bool {
	same := func(h string) bool { return strings.EqualFold(h, host) }
	return len(k.c.Hosts) == 0 || slices.ContainsFunc(k.c.Hosts, same)
}

// verify asks the service. An error means that the answer could not be checked. It
// contains neither the answer nor the secret.
func (k *Checker) verify(ctx context.Context, answer, address string) (verdict, error) {
	form := url.Values{"secret": {k.c.Secret}, "response": {answer}}
	if address != "" {
		form.Set("remoteip", address)
	}
	if k.c.Provider == HCaptcha {
		form.Set("sitekey", k.c.SiteKey)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, k.service.verify, strings.NewReader(form.Encode()))
	if err != nil {
		return verdict{}, errors.New("captcha: the request could not be made")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "twofold")
	resp, err := k.client.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return verdict{}, fmt.Errorf("captcha: the service does not answer: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return verdict{}, fmt.Errorf("captcha: the service's answer is incomplete: %w", err)
	}
	var v verdict
	switch {
	case len(raw) > maxBody:
		return verdict{}, errors.New("captcha: the service's answer is too long")
	case resp.StatusCode != http.StatusOK && (resp.StatusCode < 400 || resp.StatusCode >= 500):
		return verdict{}, fmt.Errorf("captcha: the service answers with status %d", resp.StatusCode)
	case json.Unmarshal(raw, &v) != nil || v.Success == nil:
		return verdict{}, fmt.Errorf("captcha: the service's answer, with status %d, has an unexpected form",
			resp.StatusCode)
	case *v.Success && resp.StatusCode != http.StatusOK:
		return verdict{}, fmt.Errorf("captcha: the service accepted the answer with status %d", resp.StatusCode)
	}
	for _, code := range ofOperator() {
		if !*v.Success && slices.Contains(v.Codes, code) {
			return verdict{}, fmt.Errorf("captcha: the service says %s", code)
		}
	}
	if !*v.Success && resp.StatusCode == http.StatusTooManyRequests {
		return verdict{}, errors.New("captcha: the service reports too many requests")
	}
	return v, nil
}

// ofOperator returns the error codes that only the operator can resolve.
func ofOperator() []string {
	return []string{
		"missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch", "invalid-keys", "invalid-sitekey",
		"internal-error",
	}
}

// Probe asks the service about an answer that was never given. An error means that
// the service cannot be reached or does not know the keys. For Altcha, Probe does
// nothing.
func (k *Checker) Probe(ctx context.Context) error {
	if k.c.Provider == Altcha {
		return nil
	}
	_, err := k.verify(ctx, "twofold-check", "")
	return err
}

// String returns the name of the provider, so that the secret is never printed.
func (k *Checker) String() string { return k.c.Provider }

// GoString returns String.
func (k *Checker) GoString() string { return k.String() }
