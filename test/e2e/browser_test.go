package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is the timeout of one step in the browser.
const patience = 30 * time.Second

var errNoBrowser = errors.New("there is no Chromium: install the package chromium, or name one in TWOFOLD_CHROMIUM")

// chromium is the browser of this test process. Each tab has its own profile, so tests share only
// the process.
type chromium struct {
	once sync.Once
	ctx  context.Context
	stop func()
	err  error
}

func (c *chromium) start() {
	path := os.Getenv("TWOFOLD_CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"} {
		if path == "" {
			path, _ = exec.LookPath(name)
		}
	}
	if path == "" {
		c.err = errNoBrowser
		return
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // root has no sandbox; the only pages are ours
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
	)
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(allocator)
	c.ctx, c.stop = ctx, func() { stop(); stopAllocator() }
	if c.err = chromedp.Do(ctx); c.err != nil {
		c.stop()
	}
}

var (
	shared  = chromium{stop: func() {}}
	scratch string // a folder that goes when the tests are done
)

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "twofold-e2e-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	shared.stop()
	if err := os.RemoveAll(scratch); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// needBrowser skips a test without a browser. On the build server a missing browser is a failure,
// so that no test is skipped unnoticed.
func needBrowser(t *testing.T) {
	t.Helper()
	ci := os.Getenv("CI") == "true"
	if !ci && os.Getenv("TWOFOLD_E2E") != "1" {
		t.Skip("skipped: browser tests run with TWOFOLD_E2E=1, as `make test` has it")
	}
	shared.once.Do(shared.start)
	switch {
	case errors.Is(shared.err, errNoBrowser) && !ci:
		t.Skip("skipped, nothing was tested in a browser:", shared.err)
	case shared.err != nil:
		t.Fatal("the browser does not start: ", shared.err)
	}
}

// look holds the settings of a tab.
type look struct {
	scripts  bool
	language string // of Accept-Language; English if empty
}

// inBothWays runs a test with JavaScript and without.
func inBothWays(t *testing.T, test func(t *testing.T, scripts bool)) {
	needBrowser(t)
	t.Run("JavaScript on", func(t *testing.T) { t.Parallel(); test(t, true) })
	t.Run("JavaScript off", func(t *testing.T) { t.Parallel(); test(t, false) })
}

// without runs a test without JavaScript, which is the stricter case for pages that have no
// scripts.
func without(t *testing.T, test func(t *testing.T)) {
	needBrowser(t)
	t.Parallel()
	test(t)
}

// tab is a window of a new browser profile.
type tab struct {
	t      *testing.T
	ctx    context.Context
	origin string
	heard  *heard
}

// newTab opens a tab. Errors of the browser before the end of the test fail the test.
func newTab(t *testing.T, origin string, l look) *tab {
	t.Helper()
	h := &heard{}
	ctx, cancel := chromedp.NewContext(shared.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(h.hear))
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, origin: origin, heard: h}
	b.must(chromedp.Do(ctx)) // opens it, on a context that has no deadline
	_, err := chromedp.Call(ctx, audits.Enable, cdp.Empty{})
	b.must(err)
	_, err = chromedp.Call(ctx, log.Enable, cdp.Empty{})
	b.must(err)
	if l.language == "" {
		l.language = "en"
	}
	b.must(call(b, network.SetExtraHTTPHeaders,
		network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": l.language}}))
	if !l.scripts {
		b.must(call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
		b.must(b.do(chromedp.Navigate(
			`data:text/html,<!doctype html><title>off</title><script>document.title = "on"</script>`)))
		if title := eval[string](b, `document.title`); title != "off" {
			t.Fatal("JavaScript could not be switched off")
		}
	}
	t.Cleanup(func() {
		for _, complaint := range h.all() {
			t.Errorf("the browser complains: %s", complaint)
		}
	})
	return b
}

// heard collects errors of the browser: violations of the content security policy, console
// messages, exceptions and missing style sheets.
type heard struct {
	mu   sync.Mutex
	list []string
}

func (h *heard) hear(event any) {
	complaint := ""
	switch e := event.(type) {
	case *audits.EventIssueAdded:
		if e.Issue.Code == audits.InspectorIssueCodeBounceTrackingIssue {
			return // of the other site's that someone signs in through
		}
		if e.Issue.Code == audits.InspectorIssueCodePerformanceIssue {
			return // of applications whose scripts read their cookies
		}
		complaint = fmt.Sprintf("issue %s", e.Issue.Code)
		if d := e.Issue.Details; d != nil && d.ContentSecurityPolicyIssueDetails != nil {
			complaint += " " + d.ContentSecurityPolicyIssueDetails.ViolatedDirective
		} else if d != nil && d.GenericIssueDetails != nil {
			complaint += fmt.Sprintf(" %s %s", d.GenericIssueDetails.ErrorType,
				d.GenericIssueDetails.ViolatingNodeAttribute)
		}
	case *log.EventEntryAdded:
		// The browser logs a page with status 404 or 429, which is not an error here.
		page := e.Entry.Source == log.EntrySourceNetwork && !strings.Contains(e.Entry.URL, "/tf-static/")
		if loud := e.Entry.Level == log.EntryLevelWarning || e.Entry.Level == log.EntryLevelError; loud && !page {
			complaint = fmt.Sprintf("log %s: %s", e.Entry.Source, e.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		complaint = fmt.Sprintf("console.%s", e.Type)
	case *runtime.EventExceptionThrown:
		complaint = "exception " + e.ExceptionDetails.Text
	}
	if complaint != "" {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.list = append(h.list, complaint)
	}
}

// all returns the errors so far and clears them.
func (h *heard) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.list
	h.list = nil
	return list
}

func (b *tab) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, patience)
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) error {
	ctx, cancel := b.within()
	defer cancel()
	return chromedp.Do(ctx, steps...)
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) error {
	ctx, cancel := b.within()
	defer cancel()
	_, err := chromedp.Call(ctx, command, params)
	return err
}

// eval evaluates an expression for the test. It works even if the page itself may not run scripts.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := ask[T](b, expression)
	if err != nil {
		b.t.Fatalf("%v\nin %s", err, expression)
	}
	return v
}

