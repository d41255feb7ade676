# make setup    installs what the tests need (Debian, as root)
# make test     everything: vet, staticcheck, races, browser
# make quick    what to run after each change
# make site     the documentation as a static site, in site/dist/
# make release  what a release contains, in dist/
.PHONY: setup test quick fuzz bench build site release

GO ?= go

# The everyday suite: no browser, no race detector; under three minutes.
quick:
	$(GO) vet ./...
	$(GO) test -timeout $${TWOFOLD_TIMEOUT:-60m} ./...
	for module in oracle commands; do \
	  (cd test/$$module && $(GO) test -count=1 -timeout $${TWOFOLD_TIMEOUT:-60m} .) || exit 1; \
	done

# Everything. It says what it skipped for want of a program. With CI=true it
# installs what is missing first (see scripts/prepare), and nothing may be skipped.
test:
	./scripts/test

# Browser, databases, proxies and a C compiler, from Debian's packages.
setup:
	TWOFOLD_SETUP=1 bash scripts/prepare

# A look for crashers: every fuzz target for a while (FUZZTIME=30s).
fuzz:
	./scripts/fuzz

bench:
	$(GO) test -run '^$$' -bench . -benchtime 200ms ./...

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o twofold ./cmd/twofold

# The documentation, from the same files, for a web server. It needs Node and npm.
site:
	./scripts/site

# Programs for all targets, packages, an image, a list of what they are made of, and checksums.
release:
	./scripts/release
