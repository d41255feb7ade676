package metrics

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// family is all the series of one name.
type family struct {
	name, help, kind string
	labels           []string
	bounds           []float64 // of a histogram

	mu     sync.Mutex
	series map[string]*series
}

// series is the figures of one set of labels.
type series struct {
	values []string
	n      float64  // of a counter or gauge; the sum of a histogram
	counts []uint64 // of a histogram: how many in each bucket, the last one without bound
}

// mostSeries bounds a family: a label that turns out to be boundless costs
// memory no longer, its newcomers count as "other".
const mostSeries = 2000

func newFamily(kind, name, help string, labels ...string) *family {
	return &family{name: name, help: help, kind: kind, labels: labels, series: map[string]*series{}}
}

func histogram(name, help string, bounds []float64, labels ...string) *family {
	f := newFamily("histogram", name, help, labels...)
	f.bounds = bounds
	return f
}

// at returns the series of these label values; hold mu.
func (f *family) at(values []string) *series {
	key := strings.Join(values, "\xff")
	s := f.series[key]
	if s != nil {
		return s
	}
	if len(f.series) >= mostSeries {
		values = slices.Repeat([]string{"other"}, len(values))
		key = strings.Join(values, "\xff")
		if s = f.series[key]; s != nil {
			return s
		}
	}
	s = &series{values: slices.Clone(values)}
	if f.bounds != nil {
		s.counts = make([]uint64, len(f.bounds)+1)
	}
	f.series[key] = s
	return s
}

// inc counts one.
func (f *family) inc(values ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at(values).n++
}

// set is for gauges, and for counters that are kept elsewhere.
func (f *family) set(v float64, values ...string) *family {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at(values).n = v
	return f
}

// observe puts a duration into its bucket.
func (f *family) observe(d time.Duration, values ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.at(values)
	i, _ := slices.BinarySearch(f.bounds, d.Seconds()) // the first bound not below it
	s.counts[i]++
	s.n += d.Seconds()
}

// write appends the family in the text format, its series in a stable order.
func (f *family) write(w *bufio.Writer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
	all := make([]*series, 0, len(f.series))
	for _, s := range f.series {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *series) int { return slices.Compare(a.values, b.values) })
	for _, s := range all {
		if f.bounds == nil {
			fmt.Fprintf(w, "%s%s %s\n", f.name, f.labelled(s, ""), number(s.n))
			continue
		}
		var sum uint64
		for i, n := range s.counts {
			sum += n
			le := "+Inf"
			if i < len(f.bounds) {
				le = number(f.bounds[i])
			}
			fmt.Fprintf(w, "%s_bucket%s %d\n", f.name, f.labelled(s, le), sum)
		}
		fmt.Fprintf(w, "%s_sum%s %s\n%s_count%s %d\n", f.name, f.labelled(s, ""), number(s.n), f.name, f.labelled(s, ""), sum)
	}
}

func (f *family) labelled(s *series, le string) string {
	var parts []string
	for i, name := range f.labels {
		parts = append(parts, name+`="`+escape(s.values[i])+`"`)
	}
	if le != "" {
		parts = append(parts, `le="`+le+`"`)
	}
	if len(parts) == 0 {
		return ""
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// escape writes a label's value as the format wants it.
func escape(v string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(v, "?"))
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func byName(a, b *family) int { return cmp.Compare(a.name, b.name) }
