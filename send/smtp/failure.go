package smtp

import (
	"context"
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/twofold-auth/twofold/send"
)

// dialFailure says why there is no conversation. Up to the sign-in nothing of
// the message was sent, so causes other than the server's words are kept:
// names that do not resolve, certificates that do not fit.
func dialFailure(ctx context.Context, err error, auth *login) error {
	if ctx.Err() != nil {
		return fmt.Errorf("smtp: connecting: %w", ctx.Err())
	}
	stage := "connecting"
	if auth != nil && auth.started {
		stage = "signing in"
	}
	var reply *textproto.Error
	var garbled textproto.ProtocolError
	switch {
	case errors.As(err, &reply):
		// The code alone: some servers repeat the credentials.
		return fmt.Errorf("smtp: %s: answered %d", stage, reply.Code)
	case errors.As(err, &garbled):
		return fmt.Errorf("smtp: %s: no SMTP answer", stage)
	case stage == "signing in" && !errors.Is(err, errNoLogin):
		return errors.New("smtp: signing in: failed") // the cause may quote a challenge
	default:
		return fmt.Errorf("smtp: %s: %w", stage, err)
	}
}

// sendFailure says why the message was not taken: the step and the reply's
// codes, never its words.
func sendFailure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("smtp: sending: %w", ctx.Err())
	}
	var failed *gomail.SendError
	if !errors.As(err, &failed) || failed.ErrorCode() == 0 {
		return errors.New("smtp: sending: connection lost")
	}
	code, enhanced := failed.ErrorCode(), failed.EnhancedStatusCode()
	answer := strings.TrimSpace(fmt.Sprintf("%d %s", code, enhanced))
	if failed.Reason == gomail.ErrSMTPRcptTo && isBadRecipient(code, enhanced) {
		return fmt.Errorf("smtp: %w: answered %s", send.ErrRefused, answer)
	}
	return fmt.Errorf("smtp: %s: answered %s", failed.Reason, answer)
}

// isBadRecipient tells "no such mailbox" from a server that does not like us.
// The enhanced code says it exactly (RFC 3463 sections 3.2 and 3.3, RFC 7505);
// 5.7.1 (relaying denied) comes with the same 550 and is the operator's to
// cure. Without one, 550, 551 and 553 are taken at their word (RFC 5321
// section 4.2.2).
func isBadRecipient(code int, enhanced string) bool {
	switch enhanced {
	case "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1":
		return true
	case "":
		return code == 550 || code == 551 || code == 553
	default:
		return false
	}
}
