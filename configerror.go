package twofold

import "strings"

// ConfigError is the error that New returns for an invalid configuration.
type ConfigError struct {
	// Problems lists every mistake. Field is the path of a field of Config, such as
	// "TwoFactor.LoginValidity".
	Problems []struct{ Field, Problem string }

	cause error
}

// Error returns one line for each mistake.
func (e *ConfigError) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.Field+": "+p.Problem)
	}
	return "twofold: " + strings.Join(lines, "\n")
}

// Unwrap returns the underlying error, such as one of the file system, or nil.
func (e *ConfigError) Unwrap() error { return e.cause }

func (e *ConfigError) add(field, problem string) {
	e.Problems = append(e.Problems, struct{ Field, Problem string }{field, problem})
}

// field adds the name of a field of Config to an error, or to each of several joined errors.
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
