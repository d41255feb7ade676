package twofold

import (
	"github.com/twofold-auth/twofold/internal/auth"
	"github.com/twofold-auth/twofold/internal/device"
	"github.com/twofold-auth/twofold/internal/factor/recovery"
	"github.com/twofold-auth/twofold/internal/storage"
)

// codes returns nil if recovery codes are off.
func (b *builder) codes() (auth.Codes, error) {
	r := b.c.TwoFactor.RecoveryCodes
	if r == nil {
		return nil, nil
	}
	return recovery.New(recovery.Config{
		Codes: b.c.Store, Keys: b.keys, Ring: b.ring, Number: r.Number, Life: r.Life, Now: b.c.Advanced.Now,
	})
}

func (b *builder) buildLogin() (*auth.Login, error) {
	methods, mail, err := b.methods()
	if err != nil {
		return nil, err
	}
	passkeys, err := b.passkeys()
	if err != nil {
		return nil, err
	}
	b.a.opens = openers(methods, passkeys)
	firstCodes, err := b.firstCodes()
	if err != nil {
		return nil, err
	}
	codes, err := b.codes()
	if err != nil {
		return nil, err
	}
	captchas, err := b.captchas()
	if err != nil {
		return nil, err
	}
	t, unified := b.c.TwoFactor, orZero(b.c.Passwordless)
	both, _ := b.c.Store.(storage.SessionUser)
	return auth.New(auth.Config{
		Captcha:  captchas,
		Accounts: b.a.accounts, Sessions: b.a.sessions,
		Devices: device.New(device.Config{
			Devices: b.c.Store, Keys: b.keys, Now: b.c.Advanced.Now, Life: t.LoginValidity,
		}),
		RememberMe: b.rememberMe(),
		Limits:     b.limits,
		Factors:    b.c.Store, Pendings: b.c.Store, Drafts: b.c.Store, Challenges: b.c.Store, Recoveries: b.c.Store,
		Steps: b.c.Store, Marks: b.c.Store, UsedLinks: b.c.Store, JoinedReads: both,
		CancelDeletion: b.a.leaving.Keep,
		SignIns:        b.signIns(), Connections: b.c.Store, Providers: b.c.Accounts.OAuth,
		Methods: methods, Passkeys: passkeys, Trail: b.a.trail, MailedCodes: mail, Tokens: b.c.Store,
		FirstCodes: firstCodes, RecoveryCodes: codes, Keys: b.keys, Mailer: b.mailer(),
		Now: b.c.Advanced.Now, Events: b.c.Advanced.OnEvent, Log: b.c.Log,
		Policy: auth.Policy{
			Methods: t.EnabledMethods, Require: b.require(), TrustDevices: t.LoginValidity > 0, TrustFor: b.trustFor(),
			Freshness: t.Freshness, OnlyVerifyIsFresh: t.FreshOnlyAfterVerify, SetupWithin: t.SetupWithin,
			EarlyCodes: orZero(t.RecoveryCodes).BeforeFactor, StrongOnly: t.StrongOnly, EnrollProof: t.EnrollProof,
			Help: t.HelpAddress != "", RescueEmail: t.RescueEmail, RepairOnly: t.RescueRepairOnly,
			Recovery: t.Recovery, RecoveryWait: t.RecoveryWait,
			Passkeys: orZero(b.c.Passkeys).policy(), Life: b.c.Accounts.life(),
			TellNewBrowsers: !b.c.Sessions.NoNewBrowserMail,
			Tokens:          b.c.Tokens.policy(),
			SignUp:          b.c.Accounts.OAuthSignUp,
			Unified: auth.Unified{
				Methods: unified.EnabledMethods, Unforced: unified.Unforced,
				CodeLife: unified.CodeValidity, SetupWithin: unified.SetupWithin,
			},
		},
	})
}

// rememberMe returns nil if Sessions.Remember is not set.
func (b *builder) rememberMe() *device.Manager {
	life := b.c.Sessions.Remember
	if life == 0 {
		return nil
	}
	return device.New(device.Config{
		Devices: b.c.Store, Keys: b.keys, Now: b.c.Advanced.Now, Life: life, RememberMe: true,
	})
}
