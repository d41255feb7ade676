package device

import "strings"

// Name says in words what browser a user agent is: "Firefox on Linux". Agents
// are reduced and forgeable, so it names families only and decides nothing.
func Name(agent string) string {
	b, s := family(agent, browsers), family(agent, systems)
	switch {
	case b == "" && s == "":
		return "Unknown browser"
	case s == "":
		return b
	case b == "":
		return s
	}
	return b + " on " + s
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
