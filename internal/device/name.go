package device

import (
	"slices"
	"strings"
)

// Name says in words what browser a user agent is: "Firefox on Linux". Agents
// are reduced and forgeable, so it names families only and decides nothing.
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

// Unknown is the name of a browser that nothing is known of.
const Unknown = "Unknown browser"

const on = " on "

// Split returns the two halves of a name that Name made of them, to be said in
// another language. It reports false for all other names.
func Split(name string) (browser, system string, ok bool) {
	browser, system, ok = strings.Cut(name, on)
	return browser, system, ok && known(browser, browsers) && known(system, systems)
}

func known(name string, marks [][2]string) bool {
	return slices.ContainsFunc(marks, func(m [2]string) bool { return m[1] == name })
}

// The first mark found wins: Edge and Opera call themselves Chrome, and Chrome
// calls itself Safari.
var browsers = [][2]string{
	{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser", "Samsung Internet"}, {"FxiOS", "Firefox"},
	{"Firefox/", "Firefox"}, {"CriOS", "Chrome"}, {"HeadlessChrome", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
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
