package seal_test

import (
	"fmt"

	"github.com/twofold-auth/twofold/internal/seal"
)

// Open a secret, and seal it again if an older key sealed it.
func ExampleRing() {
	old, _ := seal.NewRing(map[string]string{"1": secretA})
	row, _ := old.Seal("totp", "user 7/factor 3", []byte("JBSWY3DPEHPK3PXP"))

	r, _ := seal.NewRing(map[string]string{"1": secretA, "2": secretB})
	for range 2 {
		plain, stale, err := r.Open("totp", "user 7/factor 3", row)
		fmt.Println(string(plain), stale, err)
		if stale {
			row, _ = r.Seal("totp", "user 7/factor 3", plain)
		}
	}
	_, _, err := r.Open("totp", "user 8/factor 1", row)
	fmt.Println(err)
	// Output:
	// JBSWY3DPEHPK3PXP true <nil>
	// JBSWY3DPEHPK3PXP false <nil>
	// seal: not authentic
}

// A token made for one purpose is not valid for another.
func ExampleKeys_Sign() {
	k, _ := seal.NewKeys(secretA)
	token := k.Sign("device", []byte("user 7"))
	payload, err := k.Verify("device", token)
	fmt.Println(string(payload), err)
	_, err = k.Verify("reset", token)
	fmt.Println(err)
	// Output:
	// user 7 <nil>
	// seal: not authentic
}
