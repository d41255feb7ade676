package twofold_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/twofold-auth/twofold"

// room lists the allowed imports of a folder: folders of this module, and other modules by prefix.
// All of the standard library except net/http is allowed.
type room struct {
	ours   string // names separated by blanks; "*" for all
	others string // prefixes separated by blanks; "*" for all
	http   bool   // may import net/http
}

// rooms lists the folders. Imports lead inward only. A folder or an import that is not listed fails
// the test.
var rooms = map[string]room{
	".": {
		ours: "internal/captcha internal/deletion internal/dossier internal/invite gate " +
			"internal/account internal/device event internal/factor federated internal/factor/onetime " +
			"internal/factor/recovery internal/factor/passkey internal/factor/totp internal/i18n internal/limit " +
			"internal/mail " +
			"internal/auth internal/policy internal/profile password internal/seal " +
			"internal/transfer internal/transfer/engine " +
			"send internal/session internal/settings store internal/storage internal/web",
		http:   true,
		others: "",
	},
	"internal/storage":           {},
	"store":                      {ours: "internal/storage"},
	"internal/storetest":         {ours: "internal/storage"},
	"internal/sqlstore":          {ours: "internal/storage"},
	"store/sqlite":               {ours: "internal/storage internal/sqlstore", others: "modernc.org/sqlite"},
	"store/redis":                {ours: "internal/storage", others: "github.com/redis/go-redis"},
	"store/postgres":             {ours: "internal/storage internal/sqlstore", others: "github.com/jackc/pgx/v5"},
	"internal/storetest/servers": {ours: "internal/storage store/postgres", others: "github.com/jackc/pgx/v5"},
	"internal/background":        {ours: "."},
	"internal/seal":              {},
	"internal/argon2id":          {others: "golang.org/x/crypto golang.org/x/sys"},
	"gate":                       {http: true},
	"internal/gate":              {ours: "gate internal/seal internal/storage", others: "golang.org/x/text"},
	"internal/legacy": {
		ours: "internal/argon2id", others: "golang.org/x/crypto golang.org/x/text github.com/go-crypt/x",
	},
	"password": {
		ours: "internal/argon2id internal/legacy", others: "golang.org/x/crypto golang.org/x/text",
	},
	"password/strength": {ours: "password", others: "github.com/ccojocar/zxcvbn-go"},
	"password/breach":   {ours: "password", http: true},
	"send":              {ours: "internal/storage"},
	"send/smtp":         {ours: "send", others: "github.com/wneessen/go-mail"},
	"send/gateway":      {ours: "send password", http: true},
	"password/ldap":     {ours: "password", others: "github.com/go-ldap/ldap"},
	"send/sendtest": {ours: "send", others: "github.com/emersion/go-smtp github.com/emersion/go-sasl",
		http: true},
	"federated":              {},
	"federated/oidc":         {ours: "federated", others: "github.com/coreos/go-oidc golang.org/x/oauth2", http: true},
	"internal/federatedtest": {others: "github.com/go-jose/go-jose", http: true},
	"internal/factor":        {ours: "internal/storage"},
	"internal/factor/totp": {
		ours:   "internal/storage internal/factor internal/seal",
		others: "github.com/boombuler/barcode",
	},
	"internal/factor/onetime": {
		ours:   "internal/storage internal/factor internal/seal send",
		others: "github.com/nyaruka/phonenumbers",
	},
	"internal/factor/passkey": {
		ours:   "internal/storage internal/factor internal/seal",
		others: "github.com/go-webauthn/webauthn",
	},
	"internal/factor/passkey/softkey": {},
	"internal/factor/recovery": {ours: "internal/storage internal/factor internal/seal",
		others: "golang.org/x/crypto"},
	"internal/factor/factortest": {ours: "internal/storage internal/factor internal/seal"},
	"internal/transfer":          {},
	"internal/transfer/betterauth": {
		ours: "internal/transfer internal/transfer/rows", others: "golang.org/x/crypto",
	},
	"internal/transfer/keycloak": {ours: "internal/transfer"},
	"internal/transfer/columns":  {ours: "internal/transfer internal/transfer/rows"},
	"internal/transfer/sealed":   {ours: "internal/transfer", others: "filippo.io/age"},
	"internal/transfer/engine": {ours: "internal/account internal/factor/onetime internal/factor/passkey " +
		"internal/factor/recovery internal/factor/totp internal/legacy internal/profile internal/seal " +
		"internal/transfer password internal/storage"},
	"internal/transfer/rows":         {ours: "internal/transfer", others: "modernc.org/sqlite github.com/jackc/pgx/v5"},
	"internal/transfer/flask":        {ours: "internal/transfer internal/transfer/rows"},
	"internal/transfer/django":       {ours: "internal/transfer internal/transfer/rows internal/factor/passkey"},
	"internal/transfer/transfertest": {ours: "internal/transfer", others: "*"},
	"test/softkey":                   {ours: "internal/factor/passkey/softkey"},
	"internal/policy":                {ours: "internal/storage"},
	"internal/profile":               {others: "golang.org/x/text"},
	"internal/session":               {ours: "internal/storage internal/seal internal/policy"},
	"internal/device":                {ours: "internal/storage internal/seal"},
	"internal/settings":              {},
	"internal/limit":                 {ours: "internal/storage internal/seal internal/settings"},
	"event":                          {ours: "store internal/storage internal/seal"},
	"internal/account": {
		ours: "internal/storage internal/policy internal/profile internal/seal password internal/limit event send " +
			"internal/session",
		others: "golang.org/x/net/idna golang.org/x/text",
	},
	"internal/auth": {
		ours: "internal/account internal/device event internal/factor federated internal/limit " +
			"internal/policy internal/profile internal/seal send internal/session internal/storage",
	},
	"internal/captcha": {http: true},
	"internal/i18n": {
		ours: "internal/device", others: "github.com/nicksnyder/go-i18n golang.org/x/text",
	},
	"internal/mail": {ours: "internal/i18n send"},
	"internal/web": {
		ours: "internal/captcha gate internal/gate internal/deletion internal/invite " +
			"internal/account internal/device event internal/factor federated internal/i18n internal/limit " +
			"internal/auth internal/policy internal/profile password internal/seal send internal/session " +
			"internal/storage",
		others: "golang.org/x/net/publicsuffix golang.org/x/text",
		http:   true,
	},
	"internal/deletion": {ours: "internal/account internal/limit internal/auth internal/seal event internal/storage"},
	"internal/dossier":  {ours: "internal/storage internal/profile"},
	"internal/invite":   {ours: "internal/account internal/auth internal/seal event internal/storage"},
	"tracing":           {others: "go.opentelemetry.io/otel", http: true},
	"metrics":           {ours: ". event send", others: "github.com/prometheus/client_golang", http: true},
	"internal/testkit": {
		ours: ". event internal/background internal/storage internal/storetest/servers send send/sendtest " +
			"store/postgres store/redis store/sqlite test/openapitest",
		others: "github.com/jackc/pgx/v5 github.com/redis/go-redis", http: true,
	},
	"test/contract":    {},
	"test/openapitest": {http: true},
	"twofoldtest": {
		ours: ". internal/background internal/factor/passkey/softkey internal/factor/totp internal/settings " +
			"federated password send send/sendtest store store/sqlite", http: true,
	},
	"internal/flaskconfig":   {others: "go.starlark.net"},
	"cmd/twofold":            {ours: "*", others: "*", http: true},
	"test/crash":             {ours: "*", http: true},
	"test/cluster":           {ours: "*", http: true},
	"test/model":             {ours: "*", http: true},
	"test/explore":           {ours: "internal/policy internal/storage"},
	"test/explore/run":       {ours: "test/explore"},
	"test/security":          {ours: "*", http: true},
	"bench":                  {ours: "*", others: "*", http: true},
	"examples/own-users":     {ours: ". store store/sqlite", others: "modernc.org/sqlite", http: true},
	"examples/spa":           {ours: ". send store/sqlite", http: true},
	"examples/hello":         {ours: ". store/sqlite", http: true},
	"examples/reverse-proxy": {ours: ". gate store/sqlite", http: true},
}

