package twofold

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold/internal/settings"
	"github.com/twofold-auth/twofold/store/sqlite"
)

// settled returns a configuration without mistakes that has every section.
func settled(t *testing.T, field string) Config {
	t.Helper()
	db, err := sqlite.Open(t.Context(), t.TempDir()+"/app.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c := Config{
		Origin: "http://localhost", Key: KeyText(NewKey()), Store: db, Passkeys: &Passkeys{},
		Passwordless: &Passwordless{}, TwoFactor: TwoFactor{RecoveryCodes: &RecoveryCodes{}},
	}
	switch field {
	case "Accounts.CaptchaCost":
		c.Accounts.Captcha = "altcha"
	case "Accounts.CaptchaMinScore":
		c.Accounts.Captcha, c.Accounts.CaptchaSiteKey, c.Accounts.CaptchaSecret = "recaptcha", "a", "b"
	}
	return c
}

// fieldAt returns the field of a configuration with every section.
func fieldAt(t *testing.T, c *Config, path string) reflect.Value {
	t.Helper()
	v := reflect.ValueOf(c).Elem()
	for name := range strings.SplitSeq(path, ".") {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v = v.FieldByName(name); !v.IsValid() {
			t.Fatalf("Config has no field %s", path)
		}
	}
	return v
}

// fieldsWrong returns the fields that New finds wrong.
func fieldsWrong(t *testing.T, c Config) (fields []string) {
	t.Helper()
	_, err := New(c)
	if err == nil {
		return nil
	}
	wrong, ok := err.(*ConfigError)
	if !ok {
		t.Fatal(err)
	}
	for _, p := range wrong.Problems {
		fields = append(fields, p.Field)
	}
	return fields
}

// TestNewHoldsTheTableOfSettings checks each row: a value just beyond a bound is refused with the name
// of its field, and a value at the bound is accepted. So are the extremes of the type.
func TestNewHoldsTheTableOfSettings(t *testing.T) {
	t.Parallel()
	for _, r := range settings.Rows() {
		c := settled(t, r.Field)
		try := func(v int64, accepted bool) {
			t.Helper()
			c := c
			c.Passkeys, c.Passwordless, c.TwoFactor.RecoveryCodes = &Passkeys{}, &Passwordless{}, &RecoveryCodes{}
			set(t, &c, r, v)
			wrong := fieldsWrong(t, c)
			if accepted && wrong != nil || !accepted && !slices.Equal(wrong, []string{r.Field}) {
				t.Errorf("%s: %s gives mistakes of %v", r.Field, r.Words(v), wrong)
			}
		}
		if r.Kind == settings.Text {
			continue
		}
		try(math.MaxInt64, r.Max == settings.NoMax)
		try(math.MinInt64, r.Min == settings.NoMin)
		if r.Max != settings.NoMax {
			try(r.Max, true)
			try(r.Max+1, false)
		}
		if r.Min != settings.NoMin {
			try(r.Min, true)
			try(min(r.Min-1, -1), false)
			if r.Min > 1 {
				try(r.Min-1, false)
			}
		}
	}
}

// set sets a field and the other field of its pair, so that their order holds.
func set(t *testing.T, c *Config, r settings.Row, v int64) {
	t.Helper()
	if f := fieldAt(t, c, r.Field); r.Kind == settings.Score {
		f.SetFloat(float64(v))
		return
	}
	r.Set(c, v)
	for _, o := range settings.Orders() {
		other := map[string]string{o.Low: o.High, o.High: o.Low}[r.Field]
		if partner, ok := settings.Of(other); ok {
			partner.Set(c, min(max(v, partner.Min), partner.Max))
		}
	}
}

// TestZeroIsTheDefault checks that New puts the default of the table in place of zero.
func TestZeroIsTheDefault(t *testing.T) {
	t.Parallel()
	c := settled(t, "")
	before := *c.Passkeys
	full := c.withDefaults()
	for _, r := range settings.Rows() {
		f, want := fieldAt(t, &full, r.Field), any(r.Default)
		switch r.Kind {
		case settings.Text:
			want = r.Standard
		case settings.Score:
			want = 0.0
		}
		if like, ok := settings.Of(r.Like); ok {
			want = max(r.Default, like.Default)
		}
		var got any = f.Interface()
		if f.CanInt() {
			got = f.Int()
		}
		if got != want {
			t.Errorf("%s is %v, want %v", r.Field, got, want)
		}
		if r.Kind != settings.Text && r.Default == 0 && r.Zero == "" && r.Like == "" {
			t.Errorf("the table does not say what zero means for %s", r.Field)
		}
	}
	if c.Passkeys.SignInWithin != before.SignInWithin {
		t.Error("New changed a section of the application")
	}
}

