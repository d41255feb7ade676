// Command oracle says whether answers are as an OpenAPI document describes them, and
// whether JSON is as a schema describes it. Package test/openapitest starts it. It is a
// module of its own, so that its libraries are not the library's.
//
//	oracle openapi FILE   # writes the document as JSON, then reads answers
//	oracle schema FILE    # writes null, then reads JSON
//
// Questions and verdicts are lines of JSON. A verdict has what is wrong, or nothing.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: oracle openapi|schema FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

// run answers questions until they end.
func run(mode, file string, questions io.Reader, verdicts io.Writer) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var first any
	var judge func(question []byte) error
	switch mode {
	case "openapi":
		d, err := open(raw)
		if err != nil {
			return err
		}
		first, judge = d.tree, d.judge
	case "schema":
		s, err := compile(raw)
		if err != nil {
			return err
		}
		judge = s.judge
	default:
		return errors.New("unknown mode " + mode)
	}
	out := json.NewEncoder(verdicts)
	if err := out.Encode(first); err != nil {
		return err
	}
	for in := bufio.NewReader(questions); ; {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return nil // the tests have ended
		}
		wrong := ""
		if err := judge(line); err != nil {
			wrong = err.Error()
		}
		if err := out.Encode(wrong); err != nil {
			return err
		}
	}
}
