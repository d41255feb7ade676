package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/twofold-auth/twofold/internal/i18n"
)

type textsCommands struct {
	Check textsCheck `cmd:"" help:"Check a folder of translations for TWOFOLD_LOCALES."`
}

type textsCheck struct {
	Dir string `arg:"" help:"The folder." placeholder:"DIR"`
}

// Help implements kong.HelpProvider.
func (textsCheck) Help() string {
	return `Renders every text in the folder once with sample data. It reports texts that cannot be rendered, that use a placeholder
they are not given, that lack a code or a link, or that are unknown to this version. It also reports how many texts each
language has. Missing ones are shown in English.

Example:
  twofold texts check /etc/twofold/locales`
}

// Run checks a folder.
func (c textsCheck) Run(p process) error {
	if info, err := os.Stat(c.Dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is not a readable folder", c.Dir)
	}
	list, bad, err := i18n.Check(os.DirFS(c.Dir))
	if err != nil {
		return err
	}
	if len(list)+len(bad) == 0 {
		return fmt.Errorf("%s contains no file such as fr.json", c.Dir)
	}
	for _, l := range list {
		fmt.Fprintln(p.out, tellLanguage(l))
	}
	if len(bad) == 0 {
		return nil
	}
	var all []error
	for _, b := range bad {
		all = append(all, b)
	}
	return errors.Join(append(all, errors.New(amount(len(bad), "text is wrong", "texts are wrong")))...)
}

// tellLanguage describes how complete a language is.
func tellLanguage(l i18n.File) string {
	return fmt.Sprintf("%s: %d of %d texts", l.Tag, l.Have, l.Of)
}

// tellLanguages logs how complete each additional language is.
func (s *settings) tellLanguages() {
	if s.Locales == "" {
		return
	}
	list, bad, err := i18n.Check(os.DirFS(s.Locales))
	if err != nil {
		return // reported when the sign-in is created
	}
	for _, l := range list {
		s.Config.Log.Info("language", "texts", tellLanguage(l))
	}
	for _, b := range bad {
		if b.Harmless {
			s.Config.Log.Warn("language", "problem", b.Error())
		}
	}
}
