module github.com/twofold-auth/twofold/doorcheck

go 1.26.0