// ask is eval for a moment when the browser may be between two pages, where evaluation fails.
func ask[T any](b *tab, expression string) (T, error) {
	ctx, cancel := b.within()
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression))
}

// gone waits until the browser has left the page that was loaded at a time.
func (b *tab) gone(from float64, within time.Duration) bool {
	b.t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if at, err := ask[float64](b, `performance.timeOrigin`); err != nil || at != from {
			return true
		}
	}
	return false
}

// open opens a path and returns the status.
func (b *tab) open(path string) int {
	b.t.Helper()
	return b.goes("open "+path, chromedp.Navigate(b.origin+path))
}

// goes runs an action that leads to another page, and waits for the page.
func (b *tab) goes(what string, steps ...chromedp.Action[chromedp.Void]) int {
	b.t.Helper()
	ctx, cancel := b.within()
	defer cancel()
	response, err := chromedp.RunResponse(ctx, steps...)
	if err != nil {
		b.t.Fatalf("%s: %v; the page is %s:\n%s", what, err, b.path(), b.text())
	}
	return int(response.Status)
}

func (b *tab) path() string { return eval[string](b, `location.pathname`) }
func (b *tab) text() string { return eval[string](b, `document.body.innerText`) }

// find returns the position of an element by its visible text: a label, button, link or summary. It
// fails unless exactly one element on the page has the text and can be clicked.
const find = `((selector, words) => {
	const shown = [...document.querySelectorAll(selector)].filter(e => e.checkVisibility({visibilityProperty: true}));
	const said = e => e.innerText.replace(/\s+/g, ' ').trim();
	let all = shown.filter(e => said(e) === words);
	if (!all.length) all = shown.filter(e => said(e).startsWith(words));
	if (all.length !== 1) return {problem: all.length + ' of ' + selector + ' say ' + words};
	all[0].scrollIntoView({block: 'center', behavior: 'instant'});
	const box = all[0].getBoundingClientRect();
	const x = box.x + Math.min(box.width / 2, 60), y = box.y + box.height / 2;
	const hit = document.elementFromPoint(x, y);
	if (!hit || !all[0].contains(hit)) return {problem: words + ' is covered by ' + (hit && hit.outerHTML)};
	return {x, y};
})(%q, %q)`

func (b *tab) find(selector, words string) chromedp.Action[chromedp.Void] {
	b.t.Helper()
	at := eval[struct {
		X, Y    float64
		Problem string
	}](b, fmt.Sprintf(find, selector, words))
	if at.Problem != "" {
		b.t.Fatalf("%s; the page is %s:\n%s", at.Problem, b.path(), b.text())
	}
	return chromedp.MouseClickXY(at.X, at.Y)
}

// press clicks a button or link that leads to another page.
func (b *tab) press(words string) int {
	b.t.Helper()
	return b.goes("press "+words, b.find("button, a", words))
}

// tick clicks the label of a checkbox or option, or opens a folded part.
func (b *tab) tick(words string) {
	b.t.Helper()
	b.must(b.do(b.find("label, summary", words)))
}

// fill clicks a label and writes into its field.
func (b *tab) fill(label, value string) {
	b.t.Helper()
	kind := ""
	for range 50 { // on a busy machine the layout may still move under the pointer
		b.tick(label)
		if kind = eval[string](b, `document.activeElement.tagName`); kind == "INPUT" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if kind != "INPUT" {
		b.t.Fatalf("the label %s leads to %s", label, kind)
	}
	eval[chromedp.Void](b, `document.activeElement.select()`)
	b.write(value)
}

// write types into the focused element.
func (b *tab) write(value string) {
	b.t.Helper()
	b.keepsCode()
	b.must(call(b, input.InsertText, input.InsertTextParams{Text: value}))
}

// keepsCode prevents a code field from submitting by itself, so that a test can press the button.
func (b *tab) keepsCode() {
	eval[chromedp.Void](b, `document.querySelectorAll('[data-auto]').forEach(e => { delete e.dataset.auto; })`)
}

// see fails unless the page contains all texts.
func (b *tab) see(words ...string) {
	b.t.Helper()
	text := b.text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			b.t.Fatalf("the page %s does not say %q:\n%s", b.path(), w, text)
		}
	}
}

// at fails unless the page has this path.
func (b *tab) at(path string) {
	b.t.Helper()
	if got := b.path(); got != path {
		b.t.Fatalf("the page is %s, want %s:\n%s", got, path, b.text())
	}
}
