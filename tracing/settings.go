package tracing

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Settings say where spans go. The zero value sends none.
type Settings struct {
	Endpoint string // URL that spans are posted to; empty: tracing is off
	headers  http.Header
	resource []attribute
	parented bool   // a caller's decision is followed
	below    uint64 // of 2^63: recorded if the trace's number is below
}

const all = uint64(1) << 63

// FromEnviron reads the OTEL_ variables of the specification that apply here:
// OTEL_EXPORTER_OTLP_ENDPOINT or ..._TRACES_ENDPOINT, the same with HEADERS,
// OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER with _ARG,
// OTEL_TRACES_EXPORTER=none and OTEL_SDK_DISABLED. An error names the variable
// and never repeats its value.
func FromEnviron(environ []string) (Settings, error) {
	env := map[string]string{}
	for _, e := range environ {
		if name, v, _ := strings.Cut(e, "="); strings.HasPrefix(name, "OTEL_") && strings.TrimSpace(v) != "" {
			env[name] = strings.TrimSpace(v)
		}
	}
	s := Settings{headers: http.Header{}}
	endpoint := env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
	if base := env["OTEL_EXPORTER_OTLP_ENDPOINT"]; endpoint == "" && base != "" {
		endpoint = strings.TrimSuffix(base, "/") + "/v1/traces"
	}
	if endpoint == "" || strings.EqualFold(env["OTEL_SDK_DISABLED"], "true") || env["OTEL_TRACES_EXPORTER"] == "none" {
		return s, nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return s, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT: invalid http address: write e.g. http://localhost:4318")
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		pairs, err := list(env[name])
		if err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
		for _, p := range pairs {
			s.headers.Set(p.key, p.text)
		}
	}
	if s.resource, err = list(env["OTEL_RESOURCE_ATTRIBUTES"]); err != nil {
		return s, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	name := env["OTEL_SERVICE_NAME"]
	if name == "" {
		name = "twofold"
	}
	s.resource = append([]attribute{{key: "service.name", text: name}}, s.resource...)
	if err := s.sample(env["OTEL_TRACES_SAMPLER"], env["OTEL_TRACES_SAMPLER_ARG"]); err != nil {
		return s, err
	}
	s.Endpoint = endpoint
	return s, nil
}

func (s *Settings) sample(sampler, arg string) error {
	rest, parented := strings.CutPrefix(sampler, "parentbased_")
	s.parented, s.below = parented || sampler == "", all
	switch rest {
	case "", "always_on":
	case "always_off":
		s.below = 0
	case "traceidratio":
		ratio := 1.0
		if arg != "" {
			var err error
			if ratio, err = strconv.ParseFloat(arg, 64); err != nil || math.IsNaN(ratio) || ratio < 0 || ratio > 1 {
				return errors.New("OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1: write e.g. 0.1")
			}
		}
		s.below = uint64(ratio * float64(all))
	default:
		return errors.New("OTEL_TRACES_SAMPLER: is not known here: write always_on, always_off or traceidratio, or one of them behind parentbased_")
	}
	return nil
}

// list reads key=value,key=value with values in percent-encoding.
func list(text string) ([]attribute, error) {
	var out []attribute
	for part := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		key, v, ok := strings.Cut(part, "=")
		v, err := url.PathUnescape(strings.TrimSpace(v))
		if !ok || err != nil || strings.TrimSpace(key) == "" {
			return nil, errors.New("invalid list: write key=value,key=value")
		}
		out = append(out, attribute{key: strings.TrimSpace(key), text: v})
	}
	return out, nil
}
