// Package explore visits every state that an account can get into, and holds what
// Twofold promises against each.
//
// Ann has an account, or will have. Ben is another user. Eve attacks, and in most
// worlds she has one of Ann's things: her password, mailbox, phone, app, passkey,
// account elsewhere or recovery codes, or a copy of her session. Each of them has
// browsers: any number of them, or two each where less is explored. There is an
// operator, who helps Ann when she asks and may change the rules. In every state each
// of them does everything that the product offers: register, confirm, reset, sign in
// by every first and second factor, set up, replace and remove factors, make codes,
// ask for a rescue or a recovery, trust a browser, prove again, change the password
// and the address, sign out, end sessions.
//
// What they may do is decided by package policy, the one that the product asks. So a
// gap in it shows here as a story: the shortest list of steps that ends in a broken
// promise. Read the files in this order:
//
//   - promise.go: what is promised, in words and as code;
//   - model.go: what a state is, and what the people can do with what they have;
//   - act.go, enter.go and own.go: what each action changes, of everybody, of a person
//     who signs in, and of one who is signed in;
//   - ask.go: what the actions ask package policy;
//   - worlds.go: the settings and the things that Eve has;
//   - faults.go: faults that are put in, and the promises that tell of them;
//   - search.go, crowd.go and pack.go: how the states are visited;
//   - trail.go and rows.go: how audit trails of the product are replayed against the
//     same actions, so that the product does nothing that the model does not know.
//
// Three facts keep the number of states small. Two accounts share nothing but that
// an address and an account elsewhere belong to one of them, so one account is
// explored. Which of a person's browsers is which does not matter, so they are
// sorted. And Eve can do all that Ben can, so Ben stays away where she has more.
// Steps of one sign-in are one action: a sign-in under way ends with every change of
// the account, as its record is bound to the version of the credentials.
//
// What is left out: budgets, but for the one of guesses at a second factor; tokens of
// programs, which are asked what sessions are asked and end with them; and time
// beyond days. The random walk in test/model and the simulation in internal/limit
// have those.
//
// The command in run explores all worlds, with any number of browsers (crowd.go). It
// takes some minutes. The tests explore some worlds, and some with two browsers each.
package explore
