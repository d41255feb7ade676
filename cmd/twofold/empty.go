package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// emptyTag is the tag of a flag whose command decides about an empty value.
const emptyTag = "empty"

// checkEmpty returns an error for an option or argument that was given without a value, such as
// --user "$ID" in a script in which ID is not set. Most commands would take it as not given, and then
// do more or check less than they were asked.
func checkEmpty(command *kong.Context) error {
	for _, p := range command.Path {
		switch {
		case p.Flag != nil && !p.Flag.Tag.Has(emptyTag) && isEmpty(command.Value(p)):
			return fmt.Errorf("--%s must not be empty", p.Flag.Name)
		case p.Positional != nil && isEmpty(command.Value(p)):
			return fmt.Errorf("%s must not be empty", p.Positional.Summary())
		}
	}
	return nil
}

// isEmpty reports whether a value, or one of a list of values, is empty or only spaces.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer:
		return !v.IsNil() && isEmpty(v.Elem())
	case reflect.String:
		return strings.TrimSpace(v.String()) == ""
	case reflect.Map:
		return v.Len() == 0
	case reflect.Slice:
		for _, e := range v.Seq2() {
			if isEmpty(e) {
				return true
			}
		}
		return v.Len() == 0
	}
	return false
}
