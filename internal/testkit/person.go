package testkit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold"
	"github.com/twofold-auth/twofold/internal/storage"
	"github.com/twofold-auth/twofold/send"
)

// The password of every person, and its hash, so that making a person is fast.
const (
	Password     = "correct horse 71 battery"
	PasswordHash = "$argon2id$v=19$m=19456,t=2,p=1,keyid=dHdvZm9sZA$5jo5R65JnjAagNY+oPr3tg$" +
		"wnFuPOIG3ZqocnVh+tvddQAnmko+Qb0VZ+jxiPkCsdc"
)

// Person is an account of a site with the credentials of its owner.
type Person struct {
	Site        *Site
	Name, Email string
	ID          string
	Phone       string // a second factor, once enrolled
	App         App    // likewise
}

// NewPerson creates an account with Password and the address name@good.test.
func (s *Site) NewPerson(name string) *Person {
	s.T.Helper()
	p := &Person{Site: s, Name: name, Email: name + "@good.test"}
	u, err := s.Nodes[0].Auth.CreateUser(s.T.Context(),
		twofold.NewUser{Email: p.Email, Username: name, PasswordHash: PasswordHash})
	s.Must(err)
	p.ID = u.ID
	return p
}

// Code returns the code of the app at a step relative to the current one.
func (p *Person) Code(away int64) string {
	return p.App.At(p.Site.Now().Unix()/30 + away)
}

// Next waits for the next code of the app, since each code is single-use.
func (p *Person) Next() string {
	p.Site.Advance(Step)
	return p.Code(0)
}

// Wrong returns a code that the app does not show now or soon, and that no message contains. It is
// another one each time.
func (p *Person) Wrong() string {
	for {
		code := fmt.Sprintf("%06d", (111111+p.Site.tried.Add(1))%1_000_000)
		contains := func(m send.Message) bool { return strings.Contains(m.Text, code) }
		hit := slices.ContainsFunc(p.Site.Mail.All(), contains) || slices.ContainsFunc(p.Site.SMS.All(), contains)
		for away := int64(-6); away <= 6; away++ {
			hit = hit || p.App != nil && p.Code(away) == code
		}
		if !hit {
			return code
		}
	}
}

// Mailed returns the newest code that was mailed to the person.
func (p *Person) Mailed() string { p.Site.T.Helper(); return p.Site.Mail.Code(p.Site.T, p.Email) }

// Texted returns the newest code that was sent to the person's phone.
func (p *Person) Texted() string {
	p.Site.T.Helper()
	m, ok := p.Site.SMS.Last(p.Phone)
	if !ok {
		p.Site.T.Fatalf("no text to %s", p.Phone)
	}
	return Code(m.Text)
}

// Factors returns the person's stored second factors.
func (p *Person) Factors() []storage.Factor {
	p.Site.T.Helper()
	list, err := p.Site.Nodes[0].Store.FactorsOf(p.Site.T.Context(), p.ID)
	p.Site.Must(err)
	return list
}
