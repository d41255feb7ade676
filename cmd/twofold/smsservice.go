package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/send"
	"github.com/twofold-auth/twofold/send/gateway"
)

// smsServices are the values of SECURITY_SMS_SERVICE.
func smsServices() []string {
	return slices.Concat([]string{"Dummy", "Twilio"}, slices.Sorted(maps.Keys(gateway.Presets())),
		[]string{"Template", "Webhook"})
}

// smsKeys returns the keys of a service. Keys in brackets are optional.
func smsKeys(service string) []string {
	switch service {
	case "Twilio":
		return []string{"ACCOUNT_SID", "AUTH_TOKEN", "PHONE_NUMBER", "[BASE_URL]"}
	case "Webhook":
		return []string{"URL", "SECRET"}
	case "Template":
		return []string{"URL", "BODY", "[USERNAME]", "[PASSWORD]", "[SUCCESS]", "[REFUSED]"}
	}
	return gateway.Presets()[service]
}

// headerKey is the prefix of the keys of headers in the configuration of a template. Keys in lower
// case are placeholders.
const headerKey = "HEADER "

// serviceSender creates a sender of text messages. name is the setting that contains c.
func serviceSender(name, service string, c map[string]string) (send.Sender, problems) {
	keys := smsKeys(service)
	if len(keys) == 0 { // unknown service, which SECURITY_SMS_SERVICE reports
		return nil, nil
	}
	var bad problems
	for k := range c {
		free := service == "Template" && (strings.HasPrefix(k, headerKey) || k == strings.ToLower(k))
		if !free && !slices.Contains(keys, k) && !slices.Contains(keys, "["+k+"]") {
			bad = append(bad, problem{name, fmt.Sprintf("contains a key that %s does not have: write %s",
				service, strings.Join(keys, ", "))})
			break
		}
	}
	for _, k := range keys {
		if c[k] == "" && k[0] != '[' {
			bad = append(bad, problem{name, "lacks " + k + ": " + service + " needs it"})
		}
	}
	if len(bad) > 0 {
		return nil, bad
	}
	var sender send.Sender
	var err error
	switch service {
	case "Webhook":
		if why := weakKey(c["SECRET"]); why != "" {
			return nil, problems{{name, "SECRET " + why}}
		}
		sender, err = gateway.NewWebhook(gateway.WebhookConfig{URL: c["URL"], Secret: c["SECRET"]})
	case "Twilio":
		sender, err = gateway.NewTwilio(gateway.TwilioConfig{
			AccountSID: c["ACCOUNT_SID"], AuthToken: c["AUTH_TOKEN"], From: c["PHONE_NUMBER"], BaseURL: c["BASE_URL"],
		})
	case "Template":
		sender, err = gateway.NewTemplate(templateOf(c))
	default:
		var t gateway.TemplateConfig
		if t, err = gateway.Preset(service, c); err == nil {
			sender, err = gateway.NewTemplate(t)
		}
	}
	if err != nil {
		return nil, problems{{name, oneLine(err) + ": correct it"}}
	}
	return sender, nil
}

// templateOf reads the configuration of a template.
func templateOf(c map[string]string) gateway.TemplateConfig {
	t := gateway.TemplateConfig{
		URL: c["URL"], Body: c["BODY"], Username: c["USERNAME"], Password: c["PASSWORD"],
		Headers: map[string]string{}, Values: map[string]string{},
	}
	for k, v := range c {
		if header, ok := strings.CutPrefix(k, headerKey); ok {
			t.Headers[header] = v
		} else if k == strings.ToLower(k) {
			t.Values[k] = v
		}
	}
	for rules, text := range map[*[]string]string{&t.Success: cmp.Or(c["SUCCESS"], "2xx"), &t.Refused: c["REFUSED"]} {
		for _, rule := range strings.Split(text, ",") {
			if rule = strings.TrimSpace(rule); rule != "" {
				*rules = append(*rules, rule)
			}
		}
	}
	return t
}
