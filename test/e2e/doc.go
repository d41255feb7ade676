// Package e2e drives a real browser through the sign-in, as people do: by what
// labels and buttons say, with JavaScript and without.
//
// It has tests only. They run with TWOFOLD_E2E=1 or CI=true and need Chromium;
// TWOFOLD_CHROMIUM names one that is not on the path. TWOFOLD_AXE names the
// axe.min.js of axe-core, which then looks at every page; with CI=true it must.
// TWOFOLD_SHOTS=DIR has all TestEveryPage... write a picture of every page, narrow
// and wide, light and dark.
package e2e
