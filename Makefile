# make test     everything: vet, staticcheck, races, browser
# make quick    what to run after each change
.PHONY: test quick tools fuzz bench build docs

GO ?= go

# The everyday suite: no browser, no race detector; under three minutes.
quick:
	$(GO) vet ./...
	$(GO) test ./...

# Everything. Installs what it needs where it may (see scripts/prepare) and
# says what it skipped; with CI=true nothing may be skipped.
test:
	./scripts/test

# A look for crashers: every fuzz target for a while (FUZZTIME=30s).
fuzz:
	./scripts/fuzz

bench:
	$(GO) test -run '^$$' -bench . -benchtime 200ms ./...

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o twofold ./cmd/twofold