// testOnly lists folders that only tests may import.
var testOnly = []string{
	"internal/storetest", "internal/storetest/servers", "send/sendtest", "internal/factor/factortest",
	"internal/factor/passkey/softkey", "internal/testkit", "internal/transfer/transfertest", "test/softkey",
	"internal/federatedtest",
	"test/openapitest", "twofoldtest", "test/model", "test/explore", "test/explore/run",
	"test/cluster", "test/contract", "test/crash", "test/security",
}

func TestArrowsPointInward(t *testing.T) {
	for _, f := range sources(t, false) {
		r, ok := rooms[f.dir]
		if !ok {
			t.Errorf("%s: folder %s is not in the house: add it to rooms, with as few arrows as it needs", f.name,
				f.dir)
			continue
		}
		for _, imported := range f.imports() {
			if problem := r.refuses(f.dir, imported); problem != "" {
				t.Errorf("%s: imports %s: %s", f.name, imported, problem)
			}
		}
	}
}

func (r room) refuses(dir, imported string) string {
	own, isOwn := strings.CutPrefix(imported, module)
	switch {
	case isOwn:
		own = strings.TrimPrefix(own, "/")
		if own == "" {
			own = "."
		}
		if slices.Contains(testOnly, own) && !slices.Contains(testOnly, dir) {
			return "that folder is for tests"
		}
		if r.ours != "*" && !slices.Contains(strings.Fields(r.ours), own) {
			return "no arrow leads there"
		}
	case imported == "net/http" || strings.HasPrefix(imported, "net/http/"):
		if !r.http {
			return "HTTP belongs to web, the root, senders and commands"
		}
	case strings.Contains(strings.SplitN(imported, "/", 2)[0], "."):
		for _, p := range strings.Fields(r.others) {
			if p == "*" || imported == p || strings.HasPrefix(imported, p+"/") {
				return ""
			}
		}
		return "third-party code stays in the folder that wraps it"
	}
	return ""
}

