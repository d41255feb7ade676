package event

// Name implements [Event].
func (UserAuthenticated) Name() string { return "user-authenticated" }

// Name implements [Event].
func (UserFailedAuthn) Name() string { return "user-failed-authn" }

// Name implements [Event].
func (UserRegistered) Name() string { return "user-registered" }

// Name implements [Event].
func (UserNotRegistered) Name() string { return "user-not-registered" }

// Name implements [Event].
func (TFSecurityTokenSent) Name() string { return "tf-security-token-sent" }

// Name implements [Event].
func (TFCodeConfirmed) Name() string { return "tf-code-confirmed" }

// Name implements [Event].
func (TFProfileChanged) Name() string { return "tf-profile-changed" }

// Name implements [Event].
func (TFEnrolled) Name() string { return "tf-enrolled" }

// Name implements [Event].
func (TFFactorEdited) Name() string { return "tf-factor-edited" }

// Name implements [Event].
func (TFFactorRemoved) Name() string { return "tf-factor-removed" }

// Name implements [Event].
func (RecoveryCodesMade) Name() string { return "recovery-codes-made" }

// Name implements [Event].
func (TFDisabled) Name() string { return "tf-disabled" }

// Name implements [Event].
func (TFRescueRequested) Name() string { return "tf-rescue-requested" }

// Name implements [Event].
func (TFPaused) Name() string { return "tf-paused" }

// Name implements [Event].
func (UserReauthenticated) Name() string { return "user-reauthenticated" }

// Name implements [Event].
func (UserDisowned) Name() string { return "user-disowned" }

// Name implements [Event].
func (FirstFactorProven) Name() string { return "first-factor-proven" }

// Name implements [Event].
func (UserPaused) Name() string { return "user-paused" }

// Name implements [Event].
func (DeviceCopied) Name() string { return "device-copied" }

// Name implements [Event].
func (PasskeyRegistered) Name() string { return "wan-registered" }

// Name implements [Event].
func (PasskeyDeleted) Name() string { return "wan-deleted" }

// Name implements [Event].
func (PasskeyRefused) Name() string { return "wan-refused" }

// Name implements [Event].
func (DeviceTrusted) Name() string { return "device-trusted" }

// Name implements [Event].
func (NewBrowser) Name() string { return "new-browser" }

// Name implements [Event].
func (BrowserStays) Name() string { return "browser-stays" }

// Name implements [Event].
func (StayingCopied) Name() string { return "staying-copied" }

// Name implements [Event].
func (TFRescued) Name() string { return "tf-rescued" }

// Name implements [Event].
func (RecoveryStarted) Name() string { return "recovery-started" }

// Name implements [Event].
func (RecoveryEnded) Name() string { return "recovery-ended" }

// Name implements [Event].
func (NewsSeen) Name() string { return "news-seen" }

// Name implements [Event].
func (PasswordsGuessed) Name() string { return "passwords-guessed" }

// Name implements [Event].
func (DeviceRevoked) Name() string { return "device-revoked" }

// Name implements [Event].
func (SessionEnded) Name() string { return "session-ended" }

// Name implements [Event].
func (AccountChanged) Name() string { return "account-changed" }

// Name implements [Event].
func (UserLoggedOut) Name() string { return "user-logged-out" }

// Name returns "connection-added" or "connection-removed".
func (e ConnectionChanged) Name() string {
	if e.Removed {
		return "connection-removed"
	}
	return "connection-added"
}
