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

// dialFailure returns the error of a failed connection or sign-in. Nothing of the message has been
// sent at that point, so causes other than the server's text are kept, such as names that do not
// resolve and invalid certificates.
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
		// Return only the code: some servers repeat the credentials in the text.
		return fmt.Errorf("smtp: %s: answered %d", stage, reply.Code)
	case errors.As(err, &garbled):
		return fmt.Errorf("smtp: %s: invalid SMTP answer", stage)
	case stage == "signing in" && !errors.Is(err, errNoLogin):
		return errors.New("smtp: signing in: failed") // the cause may contain a challenge
	default:
		return fmt.Errorf("smtp: %s: %w", stage, err)
	}
}

// sendFailure returns the error of a message that was not accepted. It contains the step and the
// codes of the answer, never its text.
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

// isBadRecipient reports whether an answer refuses the recipient, not the sender. If there is an
// enhanced code, it decides (RFC 3463 sections 3.2 and 3.3, RFC 7505): 5.7.1 (relaying denied) also
// comes with 550, but the operator can fix it. Without an enhanced code, 550, 551 and 553 mean a
// refused recipient (RFC 5321 section 4.2.2).
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
