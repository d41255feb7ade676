package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	driver "modernc.org/sqlite"

	"github.com/twofold-auth/twofold/internal/sqlstore"
)

// SQLite's result codes (https://www.sqlite.org/rescode.html). The low byte of
// an extended code is its primary one.
const (
	codePerm       = 3
	codeBusy       = 5
	codeLocked     = 6
	codeNoMem      = 7
	codeReadOnly   = 8
	codeInterrupt  = 9
	codeIOErr      = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeProtocol   = 15
	codeNotADB     = 26
	codeForeignKey = 787
	codePrimaryKey = 1555
	codeUnique     = 2067
)

func codeOf(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func isBusy(err error) bool {
	primary := codeOf(err) & 0xff
	return primary == codeBusy || primary == codeLocked
}

// classify returns the class of an error and a text that contains only its code, because SQLite's
// message may quote the statement.
func classify(err error) (sqlstore.Class, string) {
	code := codeOf(err)
	text := "unexpected error"
	if code != 0 {
		text = "SQLite result code " + strconv.Itoa(code)
		if known := driver.ErrorCodeString[code&0xff]; known != "" {
			text = known + ", code " + strconv.Itoa(code)
		}
	}
	switch code {
	case codePrimaryKey, codeUnique:
		return sqlstore.Duplicate, text
	case codeForeignKey:
		return sqlstore.Orphan, text
	}
	switch code & 0xff {
	case codePerm, codeBusy, codeLocked, codeNoMem, codeReadOnly, codeInterrupt, codeIOErr, codeFull, codeCantOpen,
		codeProtocol:
		return sqlstore.Unavailable, text
	}
	return sqlstore.Other, text
}

// explain converts an error of Open to a sentence that says how to fix it. The context must be the
// caller's.
func explain(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("it was not open before its context ended: %w", ended)
	}
	var newer *sqlstore.NewerError
	if errors.As(err, &newer) {
		return newer
	}
	var older *sqlstore.OlderError
	if errors.As(err, &older) {
		return older
	}
	if isBusy(err) {
		return errors.New("another program kept it locked for five seconds: stop that program, or try again")
	}
	switch codeOf(err) & 0xff {
	case codeNotADB:
		return errors.New("it is not an SQLite database: use another file, or move this one")
	case codeCorrupt:
		return errors.New("it is damaged: restore a backup (see SQLite's integrity_check for details)")
	case codeReadOnly, codePerm, codeCantOpen:
		return errors.New("it cannot be written: check the owner and mode of the file and its directory")
	case codeFull:
		return errors.New("the disk is full")
	case 0:
		return err
	}
	var step *sqlstore.StepError
	if errors.As(err, &step) {
		return step // the statement is constant, and SQLite's message contains only names of tables and columns
	}
	_, text := classify(err)
	return errors.New(text)
}
