package twofold_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/twofold-auth/twofold"
)

func TestTheDocumentsNameEveryGuard(t *testing.T) {
	t.Parallel()
	auth := reflect.TypeFor[*twofold.Auth]()
	for _, file := range []string{"doc.go", "README.md"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := range auth.NumMethod() {
			if name := auth.Method(i).Name; strings.HasPrefix(name, "Require") && !strings.Contains(string(raw), name) {
				t.Errorf("%s does not name %s", file, name)
			}
		}
		for _, m := range regexp.MustCompile(`\bRequire[A-Z][A-Za-z]+\b`).FindAllString(string(raw), -1) {
			if _, ok := auth.MethodByName(m); !ok {
				t.Errorf("%s names %s, which is not a guard", file, m)
			}
		}
	}
}
