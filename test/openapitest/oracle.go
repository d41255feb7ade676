package openapitest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// oracle is a running test/oracle. It ends when its input is closed, at the end of the tests.
type oracle struct {
	mu       sync.Mutex
	in       io.Writer
	verdicts *bufio.Reader
}

// find returns the path of a file of docs. The test may be in any folder of this repository.
func find(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		file := filepath.Join(dir, "docs", name)
		if _, err = os.ReadFile(file); err == nil { // so that a change of it runs the tests again
			return file, nil
		}
		if filepath.Dir(dir) == dir {
			return "", err
		}
		dir = filepath.Dir(dir)
	}
}

// start runs test/oracle on a file of docs and returns its first line of output.
func start(mode, file string) (o *oracle, first []byte, err error) {
	cmd := exec.Command("go", "run", ".", mode, file)
	cmd.Dir = filepath.Join(filepath.Dir(filepath.Dir(file)), "test", "oracle")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var problem strings.Builder
	cmd.Stderr = &problem
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	o = &oracle{in: in, verdicts: bufio.NewReader(out)}
	if first, err = o.verdicts.ReadBytes('\n'); err != nil {
		_ = cmd.Wait() // problem is complete then
		return nil, nil, fmt.Errorf("test/oracle does not start: %w\n%s", err, problem.String())
	}
	return o, first, nil
}

// ask returns the errors that test/oracle finds in the JSON of a question.
func (o *oracle) ask(question []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := o.in.Write(append(question, '\n')); err != nil {
		return fmt.Errorf("test/oracle: %w", err)
	}
	line, err := o.verdicts.ReadBytes('\n')
	var wrong string
	if err == nil {
		err = json.Unmarshal(line, &wrong)
	}
	if err != nil {
		return fmt.Errorf("test/oracle: %w", err)
	}
	if wrong != "" {
		return errors.New(wrong)
	}
	return nil
}

// Schema is a JSON Schema.
type Schema struct{ o *oracle }

// OpenSchema reads a schema of docs for one test.
func OpenSchema(t testing.TB, name string) Schema {
	t.Helper()
	file, err := find(name)
	if err != nil {
		t.Fatal(err)
	}
	o, _, err := start("schema", file)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return Schema{o}
}

// Check returns how one line of JSON violates the schema.
func (s Schema) Check(line []byte) error {
	if strings.ContainsAny(string(line), "\r\n") {
		return errors.New("not one line")
	}
	return s.o.ask(line[:len(line):len(line)])
}
