// Package explore visits every state of a model of an account, and checks the promises of Twofold in each.
//
// Ann has an account, or will have. Ben is another user. Eve attacks, and in most
// worlds she has one of Ann's things: her password, mailbox, phone, app, passkey,
// account elsewhere or recovery codes, or a copy of her session. With the mailbox she has
// the account elsewhere too, unless the setting says that sites are independent. In some
// worlds she has the password and the mailbox. Each of the people has browsers: any number
// of them (see crowd.go), or two each where less is explored. There are an operator, who
// helps Ann when she asks and may change the rules, and an application, which may change
// accounts by its program or in its own table. In every state each of them does everything that the product
// offers, except what is left out below.
//
// Package policy, which the product uses too, decides what they may do. So a gap in it shows here as a story:
// the shortest list of steps that ends in a broken promise. If a recovery did not wait, the search would print:
//
//	The link of a recovery that someone asked for works a day later, and not before.
//	  Ann registers Ann's address
//	  Ann confirms the address in the browser that registered it
//	  Ann signs in: the password
//	  Ann sets up a second factor: Ann's app
//	  Ann asks for a recovery: the password
//	then: address Ann's (proven), password known to Ann, second: Ann's app; ...
//
// # How to read it
//
// To know what holds, read these two documents:
//
//   - the list of promises, and what does not hold by design, in docs/security.md;
//   - model.go: what a state is (State), what a world is (World), and who can prove what
//     (can).
//
// To check that the search finds what breaks a promise, continue with these files, in this order. Reading all
// of them takes about an hour:
//
//   - the table of faults in docs/security.md;
//   - promise.go and possible.go: what is promised, in words and as code: of every state
//     (promises), of every action (moves), and that something stays possible (possible);
//   - act.go, whose method all lists the actions; enter.go, own.go and outside.go: what each action changes:
//     actions of a person who signs in, of a signed-in person, and of the application and the operator;
//   - life.go and token.go: how an account begins and ends, and tokens;
//   - ask.go: the questions of the actions to package policy. Decisions that the product makes elsewhere are at
//     its end, such as who may use an invitation;
//   - worlds.go and pairs.go: the settings and the things that Eve has;
//   - the comment of crowd.go.
//
// These words have the same meaning in all files:
//
//   - A thing is what a proof rests on and whose it is, such as Eve's app. The account
//     has things in four roles: Seconds are its second factors, Firsts begin a sign-in in place of the password,
//     Sites do so at another site, and a Sheet is a set of recovery codes. World.Seconds and World.Firsts are the
//     kinds that a site offers.
//   - A session has a First and a Second thing: what was proven for it. Without a
//     second one, the Second is 0; of a passkey that counts as both, they are the same.
//   - An action is a method of turn. It copies the state (t.was), changes the copy, and
//     hands it to t.then with the words of the story. Only states passed to t.then are
//     explored. The verb of the story names the action, and moves identify actions by it. An action out of view has
//     no verb, so there only moves that compare states can be broken. The same
//     action is explored in view too, where all of them can.
//   - end ends sessions and trust. A sign-in gets its session from in. A re-authentication, an exchange, a new
//     factor and a copy write their own sessions. policy.Today must accept at once what a sign-in, a
//     re-authentication or a new token issues.
//   - Mended is what is mailed in place of a lost second factor; policy calls it Rescued.
//   - A way in is what begins a sign-in to an account (policy.Ways).
//
// You do not need to read the other files for that:
//
//   - faults.go: faults that are added, and the promises that detect them;
//   - search.go, crowd.go and pack.go: how the states are visited;
//   - trail.go and rows.go: how audit trails of the product are replayed against the
//     model. A trail records some steps in parts that are one action here, such as a set-up and the session after
//     it; those parts are at the end of trail.go. A row of an unknown name
//     is an error, and the rows that change nothing are listed (changesNothing).
//
// To run one world, give a part of its name:
//
//	go run ./test/explore/run -only "[trust] second: app; first: none; Eve has the password"
//
// # To add an action
//
// Write a method of turn: copy t.was, change the copy, call end if that changes what
// opens the account, and then t.then. Call the method from all, time, mail, enter, own,
// begins, operator or outside.acts. Its decisions go into ask.go. Then:
//
//   - Its verb decides which moves apply to it. One that begins with "signs in" is a
//     sign-in, one with "makes a " a new token, those in changesAccess are changes by a
//     session, and some moves compare the whole verb. Read the moves before you choose it.
//   - A new field of State goes into pack.go too, and into born and gone if it outlives the
//     account.
//   - A row of the trail that records the action is read in rows.go, and trail_test.go has a trail that must be
//     refused.
//   - A fault, with a case in faults.go, shows that a promise detects errors in the action.
//   - A new promise goes into docs/security.md; a test compares the lists.
//
// # What it covers
//
// Three facts keep the number of states small. Two accounts share only the rule that an address and an account
// elsewhere belong to one of them, so one account is explored. The order of a person's browsers does not
// matter, so they are sorted. And Eve can do all that Ben can, so Ben acts only in worlds where Eve has none of
// Ann's things. Steps of one sign-in are one action: a sign-in under way ends with every change of the account,
// as its record is bound to the version of the credentials.
//
// The following is left out. If another test covers it, that test is named:
//
//   - budgets, except the one of guesses at a second factor, and times longer than days: the random
//     walk in test/model, and the simulation in internal/limit;
//   - browsers that stay signed in, and a token that an operator makes: test/security;
//   - an import of factors: test/crash, test/security;
//   - a refresh token that is used twice, which ends everything that came from it: test/security;
//   - that the answer to a notice blocks rescues until a second factor is proven: test/security;
//   - a copy of a session that is fresh, and a copy of a header token, which becomes fresh when its owner
//     re-authenticates with it, and survives the changes that are made with it: nowhere, because no promise says
//     what such a copy cannot do;
//   - a copied cookie of a trusted browser, with the password: test/model, test/security;
//   - several factors of a kind, the end of one session or one trusted browser, and that the
//     operator ends all sessions: test/security;
//   - that mail is switched off again: nowhere;
//   - an application that gives an account, without a reset of its access, to a person who is
//     not its owner: nowhere.
//
// In the product a recovery must be switched on. Here it is on, except with the setting "no recovery". Recovery
// codes and guesses are not settings: see world.
//
// The command in run explores all worlds, with any number of browsers (crowd.go), in about 15 minutes. The
// tests explore some worlds, and some with two browsers each.
package explore
