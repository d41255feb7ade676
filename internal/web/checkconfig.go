package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/captcha"
	"github.com/twofold-auth/twofold/internal/i18n"
)

// sampleData returns the data type of each page.
func sampleData() map[string]any {
	return map[string]any{
		"login": LoginPage{}, "register": RegisterPage{}, "verify": VerifyPage{}, "switch": SwitchPage{},
		"tf_setup": SetupPage{}, "tf_confirm": ConfirmPage{}, "tf_validate": ValidatePage{}, "tf_select": SelectPage{},
		"account": AccountPage{}, "not_me": NotMePage{}, "link": LinkPage{}, "message": MessagePage{},
		"tf_sessions": SessionsPage{}, "tf_devices": DevicesPage{}, "tf_factors": FactorsPart{},
		"tf_recovery":       RecoveryPage{},
		"mf_recovery_codes": CodesPage{}, "mf_recovery": UseCodePage{}, "oauth_away": AwayPage{},
		"oauth_signup": SignUpPage{},
		"gate_away":    AwayPage{},
		"wan_register": WanRegisterPage{}, "wan_signin": WanSigninPage{}, "wan_verify": WanVerifyPage{},
		"us_signin": UnifiedPage{}, "us_link": CodeLinkPage{}, "us_setup": FirstSetupPage{},
		"us_verify":     FirstVerifyPage{},
		"access_tokens": TokensPage{}, "ask": AskPage{}, "choose": ChoosePage{},
		"remove": RemovePage{}, "change": ChangePage{}, "change_email": ChangePage{}, "change_username": ChangePage{},
		"profile": ProfilePage{}, "invite_passkey": InvitePasskeyPage{},
	}
}

// CheckTemplates checks the pages that an application replaced. It reports files with unknown
// names, templates that cannot be parsed or lack a block, and templates that fail with sample data
// or use unknown texts. Names in mails are known too: these templates are not for pages.
func CheckTemplates(own fs.FS, words *i18n.Catalogue, mails []string) []error {
	if own == nil {
		return nil
	}
	files, err := fs.Glob(own, "*.html")
	if err != nil {
		return []error{err}
	}
	var errs []error
	known := slices.Concat([]string{"layout"}, mails, pages(), parts())
	for _, file := range files {
		if name := strings.TrimSuffix(path.Base(file), ".html"); !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("%s: unknown page%s", file, nearestOf(name, known)))
		}
		errs = append(errs, checkKeys(own, file, words)...)
	}
	if len(files) == 0 {
		return []error{errors.New("contains no page: use a folder with files such as login.html")}
	}
	all, err := loadTemplates(own)
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		errs = append(errs, joined.Unwrap()...)
	}
	seen := map[string]bool{} // report an error of a shared part once
	for _, name := range pages() {
		if all[name] == nil {
			continue // the parse error has been reported
		}
		if err := draw(all[name], name, words.For("en")); err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			errs = append(errs, fmt.Errorf("%s.html: %w", name, err))
		}
	}
	return errs
}

// samples returns sample data of a page: empty, filled, and filled before anything was sent.
func samples(empty any) []any {
	out := []any{empty}
	for _, sent := range []bool{true, false} {
		full := reflect.New(reflect.TypeOf(empty)).Elem()
		fill(full, 0)
		if f := full.FieldByName("Sent"); f.IsValid() {
			f.SetBool(sent)
		}
		out = append(out, full.Interface())
	}
	return out
}

// draw renders a page with all its samples.
func draw(t *template.Template, name string, words *i18n.Words) error {
	data, ok := sampleData()[name]
	if !ok {
		return nil
	}
	for i, d := range samples(data) {
		p := samplePage(name, words, d)
		p.Captcha = sampleCaptchas()[i]
		var b bytes.Buffer
		if err := t.ExecuteTemplate(&b, "layout", p); err != nil {
			var bad *template.Error
			if errors.As(err, &bad) {
				return errors.New(bad.Description)
			}
			return err
		}
		if !strings.Contains(b.String(), "<") {
			return errors.New("renders an empty page: does it define the blocks title and content?")
		}
	}
	return nil
}

