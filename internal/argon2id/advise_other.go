//go:build unix && !linux && !aix && !solaris

package argon2id

func advise([]byte) {}