// TestOneDoor checks that only the session package stores sessions, with PutSession, and that only
// the function issue of package auth creates them: with session.Manager.Open, or with Prepare and a
// storage.Step that stores the session together with what it uses up. The parameter of issue has a
// type that other packages cannot name.
func TestOneDoor(t *testing.T) {
	opened, issued, minted, stepped := 0, 0, 0, 0
	for _, f := range sources(t, false) {
		if f.dir == "bench" || strings.HasPrefix(f.dir, "store") || f.dir == "internal/storage" ||
			f.dir == "internal/sqlstore" ||
			f.dir == "internal/testkit" || strings.HasPrefix(f.dir, "internal/storetest") {
			continue
		}
		ast.Inspect(f.file, func(n ast.Node) bool {
			if storesSession(n) {
				stepped++
				if where := f.name + ":" + enclosing(f.file, n.Pos()); where != atOnce+":signInAtOnce" {
					t.Errorf("%s: stores a session with a step, which only signInAtOnce may", where)
				}
			}
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			where := f.name + ":" + enclosing(f.file, sel.Pos())
			switch sel.Sel.Name {
			case "TakeStep":
				if where != atOnce+":takeAtOnce" && where != "internal/auth/pending.go:beginPending" {
					t.Errorf("%s: takes a step, which may store a session", where)
				}
			case "Prepare":
				if isSessions(sel.X) && where != "internal/auth/door.go:issueAtOnce" {
					t.Errorf("%s: prepares a session, which only issueAtOnce in internal/auth/door.go may", where)
				}
			case "PutSession", "RebindSession":
				if f.dir != "internal/session" {
					t.Errorf("%s: %s is used outside package session", where, sel.Sel.Name)
				}
			case "Open", "Rebind":
				if isSessions(sel.X) {
					opened++
					if where != "internal/auth/door.go:open" {
						t.Errorf("%s: makes a session, which only issue and its open in internal/auth/door.go may",
							where)
					}
				}
			case "PutToken":
				minted++
				if where != "internal/auth/door.go:mint" {
					t.Errorf("%s: makes a right that outlives its browser, which only mint in internal/auth/door.go "+
						"may", where)
				}
			case "issue", "mint":
				issued++
				if f.dir != "internal/auth" {
					t.Errorf("%s: reaches for the door", where)
				}
			}
			return true
		})
		checkDoor(t, f)
	}
	if opened == 0 || issued == 0 || minted == 0 || stepped != 1 {
		t.Fatalf("found %d makers of sessions, %d steps that store one and %d uses of the door: this test looks in "+
			"the wrong place", opened, stepped, issued)
	}
}

