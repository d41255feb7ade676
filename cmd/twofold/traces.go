package main

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// traces configures the export of spans. The zero value sends none.
type traces struct {
	endpoint string // URL to which spans are posted; empty if tracing is off
	headers  map[string]string
	resource []attribute.KeyValue
	sampler  sdktrace.Sampler
}

// tracesFrom reads the OTEL_ variables of the specification that select the spans and their
// destination: OTEL_EXPORTER_OTLP_ENDPOINT or ..._TRACES_ENDPOINT, the same with HEADERS,
// OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER with _ARG,
// OTEL_TRACES_EXPORTER=none and OTEL_SDK_DISABLED. The SDK reads the others itself. An error names
// the variable and never repeats its value.
func tracesFrom(environ []string) (traces, error) {
	env := map[string]string{}
	for _, e := range environ {
		if name, v, _ := strings.Cut(e, "="); strings.HasPrefix(name, "OTEL_") && strings.TrimSpace(v) != "" {
			env[name] = strings.TrimSpace(v)
		}
	}
	endpoint := env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
	if base := env["OTEL_EXPORTER_OTLP_ENDPOINT"]; endpoint == "" && base != "" {
		endpoint = strings.TrimSuffix(base, "/") + "/v1/traces"
	}
	off := strings.EqualFold(env["OTEL_SDK_DISABLED"], "true") || env["OTEL_TRACES_EXPORTER"] == "none"
	if endpoint == "" || off {
		return traces{}, nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return traces{}, errors.New(
			"OTEL_EXPORTER_OTLP_ENDPOINT: invalid http address: write e.g. http://localhost:4318")
	}
	t := traces{headers: map[string]string{}}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		pairs, err := otelPairs(env[name])
		if err != nil {
			return traces{}, fmt.Errorf("%s: %w", name, err)
		}
		for _, p := range pairs {
			t.headers[string(p.Key)] = p.Value.AsString()
		}
	}
	if t.resource, err = otelPairs(env["OTEL_RESOURCE_ATTRIBUTES"]); err != nil {
		return traces{}, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	if name := env["OTEL_SERVICE_NAME"]; name != "" {
		t.resource = append(t.resource, attribute.String("service.name", name))
	} else {
		t.resource = append([]attribute.KeyValue{attribute.String("service.name", "twofold")}, t.resource...)
	}
	if t.sampler, err = samplerOf(env["OTEL_TRACES_SAMPLER"], env["OTEL_TRACES_SAMPLER_ARG"]); err != nil {
		return traces{}, err
	}
	t.endpoint = endpoint
	return t, nil
}

// samplerOf returns the sampler that the specification gives this name.
func samplerOf(name, arg string) (sdktrace.Sampler, error) {
	rest, parented := strings.CutPrefix(name, "parentbased_")
	var s sdktrace.Sampler
	switch rest {
	case "", "always_on":
		s = sdktrace.AlwaysSample()
	case "always_off":
		s = sdktrace.NeverSample()
	case "traceidratio":
		ratio := 1.0
		if arg != "" {
			var err error
			if ratio, err = strconv.ParseFloat(arg, 64); err != nil || math.IsNaN(ratio) || ratio < 0 || ratio > 1 {
				return nil, errors.New("OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1: write e.g. 0.1")
			}
		}
		s = sdktrace.TraceIDRatioBased(ratio)
	default:
		return nil, errors.New("OTEL_TRACES_SAMPLER: is not supported: write always_on, always_off or traceidratio, " +
			"or parentbased_ and one of them")
	}
	if parented || name == "" {
		s = sdktrace.ParentBased(s)
	}
	return s, nil
}

// otelPairs reads key=value,key=value with values in percent-encoding.
func otelPairs(text string) ([]attribute.KeyValue, error) {
	var out []attribute.KeyValue
	for part := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		key, v, ok := strings.Cut(part, "=")
		v, err := url.PathUnescape(strings.TrimSpace(v))
		if !ok || err != nil || strings.TrimSpace(key) == "" {
			return nil, errors.New("invalid list: write key=value,key=value")
		}
		out = append(out, attribute.String(strings.TrimSpace(key), v))
	}
	return out, nil
}

// provider returns a tracer provider that sends spans in batches. Spans wait in a bounded queue, so
// a slow or unavailable collector does not delay requests.
func (t traces) provider(exporter sdktrace.SpanExporter) *sdktrace.TracerProvider {
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter), sdktrace.WithSampler(t.sampler),
		sdktrace.WithResource(resource.NewSchemaless(t.resource...)),
	)
}
