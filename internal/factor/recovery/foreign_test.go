package recovery_test

import (
	"crypto/sha512"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/twofold-auth/twofold/internal/factor/recovery"
	"github.com/twofold-auth/twofold/internal/storage"
)

// move makes a user with a second factor and the given codes.
func (d *desk) move(c *recovery.Codes, codes ...recovery.Code) string {
	d.t.Helper()
	d.must(recovery.Check(codes))
	id := strings.ToLower(storage.NewID())
	w := storage.Whole{User: storage.User{ID: id, Email: id + "@x.t", EmailKey: id + "@x.t", Active: true,
		CredentialVersion: "0"},
		Factors: []storage.Factor{{ID: storage.NewID(), UserID: id, Method: storage.Authenticator}}}
	var err error
	w.Codes, err = c.Import(id, codes)
	d.must(err)
	for i := range w.Codes {
		w.Codes[i].CreatedAt = d.now
	}
	d.must(d.db.PutAccounts(d.t.Context(), []storage.Whole{w}))
	return id
}

// TestR348_ACodeFromElsewhereIsGoodOnce checks that an imported code, plain or
// hashed, is accepted once, in each spelling that users type. The other codes stay
// valid.
func TestR348_ACodeFromElsewhereIsGoodOnce(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	c := d.codes(recovery.Config{Number: 10}, oneKey)
	hash, err := bcrypt.GenerateFromPassword([]byte("ab12c-d34ef"), bcrypt.MinCost)
	d.must(err)
	sum := sha512.Sum512([]byte("ABCD1234EFGH"))
	codes := []recovery.Code{
		{Value: "a1b2-c3d4-e5f6"}, {Value: "aB3dE-fGh1J"}, {Value: "12345678"},
		{Scheme: recovery.Bcrypt, Value: string(hash)},
		{Scheme: recovery.SHA512, Value: base64.StdEncoding.EncodeToString(sum[:])},
	}
	id := d.move(c, codes...)
	left := len(codes)
	for _, typed := range []string{
		"A1B2 C3D4 E5F6", " ab3de\u2013fgh1j ", "1234-5678", "ab12c-d34ef", "abcd-1234-efgh",
	} {
		if ok, err := c.Reads(ctx, id, typed); err != nil || !ok {
			t.Errorf("%q is not read: %v", typed, err)
		}
		d.must(c.Holds(ctx, id, typed))
		n, err := c.Spend(ctx, id, typed)
		if left--; err != nil || n != left {
			t.Errorf("%q: %v, %d left, want %d", typed, err, n, left)
		}
		d.wrong(c.Holds(ctx, id, typed), "the spent code "+typed)
		_, err = c.Spend(ctx, id, typed)
		d.wrong(err, "the spent code "+typed)
	}
}

func TestACodeFromElsewhereOpensItsAccountOnly(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	c := d.codes(recovery.Config{Number: 10}, oneKey)
	d.move(c, recovery.Code{Value: "12345678"})
	other := d.move(c, recovery.Code{Value: "87654321"})
	d.wrong(c.Holds(ctx, other, "12345678"), "another user's code")
	d.wrong(c.Holds(ctx, other, "1234567"), "a part of a code")
	d.wrong(c.Holds(ctx, other, strings.Repeat("1", 65)), "a long text")
	d.wrong(c.Holds(ctx, other, ""), "nothing")
	// A text in another format is not a guess for an account that has only codes of
	// this site.
	d.put(c)
	if ok, err := c.Reads(ctx, d.user.ID, "12345678"); err != nil || ok {
		t.Errorf("eight digits are read as a code of ours: %v %v", ok, err)
	}
}

// TestACodeMovesToAnotherTwofold checks that a code that was made here is valid in
// another Twofold, with another key and another user ID, and is exported from there
// unchanged.
func TestACodeMovesToAnotherTwofold(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	here, there := d.codes(recovery.Config{Number: 10}, oneKey), newDesk(t)
	far := there.codes(recovery.Config{Number: 10}, anotherKey)
	shown := d.put(here)
	var out []recovery.Code
	d.must(d.db.EachAccount(ctx, d.user.ID, func(w storage.Whole) error {
		for _, kept := range w.Codes {
			code, err := here.Export(d.user.ID, kept)
			d.must(err)
			out = append(out, code)
		}
		return nil
	}))
	id := there.move(far, out...)
	if id == d.user.ID {
		t.Fatal("the same id")
	}
	list, err := there.db.ForeignCodes(ctx, id)
	d.must(err)
	again := map[string]bool{}
	for _, kept := range list {
		code, err := far.Export(id, kept)
		d.must(err)
		again[code.Value+code.User+string(code.Key)] = true
	}
	for _, code := range out {
		if !again[code.Value+code.User+string(code.Key)] {
			t.Errorf("%+v came out otherwise", code)
		}
	}
	for i, typed := range shown {
		if left, err := far.Spend(ctx, id, strings.ToUpper(typed)); err != nil || left != len(shown)-i-1 {
			t.Errorf("code %d: %v, %d left", i, err, left)
		}
	}
	// A set that is made in the other Twofold is valid only there.
	there.user.ID, there.user.CredentialVersion = id, "0"
	fresh := there.put(far)
	there.must(far.Holds(ctx, id, fresh[0]))
	if list, err := there.db.ForeignCodes(ctx, id); err != nil || len(list) != 0 {
		t.Errorf("%d codes from elsewhere are left with a new set: %v", len(list), err)
	}
}

// TestAFormIsBoundToItsUser checks that a form in another user's row does not open.
func TestAFormIsBoundToItsUser(t *testing.T) {
	ctx, d := t.Context(), newDesk(t)
	c := d.codes(recovery.Config{Number: 10}, oneKey)
	id := d.move(c, recovery.Code{Value: "12345678"})
	list, err := d.db.ForeignCodes(ctx, id)
	d.must(err)
	if _, err := c.Export(d.user.ID, list[0]); err == nil {
		t.Error("opened for another user")
	}
}

func TestMalformedCodesAreRefused(t *testing.T) {
	costly, err := bcrypt.GenerateFromPassword([]byte("x"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	bomb := strings.Replace(string(costly), "$04$", "$31$", 1)
	twelve := strings.Replace(string(costly), "$04$", "$12$", 1)
	many := make([]recovery.Code, 9)
	for i := range many {
		many[i] = recovery.Code{Scheme: recovery.Bcrypt, Value: twelve}
	}
	value := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	for name, codes := range map[string][]recovery.Code{
		"short":         {{Value: "12345"}},
		"with a slash":  {{Value: "123/456"}},
		"unknown":       {{Scheme: "rot13", Value: "abcdefgh"}},
		"a bcrypt bomb": {{Scheme: recovery.Bcrypt, Value: bomb}},
		"many at once":  many,
		"not bcrypt":    {{Scheme: recovery.Bcrypt, Value: "hello"}},
		"a short hash":  {{Scheme: recovery.SHA512, Value: "AAAA"}},
		"no key":        {{Scheme: recovery.Twofold, Value: value, User: "u"}},
		"half a key":    {{Scheme: recovery.Twofold, Value: value, User: "u", Key: make([]byte, 16)}},
		"no user":       {{Scheme: recovery.Twofold, Value: value, Key: make([]byte, 32)}},
		"no value":      {{Scheme: recovery.Twofold, User: "u", Key: make([]byte, 32)}},
	} {
		if recovery.Check(codes) == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if err := recovery.Check(many[:8]); err != nil {
		t.Errorf("eight codes of cost 12: %v", err)
	}
}
