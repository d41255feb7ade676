package web

import (
	"reflect"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/test/openapitest"
)

// answersOf returns the types of the JSON answers of a step that succeeds, by
// method and path. A step that is not listed answers with the common fields.
func answersOf() map[string][]any {
	list := map[string][]any{
		"GET /access-tokens":   {tokensBody{}},
		"POST /access-tokens":  {newTokenBody{}},
		"GET /token-check":     {tokenCheckBody{}},
		"GET /change":          {passwordBody{}},
		"GET /change-email":    {emailBody{}},
		"POST /change-email":   {emailBody{}},
		"GET /change-username": {usernameBody{}},
		"GET /confirm/{token}": {confirmBody{}},

		"GET /login":                  {loginBody{}, unifiedBody{}},
		"GET /login/{token}":          {codeLinkBody{}},
		"GET /login/oauth-signup":     {signUpBody{}},
		"POST /login/oauth-signup":    {signUpBody{}, outcomeBody{}},
		"GET /us-signin":              {unifiedBody{}},
		"GET /us-verify-link/{token}": {codeLinkBody{}},
		"GET /us-verify":              {firstVerifyBody{}},
		"GET /us-setup":               {firstSetupBody{}},
		"POST /us-setup":              {firstEnrollmentBody{}, common{}},
		"GET /us-setup/{token}":       {firstEnrollmentBody{}},
		"POST /us-setup/{token}":      {firstFactorBody{}},
		"GET /verify":                 {verifyBody{}},

		"GET /me":                     {accountBody{}},
		"GET /register":               {registerBody{}},
		"GET /tf-profile":             {profileBody{}},
		"POST /tf-language":           {languageBody{}},
		"GET /tf-delete":              {deleteBody{}},
		"POST /tf-delete":             {deletedBody{}},
		"GET /tf-export":              {exportBody{}},
		"GET /tf-invite/{token}":      {inviteBody{}},
		"POST /tf-invite/{token}":     {challengeBody{}, outcomeBody{}},
		"GET /tf-devices":             {devicesBody{}},
		"GET /tf-sessions":            {sessionsBody{}},
		"GET /tf-notices":             {noticesBody{}},
		"GET /tf-factors":             {factorListBody{}},
		"POST /tf-factors/{token}":    {factorsBody{}},
		"DELETE /tf-factors/{token}":  {factorsBody{}},
		"GET /tf-recovery":            {recoveryAnswer{}},
		"GET /tf-recovery/{token}":    {opensBody{}},
		"GET /tf-rescue":              {rescueBody{}},
		"POST /tf-rescue":             {rescuedBody{}},
		"GET /tf-select":              {selectBody{}},
		"GET /tf-setup":               {setupBody{}},
		"POST /tf-setup":              {enrollmentBody{}, common{}},
		"POST /tf-setup/{token}":      {enrolledBody{}},
		"GET /tf-validate":            {rescueBody{}, common{}},
		"POST /tf-resend":             {outcomeBody{}, resentBody{}},
		"GET /mf-recovery-codes":      {codesBody{}},
		"POST /mf-recovery-codes":     {codesBody{}, common{}},
		"POST /mf-recovery":           {codeUsedBody{}},
		"GET /wan-register":           {passkeysBody{}},
		"POST /wan-register":          {challengeBody{}},
		"GET /wan-signin":             {wanSigninBody{}},
		"POST /wan-signin":            {wanChallengeBody{}},
		"POST /wan-verify":            {challengeBody{}},
		"POST /logout":                {struct{}{}},
		"POST /tf-sessions/{token}":   {common{}, struct{}{}},
		"DELETE /tf-sessions/{token}": {common{}, struct{}{}},
	}
	for _, name := range []string{
		"POST /change-email/{token}", "POST /confirm/{token}", "POST /reset/{token}", "POST /login",
		"POST /login/{token}", "GET /login/oauth-verify-response/{token}", "POST /register",
		"POST /tf-recovery/{token}", "POST /tf-select", "POST /tf-validate", "POST /us-signin", "POST /us-verify",
		"POST /us-verify-link/{token}", "POST /verify", "POST /wan-signin/{token}", "POST /wan-verify/{token}",
	} {
		list[name] = []any{outcomeBody{}, common{}} // a step is left, or none
	}
	list["GET /login/oauthresponse/{token}"] = list["POST /login/oauth-signup"]
	return list
}

// TestOpenAPIHasTheTypesOfAnswers checks that docs/openapi.yaml and the structs of the JSON answers
// have the same fields of the same types, and that fields that the document requires are always
// present.
func TestOpenAPIHasTheTypesOfAnswers(t *testing.T) {
	d, list := openapitest.Open(t), answersOf()
	for _, op := range d.Operations() {
		name := op.Method + " " + op.Path
		success := list[name]
		delete(list, name)
		if success == nil {
			success = []any{common{}}
		}
		if op.Path == "/.well-known/jwks.json" {
			continue // it is not in the envelope
		}
		for _, status := range op.Statuses() {
			types := openapitest.Types{Envelope: reflect.TypeFor[envelope](), Shared: reflect.TypeFor[common]()}
			bodies := success
			switch {
			case strings.HasPrefix(status, "3"):
				bodies = []any{awayBody{}}
			case !strings.HasPrefix(status, "2"):
				bodies = []any{refusedBody{}}
			}
			for _, b := range bodies {
				types.Answers = append(types.Answers, reflect.TypeOf(b))
			}
			if err := d.CheckTypes(op, status, types); err != nil {
				t.Error(err)
			}
		}
	}
	for name := range list {
		t.Errorf("docs/openapi.yaml has no %s", name)
	}
}
