package security_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// weakness is a published vulnerability of other software, with the tests that try it here. A test
// without a folder name is in this folder ("twofold" is the root).
type weakness struct {
	found string // where it was found
	what  string
	tests []string
}

// TestTheTableOfWeaknessesIsTrue checks that docs/security.md lists the weaknesses with their
// tests, and that every named test exists.
func TestTheTableOfWeaknessesIsTrue(t *testing.T) {
	var b strings.Builder
	b.WriteString("| found in | what went wrong | tried by |\n|---|---|---|\n")
	seen, tests := map[string]bool{}, folders{}
	for _, w := range slices.Concat(ofTheContract(), ofPeers()) {
		if len(w.tests) == 0 || seen[w.found+w.what] {
			t.Errorf("%s stands twice, or without a test: %s", w.found, w.what)
		}
		seen[w.found+w.what] = true
		for _, name := range w.tests {
			if !tests.have(t, name) {
				t.Errorf("%s: there is no test %q", w.found, name)
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", w.found, w.what, strings.Join(w.tests, ", "))
	}
	for n := 1; n <= 24; n++ {
		if found := fmt.Sprintf("Flask-Security, W%d", n); !slices.ContainsFunc(ofTheContract(),
			func(w weakness) bool { return w.found == found }) {
			t.Errorf("%s is missing", found)
		}
	}
	saysOf(t, "weaknesses", b.String())
}

// folders caches the tests of each folder.
type folders map[string][]string

func (f folders) have(t *testing.T, name string) bool {
	t.Helper()
	dir, own, elsewhere := strings.Cut(name, " ")
	switch {
	case !elsewhere:
		dir, own = ".", name
	case dir == "twofold":
		dir = "../.."
	default:
		dir = "../../" + dir
	}
	if f[dir] == nil {
		f[dir] = testsIn(t, dir)
	}
	return slices.Contains(f[dir], own)
}

// ofTheContract lists the published weaknesses of Flask-Security, whose wire contract this library
// implements, by their numbers.
func ofTheContract() []weakness {
	return []weakness{
		{"Flask-Security, W1", "with passkeys alone, a pending sign-in stays in the browser after sign-in and " +
			"sign-out",
			[]string{"TestR013_NothingOfASignInIsLeft"}},
		{"Flask-Security, W2", "a password of one account, completed by a passkey of another",
			[]string{"TestR091_CredentialIsOfTheUserBeingAuthenticated"}},
		{"Flask-Security, W3", "a passkey switches the account of a signed-in browser; its answer works again",
			[]string{"TestR016_APasskeySwitchesNoAccount", "TestR087_ChallengeIsForOneCeremonyUserAndBrowser"}},
		{"Flask-Security, W4", "a disabled account gets a session by passkey, which becomes valid later",
			[]string{"TestR102_OffIsOffForPasskeys", "TestR102_SwitchedOffAccountsLoseAll"}},
		{"Flask-Security, W5", "a set-up is finished in another account, or in a stale session",
			[]string{"TestR056_ASetUpIsCompletedOnlyInItsAccount", "TestR056_DraftIsBound"}},
		{"Flask-Security, W6", "a code of an app is accepted again",
			[]string{"TestR028_TOTPStepAcceptedOnce", "TestR030_EnrollmentCodeIsSpent"}},
		{"Flask-Security, W7", "guesses are not counted; no one is told of wrong recovery codes",
			[]string{
				"TestR037_GuessesAreCapped", "TestR112_FirstFactorIsLimited",
				"TestR070_ABudgetOfTheirOwnAndSameWords", "TestR070_NoTextIsARecoveryCode",
			}},
		{"Flask-Security, W8", "a pending sign-in lasts for weeks, also after a sign-out",
			[]string{"TestR024_APendingSignInEndsWithItsConditions"}},
		{"Flask-Security, W9", "an exchanged refresh token counts as fresh",
			[]string{"TestR022_TokensObeyTheSecondFactor", "TestR053_FreshForSecurityChanges"}},
		{"Flask-Security, W10", "after a rotation the oldest key still signs",
			[]string{"TestR035_TheNewestKeySigns", "TestR035_KeyRotation"}},
		{"Flask-Security, W11", "the user's identity is revealed after the first factor",
			[]string{"TestR010_APendingSignInReachesNothing", "TestR010_APendingPasskeyRevealsNoOwner"}},
		{"Flask-Security, W12", "generic answers differ in keys or in time",
			[]string{
				"TestR125_TakenAddresses", "TestR122_SameAnswerForAll", "TestR122_MailRequestsTellNothing",
				"TestR049_UnknownIdentitiesLookTheSame", "TestR123_SameTime",
				"TestR123_MailRequestsTakeTheSameTime",
			}},
		{"Flask-Security, W13", "one secret for all channels and for the rescue; a rescue code is valid as long " +
			"as the app's code",
			[]string{
				"TestR044_CodeIsForOnePurpose", "TestR074_RescueCode", "TestR073_OneMailboxIsNotEnough",
				"test/contract TestWithoutRescueEmailNoCodeIsMailed",
			}},
		{"Flask-Security, W14", "recovery codes are in plain text, valid forever, shown again, and work without " +
			"a factor",
			[]string{
				"TestR065_RecoveryCodesHaveEntropy", "TestR066_RecoveryCodesAreShownOnce",
				"TestR069_LifeOfASet", "TestR059_WithoutTheLastFactorNothingOfItIsLeft",
				"internal/factor/recovery TestCodesLiveAsLongAsTheyAreMeantTo",
			}},
		{"Flask-Security, W15", "no one is told of a change of factors, codes or passkeys",
			[]string{
				"TestR061_ChangesAreAnnounced", "TestR061_RecoveryCodesAreAnnounced",
				"TestR061_ARemovedPasskeyIsAnnounced", "TestR094_RegistrationIsASecurityChange",
			}},
		{"Flask-Security, W16", "a password is enough to switch the second factor off; trusted browsers survive it",
			[]string{
				"TestR053_FreshForSecurityChanges", "TestR059_DisableIsGuarded",
				"TestR083_TrustedDevicesAreRevoked",
			}},
		{"Flask-Security, W17", "the session cookie can be read, and contains a secret that is being set up",
			[]string{
				"test/contract TestTheServerKeepsTheSetUp", "test/contract TestEachSetUpHasItsOwnEncryptedSecret",
				"TestR135_NothingParkedBetweenTheSteps",
			}},
		{"Flask-Security, W18", "the account's state is not checked again with the second factor",
			[]string{"TestR024_APendingSignInEndsWithItsConditions", "TestR102_LockedByTheApplication"}},
		{"Flask-Security, W19", "Basic authentication, tokens and mailed links without a second factor",
			[]string{
				"TestR009_EveryWayInIsListed", "TestR022_TokensObeyTheSecondFactor",
				"TestR007_ACodeIsOneFactorOnly", "TestR007_ALoginLinkIsOneFactor", "TestR022_LinksEndAtTheGate",
			}},
		{"Flask-Security, W20", "opening a mailed link signs in, again and again, to a locked account too",
			[]string{
				"TestR051_OpeningALinkDoesNothing", "TestR051_OpeningALoginLinkDoesNothing",
				"TestR102_CodesAndLinksDoNotOpenALockedAccount", "TestR102_StatesHoldForLoginLinks",
			}},
		{"Flask-Security, W21", "a phone number is stored before its code was entered, and as it was typed",
			[]string{
				"TestR055_NothingActiveBeforeConfirmed", "TestR057_NewPhoneIsANewFactor",
				"test/contract TestOnlyAValidConfirmedPhoneNumberIsStored",
			}},
		{"Flask-Security, W22", "a sealed secret can be decrypted in another user's row",
			[]string{"TestR034_SecretsAreSealedToTheirOwner"}},
		{"Flask-Security, W23", "several reset links are valid at once; the comparison of a new address is " +
			"case-sensitive",
			[]string{
				"TestR058_LinksEndWithWhatTheyRestOn", "TestR144_LinksOnceInParallel",
				"test/contract TestAnAddressTakenMeanwhileCannotBeConfirmed",
			}},
		{"Flask-Security, W24", "a fresh proof is matched by e-mail address, or accepted without a session",
			[]string{
				"TestR054_AskingAgainThroughAnotherSite", "TestR111_StateIsOfThisBrowserProviderAndMoment",
				"TestR091_CredentialIsOfTheUserBeingAuthenticated",
			}},
	}
}

// ofPeers lists published weaknesses of other sign-in software by their identifiers.
func ofPeers() []weakness {
	return []weakness{
		{"authboss #351", "any text is accepted as a recovery code", []string{"TestR070_NoTextIsARecoveryCode"}},
		{"authboss before 3.2.1", "a reset link signs in without the second factor",
			[]string{"TestR021_ResetKeepsTheSecondFactor", "TestR022_LinksEndAtTheGate"}},
		{"authboss", "signing in through another site is never asked for a second factor",
			[]string{"TestR022_AnotherSiteIsOneFactor"}},
		{"better-auth #9552, #11287", "codes, links and passkeys in place of a password skip the second factor",
			[]string{"TestR007_ACodeIsOneFactorOnly", "TestR089_PresenceAlwaysVerificationWhereItCounts",
				"TestR022_LinksEndAtTheGate"}},
		{"kratos #4285", "a session that began without a password never reaches two factors",
			[]string{"TestR020_ASessionByCodeIsRaised"}},
		{"kratos #4317", "two codes to one mailbox count as two factors",
			[]string{"TestR007_ACodeIsOneFactorOnly", "TestR073_OneMailboxIsNotEnough"}},
		{"GHSA-97r5-pg8x-p63p", "any account at another site counts as a fresh proof",
			[]string{"TestR054_AskingAgainThroughAnotherSite"}},
		{"GHSA-f66q-9rf6-8795", "another user's passkey counts as a fresh proof",
			[]string{"TestR091_CredentialIsOfTheUserBeingAuthenticated",
				"test/contract TestAPasskeyOfAnotherUserDoesNotMakeASessionFresh"}},
		{"GHSA-w2j7-f3c6-g8cw", "a redirect leaves the site where sub-domains are allowed",
			[]string{"TestR107_NoOpenRedirect"}},
		{"Flask-Security PR #1258", "an object in place of a string breaks the step",
			[]string{"TestR127_JSONTypesAreExact", "test/contract TestACodeInJSONIsTextOrANumber"}},
		{"SuperTokens", "a user who is asked for the second factor enrolls another one instead",
			[]string{"TestR018_NoChangeWhilePending", "TestR081_DeviceSkipsTheSecondFactorOnly"}},
		{"supabase #2607, #2615", "the level stays after an administrator removed the factor",
			[]string{"TestR058_AChangeInvalidatesEverythingIssuedBefore"}},
		{"nodewarden #370", "a trusted browser survives a reset of the second factor",
			[]string{"TestR083_TrustedDevicesAreRevoked"}},
		{"Hanko; devise-otp #126", "guesses are counted by the client's address",
			[]string{"TestR037_GuessesAreCapped", "TestR114_KeyIsNotTheClients"}},
		{"artifact-keeper #1820", "a pending sign-in allows any number of guesses",
			[]string{"TestR037_GuessesAreCapped", "TestR115_ParallelGuesses"}},
		{"allauth before 65.14.2", "X-Forwarded-For is trusted from anyone", []string{"TestR114_KeyIsNotTheClients"}},
		{"Logto", "spellings of an address or a number have budgets of their own",
			[]string{"TestR006_OneFormOfAnIdentity", "TestR048_SendingIsLimited"}},
		{"Better Auth", "two concurrent answers both sign in",
			[]string{"TestR144_PendingOnceInParallel", "TestR144_SentCodesOnceInParallel"}},
		{"aspnetcore PR #57728", "two concurrent answers both pass the check for replays",
			[]string{"TestR144_TOTPStepOnceInParallel"}},
		{"several", "the QR code of the active secret can be requested at any time",
			[]string{"TestR032_SecretIsShownOnce"}},
		{"authboss", "new recovery codes are issued without a fresh proof", []string{"TestR069_LifeOfASet"}},
		{"Kratos, Fortify", "recovery codes can be read again", []string{"TestR066_RecoveryCodesAreShownOnce"}},
		{"hanko PR #2759", "a new field of a record is not stored in its table",
			[]string{"internal/storetest TestStoredRecordsAreComplete"}},
		{"supabase PR #2779", "the flags of a synced passkey are misread",
			[]string{"TestR093_CounterGrowsAndBackupFlagsHold"}},
	}
}
