// Command softkey makes a passkey for a script that registers it with another system.
//
//	softkey ORIGIN FILE <options >answer
//	softkey -cose FILE >key
//
// The first form reads the options of a creation as JSON, keeps the new key in FILE and
// writes the browser's answer. The second one writes the public half of a kept key in
// hexadecimal.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/twofold-auth/twofold/internal/factor/passkey/softkey"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "softkey:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: softkey ORIGIN FILE, or softkey -cose FILE")
	}
	if args[0] == "-cose" {
		raw, err := os.ReadFile(args[1])
		if err != nil {
			return err
		}
		var k softkey.Key
		if err := json.Unmarshal(raw, &k); err != nil {
			return err
		}
		_, err = fmt.Printf("%x\n", k.COSE())
		return err
	}
	options, err := io.ReadAll(io.LimitReader(os.Stdin, 1<<20))
	if err != nil {
		return err
	}
	k, err := softkey.New(args[0], softkey.ES256)
	if err != nil {
		return err
	}
	answer, err := k.Create(options)
	if err != nil {
		return err
	}
	kept, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(args[1], append(kept, '\n'), 0o600); err != nil {
		return err
	}
	_, err = fmt.Println(answer)
	return err
}
