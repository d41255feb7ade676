package web

import (
	"bytes"
	"testing"
)

func TestEveryPageIsDrawn(t *testing.T) {
	words, err := NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := loadTemplates(nil)
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]any{
		"login": LoginPage{}, "register": RegisterPage{}, "tf_setup": SetupPage{}, "tf_confirm": ConfirmPage{},
		"tf_validate": ValidatePage{}, "tf_select": SelectPage{}, "account": AccountPage{}, "message": MessagePage{}, "not_me": NotMePage{}, "verify": VerifyPage{},
		"wan_register": WanRegisterPage{}, "wan_signin": WanSigninPage{}, "wan_verify": WanVerifyPage{}, "tf_sessions": SessionsPage{}, "tf_devices": DevicesPage{}, "tf_recovery": RecoveryPage{},
		"tf_factors": FactorsPart{}, "mf_recovery_codes": CodesPage{}, "mf_recovery": UseCodePage{},
	}
	for _, w := range words.words {
		for name, d := range data {
			var b bytes.Buffer
			p := &Page{Name: name, words: w, Lang: w.Tag, Data: d, Values: map[string]string{}}
			if err := all[name].ExecuteTemplate(&b, "layout", p); err != nil {
				t.Errorf("%s in %s: %v", name, w.Tag, err)
			}
		}
	}
}