// atOnce is the file of the steps that store a session together with what it uses up.
const atOnce = "internal/auth/secondfactor_atonce.go"

// storesSession reports whether a node sets the field Session of a storage.Step.
func storesSession(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CompositeLit:
		sel, ok := n.Type.(*ast.SelectorExpr)
		return ok && sel.Sel.Name == "Step" && fmt.Sprint(sel.X) == "storage" &&
			slices.ContainsFunc(n.Elts, func(e ast.Expr) bool {
				field, ok := e.(*ast.KeyValueExpr)
				return !ok || fmt.Sprint(field.Key) == "Session" // without names, all fields are set
			})
	case *ast.AssignStmt:
		return slices.ContainsFunc(n.Lhs, func(x ast.Expr) bool {
			sel, ok := x.(*ast.SelectorExpr)
			return ok && sel.Sel.Name == "Session" && fmt.Sprint(sel.X) == "step"
		})
	}
	return false
}

// isSessions recognizes l.c.Sessions, s.c.Sessions and a.sessions.
func isSessions(x ast.Expr) bool {
	sel, ok := x.(*ast.SelectorExpr)
	return ok && strings.EqualFold(sel.Sel.Name, "sessions")
}

// checkDoor checks that issue is a single, unexported function whose parameter has the unexported
// type granted, with unexported fields only.
func checkDoor(t *testing.T, f source) {
	for _, d := range f.file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "issue" && f.dir == "internal/auth" {
			found := false
			for _, p := range fn.Type.Params.List {
				if id, ok := p.Type.(*ast.Ident); ok && id.Name == "granted" {
					found = true
				}
			}
			if !found {
				t.Errorf("%s: issue does not take a granted", f.name)
			}
		}
		gen, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range gen.Specs {
			ts, ok := s.(*ast.TypeSpec)
			if !ok || ts.Name.Name != "granted" {
				continue
			}
			for _, field := range ts.Type.(*ast.StructType).Fields.List {
				for _, name := range field.Names {
					if name.IsExported() {
						t.Errorf("%s: granted.%s is exported: another package could fill it in", f.name, name.Name)
					}
				}
			}
		}
	}
}

// TestNoticesAreStoredWithTheirChange checks that package auth queues a separate notice only if no change
// of the store can include it. All other notices are stored with their change. Only mailer.go calls
// the Mailer.
func TestNoticesAreStoredWithTheirChange(t *testing.T) {
	alone := map[string]bool{
		"CodesTried": true, "RescueAsked": true, "EmailWanted": true, // nothing has changed yet
		"PasskeyCopied": true, // nor here: the sign-in was refused
		"NewBrowser":    true, // sessions may be in another store
	}
	found := 0
	for _, f := range sources(t, false) {
		if f.dir != "internal/auth" {
			continue
		}
		ast.Inspect(f.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "notify" {
				return true
			}
			found++
			if kind, ok := call.Args[2].(*ast.Ident); !ok || !alone[kind.Name] {
				t.Errorf("%s:%s: queues a notice outside of a change; pass it to the change's verb",
					f.name, enclosing(f.file, call.Pos()))
			}
			return true
		})
		if f.name == "internal/auth/mailer.go" {
			continue
		}
		ast.Inspect(f.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Mailer" &&
				enclosing(f.file, sel.Pos()) != "New" { // New checks the configuration
				t.Errorf("%s:%s: sends a message past mailer.go", f.name, enclosing(f.file, sel.Pos()))
			}
			return true
		})
	}
	if found != len(alone) {
		t.Errorf("%d notices of their own, want %d", found, len(alone))
	}
}

