package main

import (
	"fmt"
	"strings"
)

const markdownHead = `# Settings of the server

For operators. This file is generated from the table in ` + "`cmd/twofold`" + ` and checked by a test; do not edit it.

The server reads its settings from the environment and from a TOML file (` + "`--config FILE`" + ` or ` + "`TWOFOLD_CONFIG`" + `). The environment
takes precedence. The names are those of Flask and its extensions, so that an existing configuration can be pasted; names that
exist only here begin with ` + "`TWOFOLD_`" + `. If there are mistakes, they are printed one per line, each with its fix, and the server does not start.
If the file cannot be read, only that is reported. Next come all mistakes in single settings and between them, and once there
are none, those that are found when the sign-in is built. So run the check again after you have mended what it names.
` + "`twofold config check`" + ` does all this without starting the server.

| type | in the environment | in the file |
|---|---|---|
| text | ` + "`NAME=value`" + `; empty is the same as not set | ` + "`NAME = \"value\"`" + ` |
| true/false | ` + "`true`, `false`, `1`, `0`" + ` | ` + "`true`, `false`" + ` |
| number | digits | digits |
| duration | ` + "`30 minutes`, `1 week`, `1 hour and 30 minutes`, `1h30m`, or seconds as `90`" + ` | the same in quotes, or seconds |
| list | ` + "`email,authenticator`, JSON or Python" + ` | ` + "`[\"email\", \"authenticator\"]`" + ` |
| dict | JSON or Python: ` + "`{\"1\": \"...\"}`" + ` | ` + "`{ 1 = \"...\" }`" + ` |

A value marked *secret* never appears in an error, in the log or in the output of ` + "`config check`" + `.
`

// markdown returns the text of docs/configuration.md.
func markdown() string {
	var b strings.Builder
	b.WriteString(markdownHead)
	b.WriteString(differencesMarkdown())
	group := ""
	for _, row := range table() {
		if row.Group != group {
			group = row.Group
			fmt.Fprintf(&b, "\n## %s\n\n%s", group, groupIntro(group))
		}
		switch group {
		case groupInert:
			// listed by reason below
		case groupAbsent:
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", row.Name, code(row.Empty),
				strings.TrimSuffix(strings.TrimPrefix(row.Doc, "This version does not have "), "."))
		default:
			doc := row.Doc
			if row.Bounds != "" {
				doc += " " + strings.ToUpper(row.Bounds[:1]) + row.Bounds[1:]
				if row.Source != "" {
					doc += " (" + row.Source + ")"
				}
				doc += "."
			}
			if row.Cost != "" {
				doc += " **Trade-off:** " + row.Cost
			}
			standing := row.Empty
			if row.Default != "" {
				standing = code(row.Default)
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", row.Name, row.Type, standing, doc)
		}
	}
	writeInert(&b)
	return b.String()
}

func groupIntro(group string) string {
	switch group {
	case groupAbsent:
		return "Settings of features that this version does not have. They may have the value in the table, so that " +
			"a configuration can be\n" +
			"pasted. With any other value the server does not start.\n\n| name | allowed value | missing feature " +
			"|\n|---|---|---|\n"
	case groupInert:
		return "These settings may have any value. The log names each one that is set.\n"
	case "Mail":
		return "Mail is sent if `MAIL_SERVER` is set.\n\n" + columns
	case "Pages shown afterwards":
		return "Each is a path of this origin; names of Flask endpoints are not supported.\n\n" + columns
	}
	return columns
}

const columns = "| name | type | default | meaning |\n|---|---|---|---|\n"

func code(s string) string {
	if s == "" {
		return "not set"
	}
	return "`" + s + "`"
}

func writeInert(b *strings.Builder) {
	var reasons []string
	names := map[string][]string{}
	for _, row := range inertTable() {
		if names[row.Doc] == nil {
			reasons = append(reasons, row.Doc)
		}
		names[row.Doc] = append(names[row.Doc], "`"+row.Name+"`")
	}
	for _, why := range reasons {
		fmt.Fprintf(b, "\n%s%s:\n%s.\n", strings.ToUpper(why[:1]), why[1:], strings.Join(names[why], ", "))
	}
	b.WriteString("\n## Texts\n\n`SECURITY_MSG_<KEY>` replaces an English text. The value is the text, or a " +
		"pair of text and category\n" +
		"(the category has no effect). Placeholders are written `%(name)s`. The keys are those of " +
		"`internal/i18n/locales/en.json`.\n" +
		"`SECURITY_EMAIL_SUBJECT_*`, `SECURITY_CHANGE_EMAIL_SUBJECT` and `SECURITY_US_EMAIL_SUBJECT` replace the " +
		"subjects of mails.\n")
}
