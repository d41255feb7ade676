package device_test

import (
	"testing"

	"github.com/twofold-auth/twofold/internal/device"
)

func TestABrowserIsNamedByWhatIsKnownOfIt(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0": "Firefox on Linux",
		"curl/8.5.0": "curl", "App (iPhone)": "iPhone", "": "Unknown browser", "something": "Unknown browser",
	} {
		if got := device.Name(agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}

func TestANameIsSplitOnlyIfItIsOfABrowser(t *testing.T) {
	for name, want := range map[string]bool{
		"Firefox on Linux": true, "Samsung Internet on Android": true, "Firefox": false, "Linux": false,
		"Backup on Linux": false, "Firefox on my desk": false, device.Unknown: false, "": false, " on ": false,
	} {
		if browser, system, ok := device.Split(name); ok != want || ok && browser+" on "+system != name {
			t.Errorf("%q is split into %q and %q, %v; want %v", name, browser, system, ok, want)
		}
	}
}
