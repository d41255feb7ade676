package password_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/twofold-auth/twofold/password"
)

// Sign-in: verify, and rewrite the hash when asked to.
func Example() {
	ctx := context.Background()
	h, err := password.New(password.Config{Salt: "salty"})
	if err != nil {
		fmt.Println(err)
		return
	}
	stored := flaskBcrypt // imported
	for range 2 {
		ok, upgrade, err := h.Verify(ctx, "password", stored)
		fmt.Println(ok, upgrade, err)
		if upgrade {
			if stored, err = h.Hash(ctx, "password"); err != nil {
				fmt.Println(err)
			}
		}
	}
	// Output:
	// true true <nil>
	// true false <nil>
}

func ExamplePolicy_Check() {
	p := password.Policy{MinLength: 12}
	err := p.Check("Acme Intranet", "acme intranet", "alice", "alice@example.com")
	fmt.Println(errors.Is(err, password.ErrContext), err)
	fmt.Println(p.Check("three foxes by the canal", "acme intranet"))
	// Output:
	// true password: same as a name or address
	// <nil>
}
