package ldap_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twofold-auth/twofold/internal/storetest/servers"
	"github.com/twofold-auth/twofold/password"
	"github.com/twofold-auth/twofold/password/ldap"
)

// slapd is an OpenLDAP server of this test.
type slapd struct {
	plain, tls string // its addresses
	roots      *x509.CertPool
}

const entries = `dn: dc=good,dc=test
objectClass: dcObject
objectClass: organization
o: good
dc: good

dn: uid=alice,dc=good,dc=test
objectClass: inetOrgPerson
uid: alice
cn: Alice
sn: Alice
mail: alice@good.test
userPassword: {SSHA}HASH

dn: uid=nomail,dc=good,dc=test
objectClass: inetOrgPerson
uid: nomail
cn: N
sn: N
userPassword: secret word

dn: uid=twin1,dc=good,dc=test
objectClass: inetOrgPerson
uid: twin1
cn: T
sn: T
mail: twin@good.test
userPassword: secret word

dn: uid=twin2,dc=good,dc=test
objectClass: inetOrgPerson
uid: twin2
cn: T
sn: T
mail: twin@good.test
userPassword: secret word
`

// start runs OpenLDAP on loopback. It skips the test if OpenLDAP is not installed.
func start(t *testing.T) *slapd {
	t.Helper()
	program, err := exec.LookPath("slapd")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/slapd"); err != nil {
			t.Skip("slapd is not installed")
		}
	}
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &slapd{plain: free(t), tls: free(t)}
	s.roots = certificate(t, dir)
	must(os.Mkdir(filepath.Join(dir, "db"), 0o700))
	conf := fmt.Sprintf(`include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %[1]s/pid
TLSCertificateFile %[1]s/cert.pem
TLSCertificateKeyFile %[1]s/key.pem
database mdb
directory %[1]s/db
suffix "dc=good,dc=test"
rootdn "cn=admin,dc=good,dc=test"
rootpw "admin word"
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="uid=nomail,dc=good,dc=test" read by anonymous read
`, dir)
	must(os.WriteFile(filepath.Join(dir, "slapd.conf"), []byte(conf), 0o600))
	load := exec.Command(program, "-Ta", "-f", filepath.Join(dir, "slapd.conf")) // slapadd
	load.Stdin = strings.NewReader(strings.Replace(entries, "{SSHA}HASH", "secret word", 1))
	if out, err := load.CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	server := exec.Command(program, "-d", "0", "-f", filepath.Join(dir, "slapd.conf"),
		"-h", "ldap://"+s.plain+"/ ldaps://"+s.tls+"/")
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	must(server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	for range 100 {
		if conn, err := net.Dial("tcp", s.tls); err == nil {
			_ = conn.Close()
			return s
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("slapd does not answer: %s", log.String())
	return nil
}

func free(t *testing.T) string {
	t.Helper()
	return "127.0.0.1:" + strconv.Itoa(servers.FreePort(t))
}

func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "directory"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, &c, &c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	for name, b := range map[string][]byte{"cert.pem": public,
		"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(public)
	return pool
}

// TestDirectory queries OpenLDAP without TLS on loopback, with StartTLS, with TLS, and with a
// search account. Input cannot change the filter; an empty password is refused, and so is a search
// with several results.
func TestDirectory(t *testing.T) {
	s := start(t)
	for name, c := range map[string]ldap.Config{
		"loopback": {URL: "ldap://" + s.plain},
		"StartTLS": {URL: "ldap://" + s.plain, StartTLS: true, Roots: s.roots},
		"TLS":      {URL: "ldaps://" + s.tls, Roots: s.roots},
		"search account": {URL: "ldaps://" + s.tls, Roots: s.roots, BindDN: "uid=nomail,dc=good,dc=test",
			BindPassword: "secret word"},
	} {
		t.Run(name, func(t *testing.T) {
			c.BaseDN, c.Username, c.Proven = "dc=good,dc=test", "uid", true
			d, err := ldap.New(c)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Check(t.Context()); err != nil {
				t.Error(err)
			}
			want := password.LegacyAccount{Email: "alice@good.test", Proven: true, Username: "alice"}
			for _, identity := range []string{"alice@good.test", "alice", "ALICE"} {
				if got, ok, err := d.CheckPassword(t.Context(), identity, "secret word"); got != want || !ok ||
					err != nil {
					t.Errorf("%s: %+v, %v, %v", identity, got, ok, err)
				}
			}
			got, ok, err := d.CheckPassword(t.Context(), "nomail", "secret word")
			if !ok || err != nil || got.Email != "" || got.Proven {
				t.Errorf("without an address: %+v, %v, %v", got, ok, err)
			}
			for _, try := range [][2]string{
				{"alice", "wrong"}, {"alice", ""}, {"", "secret word"}, {"nobody", "secret word"}, {"nobody", ""},
				{"*", "secret word"}, {"ali*", "secret word"}, {"alice)(uid=*", "secret word"}, {"alice\x00",
					"secret word"},
				{"a)(|(uid=alice", "secret word"}, {"twin@good.test", "secret word"},
				{"uid=alice,dc=good,dc=test", "secret word"},
				{strings.Repeat("(", 300), "secret word"}, {"alice", "secret word\x00"}, {"alice",
					strings.Repeat("x", 1024)},
			} {
				if got, ok, err := d.CheckPassword(t.Context(), try[0], try[1]); ok || err != nil || got.Email != "" {
					t.Errorf("%q with %q: %+v, %v, %v", try[0], try[1], got, ok, err)
				}
			}
		})
	}
}

// TestDirectoryFails checks that a directory that is unreachable, is another server, or refuses the
// search is an error, and that no error contains the input.
func TestDirectoryFails(t *testing.T) {
	s := start(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for name, c := range map[string]ldap.Config{
		"not there":      {URL: "ldap://" + free(t)},
		"silent":         {URL: "ldap://" + silent.Addr().String(), Timeout: 300 * time.Millisecond},
		"silent TLS":     {URL: "ldaps://" + silent.Addr().String(), Timeout: 300 * time.Millisecond},
		"no trust":       {URL: "ldaps://" + s.tls},
		"no trust later": {URL: "ldap://" + s.plain, StartTLS: true},
		"wrong search":   {URL: "ldap://" + s.plain, BindDN: "uid=nomail,dc=good,dc=test", BindPassword: "bind word"},
	} {
		t.Run(name, func(t *testing.T) {
			c.BaseDN = "dc=good,dc=test"
			d, err := ldap.New(c)
			if err != nil {
				t.Fatal(err)
			}
			from := time.Now()
			_, ok, err := d.CheckPassword(t.Context(), "alice", "secret word")
			if ok || err == nil || strings.Contains(err.Error(), "word") || time.Since(from) > 6*time.Second {
				t.Errorf("%v, %v after %v", ok, err, time.Since(from))
			}
			if d.Check(t.Context()) == nil {
				t.Error("the check finds nothing wrong")
			}
		})
	}
}

// TestMistakes checks that a configuration without encryption, or without a placeholder for the
// input, is refused.
func TestMistakes(t *testing.T) {
	for _, c := range []ldap.Config{
		{}, {URL: "ldaps://good.test"}, {URL: "http://good.test", BaseDN: "dc=good"},
		{URL: "ldaps://good.test", BaseDN: "good"},
		{URL: "ldaps://good.test/dc=good", BaseDN: "dc=good"}, {URL: "ldaps://good.test", BaseDN: "dc=good",
			Filter: "(uid=alice)"},
		{URL: "ldaps://good.test", BaseDN: "dc=good", Filter: "(uid={identity}"}, {URL: "ldaps://good.test",
			BaseDN: "dc=good", BindDN: "cn=x"},
		{URL: "ldaps://u:p@good.test", BaseDN: "dc=good"},
	} {
		if _, err := ldap.New(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	d, err := ldap.New(ldap.Config{URL: "ldap://good.test", BaseDN: "dc=good", BindDN: "cn=x",
		BindPassword: "bind word"})
	if err != nil || strings.Contains(fmt.Sprintf("%v %+v %#v", d, d, d), "bind word") {
		t.Errorf("%#v, %v", d, err)
	}
}
