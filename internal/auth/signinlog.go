package auth

import (
	"context"
	"log/slog"
	"strings"

	"github.com/twofold-auth/twofold/event"
)

// LogSignIns logs the outcome of each sign-in in one line, for operators and for programs that read
// the log, such as fail2ban. The line contains the event, the method, the client address, the
// account's ID (never its e-mail address) and the request ID. It contains no secret (R140) and no
// user input.
func LogSignIns(log *slog.Logger) event.Handler {
	return func(ctx context.Context, e event.Event) {
		say := func(level slog.Level, what string, user event.Subject, at event.Context, more ...any) {
			args := append([]any{"client", at.Address, "request", at.Request}, more...)
			if user.ID != "" {
				args = append(args, "user", user.ID)
			}
			log.Log(ctx, level, what, args...)
		}
		switch e := e.(type) {
		case event.UserAuthenticated:
			say(slog.LevelInfo, "sign-in accepted", e.User, e.Context, "method", strings.Join(e.Via, "+"), "trusted",
				e.Trusted)
		case event.FirstFactorProven:
			say(slog.LevelInfo, "sign-in continues", e.User, e.Context, "method", e.Method)
		case event.UserFailedAuthn:
			method := e.Method
			if method == "" {
				method = e.AuthType
			}
			more := []any{"method", method, "second_factor", e.SecondFactor}
			if e.Reason != "" {
				more = append(more, "reason", e.Reason)
			}
			say(slog.LevelWarn, "sign-in refused", e.User, e.Context, more...)
		case event.PasskeyRefused:
			say(slog.LevelWarn, "sign-in refused", e.User, e.Context, "method", "passkey", "reason", e.Reason)
		case event.UserPaused:
			say(slog.LevelWarn, "sign-in paused", e.User, e.Context, "method", "password", "until", e.Until.UTC())
		case event.TFPaused:
			say(slog.LevelWarn, "sign-in paused", e.User, e.Context, "method", "second factor", "until", e.Until.UTC())
		case event.UserReauthenticated:
			say(slog.LevelInfo, "sign-in confirmed", e.User, e.Context, "method", strings.Join(e.Via, "+"))
		case event.UserLoggedOut:
			say(slog.LevelInfo, "signed out", e.User, e.Context)
		case event.PasswordsGuessed:
			say(slog.LevelWarn, "passwords are being guessed", event.Subject{}, e.Context)
		}
	}
}
