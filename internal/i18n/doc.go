// Package i18n contains the texts of pages, messages and JSON in all languages.
//
// A Catalogue contains the languages. Catalogue.For selects one of them, and the Words that it
// returns yield its texts, dates, times and durations. The built-in texts are in the folder locales,
// one file for each language; a site may replace them and may add languages. Check finds the errors
// in such files.
package i18n
