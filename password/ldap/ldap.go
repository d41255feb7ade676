// Package ldap checks passwords with an LDAP directory, for accounts that have not signed in here
// yet. It implements password.Legacy.
//
// It searches for the entry of an identity and binds as that entry with the password. The address
// of the account is an attribute of the entry.
//
// The connection is always encrypted, except on loopback. User input is always escaped. An empty
// password is refused before anything is sent, because a bind with an empty password succeeds for
// every entry (RFC 4513, 5.1.2). Referrals are not followed.
package ldap

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/twofold-auth/twofold/password"
)

// mark is the placeholder in Filter for the identity.
const mark = "{identity}"

// Config describes a directory and how to find users in it.
type Config struct {
	// URL is "ldaps://host" or "ldap://host", with a port if it is not the default one. A
	// connection with ldap starts with StartTLS, except on loopback. Required.
	URL string
	// BaseDN is the base of the search, which includes the whole subtree. Required.
	BaseDN string
	// Filter finds the entry of an identity, which replaces {identity} in it. The default is
	// "(|(mail={identity})(uid={identity}))".
	Filter string
	// BindDN and BindPassword are the credentials for the search. If both are empty, the search is
	// anonymous.
	BindDN, BindPassword string
	// Email is the attribute that contains the account's address. The default is "mail".
	Email string
	// Username is the attribute that contains the username. If it is empty, accounts get no
	// username.
	Username string
	// Proven means that the addresses in the directory belong to its users, so that they need not
	// be confirmed.
	Proven bool
	// StartTLS also encrypts an ldap connection on loopback.
	StartTLS bool
	// Roots contains the certificate authorities of the directory. If it is nil, those of the
	// system are used.
	Roots *x509.CertPool
	// Timeout is the time limit of one check. The default is 5 seconds.
	Timeout time.Duration
}

// Directory is a password.Legacy. It is safe for concurrent use: every check has its own
// connection.
type Directory struct {
	c    Config
	host string
	tls  bool // StartTLS
}

var _ password.Legacy = (*Directory)(nil)

// New returns a directory, or every mistake in c at once. It does not connect.
func New(c Config) (*Directory, error) {
	var errs []error
	d := &Directory{c: c}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" ||
		u.Scheme != "ldap" && u.Scheme != "ldaps":
		errs = append(errs, errors.New("ldap: Config.URL is missing or not ldaps://host"))
	default:
		d.host = u.Hostname()
		ip := net.ParseIP(d.host)
		local := d.host == "localhost" || ip != nil && ip.IsLoopback()
		d.tls = u.Scheme == "ldap" && (c.StartTLS || !local)
	}
	if _, err := ldap.ParseDN(c.BaseDN); c.BaseDN == "" || err != nil {
		errs = append(errs, errors.New("ldap: Config.BaseDN is missing or not a DN"))
	}
	if d.c.Filter == "" {
		d.c.Filter = "(|(mail=" + mark + ")(uid=" + mark + "))"
	}
	if _, err := ldap.CompileFilter(d.filter("x")); err != nil || !strings.Contains(d.c.Filter, mark) {
		errs = append(errs, errors.New("ldap: Config.Filter is not a filter with "+mark))
	}
	if (c.BindDN == "") != (c.BindPassword == "") {
		errs = append(errs, errors.New("ldap: Config.BindDN and Config.BindPassword must be set together"))
	}
	if c.Timeout < 0 {
		errs = append(errs, errors.New("ldap: Config.Timeout is negative"))
	}
	if d.c.Email == "" {
		d.c.Email = "mail"
	}
	if d.c.Timeout == 0 {
		d.c.Timeout = 5 * time.Second
	}
	return d, errors.Join(errs...)
}

// String returns the name of the server, without passwords.
func (d *Directory) String() string { return "directory " + d.c.URL }

// GoString returns the same text as String.
func (d *Directory) GoString() string { return d.String() }

func (d *Directory) filter(identity string) string {
	return strings.ReplaceAll(d.c.Filter, mark, ldap.EscapeFilter(identity))
}

// Check connects, binds for the search, and searches for a name that does not exist.
func (d *Directory) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, d.c.Timeout)
	defer cancel()
	conn, end, err := d.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := d.signIn(conn); err != nil {
		return err
	}
	_, err = d.find(conn, "twofold-"+rand.Text())
	return err
}

