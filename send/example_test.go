package send_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/sendtest"
)

// Any provider is a Sender: one method, and the recipient checked first.
func ExampleSender() {
	var printer send.Sender = senderFunc(func(_ context.Context, m send.Message) error {
		if err := send.CheckRecipient(m.Channel, m.To); err != nil {
			return err
		}
		fmt.Println("to", send.Mask(m.Channel, m.To))
		return nil
	})
	err := printer.Send(context.Background(),
		send.Message{Channel: send.SMS, To: "+15555550152", Text: "Your code is 482193."})
	fmt.Println(err)
	// Output:
	// to •••••••52
	// <nil>
}

func ExampleOutbox_Deliver() {
	sink := new(sendtest.Sink)
	outbox, err := send.NewOutbox(send.OutboxConfig{
		Messages: newMemory(),
		Sealer:   newAEAD(),
		Senders:  map[string][]send.Sender{send.Email: {sink}},
	})
	if err != nil {
		log.Fatal(err)
	}
	err = outbox.Deliver(context.Background(), send.Message{
		Channel: send.Email, To: "joan@example.org", Subject: "Sign in", Text: "Your code is 482193.",
	}, time.Now().Add(5*time.Minute))
	fmt.Println(err, sink.Count("joan@example.org"))
	// Output: <nil> 1
}
