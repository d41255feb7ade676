// Package flaskconfig reads the settings of a Flask application out of its source,
// without running it.
//
// It takes assignments of literals: to upper-case names, in a module or a class, and
// to items of a config, one at a time or by update and from_mapping. A literal is
// what Python calls one, and a few expressions more: os.environ.get and os.getenv
// with a default, timedelta, int, str and bool of one of these, and sums and
// products of numbers. Whatever else is assigned to such a name is named, so that no
// setting is lost without a word.
package flaskconfig
