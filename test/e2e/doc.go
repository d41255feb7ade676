// Package e2e drives a real browser through the sign-in as people do, by the text of labels and
// buttons, with JavaScript and without.
//
// It has tests only. They run with TWOFOLD_E2E=1 or CI=true and need Chromium; TWOFOLD_CHROMIUM is
// its path if it is not in PATH. TWOFOLD_AXE is the path of the axe.min.js of axe-core, which then
// checks every page; CI=true requires it. With TWOFOLD_SHOTS=DIR, all TestEveryPage... tests write
// screenshots of every page, narrow and wide, light and dark.
package e2e