func samplePage(name string, words *i18n.Words, data any) *Page {
	return &Page{Name: name, words: words, Lang: words.Tag, Site: "Example", Data: data, Values: map[string]string{}}
}

// sampleCaptchas returns one captcha for each sample of a page.
func sampleCaptchas() []*captcha.Widget {
	return []*captcha.Widget{
		nil, {Provider: captcha.Altcha, Field: "altcha", Challenge: "{}"},
		{Provider: captcha.Turnstile, Field: "cf-turnstile-response", SiteKey: "key", Script: "https://example.org/"},
	}
}

// CheckCaptcha reports replaced pages that do not show the captcha, because their forms could not
// be submitted.
func CheckCaptcha(own fs.FS, words *i18n.Catalogue) (errs []error) {
	all, err := loadTemplates(own)
	if err != nil {
		return nil // CheckTemplates reports it
	}
	for _, name := range []string{"login", "register", "ask", "us_signin", "oauth_signup"} {
		p := samplePage(name, words.For("en"), sampleData()[name])
		p.Captcha = sampleCaptchas()[1]
		var b bytes.Buffer
		if all[name].ExecuteTemplate(&b, "layout", p) == nil &&
			!(strings.Contains(b.String(), "data-altcha") && strings.Contains(b.String(), "/captcha.")) {
			errs = append(errs, fmt.Errorf("%s.html does not show the captcha: "+
				`put {{template "captcha" .}} into its form, and its scripts into layout.html`, name))
		}
	}
	return errs
}

// fill sets every field of a struct, so that a page renders each of its branches.
func fill(v reflect.Value, depth int) {
	if depth > 5 || !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), depth+1)
		}
	case reflect.String:
		v.SetString("authenticator")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(time.Minute))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), depth+1)
	}
}

// keyInTemplate matches the text keys in a template.
var keyInTemplate = regexp.MustCompile(`\.T "([A-Za-z0-9_]+)"`)

func checkKeys(own fs.FS, file string, words *i18n.Catalogue) (errs []error) {
	raw, err := fs.ReadFile(own, file)
	if err != nil {
		return []error{err}
	}
	for _, m := range keyInTemplate.FindAllStringSubmatch(string(raw), -1) {
		if !words.HasText(m[1]) {
			errs = append(errs, fmt.Errorf("%s: unknown text %q", file, m[1]))
		}
	}
	return errs
}

// nearestOf suggests the name that was probably meant.
func nearestOf(name string, known []string) string {
	for _, k := range known {
		a, b := strings.NewReplacer("_", "", "-", "").Replace(name), strings.ReplaceAll(k, "_", "")
		if strings.EqualFold(a, b) ||
			len(a) > 3 && (strings.HasPrefix(b, a) || strings.HasPrefix(a, b) || oneSlip(a, b)) {
			return ": did you mean " + k + ".html?"
		}
	}
	return ""
}

// oneSlip reports whether two words differ by one letter: another, one more, one
// less, or two in the wrong order.
func oneSlip(a, b string) bool {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	a, b = a[i:], b[i:]
	switch {
	case len(a) == len(b) && len(a) >= 2 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]:
		return true
	case len(a) == len(b):
		return len(a) > 0 && a[1:] == b[1:]
	case len(a) == len(b)+1:
		return a[1:] == b
	case len(b) == len(a)+1:
		return b[1:] == a
	}
	return false
}

// CheckPaths returns the error of every invalid path, by the name of its field.
func CheckPaths(p Paths) map[string]string {
	bad := map[string]string{}
	checkPaths(reflect.ValueOf(p), "Pages.Paths", bad)
	return bad
}

func checkPaths(v reflect.Value, name string, bad map[string]string) {
	for i := range v.NumField() {
		f, field := v.Field(i), name+"."+v.Type().Field(i).Name
		switch {
		case f.Kind() == reflect.Struct:
			checkPaths(f, field, bad)
		case f.Kind() != reflect.String || f.String() == "" || v.Type().Field(i).Name == "DeviceCookie":
		default:
			path := f.String()
			if got, ok := safeNext(path); !ok || got != path || strings.ContainsAny(path, "?#{} ") || path == "/" {
				bad[field] = fmt.Sprintf("%q must be a plain path such as /login", path)
			}
		}
	}
}
