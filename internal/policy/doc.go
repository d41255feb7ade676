// Package policy decides what an account asks for. Its functions are pure: they
// read no store, no clock and no request, and depend only on their arguments. So a
// test can try every combination of facts, and does (see package explore).
//
// A sign-in goes through these states. The names at the arrows are those of the
// functions that decide.
//
//	first factor    --Next-->    session          no second factor, none required
//	first factor    --Next-->    mailbox          one must be set up, the address is not proven
//	first factor    --Next-->    set-up           one must be set up
//	first factor    --Next-->    second factor    the account has one
//	mailbox         --code-->    set-up           the mailed code was right
//	second factor   --After-->   session          it counts
//	second factor   --After-->   set-up           it does not count anymore, or a mailed code replaced it
//	set-up          --code-->    session          the first code of the new factor was right
//
// Every use of a session calls Today. A change of security settings calls IsRecent
// and IsFull. Adding anything to an account calls MayEnroll.
package policy
