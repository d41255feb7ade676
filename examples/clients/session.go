package clients

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/twofold-auth/twofold/client"
)

// session is a program that signs in: it keeps tokens where a browser keeps cookies.
type session struct {
	api     *client.ClientWithResponses
	pending string // Two-Factor-Pending: the step that is under way
	token   string // Authentication-Token: signed in, for 15 minutes
	refresh string // exchanged for the next two; works once
}

func newSession(origin string) (*session, error) {
	s := &session{}
	var err error
	s.api, err = client.NewClientWithResponses(origin, client.WithRequestEditorFn(s.sign))
	return s, err
}

// sign adds the tokens to a request.
func (s *session) sign(_ context.Context, r *http.Request) error {
	r.Header.Set("Accept", "application/json")
	if s.pending != "" {
		r.Header.Set("Two-Factor-Pending", s.pending)
	}
	if s.token != "" {
		r.Header.Set("Authentication-Token", s.token)
	}
	return nil
}

// keep takes over the tokens of an answer.
func (s *session) keep(pending string, user client.User) {
	if pending != "" {
		s.pending = pending
	}
	if user.AuthenticationToken != "" {
		s.token, s.pending = user.AuthenticationToken, ""
	}
	if user.RefreshToken != "" {
		s.refresh = user.RefreshToken // store it before it is used
	}
}

// refused is the error of an answer without JSON200.
func refused(status string, why *client.Refused) error {
	if why == nil {
		return fmt.Errorf("sign-in: %s", status)
	}
	return fmt.Errorf("sign-in: %s: %s", status, strings.Join(why.Response.Errors, " "))
}

// signIn gives the password and, if the account has a second factor, its code.
func (s *session) signIn(ctx context.Context, email, password string, code func(method string) string) error {
	first, err := s.api.PostLoginWithResponse(ctx, &client.PostLoginParams{IncludeAuthToken: new("")},
		client.LoginFields{Email: email, Password: password})
	if err != nil {
		return err
	}
	if first.JSON200 == nil {
		return refused(first.Status(), first.JSON4XX)
	}
	answer := first.JSON200.Response
	s.keep(answer.TfPendingToken, answer.User)
	if !answer.TfRequired {
		return nil
	}
	if answer.TfState != client.Ready {
		return fmt.Errorf("sign-in: %s is next", answer.TfState)
	}
	second, err := s.api.PostTfValidateWithResponse(ctx, &client.PostTfValidateParams{IncludeAuthToken: new("")},
		client.TfValidateFields{Code: code(answer.TfMethod)})
	if err != nil {
		return err
	}
	if second.JSON200 == nil {
		return refused(second.Status(), second.JSON4XX)
	}
	s.keep(second.JSON200.Response.TfPendingToken, second.JSON200.Response.User)
	return nil
}

// exchange has the refresh token give the next two tokens.
func (s *session) exchange(ctx context.Context) error {
	s.token = ""
	answer, err := s.api.PostRefreshTokenWithResponse(ctx, client.RefreshTokenFields{RefreshToken: s.refresh})
	if err != nil {
		return err
	}
	if answer.JSON200 == nil {
		return refused(answer.Status(), answer.JSON4XX)
	}
	s.keep("", answer.JSON200.Response.User)
	return nil
}
