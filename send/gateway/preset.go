package gateway

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A preset contains the template of a provider.
type preset struct {
	required, optional []string
	build              func(k map[string]string) TemplateConfig
}

// Presets returns the names of the providers that Preset knows, and the keys of each. Optional keys
// come last, in brackets.
func Presets() map[string][]string {
	out := map[string][]string{}
	for name, p := range presets {
		out[name] = append(out[name], p.required...)
		for _, k := range p.optional {
			out[name] = append(out[name], "["+k+"]")
		}
	}
	return out
}

// Preset returns the template of a provider: Vonage, Bird, Plivo, Sinch or SNS. The values of keys
// are placeholders, so none can change the structure of the request. The error names missing or
// unknown keys and contains no value.
func Preset(name string, keys map[string]string) (TemplateConfig, error) {
	p, ok := presets[name]
	if !ok {
		return TemplateConfig{}, fmt.Errorf("gateway: no preset %q: use one of %s", name,
			strings.Join(slices.Sorted(maps.Keys(presets)), ", "))
	}
	for _, k := range p.required {
		if keys[k] == "" {
			return TemplateConfig{}, fmt.Errorf("gateway: %s needs the key %s", name, k)
		}
	}
	for k := range keys {
		if !slices.Contains(p.required, k) && !slices.Contains(p.optional, k) {
			return TemplateConfig{}, fmt.Errorf("gateway: %s has no key %q", name, k)
		}
	}
	c := p.build(keys)
	c.Name = strings.ToLower(name)
	c.Values = map[string]string{}
	for k, v := range keys {
		c.Values[strings.ToLower(k)] = v
	}
	return c, nil
}

// or returns the base URL of the API: the key BASE_URL, or the usual URL.
func or(k map[string]string, usual string) string {
	if base := k["BASE_URL"]; base != "" {
		return strings.TrimSuffix(base, "/")
	}
	return usual
}

// host returns a key as a part of a host name. It refuses values that could change the host.
func host(value, usual string) string {
	if value == "" {
		return usual
	}
	if strings.Trim(value, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return "{invalid}" // refused by NewTemplate
	}
	return value
}

var presets = map[string]preset{
	// https://developer.vonage.com/en/api/sms: the HTTP status is always 200; the body contains the
	// result.
	"Vonage": {[]string{"API_KEY", "API_SECRET", "FROM"}, []string{"BASE_URL"},
		func(k map[string]string) TemplateConfig {
			return TemplateConfig{
				URL: or(k, "https://rest.nexmo.com") + "/sms/json", Kind: Form,
				Body: "api_key={api_key}&api_secret={api_secret}&from={from}&to={to_digits}" +
					"&type=unicode&text={text}",
				Success: []string{"200 messages.0.status=0"},
				// 6: the number cannot be reached; 7: it is barred.
				Refused: []string{"200 messages.0.status=6", "200 messages.0.status=7"},
			}
		}},
	// https://docs.bird.com/api/channels-api/message-status-and-interactions
	"Bird": {[]string{"ACCESS_KEY", "WORKSPACE_ID", "CHANNEL_ID"}, []string{"BASE_URL"},
		func(k map[string]string) TemplateConfig {
			return TemplateConfig{
				URL:     or(k, "https://api.bird.com") + "/workspaces/{workspace_id}/channels/{channel_id}/messages",
				Headers: map[string]string{"Authorization": "AccessKey {access_key}"}, Kind: JSON,
				Body: `{"receiver":{"contacts":[{"identifierKey":"phonenumber","identifierValue":"{to}"}]},` +
					`"body":{"type":"text","text":{"text":"{text}"}}}`,
				Success: []string{"202"},
			}
		}},
	// https://www.plivo.com/docs/messaging/api/message/send-a-message
	"Plivo": {[]string{"AUTH_ID", "AUTH_TOKEN", "FROM"}, []string{"BASE_URL"},
		func(k map[string]string) TemplateConfig {
			return TemplateConfig{
				URL:      or(k, "https://api.plivo.com") + "/v1/Account/{auth_id}/Message/",
				Username: k["AUTH_ID"], Password: k["AUTH_TOKEN"], Kind: JSON,
				Body: `{"src":"{from}","dst":"{to_digits}","text":"{text}"}`, Success: []string{"202"},
			}
		}},
	// https://developers.sinch.com/docs/sms/api-reference/sms/batches
	"Sinch": {[]string{"SERVICE_PLAN_ID", "API_TOKEN", "FROM"}, []string{"REGION", "BASE_URL"},
		func(k map[string]string) TemplateConfig {
			return TemplateConfig{
				URL: or(k, "https://"+host(k["REGION"],
					"us")+".sms.api.sinch.com") + "/xms/v1/{service_plan_id}/batches",
				Headers: map[string]string{"Authorization": "Bearer {api_token}"}, Kind: JSON,
				Body: `{"from":"{from}","to":["{to_digits}"],"body":"{text}"}`, Success: []string{"201"},
			}
		}},
	// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
	"SNS": {[]string{"REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"}, []string{"SESSION_TOKEN", "SENDER_ID",
		"BASE_URL"},
		func(k map[string]string) TemplateConfig {
			body := "Action=Publish&Version=2010-03-31&PhoneNumber={to}&Message={text}" +
				"&MessageAttributes.entry.1.Name=AWS.SNS.SMS.SMSType&MessageAttributes.entry.1.Value.DataType=String" +
				"&MessageAttributes.entry.1.Value.StringValue=Transactional"
			if k["SENDER_ID"] != "" {
				body += "&MessageAttributes.entry.2.Name=AWS.SNS.SMS.SenderID" +
					"&MessageAttributes.entry.2.Value.DataType=String" +
					"&MessageAttributes.entry.2.Value.StringValue={sender_id}"
			}
			return TemplateConfig{
				URL: or(k, "https://sns."+host(k["REGION"], "")+".amazonaws.com") + "/", Kind: Form,
				Body: body, Success: []string{"200"},
				AWS: &AWS{Region: k["REGION"], Service: "sns", KeyID: k["ACCESS_KEY_ID"],
					Secret: k["SECRET_ACCESS_KEY"], Token: k["SESSION_TOKEN"]},
			}
		}},
}
