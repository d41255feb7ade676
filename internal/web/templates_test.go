package web

import (
	"testing"
)

func TestEveryPageIsDrawn(t *testing.T) {
	words, err := NewCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := loadTemplates(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range words.words {
		for _, name := range pages() {
			if _, ok := sampleData()[name]; !ok {
				t.Errorf("%s: sampleData does not say what its data is", name)
			}
			if err := draw(all[name], name, w); err != nil {
				t.Errorf("%s in %s: %v", name, w.Tag, err)
			}
		}
	}
}
