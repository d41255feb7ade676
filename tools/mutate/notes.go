package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"sync"
)

// notes records results, one a line, so that an interrupted run can continue.
type notes[T any] struct {
	mu   sync.Mutex
	file *os.File
}

// open reads the results of an earlier run. It ignores an incomplete line.
func open[T any](name string) (*notes[T], []T, error) {
	var earlier []T
	raw, err := os.Open(name)
	if err == nil {
		lines := bufio.NewScanner(raw)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var line T
			if json.Unmarshal(lines.Bytes(), &line) == nil {
				earlier = append(earlier, line)
			}
		}
		err = errors.Join(lines.Err(), raw.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &notes[T]{file: file}, earlier, err
}

func (n *notes[T]) add(line T) error {
	raw, err := json.Marshal(line)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	_, err = n.file.Write(append(raw, '\n'))
	return err
}