// TestEverySecurityChangeIsAChange checks that package auth sets a new credential version only in
// the apply function of a change, so that the notice, the audit row and the renewal of the session
// have the same order everywhere.
func TestEverySecurityChangeIsAChange(t *testing.T) {
	verbs := []string{
		"ChangeFactors", "ChangeConnections", "Accounts.ChangePassword", "Accounts.ChangeUsername",
		"Accounts.ChangeEmail", "Accounts.ResetPassword",
	}
	found := 0
	for _, f := range sources(t, false) {
		if f.dir != "internal/auth" {
			continue
		}
		var within []ast.Node
		ast.Inspect(f.file, func(n ast.Node) bool {
			if kv, ok := n.(*ast.KeyValueExpr); ok && types.ExprString(kv.Key) == "apply" {
				within = append(within, kv.Value)
			}
			if fn, ok := n.(*ast.FuncDecl); ok &&
				// takeOver is called for the first proof of an address, whose mail has just been
				// read.
				(fn.Name.Name == "factorChange" || fn.Name.Name == "takeOver") {
				within = append(within, fn)
			}
			call, ok := n.(*ast.CallExpr)
			if !ok || !slices.ContainsFunc(verbs, func(v string) bool {
				return strings.HasSuffix(types.ExprString(call.Fun), "."+v)
			}) {
				return true
			}
			found++
			if !slices.ContainsFunc(within, func(n ast.Node) bool {
				return n.Pos() <= call.Pos() && call.End() <= n.End()
			}) {
				t.Errorf("%s:%s: changes credentials without change", f.name, enclosing(f.file, call.Pos()))
			}
			return true
		})
	}
	if found != len(verbs)+1 {
		t.Errorf("%d changes of credentials, want %d", found, len(verbs)+1)
	}
}

func enclosing(f *ast.File, pos token.Pos) string {
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Pos() <= pos && pos <= fn.End() {
			return fn.Name.Name
		}
	}
	return ""
}

// TestHouseRules checks for init functions, mutable package variables, panics on input, weak
// randomness, long functions and files, and folders without a doc.go.
func TestHouseRules(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range sources(t, false) {
		if f.file.Doc != nil {
			documented[f.dir] = true
		}
		if lines := f.fset.Position(f.file.End()).Line; lines > 420 {
			t.Errorf("%s: %d lines; split it", f.name, lines)
		}
		for _, imported := range f.imports() {
			if strings.HasPrefix(imported, "math/rand") && f.dir != "bench" && f.dir != "send" {
				t.Errorf("%s: imports %s; randomness is crypto/rand", f.name, imported)
			}
		}
		for _, d := range f.file.Decls {
			f.checkDecl(t, d)
		}
	}
	for dir := range rooms {
		if _, err := os.Stat(dir); err == nil && !documented[dir] {
			t.Errorf("%s: no package comment says what it owns", dir)
		}
	}
}

// TestHouseRulesOfTestNames checks that the name of a test is a phrase of at most
// 80 characters: a promise, not a code, and not a question. The tests of a requirement
// begin with its number.
func TestHouseRulesOfTestNames(t *testing.T) {
	phrase := regexp.MustCompile(`^Test(R\d{3}_)?[A-Z][A-Za-z0-9]*$`)
	riddle := regexp.MustCompile(`^Test(R\d{3}_)?(Who|What|Whose|Nobody)[A-Z]`)
	for _, f := range sources(t, true) {
		for _, d := range f.file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !strings.HasSuffix(f.name, "_test.go") ||
				!strings.HasPrefix(fn.Name.Name, "Test") {
				continue
			}
			if name := fn.Name.Name; len(name) > 80 || !phrase.MatchString(name) {
				t.Errorf("%s: %s is not a phrase of at most 80 characters", f.name, name)
			} else if riddle.MatchString(name) {
				t.Errorf("%s: %s does not name what it checks", f.name, name)
			}
		}
	}
}