// CheckPassword implements password.Legacy. Its errors do not contain user input.
func (d *Directory) CheckPassword(ctx context.Context, identity, plain string) (password.LegacyAccount, bool, error) {
	none := password.LegacyAccount{}
	if plain == "" || identity == "" {
		return none, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.c.Timeout)
	defer cancel()
	conn, end, err := d.connect(ctx)
	if err != nil {
		return none, false, err
	}
	defer end()
	if err := d.signIn(conn); err != nil {
		return none, false, err
	}
	entry, err := d.find(conn, identity)
	if err != nil {
		return none, false, err
	}
	// Also bind if there is no entry, so that the response time does not reveal who has one.
	dn := "cn=" + rand.Text() + "," + d.c.BaseDN
	if entry != nil {
		dn = entry.DN
	}
	err = conn.Bind(dn, plain)
	switch {
	case ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials), entry == nil:
		if err == nil || ldap.IsErrorAnyOf(err, ldap.LDAPResultInvalidCredentials, ldap.LDAPResultNoSuchObject) {
			return none, false, nil
		}
		return none, false, failure("the bind", err)
	case err != nil:
		return none, false, failure("the bind", err)
	}
	account := password.LegacyAccount{Email: entry.GetEqualFoldAttributeValue(d.c.Email), Proven: d.c.Proven}
	if account.Email == "" {
		account.Proven = false // the identity was not confirmed by the directory
	}
	if d.c.Username != "" {
		account.Username = entry.GetEqualFoldAttributeValue(d.c.Username)
	}
	return account, true, nil
}

// connect returns an encrypted connection, except on loopback. It ends with ctx.
func (d *Directory) connect(ctx context.Context) (*ldap.Conn, func(), error) {
	deadline, _ := ctx.Deadline()
	config := &tls.Config{ServerName: d.host, RootCAs: d.c.Roots, MinVersion: tls.VersionTLS12}
	conn, err := ldap.DialURL(d.c.URL, ldap.DialWithTLSConfig(config),
		ldap.DialWithDialer(&net.Dialer{Deadline: deadline}))
	if err != nil {
		return nil, nil, failure("the connection", err)
	}
	conn.SetTimeout(time.Until(deadline))
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	end := func() {
		stop()
		_ = conn.Close()
	}
	if d.tls {
		if err := conn.StartTLS(config); err != nil {
			end()
			return nil, nil, failure("StartTLS", err)
		}
	}
	return conn, end, nil
}

func (d *Directory) signIn(conn *ldap.Conn) error {
	if d.c.BindDN == "" {
		return nil
	}
	if err := conn.Bind(d.c.BindDN, d.c.BindPassword); err != nil {
		return failure("the bind for the search", err)
	}
	return nil
}

// find returns the one entry of an identity, or nil. If there are two, it returns nil, because the
// filter is wrong and either may be the wrong person.
func (d *Directory) find(conn *ldap.Conn, identity string) (*ldap.Entry, error) {
	attributes := []string{d.c.Email}
	if d.c.Username != "" {
		attributes = append(attributes, d.c.Username)
	}
	found, err := conn.Search(ldap.NewSearchRequest(d.c.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases,
		2, int(d.c.Timeout/time.Second)+1, false, d.filter(identity), attributes, nil))
	switch {
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultSizeLimitExceeded, ldap.LDAPResultNoSuchObject):
		return nil, nil
	case err != nil:
		return nil, failure("the search", err)
	case len(found.Entries) != 1 || found.Entries[0].DN == "":
		return nil, nil
	}
	return found.Entries[0], nil
}

// failure keeps only the code of an error, because directories often quote the request.
func failure(what string, err error) error {
	var op *net.OpError
	var known *ldap.Error
	switch {
	case errors.As(err, &op):
		return fmt.Errorf("ldap: %s: %w", what, op)
	case errors.As(err, &known) && known.ResultCode < ldap.ErrorNetwork:
		return fmt.Errorf("ldap: %s: code %d (%s)", what, known.ResultCode, ldap.LDAPResultCodeMap[known.ResultCode])
	}
	return fmt.Errorf("ldap: %s failed", what)
}
