package main

import (
	"fmt"
	"slices"
)

// series holds the values of one measurement in all rounds.
type series []float64

func (s series) median() float64 {
	if len(s) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(s))[len(s)/2]
}

// noise returns the spread of the rounds, relative to their median.
func (s series) noise() string {
	if len(s) == 0 || s.median() == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", (slices.Max(s)-slices.Min(s))/s.median()*100)
}

func over(a, b series) series {
	out := make(series, min(len(a), len(b)))
	for i := range out {
		if b[i] != 0 {
			out[i] = a[i] / b[i]
		}
	}
	return out
}

func minus(a, b series) series {
	out := make(series, min(len(a), len(b)))
	for i := range out {
		out[i] = a[i] - b[i]
	}
	return out
}