func (f source) checkDecl(t *testing.T, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.Name == "init" && d.Recv == nil {
			t.Errorf("%s: has an init function", f.name)
		}
		from, to := f.fset.Position(d.Pos()).Line, f.fset.Position(d.End()).Line
		if to-from > 65 {
			t.Errorf("%s: %s has %d lines; split it", f.name, d.Name.Name, to-from)
		}
	case *ast.GenDecl:
		if d.Tok != token.VAR {
			return
		}
		for _, s := range d.Specs {
			for _, name := range s.(*ast.ValueSpec).Names {
				if exempt[f.name+":"+name.Name] == "" && !constantByNature(s.(*ast.ValueSpec)) {
					t.Errorf("%s: package variable %s", f.name, name.Name)
				}
			}
		}
	}
}

// exempt lists the necessary package variables, with the reasons.
var exempt = map[string]string{
	"store/sqlite/file.go:making": "POSIX file locks belong to the process, so creating a " +
		"file must be serialized in it",
	"internal/storetest/servers/postgres.go:ownPostgres": "one server for a test program",
	"internal/storetest/servers/redis.go:ownRedis":       "one server for a test program",
	"internal/storetest/servers/redis.go:ownPrefixes":    "numbers the places in it",
	"internal/storetest/servers/postgres.go:ownSchemas":  "numbers the places in it",
	"internal/storetest/servers/postgres.go:ownTables":   "one template for a test program",
	"test/explore/model.go:factors":                      "a table, computed once and never written to",
	"test/explore/model.go:proofs":                       "a table, computed once and never written to",
}

// constantByNature accepts sentinel errors, embedded files, interface assertions, compiled patterns
// and tables that are never written.
func constantByNature(v *ast.ValueSpec) bool {
	name := v.Names[0].Name
	if name == "_" || strings.HasPrefix(strings.ToLower(name), "err") || strings.HasPrefix(name, "own") ||
		strings.HasPrefix(name, "Err") {
		return true
	}
	if sel, ok := v.Type.(*ast.SelectorExpr); ok && sel.Sel.Name == "FS" {
		return true
	}
	if len(v.Values) == 0 {
		id, ok := v.Type.(*ast.Ident) // an embedded string
		return ok && id.Name == "string"
	}
	switch x := v.Values[0].(type) {
	case *ast.CompositeLit:
		return true // written once; the race detector and review guard the rest
	case *ast.CallExpr:
		if sel, ok := x.Fun.(*ast.SelectorExpr); ok {
			return slices.Contains([]string{"Must", "MustCompile", "New", "Errorf", "NewReplacer", "NewScript",
				"OnceValues", "Strict", "WithPadding", "Date"}, sel.Sel.Name)
		}
	}
	return false
}

// source is one Go file of this module.
type source struct {
	name, dir string
	file      *ast.File
	fset      *token.FileSet
}

func (f source) imports() []string {
	var out []string
	for _, i := range f.file.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err == nil {
			out = append(out, p)
		}
	}
	return out
}

