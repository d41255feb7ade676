package twofold

import "strings"

// ConfigError is the error of New for a configuration with mistakes.
type ConfigError struct {
	// Problems are all mistakes that were found. Field is the name of a field of
	// Config, such as "TwoFactor.LoginValidity".
	Problems []struct{ Field, Problem string }

	cause error
}

// Error has one line for each mistake.
func (e *ConfigError) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.Field+": "+p.Problem)
	}
	return "twofold: " + strings.Join(lines, "\n")
}

// Unwrap returns what caused the mistake, such as an error of the file system.
func (e *ConfigError) Unwrap() error { return e.cause }

func (e *ConfigError) add(field, problem string) {
	e.Problems = append(e.Problems, struct{ Field, Problem string }{field, problem})
}

// field says which field of Config an error is about, once for each of several.
func field(name string, err error) error {
	e := &ConfigError{cause: err}
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		e.add(name, err.Error())
		return e
	}
	for _, one := range several.Unwrap() {
		e.add(name, one.Error())
	}
	return e
}
