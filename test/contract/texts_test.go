package contract_test

import (
	"encoding/json"
	"os"
	"testing"
)

// Clients compare the texts of answers, so the English texts of the contract do not change. Those
// that differ are listed on the page.
func TestTheTextsOfTheContractStay(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../internal/i18n/locales/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var have map[string]any
	if err := json.Unmarshal(raw, &have); err != nil {
		t.Fatal(err)
	}
	for key, want := range contractTexts() {
		if have[key] != want {
			t.Errorf("%s: %q, want %q", key, have[key], want)
		}
	}
}

func contractTexts() map[string]any {
	return map[string]any{
		"API_ERROR":                  "Input not appropriate for requested API",
		"GENERIC_AUTHN_FAILED":       "Authentication failed - identity or password/passcode invalid",
		"GENERIC_US_SIGNIN":          "If that identity is in our system, you were sent a code.",
		"UNAUTHORIZED":               "You do not have permission to view this resource.",
		"UNAUTHENTICATED":            "You must sign in to view this resource.",
		"REAUTHENTICATION_REQUIRED":  "You must reauthenticate to access this endpoint",
		"EMAIL_CONFIRMED":            "Thank you. Your email has been confirmed.",
		"ALREADY_CONFIRMED":          "Your email has already been confirmed.",
		"INVALID_CONFIRMATION_TOKEN": "Invalid confirmation token.",
		"EMAIL_ALREADY_ASSOCIATED":   "{{.email}} is already associated with an account.",
		"IDENTITY_ALREADY_ASSOCIATED": "Identity attribute '{{.attr}}' with value '{{.value}}' is already " +
			"associated with an account.",
		"RETYPE_PASSWORD_MISMATCH":      "Passwords do not match",
		"INVALID_REDIRECT":              "Redirections outside the domain are forbidden",
		"INVALID_RECOVERY_CODE":         "Recovery code invalid",
		"NO_RECOVERY_CODES_SETUP":       "No recovery codes generated yet",
		"PASSWORD_RESET_REQUEST":        "Instructions to reset your password have been sent to {{.email}}.",
		"PASSWORD_RESET_EXPIRED":        "You did not reset your password within {{.within}}. ",
		"INVALID_RESET_PASSWORD_TOKEN":  "Invalid reset password token.",
		"CONFIRMATION_REQUIRED":         "Email requires confirmation.",
		"CONFIRMATION_REQUEST":          "Confirmation instructions have been sent to {{.email}}.",
		"CONFIRMATION_EXPIRED":          "You did not confirm your email within {{.within}}. ",
		"LOGIN_EMAIL_SENT":              "Instructions to login have been sent to {{.email}}.",
		"INVALID_LOGIN_TOKEN":           "Invalid login token.",
		"DISABLED_ACCOUNT":              "Account is disabled.",
		"EMAIL_NOT_PROVIDED":            "Email not provided",
		"INVALID_EMAIL_ADDRESS":         "Invalid email address",
		"INVALID_INPUT":                 "Value entered is not valid for the field",
		"PASSWORD_NOT_PROVIDED":         "Password not provided",
		"PASSWORD_INVALID_LENGTH":       "Password must be at least {{.length}} characters",
		"PASSWORD_TOO_SIMPLE":           "Password not complex enough",
		"PASSWORD_BREACHED":             "Password on breached list",
		"PASSWORD_BREACHED_SITE_ERROR":  "Failed to contact breached passwords site",
		"PHONE_INVALID":                 "Phone number not valid e.g. missing country code",
		"USER_DOES_NOT_EXIST":           "Specified user does not exist",
		"INVALID_PASSWORD":              "Invalid password",
		"INVALID_PASSWORD_CODE":         "Password or code submitted is not valid",
		"PASSWORDLESS_LOGIN_SUCCESSFUL": "You have successfully logged in.",
		"FORGOT_PASSWORD":               "Forgot password?",
		"PASSWORD_RESET": "You successfully reset your password and you have been logged in " +
			"automatically.",
		"PASSWORD_RESET_NO_LOGIN": "You successfully reset your password. Please authenticate using " +
			"your new password.",
		"PASSWORD_IS_THE_SAME":                "Your new password must be different than your previous password.",
		"PASSWORD_CHANGE":                     "You successfully changed your password.",
		"REFRESH_TOKEN_INVALID":               "Refresh token is invalid ({{.reason}})",
		"REAUTHENTICATION_SUCCESSFUL":         "Reauthentication successful",
		"ANONYMOUS_USER_REQUIRED":             "You can only access this endpoint when not logged in.",
		"CODE_HAS_BEEN_SENT":                  "Code has been sent.",
		"FAILED_TO_SEND_CODE":                 "Failed to send code. Please try again later",
		"TWO_FACTOR_INVALID_TOKEN":            "Invalid code",
		"TWO_FACTOR_LOGIN_SUCCESSFUL":         "Your code has been confirmed",
		"TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": "You successfully changed your two-factor method.",
		"TWO_FACTOR_PERMISSION_DENIED":        "You currently do not have permissions to access this page",
		"TWO_FACTOR_METHOD_NOT_AVAILABLE":     "Marked method is not valid",
		"TWO_FACTOR_DISABLED":                 "You successfully disabled two-factor authorization.",
		"TWO_FACTOR_SETUP_EXPIRED":            "Setup must be completed within {{.within}}. Please start over.",
		"US_METHOD_NOT_AVAILABLE":             "Requested method is not valid",
		"US_SETUP_EXPIRED":                    "Setup must be completed within {{.within}}. Please start over.",
		"US_SETUP_SUCCESSFUL":                 "Unified sign in setup successful",
		"US_SPECIFY_IDENTITY":                 "You must specify a valid identity to sign in",
		"USE_CODE":                            "Use this code to sign in: {{.code}}",
		"USERNAME_CHANGE":                     "You successfully changed your username",
		"USERNAME_INVALID_LENGTH": "Username must be at least {{.min}} characters and less than " +
			"{{.max}} characters",
		"USERNAME_ILLEGAL_CHARACTERS":    "Username contains illegal characters",
		"USERNAME_DISALLOWED_CHARACTERS": "Username can contain only letters and numbers",
		"USERNAME_NOT_PROVIDED":          "Username not provided",
		"USERNAME_ALREADY_ASSOCIATED":    "{{.username}} is already associated with an account.",
		"WEBAUTHN_EXPIRED": "Passkey operations must be completed within {{.within}}. Please start " +
			"over.",
		"WEBAUTHN_NAME_REQUIRED":          "Nickname for new passkey is required.",
		"WEBAUTHN_NAME_INUSE":             "{{.name}} is already associated with a passkey.",
		"WEBAUTHN_NAME_NOT_FOUND":         "{{.name}} not registered with current user.",
		"WEBAUTHN_CREDENTIAL_ID_INUSE":    "Passkey already registered.",
		"WEBAUTHN_UNKNOWN_CREDENTIAL_ID":  "Unregistered passkey.",
		"WEBAUTHN_NO_VERIFY":              "Could not verify passkey: {{.cause}}.",
		"WEBAUTHN_CREDENTIAL_WRONG_USAGE": "Passkey not registered for this use (first or secondary)",
		"WEBAUTHN_MISMATCH_USER_HANDLE":   "Credential user handle didn't match",
		"CHANGE_EMAIL_EXPIRED":            "Confirmation must be completed within {{.within}}. Please start over.",
		"CHANGE_EMAIL_CONFIRMED":          "Change of email address confirmed",
		"CHANGE_EMAIL_SENT": "Instructions to confirm your new email address have been sent to " +
			"{{.email}}.",
		"USERNAME_RECOVERY_REQUEST": "If registered, your username will be sent to your email.",
	}
}
