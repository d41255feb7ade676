package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/attack"
	"github.com/twofold-auth/twofold/doorcheck/internal/door"
)

// report is the table: attacks down, sites across.
type report struct {
	Date    string
	Attacks []attack.Attack
	Columns []column
}

// column is what came of the attacks on one site.
type column struct {
	Target   string          `json:"target"`
	Name     string          `json:"name"`
	Version  string          `json:"version"`
	Settings string          `json:"settings"`
	Took     time.Duration   `json:"took"`
	Results  []attack.Result `json:"results"`
}

// check adds a column.
func (r *report) check(name string, site *door.Site, parallel int, progress io.Writer) {
	began := time.Now()
	results := attack.Run(site, r.Attacks, parallel, func(c attack.Result) {
		fmt.Fprintf(progress, "%-16s %-30s %-12s %6.1fs %s\n", name, c.Attack, c.Outcome, c.Took.Seconds(), c.Detail)
	})
	r.Columns = append(r.Columns, column{
		Target: name, Name: site.Name, Version: site.Version, Settings: site.Settings,
		Took: time.Since(began).Round(time.Second), Results: results,
	})
}

// others lists what is not as expected, but for some attacks.
func (r *report) others(want attack.Outcome, known []string) (list []string) {
	for _, c := range r.Columns {
		for _, cell := range c.Results {
			if cell.Outcome != want && !slices.Contains(known, cell.Attack) {
				list = append(list, fmt.Sprintf("%s %s: %s %s", c.Target, cell.Attack, cell.Outcome, cell.Detail))
			}
		}
	}
	return list
}

func (r *report) json() ([]byte, error) {
	raw, err := json.MarshalIndent(map[string]any{"date": r.Date, "targets": r.Columns}, "", "  ")
	return append(raw, '\n'), err
}

// read adds the columns of files that -json wrote. The table has the oldest date.
func (r *report) read(files []string) error {
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var got struct {
			Date    string
			Targets []column
		}
		if err := json.Unmarshal(raw, &got); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, c := range got.Targets {
			if len(c.Results) != len(r.Attacks) {
				return fmt.Errorf("%s: %d attacks on %s, want all %d", name, len(c.Results), c.Target, len(r.Attacks))
			}
			r.Columns, r.Date = append(r.Columns, c), min(r.Date, got.Date)
		}
	}
	return nil
}

// markdown returns the table, what it was measured on, and the details.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Is the door closed?\n\nWritten by `doorcheck` on %s, %s/%s.\n\n",
		r.Date, runtime.GOOS, runtime.GOARCH)
	b.WriteString("\"Refused\": the attack failed, and the honest use next to it worked. \"Works\": it succeeded.\n" +
		"\"Not offered\": the site lacks the feature. \"Not checked\": the honest use failed, or the details say why.\n\n" +
		"| site | version | refused | works | not offered | not checked | seconds |\n|---|---|---|---|---|---|---|\n")
	for _, c := range r.Columns {
		n := map[attack.Outcome]int{}
		for _, cell := range c.Results {
			n[cell.Outcome]++
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %.0f |\n", c.Name, c.Version, n[attack.Refused],
			n[attack.Works],
			n[attack.NotOffered], n[attack.NotChecked], c.Took.Seconds())
	}
	b.WriteString("\nTo repeat one cell, in the folder of the project:\n\n" +
		"    go run -C doorcheck . -target TARGET -attack NAME\n\n")
	b.WriteString("TARGET is ")
	for i, c := range r.Columns {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "`%s`", c.Target)
	}
	b.WriteString("; NAME stands in the first column.\n")
	r.rows(&b)
	b.WriteString("\n## Settings\n\n")
	for _, c := range r.Columns {
		fmt.Fprintf(&b, "* **%s**: %s\n", c.Name, c.Settings)
	}
	b.WriteString("\n## Details\n")
	for _, c := range r.Columns {
		fmt.Fprintf(&b, "\n**%s %s**\n\n", c.Name, c.Version)
		for _, cell := range c.Results {
			if cell.Detail != "" {
				fmt.Fprintf(&b, "* `%s` %s: %s\n", cell.Attack, cell.Outcome, oneLine(cell.Detail))
			}
		}
	}
	return b.String()
}

func (r *report) rows(b *strings.Builder) {
	group := ""
	for i, a := range r.Attacks {
		if a.Group != group {
			group = a.Group
			fmt.Fprintf(b, "\n## %s\n\n| name | an attacker ... |", group)
			for _, c := range r.Columns {
				fmt.Fprintf(b, " %s |", c.Name)
			}
			b.WriteString("\n|---|---|" + strings.Repeat("---|", len(r.Columns)) + "\n")
		}
		fmt.Fprintf(b, "| `%s` | %s |", a.Name, a.Title)
		for _, c := range r.Columns {
			cell := string(c.Results[i].Outcome)
			if c.Results[i].Outcome == attack.Works {
				cell = "**works**"
			}
			fmt.Fprintf(b, " %s |", cell)
		}
		b.WriteString("\n")
	}
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, "|", "/")), " ")
	return s[:min(len(s), 300)]
}
