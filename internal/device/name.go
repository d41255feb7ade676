package device

import (
	"slices"
	"strings"
)

// Name returns the name of a user agent's browser, such as "Firefox on Linux". User
// agents are reduced and can be forged, so it distinguishes families only, and
// nothing depends on it.
func Name(agent string) string {
	b, s := family(agent, browsers), family(agent, systems)
	switch {
	case b == "" && s == "":
		return Unknown
	case s == "":
		return b
	case b == "":
		return s
	}
	return b + on + s
}

// Unknown is the name of an unknown browser.
const Unknown = "Unknown browser"

const on = " on "

// Split returns the two parts of a name that Name composed, so that they can be
// translated. For any other name, ok is false.
func Split(name string) (browser, system string, ok bool) {
	browser, system, ok = strings.Cut(name, on)
	return browser, system, ok && known(browser, browsers) && known(system, systems)
}

func known(name string, marks [][2]string) bool {
	return slices.ContainsFunc(marks, func(m [2]string) bool { return m[1] == name })
}

// The first match wins, because Edge and Opera also name Chrome, and Chrome also
// names Safari.
var browsers = [][2]string{
	{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"FxiOS", "Firefox"},
	{"Firefox/", "Firefox"}, {"CriOS", "Chrome"}, {"HeadlessChrome", "Chrome"}, {"Chrome/", "Chrome"},
	{"Safari/", "Safari"}, {"curl/", "curl"},
}

var systems = [][2]string{
	{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"CrOS", "ChromeOS"},
	{"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
}

func family(agent string, marks [][2]string) string {
	for _, m := range marks {
		if strings.Contains(agent, m[0]) {
			return m[1]
		}
	}
	return ""
}