// TestPairsAreOrdered checks that New refuses a pair of fields in the wrong order, and names it.
func TestPairsAreOrdered(t *testing.T) {
	t.Parallel()
	for _, o := range settings.Orders() {
		c := settled(t, "")
		low, _ := settings.Of(o.Low)
		high, _ := settings.Of(o.High)
		middle := max(low.Min, high.Min) + 1
		low.Set(&c, middle+1)
		high.Set(&c, middle)
		if wrong := fieldsWrong(t, c); !slices.Equal(wrong, []string{o.High}) {
			t.Errorf("%s above %s gives mistakes of %v", o.Low, o.High, wrong)
		}
		high.Set(&c, middle+1)
		if wrong := fieldsWrong(t, c); wrong != nil {
			t.Errorf("%s equal to %s gives mistakes of %v", o.Low, o.High, wrong)
		}
	}
}

// TestAllMistakesAreNamedAtOnce sets each number of Config to a negative value.
func TestAllMistakesAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	c, want := settled(t, ""), []string{}
	for _, r := range settings.Rows() {
		if f := fieldAt(t, &c, r.Field); f.CanInt() && r.Min != settings.NoMin {
			f.SetInt(-1)
			want = append(want, r.Field)
		}
	}
	got := fieldsWrong(t, c)
	for _, field := range want {
		if !slices.Contains(got, field) {
			t.Errorf("New does not name %s", field)
		}
	}
	if len(want) < 50 {
		t.Errorf("the table has only %d numbers", len(want))
	}
}

// TestEveryFieldIsInTheTable checks that each field of Config has a row, or is listed as a field without
// default and bounds, and that each number has a row.
func TestEveryFieldIsInTheTable(t *testing.T) {
	t.Parallel()
	listed := map[string]int{}
	for _, field := range settings.Fields() {
		listed[field]++
	}
	for path, f := range fieldsOf(t) {
		_, row := settings.Of(path)
		counts := slices.Contains([]reflect.Kind{reflect.Int, reflect.Int64, reflect.Float64}, f.kind)
		switch {
		case listed[path] != 1:
			t.Errorf("%s is in package settings %d times", path, listed[path])
		case counts && !row:
			t.Errorf("%s is a number without a row in the table of settings", path)
		}
		delete(listed, path)
	}
	for path := range listed {
		t.Errorf("package settings lists %s, which Config does not have", path)
	}
}

// TestCommentsStateTheTable checks that the comment of a field states its default and its bounds as the
// table of settings has them.
func TestCommentsStateTheTable(t *testing.T) {
	t.Parallel()
	fields := fieldsOf(t)
	for _, r := range settings.Rows() {
		comment := strings.Join(strings.Fields(fields[r.Field].comment), " ")
		wants := []string{r.Bounds()}
		if strings.HasPrefix(r.Field, "Advanced.Limits.") { // the comments are shorter
			wants = []string{""}
			if r.Max != settings.NoMax {
				wants = append(wants, "at most "+r.Words(r.Max))
			}
			if r.Min > 1 {
				wants = append(wants, "at least "+r.Words(r.Min))
			}
		}
		switch {
		case r.Kind == settings.Text:
			wants = append(slices.Clone(r.Choices), `"`+r.Standard+`"`)
		case r.Default != 0:
			wants = append(wants, r.Words(r.Default))
		case r.Like != "":
			wants = append(wants, r.Like)
		case !strings.Contains(r.Zero, "each processor"):
			wants = append(wants, "If it is zero")
		}
		for _, want := range wants {
			found, err := regexp.MatchString(`(^|[^\w,])`+regexp.QuoteMeta(want)+`($|[^\w,]|, )`, comment)
			if err != nil || want != "" && want != "positive" && !found {
				t.Errorf("the comment of %s does not say %q: %s", r.Field, want, comment)
			}
		}
	}
}

// documented is a field of Config or of one of its sections.
type documented struct {
	kind    reflect.Kind
	comment string
}

// fieldsOf returns the fields of Config by path, with those of its sections.
func fieldsOf(t *testing.T) map[string]documented {
	t.Helper()
	comments := map[string]string{} // by type and field
	for _, file := range []string{"config.go", "config_password.go", "accounts.go", "passkeys.go", "passwordless.go",
		"tokens.go", "pages.go", "spa.go", "internal/limit/limits.go"} {
		parsed, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					for _, name := range f.Names {
						comments[spec.Name.Name+"."+name.Name] = f.Doc.Text() + f.Comment.Text()
					}
				}
			}
			return false
		})
	}
	out := map[string]documented{}
	var walk func(of reflect.Type, prefix string)
	walk = func(of reflect.Type, prefix string) {
		for f := range of.Fields() {
			if !f.IsExported() {
				continue
			}
			path, in := prefix+f.Name, f.Type
			out[path] = documented{in.Kind(), comments[of.Name()+"."+f.Name]}
			if in.Kind() == reflect.Pointer {
				in = in.Elem()
			}
			own := in.PkgPath() == reflect.TypeFor[Config]().PkgPath() && in != reflect.TypeFor[Key]()
			if in.Kind() == reflect.Struct && (own || in == reflect.TypeFor[Limits]()) {
				walk(in, path+".")
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
	return out
}
