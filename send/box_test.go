package send_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/sendtest"
)

func boxText(i int) send.Message {
	return send.Message{Channel: send.SMS, To: "+15555550152", Text: fmt.Sprint(i)}
}

func TestBoxConformance(t *testing.T) {
	sendtest.TestSender(t, func(*testing.T) sendtest.Subject {
		box := send.NewBox(0)
		return sendtest.Subject{
			Sender: box, Channels: []string{send.Email, send.SMS},
			Calls: func() int { return len(box.Messages()) },
		}
	})
}

func TestBoxKeepsTheLastNewestFirst(t *testing.T) {
	box := send.NewBox(3)
	for i := range 8 {
		if err := box.Send(t.Context(), boxText(i)); err != nil {
			t.Fatal(err)
		}
		list := box.Messages()
		if len(list) != min(i+1, 3) {
			t.Fatalf("after %d: %d messages", i+1, len(list))
		}
		for j, kept := range list {
			if kept.Message != boxText(i-j) || kept.At.IsZero() {
				t.Errorf("after %d: place %d holds %q", i+1, j, kept.Message.Text)
			}
		}
	}
}

func TestBoxReportsChanges(t *testing.T) {
	box := send.NewBox(3)
	changed := box.Changed()
	select {
	case <-changed:
		t.Fatal("changed before anything came")
	default:
	}
	var readers sync.WaitGroup
	for range 8 { // everybody who waits is told
		readers.Go(func() {
			<-changed
			if len(box.Messages()) == 0 {
				t.Error("told before the message was there")
			}
		})
	}
	if err := box.Send(t.Context(), boxText(1)); err != nil {
		t.Fatal(err)
	}
	readers.Wait()
	select {
	case <-box.Changed():
		t.Error("the next change is already announced")
	default:
	}
}
