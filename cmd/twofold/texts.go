package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/twofold-auth/twofold/internal/i18n"
)

// messagePrefix is the prefix of settings that replace texts: SECURITY_MSG_<KEY>.
const messagePrefix = "SECURITY_MSG_"

// subjects contains settings with other names that replace a text of the catalogue.
var subjects = map[string]string{
	"SECURITY_EMAIL_SUBJECT_TWO_FACTOR":        "mail_code_subject",
	"SECURITY_EMAIL_SUBJECT_TWO_FACTOR_RESCUE": "mail_rescue_subject",

	"SECURITY_EMAIL_SUBJECT_REGISTER":               "letter_welcome_subject",
	"SECURITY_EMAIL_SUBJECT_CONFIRM":                "letter_confirm_subject",
	"SECURITY_EMAIL_SUBJECT_PASSWORDLESS":           "letter_login_subject",
	"SECURITY_EMAIL_SUBJECT_PASSWORD_RESET":         "letter_reset_subject",
	"SECURITY_EMAIL_SUBJECT_PASSWORD_NOTICE":        "notice_password_reset_subject",
	"SECURITY_EMAIL_SUBJECT_PASSWORD_CHANGE_NOTICE": "notice_password_changed_subject",
	"SECURITY_EMAIL_SUBJECT_USERNAME_CHANGE_NOTICE": "notice_username_changed_subject",
	"SECURITY_EMAIL_SUBJECT_USERNAME_RECOVERY":      "letter_username_subject",
	"SECURITY_CHANGE_EMAIL_SUBJECT":                 "letter_change_email_subject",
	"SECURITY_US_EMAIL_SUBJECT":                     "mail_signin_subject",
}

var (
	placeholder = regexp.MustCompile(`%\(([a-z_]+)\)s`)
	toPercent   = regexp.MustCompile(`{{\.([A-Za-z]+)}}`)
)

// mustJSON encodes texts, which cannot fail.
func mustJSON(texts map[string]string) []byte {
	raw, err := json.Marshal(texts)
	if err != nil {
		return []byte("{}")
	}
	return raw
}

// applyMessage replaces one English text: "text", or the wire contract's
// ["text", "category"], whose category is not used here.
func applyMessage(key string) func(*settings, any) error {
	return func(s *settings, raw any) error {
		if pair, ok := raw.([]any); ok && len(pair) == 2 {
			raw = pair[0]
		}
		v, err := asText(raw)
		if err != nil {
			return err
		}
		own, err := i18n.NewCatalogue(nil)
		if err != nil {
			return err
		}
		before := own.For("en").Text(key)
		if before == key {
			return errors.New("this version has no such text: remove it (internal/i18n/locales/en.json lists " +
				"all)")
		}
		if strings.Contains(v, "{{") {
			return errors.New(`contains "{{": write placeholders as %(name)s`)
		}
		if rest := placeholder.ReplaceAllString(v, ""); strings.Contains(rest, "%(") {
			return errors.New("contains a placeholder that is not closed: write %(name)s")
		}
		text := placeholder.ReplaceAllString(v, "{{.$1}}")
		_, bad, err := i18n.Check(overlay{file: mustJSON(map[string]string{key: text})})
		if err != nil {
			return err
		}
		for _, p := range bad {
			if p.Harmless {
				continue
			}
			return errors.New(toPercent.ReplaceAllString(p.Text, "%($1)s"))
		}
		if s.texts == nil {
			s.texts = map[string]string{}
		}
		s.texts[key] = text
		return nil
	}
}

// overlay is a folder of languages with an additional file, which is read last.
type overlay struct {
	under fs.FS // may be nil
	file  []byte
}

// overlayName sorts after every other file in the folder. Its language is English.
const overlayName = "zz-settings.en.json"

func newOverlay(under fs.FS, texts map[string]string) (fs.FS, error) {
	file, err := json.Marshal(texts)
	return overlay{under, file}, err
}

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) {
	switch {
	case name == overlayName:
		return &memoryFile{Reader: bytes.NewReader(o.file), size: int64(len(o.file))}, nil
	case o.under != nil:
		return o.under.Open(name)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadDir implements fs.ReadDirFS.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	var list []fs.DirEntry
	if o.under != nil {
		var err error
		if list, err = fs.ReadDir(o.under, name); err != nil {
			return nil, err
		}
	}
	if name == "." {
		list = append(list, fs.FileInfoToDirEntry(memoryInfo(len(o.file))))
	}
	return list, nil
}

type memoryFile struct {
	*bytes.Reader
	size int64
}

func (f *memoryFile) Stat() (fs.FileInfo, error) { return memoryInfo(f.size), nil }
func (f *memoryFile) Close() error               { return nil }

type memoryInfo int64

func (i memoryInfo) Name() string     { return overlayName }
func (i memoryInfo) Size() int64      { return int64(i) }
func (memoryInfo) Mode() fs.FileMode  { return 0o444 }
func (memoryInfo) ModTime() time.Time { return time.Time{} }
func (memoryInfo) IsDir() bool        { return false }
func (memoryInfo) Sys() any           { return nil }
