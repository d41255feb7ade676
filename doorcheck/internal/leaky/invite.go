package leaky

import (
	"strings"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// invitation is an invitation that an operator mailed to an address.
type invitation struct {
	email                   string
	ends                    time.Time
	used, revoked, replaced bool
}

// invite and revoke are tasks of an operator.
func (s *request) invite() (door.Out, int) {
	for _, i := range s.invitations {
		i.replaced = i.replaced || i.email == s.in.Email
	}
	l := &link{verb: door.AcceptInvite, email: s.in.Email}
	s.post(s.in.Email, l)
	s.invitations[l] = &invitation{email: s.in.Email, ends: time.Now().Add(s.fresh)}
	return door.Out{}, ok
}

func (s *request) revoke() (door.Out, int) {
	for _, i := range s.invitations {
		i.revoked = i.revoked || i.email == s.in.Email
	}
	return door.Out{}, ok
}

func (s *request) acceptInvite() (door.Out, int) {
	i := s.invitations[s.links[s.in.Link[strings.LastIndexByte(s.in.Link, '/')+1:]]]
	switch {
	case i == nil,
		i.used && !s.leak("invite-replay", "invite-race"),
		i.revoked && !s.leak("invite-revoked"),
		i.replaced && !s.leak("invite-replaced"),
		time.Now().After(i.ends) && !s.leak("invite-expired"):
		return door.Out{}, refused
	}
	email := i.email
	if s.in.Email != "" && s.leak("invite-other-address") {
		email = s.in.Email
	}
	taken := s.users[email] != nil
	if taken && !s.leak("invite-taken") && !(i.used && s.leak("invite-replay", "invite-race")) {
		return door.Out{}, refused
	}
	i.used = true
	u := &user{
		email: email, password: s.in.Password, confirmed: true, used: map[string]bool{}, codes: map[string]bool{},
	}
	s.users[email] = u
	s.give(&session{user: u, full: true, proven: time.Now()}, false)
	return door.Out{}, ok
}
