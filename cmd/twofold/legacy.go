package main

import (
	"crypto/x509"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/twofold-auth/twofold/password/ldap"
	"github.com/twofold-auth/twofold/send/gateway"
)

// legacySettings configure the system that accounts come from, if it does not export its hashes.
type legacySettings struct {
	service string
	config  map[string]string
}

// legacyConfig is the setting with the configuration of the service.
const legacyConfig = "TWOFOLD_LEGACY_CONFIG"

// legacyKeys contains the keys of each service, and whether they are required.
var legacyKeys = map[string]map[string]bool{
	"Webhook": {"URL": true, "SECRET": true},
	"LDAP": {"URL": true, "BASE_DN": true, "FILTER": false, "BIND_DN": false, "BIND_PASSWORD": false, "EMAIL": false,
		"USERNAME": false, "PROVEN": false, "CA_FILE": false},
}

func legacyTable() []setting {
	return []setting{
		{Name: "TWOFOLD_LEGACY", Type: text, Empty: "none", Field: "Password.Legacy",
			Doc: "The system that accounts come from, if it does not export password hashes: `Webhook` or " +
				"`LDAP`. It is asked at the first sign-in of an identity that is unknown here, and of an account " +
				"whose stored hash is `$ask$`. If it accepts the password, the account exists here from then on, " +
				"with a hash of that password, and the system is not asked again. Everything else stays the same: " +
				"the limits, the second factor, and `SECURITY_CONFIRMABLE` for an address that the system does not " +
				"vouch for. If the system fails, users get 503.",
			Cost: "Passwords that users type for an unknown identity are sent to that system. Remove the " +
				"setting once everyone has signed in.",
			Apply: toChoice(func(s *settings) *string { return &s.legacy.service }, "Webhook", "LDAP")},
		{Name: legacyConfig, Type: secretMap, Empty: "none",
			Doc: "Keys of that system. Webhook: `URL` and `SECRET` (at least 32 bytes); package `send/gateway` " +
				"documents the request. LDAP: `URL` (`ldaps://host`, or `ldap://host` for StartTLS), `BASE_DN` and " +
				"optionally `FILTER` (e.g. `(uid={identity})`; by default `mail` or `uid` is the identity), " +
				"`BIND_DN` and `BIND_PASSWORD` for the search, `EMAIL` and `USERNAME` (names of attributes, by " +
				"default `mail` and none), `PROVEN` (`true`: addresses of the directory need not be confirmed, and " +
				"a user whose name is unknown here opens the waiting account with their address) and `CA_FILE`.",
			Apply: toDict(func(s *settings) *map[string]string { return &s.legacy.config })},
	}
}

// finishLegacy creates the connection to the former system.
func finishLegacy(s *settings) problems {
	service, c := s.legacy.service, s.legacy.config
	if service == "" {
		if len(c) > 0 {
			return problems{{legacyConfig, "is set without TWOFOLD_LEGACY: name the service there"}}
		}
		return nil
	}
	keys := legacyKeys[service]
	var bad problems
	for k := range c {
		if _, known := keys[k]; !known {
			names := slices.Sorted(maps.Keys(keys))
			bad = append(bad, problem{legacyConfig, fmt.Sprintf("contains a key that %s does not have: write %s",
				service, strings.Join(names, ", "))})
			break
		}
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if keys[k] && c[k] == "" {
			bad = append(bad, problem{legacyConfig, "lacks " + k + ": " + service + " needs it"})
		}
	}
	if len(bad) > 0 {
		return bad
	}
	var err error
	if service == "Webhook" {
		if why := weakKey(c["SECRET"]); why != "" {
			return problems{{legacyConfig, "SECRET " + why}}
		}
		s.Config.Password.Legacy, err = gateway.NewPasswords(gateway.WebhookConfig{URL: c["URL"], Secret: c["SECRET"]})
	} else {
		s.Config.Password.Legacy, err = directory(c)
	}
	if err != nil {
		s.Config.Password.Legacy = nil
		return problems{{legacyConfig, oneLine(err) + ": correct it"}}
	}
	return nil
}

// directory returns the connection to an LDAP server.
func directory(c map[string]string) (*ldap.Directory, error) {
	d := ldap.Config{
		URL: c["URL"], BaseDN: c["BASE_DN"], Filter: c["FILTER"],
		BindDN: c["BIND_DN"], BindPassword: c["BIND_PASSWORD"],
		Email: c["EMAIL"], Username: c["USERNAME"],
	}
	if v := c["PROVEN"]; v != "" {
		var err error
		if d.Proven, err = asBool(v); err != nil {
			return nil, fmt.Errorf("PROVEN %w", err)
		}
	}
	if file := c["CA_FILE"]; file != "" {
		raw, err := os.ReadFile(file)
		d.Roots = x509.NewCertPool()
		if err != nil || !d.Roots.AppendCertsFromPEM(raw) {
			return nil, fmt.Errorf("CA_FILE %s cannot be read or contains no certificate", file)
		}
	}
	return ldap.New(d)
}
