// Package explore visits every state that an account can get into, and holds what
// Twofold promises against each.
//
// Ann has an account, or will have. Ben is another user. Eve attacks, and in most
// worlds she has one of Ann's things: her password, mailbox, phone, app, passkey,
// account elsewhere or recovery codes, or a copy of her session. Each of them has
// browsers: any number of them, or two each where less is explored. There is an
// operator, who helps Ann when she asks and may change the rules. In every state each
// of them does everything that the product offers: make the account by a registration,
// an invitation, another site or a former system, confirm, reset, sign in by every first
// and second factor, set up, replace and remove factors, make codes, ask for a rescue or
// a recovery, trust a browser, prove again, change the password and the address, make
// tokens, sign out, end sessions, ask for the deletion of the account and stop it.
//
// What they may do is decided by package policy, the one that the product asks. So a
// gap in it shows here as a story: the shortest list of steps that ends in a broken
// promise. If the first proof of an address left what was set up before, the search
// would print:
//
//	Once the owner has proven the address, nothing that someone else set up opens the account.
//	  Ben registers Ann's address
//	  Ben signs in: the password
//	  Ben sets up a second factor: Ben's app
//	  Ann resets the password by a mailed link
//	then: address Ann's (proven true), password true, second: Ben's app
//
// # How to read it
//
// To know what holds, read these files, in this order. They take about half an hour:
//
//   - promise.go: what is promised, in words and as code: of every state (promises), of
//     every action (moves), and that something stays possible (ways);
//   - model.go: what a state is, and what the people can do with what they have;
//   - act.go, enter.go and own.go: what each action changes, of everybody, of a person
//     who signs in, and of one who is signed in;
//   - life.go and token.go: how an account begins and ends, and tokens;
//   - ask.go: what the actions ask package policy. What the product decides elsewhere
//     stands at its end: who may use an invitation, say;
//   - worlds.go and pairs.go: the settings and the things that Eve has.
//
// These words have one meaning in all of them:
//
//   - A thing is what a proof rests on and whose it is, such as Eve's app. The account
//     has things in four roles: Seconds are its second factors, Firsts begin a sign-in
//     in the place of the password, Sites do so at another site, and a Sheet is a set
//     of recovery codes.
//   - A session has a First and a Second thing: what was proven for it. Without a
//     second one, the Second is 0; of a passkey that counts as both, they are the same.
//   - An action is a method of turn. It copies the state (t.was), changes the copy, and
//     hands it to t.then with the words of the story. What it does not hand over cannot
//     happen. The verb in the words names the action; moves know actions by it.
//   - end takes away what was issued; in issues a session, and nothing else does.
//
// The other files need not be read for that:
//
//   - faults.go: faults that are put in, and the promises that tell of them;
//   - search.go, crowd.go and pack.go: how the states are visited;
//   - trail.go and rows.go: how audit trails of the product are replayed against the
//     same actions, so that the product does nothing that the model does not know.
//
// To see a world, run one by a part of its name:
//
//	go run ./test/explore/run -only "[trust] second: app; first: ; Eve: the password"
//
// # What it covers
//
// Three facts keep the number of states small. Two accounts share nothing but that
// an address and an account elsewhere belong to one of them, so one account is
// explored. Which of a person's browsers is which does not matter, so they are
// sorted. And Eve can do all that Ben can, so Ben stays away where she has more.
// Steps of one sign-in are one action: a sign-in under way ends with every change of
// the account, as its record is bound to the version of the credentials.
//
// What is left out: budgets, but for the one of guesses at a second factor; time beyond
// days; browsers that stay signed in; an import of factors; a refresh token that two
// programs have; and a token that an operator makes. The random walk in test/model and
// the simulation in internal/limit have budgets and time, test/crash has imports, and
// test/security has them all.
//
// The command in run explores all worlds, with any number of browsers (crowd.go). It
// takes one to two hours. The tests explore some worlds, and some with two browsers each.
package explore
