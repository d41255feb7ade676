package sendtest_test

import (
	"errors"
	"testing"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/sendtest"
)

func TestSinkConformance(t *testing.T) {
	sendtest.TestSender(t, func(*testing.T) sendtest.Subject {
		sink := new(sendtest.Sink)
		return sendtest.Subject{
			Sender: sink, Channels: []string{send.Email, send.SMS},
			Calls: func() int { return len(sink.All()) },
		}
	})
}

func TestSink(t *testing.T) {
	sink := new(sendtest.Sink)
	for _, text := range []string{"Your code is 111111.", "Your code is 222222, call +15555550199."} {
		if err := sink.Send(t.Context(), send.Message{Channel: send.SMS, To: "+15555550152", Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("broken")
	sink.FailWith(broken)
	if err := sink.Send(t.Context(), send.Message{Channel: send.SMS, To: "+15555550152"}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	sink.FailWith(nil)
	if sink.Count("+15555550152") != 2 || sink.Count("+15555550199") != 0 {
		t.Error("Count does not count")
	}
	if got := sink.Code(t, "+15555550152"); got != "222222" {
		t.Errorf("Code is %s", got)
	}
	if _, ok := sink.Last("+15555550199"); ok {
		t.Error("Last made something up")
	}
}
