package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/doorcheck/internal/attack"
	"github.com/twofold-auth/twofold/doorcheck/internal/door"
	"github.com/twofold-auth/twofold/doorcheck/internal/target"
)

// report is the table: attacks down, sites across.
type report struct {
	Attacks []attack.Attack
	Columns []column
}

// column is what came of the attacks on one site.
type column struct {
	Target   string          `json:"target"`
	Name     string          `json:"name"`
	Version  string          `json:"version"`
	Settings string          `json:"settings"`
	Date     string          `json:"date"`
	Platform string          `json:"platform"`
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
		Date: began.UTC().Format(time.DateOnly), Platform: runtime.GOOS + "/" + runtime.GOARCH,
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
	raw, err := json.MarshalIndent(map[string]any{"targets": r.Columns}, "", "  ")
	return append(raw, '\n'), err
}

// kept are the files that -json wrote for the table of this folder, in its order.
func kept() (files []string) {
	for _, t := range target.All() {
		files = append(files, "results/"+t.Name+".json")
	}
	return files
}

// read adds the columns of files that -json wrote. Each must have all attacks.
func (r *report) read(files []string) error {
	for _, name := range files {
		if err := r.load(name); err != nil {
			return err
		}
	}
	for _, c := range r.Columns {
		same := func(x attack.Result, a attack.Attack) bool { return x.Attack == a.Name }
		if !slices.EqualFunc(c.Results, r.Attacks, same) {
			return fmt.Errorf("%s was not tried with the %d attacks of this version: run it again with -json",
				c.Target, len(r.Attacks))
		}
	}
	return nil
}

// load adds the columns of one file.
func (r *report) load(file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var got struct{ Targets []column }
	if err := json.Unmarshal(raw, &got); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	r.Columns = append(r.Columns, got.Targets...)
	return nil
}

// merge adds what a file has of other attacks on the same versions: after an attack was
// added, it alone is to be tried. The date is that of the oldest result.
func (r *report) merge(file string) error {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) || len(r.Attacks) == len(attack.All()) {
		return nil
	}
	old := report{}
	if err := old.load(file); err != nil {
		return err
	}
	for i := range r.Columns {
		c := &r.Columns[i]
		at := slices.IndexFunc(old.Columns, func(o column) bool {
			return o.Target == c.Target &&
				o.Version == c.Version
		})
		if at < 0 {
			return fmt.Errorf("%s has nothing of %s %s: try all attacks", file, c.Target, c.Version)
		}
		results := map[string]attack.Result{}
		for _, x := range slices.Concat(old.Columns[at].Results, c.Results) {
			results[x.Attack] = x
		}
		c.Results, c.Date = nil, min(c.Date, old.Columns[at].Date)
		for _, a := range attack.All() {
			if x, tried := results[a.Name]; tried {
				c.Results = append(c.Results, x)
			}
		}
		c.Took += old.Columns[at].Took
	}
	return nil
}

// markdown returns the table, what it was measured on, and the details.
func (r *report) markdown() string {
	var b strings.Builder
	b.WriteString("# Is the door closed?\n\n" +
		"`doorcheck` writes this file from what `-json` wrote and from its own remarks. A test compares it with " +
		"them: do\n" +
		"not edit it.\n\n")
	b.WriteString("\"Refused\": the attack failed, and the honest use next to it worked. \"Works\": it succeeded.\n" +
		"\"Not offered\": the site lacks the feature. \"Not checked\": the honest use failed, or the details say " +
		"why.\n\n" +
		"| site | version | date | machine | refused | works | not offered | not checked | seconds |\n" +
		"|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range r.Columns {
		n := map[attack.Outcome]int{}
		for _, cell := range c.Results {
			n[cell.Outcome]++
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d | %d | %d | %d | %.0f |\n", c.Name, c.Version, c.Date, c.Platform,
			n[attack.Refused], n[attack.Works], n[attack.NotOffered], n[attack.NotChecked], c.Took.Seconds())
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
		remarks := remarksOn(c.Target)
		for _, cell := range c.Results {
			detail := oneLine(cell.Detail)
			if remark := remarks[cell.Attack]; remark != "" {
				detail = strings.TrimPrefix(detail+"; "+remark, "; ")
			}
			if detail != "" {
				fmt.Fprintf(&b, "* `%s` %s: %s\n", cell.Attack, cell.Outcome, detail)
			}
		}
	}
	return b.String()
}

// remarksOn are what the driver of a site remarks on attacks.
func remarksOn(name string) map[string]string {
	t, err := target.Find(name)
	if err != nil {
		return nil
	}
	return t.Site("", nil).Remarks
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
