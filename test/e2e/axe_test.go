package e2e

import (
	"fmt"
	"os"
	"time"

	"github.com/chromedp/chromedp"
)

// axe runs axe-core on the current page if TWOFOLD_AXE names its axe.min.js (npm: axe-core). It
// finds errors that checkup does not look for.
func (g *guide) axe(name, scheme string) {
	g.t.Helper()
	file := os.Getenv("TWOFOLD_AXE")
	if file == "" && os.Getenv("CI") == "true" {
		g.t.Fatal("axe-core is not here: install npm, or name its axe.min.js in TWOFOLD_AXE")
	}
	if file == "" || !g.scripts || g.alone && scheme == "light" { // checkup knows contrast
		return // without scripts the pages are the same
	}
	source, err := os.ReadFile(file)
	g.must(err)
	eval[chromedp.Void](g.tab,
		string(source)+`;window.found = null; axe.run(document, {resultTypes: ['violations']}).then(
		r => { window.found = r.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.html + ': ' + n.failureSummary)); },
		e => { window.found = ['axe: ' + e]; }); undefined`)
	for range 300 {
		if eval[bool](g.tab, `window.found !== null`) {
			for _, problem := range eval[[]string](g.tab, `window.found`) {
				g.t.Error(fmt.Sprint(name, ", ", scheme, ": ", problem))
			}
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	g.t.Errorf("%s: axe-core did not end", name)
}