// sources parses the tree. It reads the files itself instead of using the go command, so that the
// test runs again when a file changes. With tests, it includes the modules in test.
func sources(t *testing.T, tests bool) []source {
	t.Helper()
	var out []source
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != "." || d.Name() == "testdata" ||
			d.Name() == "tools") {
			return filepath.SkipDir
		}
		if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && d.IsDir() && name != "." {
			if !tests || path.Dir(filepath.ToSlash(name)) != "test" {
				return filepath.SkipDir // a module of its own
			}
		}
		if !strings.HasSuffix(name, ".go") || !tests && strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		name = filepath.ToSlash(name)
		out = append(out, source{name: name, dir: path.Dir(name), file: file, fset: fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 30 {
		t.Fatalf("found %d files only", len(out))
	}
	return out
}

// TestShippedCodeImportsNoTests checks that no command or example imports a test-only folder or package
// testing, directly or indirectly.
func TestShippedCodeImportsNoTests(t *testing.T) {
	imports := map[string][]string{} // by folder
	var mains []string
	for _, f := range sources(t, false) {
		for _, imported := range f.imports() {
			own, isOwn := strings.CutPrefix(imported, module)
			if own = strings.TrimPrefix(own, "/"); isOwn && own == "" {
				own = "."
			} else if !isOwn {
				own = imported
			}
			imports[f.dir] = append(imports[f.dir], own)
		}
		ships := f.dir != "bench" && !slices.Contains(testOnly, f.dir)
		if f.file.Name.Name == "main" && !slices.Contains(mains, f.dir) && ships {
			mains = append(mains, f.dir)
		}
	}
	if len(mains) < 3 {
		t.Fatalf("found the commands %v only", mains)
	}
	for _, main := range mains {
		seen := map[string]bool{}
		var visit func(dir string)
		visit = func(dir string) {
			if seen[dir] {
				return
			}
			seen[dir] = true
			if dir == "testing" || slices.Contains(testOnly, dir) {
				t.Errorf("%s links %s, which is for tests", main, dir)
			}
			for _, next := range imports[dir] {
				visit(next)
			}
		}
		visit(main)
	}
}

// ownHarness lists tests that have parts of a harness of their own, with the reasons.
var ownHarness = map[string]string{
	"examples/hello/main_test.go":         "shows what the tests of an application can do",
	"test/security/arrival_test.go":       "reads apps of other systems, with other digests and digits",
	"test/security/arrival_flask_test.go": "likewise",
	"test/security/moving_test.go":        "likewise",
}

// TestThereIsOneHarness checks that no test has a clock, a cookie jar, a reader of mailed codes or
// an authenticator app of its own. Package internal/testkit has them for all.
func TestThereIsOneHarness(t *testing.T) {
	shared, exempt := 0, map[string]bool{}
	for _, f := range sources(t, true) {
		switch {
		case f.dir == "internal/testkit":
			shared += len(copies(f))
		case !strings.HasSuffix(f.name, "_test.go") || f.name == "arch_test.go":
		case ownHarness[f.name] != "":
			exempt[f.name] = len(copies(f)) > 0
		default:
			for _, what := range copies(f) {
				t.Errorf("%s: %s of its own: use internal/testkit", f.name, what)
			}
		}
	}
	if shared < 4 {
		t.Errorf("found %d parts of the harness in internal/testkit, want at least 4", shared)
	}
	for name := range ownHarness {
		if !exempt[name] {
			t.Errorf("%s has nothing of its own: take it out of ownHarness", name)
		}
	}
}

// copies returns the parts of a harness that a file has.
func copies(f source) (found []string) {
	if slices.Contains(f.imports(), "crypto/sha1") {
		found = append(found, "an authenticator app")
	}
	ast.Inspect(f.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.TypeSpec:
			switch strings.ToLower(n.Name.Name) {
			case "clock", "fakeclock", "testclock":
				found = append(found, "a clock")
			case "jar", "cookiejar", "browser":
				if s, ok := n.Type.(*ast.StructType); ok && !embedsBrowser(s) {
					found = append(found, "a browser")
				}
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING && (strings.Contains(n.Value, `[0-9]{6}\b`) ||
				strings.Contains(n.Value, `\d{6}\b`)) {
				found = append(found, "a reader of codes")
			}
		}
		return true
	})
	return found
}

func embedsBrowser(s *ast.StructType) bool {
	return slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool {
		return len(f.Names) == 0 && types.ExprString(f.Type) == "*testkit.Browser"
	})
}
