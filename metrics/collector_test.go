package metrics_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestAnApplicationsRegistryTakesTheFigures checks that a strict registry accepts all metrics
// except those of the process, which an application registers itself.
func TestAnApplicationsRegistryTakesTheFigures(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(busyDay(t))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != 16 {
		t.Errorf("%d families, want 16", len(families))
	}
	for _, f := range families {
		if len(f.GetName()) < 8 || f.GetName()[:8] != "twofold_" {
			t.Errorf("%s is registered", f.GetName())
		}
	}
}
