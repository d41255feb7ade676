package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	inner "github.com/twofold-auth/twofold/internal/settings"
)

// derived completes the rows whose field is in the library's table of settings: their type, default,
// bounds and Apply, unless they have their own.
func derived(rows []setting) []setting {
	known, names := map[string]inner.Row{}, map[string]string{}
	for _, r := range inner.Rows() {
		known[r.Field] = r
	}
	for _, row := range rows {
		names[row.Field] = row.Name
	}
	for i := range rows {
		row := &rows[i]
		r, ok := known[row.Field]
		if !ok {
			continue
		}
		if row.Type == "" {
			row.Type = typeOf(r)
		}
		if row.Default == "" && row.Empty == "" {
			row.Default, row.Empty = standing(r, names[r.Like])
		}
		if r.Kind != inner.Text {
			row.Bounds, row.Source = r.ServerBounds(), r.Source
		}
		if row.Apply == nil {
			row.Apply = toConfig(r)
		}
	}
	return rows
}

// typeOf returns the type of a setting with the values of a row.
func typeOf(r inner.Row) kind {
	switch r.Kind {
	case inner.Number:
		return number
	case inner.Duration:
		return duration
	}
	return text
}

// standing returns the default in the form of input, or in words what it means. like is the name of
// the setting that raises the default, or "".
func standing(r inner.Row, like string) (def, empty string) {
	switch {
	case r.Like != "" && r.Default == 0:
		return "", code(like)
	case r.Like != "":
		return "", r.Words(r.Default) + ", or " + code(like) + " if that is more"
	case r.Kind == inner.Text:
		return r.Standard, ""
	case r.Default == 0:
		return "", r.Zero
	}
	return input(r, r.Default), ""
}

// input returns a value of a row in the form of input.
func input(r inner.Row, v int64) string {
	if r.Kind == inner.Duration {
		return sayDuration(time.Duration(v))
	}
	return strconv.FormatInt(v, 10)
}

// of returns the row of a field in the library's table.
func of(field string) inner.Row {
	r, _ := inner.Of(field)
	return r
}

// highest returns the upper bound of a field in the form of input.
func highest(field string) string { return input(of(field), of(field).ServerMax) }

// standard returns the default of a field for the documentation, for a row that must not apply it.
func standard(field string) string { return code(input(of(field), of(field).Default)) }

// standardMillis returns the default of a field in milliseconds.
func standardMillis(field string) string {
	return strconv.FormatInt(time.Duration(of(field).Default).Milliseconds(), 10)
}

// toConfig returns the Apply of a row that sets its field of twofold.Config.
func toConfig(r inner.Row) func(*settings, any) error {
	if r.Kind != inner.Text {
		return bounded(r, func(s *settings, v int64) { r.Set(&s.Config, v) })
	}
	return func(s *settings, raw any) error {
		var v string
		err := toChoice(func(*settings) *string { return &v }, r.Choices...)(s, raw)
		if err == nil {
			r.SetText(&s.Config, v)
		}
		return err
	}
}

// into returns the Apply of a setting that has the bounds of a field but is stored elsewhere.
func into(field string, p func(*settings) *time.Duration) func(*settings, any) error {
	return bounded(of(field), func(s *settings, v int64) { *p(s) = time.Duration(v) })
}

// orZero accepts zero besides what apply accepts. Zero is the value of a setting that is not given.
func orZero(apply func(*settings, any) error) func(*settings, any) error {
	return func(s *settings, raw any) error {
		if v, err := asDuration(raw); err == nil && v == 0 {
			return nil
		}
		return apply(s, raw)
	}
}

// bounded returns the Apply of a number or a duration. A value beyond the bound on its less safe side
// is replaced by the bound. A value beyond another bound is refused.
func bounded(r inner.Row, put func(s *settings, v int64)) func(*settings, any) error {
	return func(s *settings, raw any) error {
		v, err := parsed(r.Kind, raw)
		low, high := r.ServerMin, r.ServerMax
		switch {
		case err != nil:
			return err
		case v > high && r.Safer == inner.Lower:
			put(s, high)
			return clamped{"above the upper bound", input(r, high)}
		case v < low && r.Safer == inner.Higher:
			put(s, low)
			return clamped{"below the lower bound", input(r, low)}
		case v < low || v > high:
			return fmt.Errorf("is out of bounds: write a %s %s", typeOf(r), r.ServerBounds())
		}
		put(s, v)
		return nil
	}
}

func parsed(k inner.Kind, raw any) (int64, error) {
	if k == inner.Duration {
		d, err := asDuration(raw)
		return int64(d), err
	}
	n, err := asInt(raw)
	return int64(n), err
}

// settingOf returns the name of the setting of a field of twofold.Config, or "".
func settingOf(rows []setting, field string) string {
	i := slices.IndexFunc(rows, func(row setting) bool { return row.Field == field })
	if i < 0 {
		return ""
	}
	return rows[i].Name
}

// settingNames replaces fields of Config in a text with the names of their settings.
func settingNames(rows []setting, text string) string {
	rows = slices.DeleteFunc(slices.Clone(rows), func(row setting) bool { return !strings.Contains(row.Field, ".") })
	slices.SortStableFunc(rows, func(a, b setting) int { return len(b.Field) - len(a.Field) }) // no prefix first
	pairs := []string{"a sender in Mail", "MAIL_SERVER", "a sender in SMS", "SECURITY_SMS_SERVICE",
		"Passwordless with", "SECURITY_UNIFIED_SIGNIN with"}
	for _, row := range rows {
		pairs = append(pairs, row.Field, row.Name)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
