package ldap_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/adapters/ldap"
)

// slapd is a real OpenLDAP on this machine, with a certificate of its own, that takes nothing without TLS.
type slapd struct {
	address string
	roots   *x509.CertPool
}

const slapdConf = `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
moduleload memberof
pidfile %[1]s/slapd.pid
TLSCertificateFile %[2]s
TLSCertificateKeyFile %[3]s
security ssf=128
sizelimit 100
database mdb
suffix "dc=contoso,dc=com"
directory %[1]s/data
rootdn "cn=search,dc=contoso,dc=com"
rootpw "%[4]s"
overlay memberof
overlay ppolicy
access to attrs=userPassword by anonymous auth
access to * by self read
`

const slapdData = `dn: dc=contoso,dc=com
objectClass: dcObject
objectClass: organization
dc: contoso
o: contoso

dn: ou=people,dc=contoso,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=sync,dc=contoso,dc=com
objectClass: organizationalUnit
ou: sync

dn: cn=policy,dc=contoso,dc=com
objectClass: device
objectClass: pwdPolicy
cn: policy
pwdAttribute: userPassword
pwdMaxAge: 3600
pwdMustChange: TRUE
pwdLockout: TRUE
pwdMaxFailure: 1

%s
`

func slapdPerson(unit, uid, more string) string {
	mail := "mail: " + uid + "@example.net\n"
	if uid == "silent" {
		mail = ""
	}
	return "dn: uid=" + uid + ",ou=" + unit + ",dc=contoso,dc=com\nobjectClass: inetOrgPerson\nuid: " + uid +
		"\ncn: An Employee\ndisplayName: An Employee\ngivenName: An\nsn: Employee\nuserPassword: " + password + "\n" +
		mail + more + "\n"
}

// startSlapd starts a real slapd, or skips the test where there is none.
func startSlapd(t *testing.T) *slapd {
	t.Helper()
	binary, dir := "/usr/sbin/slapd", t.TempDir()
	if _, err := os.Stat(binary); err != nil {
		t.Skip("there is no slapd: install Debian's package slapd")
	}
	certFile, keyFile, roots := writeCertificate(t, dir, "127.0.0.1")
	const policy = "pwdPolicySubentry: cn=policy,dc=contoso,dc=com\n"
	people := strings.Join([]string{
		slapdPerson("people", "lapsed", policy+"pwdChangedTime: 20200101000000Z\n"),
		slapdPerson("people", "renewing", policy+"pwdReset: TRUE\n"), slapdPerson("people", "guessed", policy),
		slapdPerson("people", "employee", "memberOf: cn=staff,dc=contoso,dc=com\n"), slapdPerson("people", "silent", ""),
		slapdPerson("sync", "synced", ""),
		slapdPerson("people", "locked", "pwdAccountLockedTime: 000001010000Z\n"), slapdPerson("people", "twin",
			"uid: twins\n"),
		slapdPerson("people", "twin2", "uid: twins\n"),
	}, "\n") + "\ndn: cn=staff,dc=contoso,dc=com\nobjectClass: groupOfNames\n" +
		"cn: staff\nmember: uid=employee,ou=people,dc=contoso,dc=com\n"
	conf, data := filepath.Join(dir, "slapd.conf"), filepath.Join(dir, "data.ldif")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, slapdConf, dir, certFile, keyFile, searchPassword), 0o600))
	require.NoError(t, os.WriteFile(data, fmt.Appendf(nil, slapdData, people), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o700))
	binary = copied(t, binary, dir)
	added, err := exec.Command(binary, "-T", "add", "-f", conf, "-l", data).CombinedOutput()
	require.NoError(t, err, string(added))
	s := &slapd{address: freeAddress(t), roots: roots}
	startServer(t, s.address, binary, "-f", conf, "-h", "ldap://"+s.address, "-d", "0")
	return s
}

// copied is a program under another path: where AppArmor knows slapd by its own, it may not read the folder of a test.
func copied(t *testing.T, program, dir string) string {
	t.Helper()
	content, err := os.ReadFile(program)
	require.NoError(t, err)
	there := filepath.Join(dir, filepath.Base(program))
	require.NoError(t, os.WriteFile(there, content, 0o700))
	return there
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, listener.Close()) }()
	return listener.Addr().String()
}

func (s *slapd) config() ldap.Config {
	return ldap.Config{
		Kind: ldap.OpenLDAP, URLs: []string{"ldap://" + s.address}, TLS: &tls.Config{RootCAs: s.roots}, BindDN: searcherDN,
		BindPassword: searchPassword, BaseDN: "dc=contoso,dc=com", Connection: "directory", FailureTime: time.Millisecond,
	}
}

func TestARealOpenLDAP(t *testing.T) {
	t.Parallel()
	s := startSlapd(t)
	cfg := s.config()
	cfg.Groups = ldap.Groups{Claim: true}
	cfg.Synced = &ldap.Synced{Connection: "entra-connect", Under: []string{"OU=Sync, DC=contoso, DC=com"}}
	w := newWorld(t, cfg)
	for _, name := range []string{"employee", "employee@example.net"} {
		got := w.requireSignedIn(name, password).Person
		require.Len(t, got.ID, 36)
		require.Equal(t, strings.ReplaceAll(got.ID, "-", ""), got.ImmutableID)
		require.Equal(t, "An Employee", got.DisplayName)
		require.Equal(t, "cn=staff,dc=contoso,dc=com", got.Claims["groups"])
	}
	synced := w.requireSignedIn("synced", password).Person
	require.Equal(t, "entra-connect", synced.Connection)
	require.Equal(t, "synced@example.net", synced.UPN)
	w.requireRefused("employee", "wrong horse", 422, "the name or the password is wrong")
	w.requireRefused("nobody", password, 422, "nobody has this name")
	w.requireRefused("*", password, 422, "nobody has this name")
	w.requireRefused("twins", password, 422, "more than one entry")
	w.requireRefused("employee", "", 422, "")
	w.requireRefused("locked", password, 403, "the account is locked") // without a policy slapd takes the bind
}

func TestARealOpenLDAPInOtherWays(t *testing.T) {
	t.Parallel()
	s := startSlapd(t)
	t.Run("without TLS it takes nothing", func(t *testing.T) {
		cfg := s.config()
		cfg.InsecureNoTLS = true
		newWorld(t, cfg).requireRefused("employee", password, 503, "Confidentiality Required")
	})
	t.Run("the certificate is unknown", func(t *testing.T) {
		cfg := s.config()
		cfg.TLS = nil
		newWorld(t, cfg).requireRefused("employee", password, 503, "certificate")
	})
	t.Run("a direct bind", func(t *testing.T) {
		cfg := s.config()
		cfg.BindDN, cfg.BindPassword, cfg.BindTemplate = "", "", "uid={name},ou=people,dc=contoso,dc=com"
		cfg.BaseDN = "uid=employee,ou=people,dc=contoso,dc=com" // what people may read
		w := newWorld(t, cfg)
		w.requireSignedIn("employee", password)
		w.requireRefused("employee", "wrong horse", 422, "the name or the password is wrong")
	})
	t.Run("a password that is due", func(t *testing.T) {
		w := newWorld(t, s.config())
		w.requireRefused("lapsed", password, 403, "uid=lapsed,ou=people,dc=contoso,dc=com: the password has expired")
		w.requireRefused("renewing", password, 403, "uid=renewing,ou=people,dc=contoso,dc=com: the person must change")
		direct := s.config()
		direct.BindDN, direct.BindPassword, direct.BindTemplate = "", "", "uid={name},ou=people,dc=contoso,dc=com"
		w = newWorld(t, direct)
		w.requireRefused("lapsed", password, 403, "the password has expired")
		w.requireRefused("renewing", password, 403, "the person must change the password first")
		w.requireRefused("renewing", "wrong horse", 422, "the name or the password is wrong")
	})
	t.Run("an account that a policy locks", func(t *testing.T) {
		w := newWorld(t, s.config())
		w.requireRefused("guessed", "wrong horse", 422, "the name or the password is wrong")
		w.requireRefused("guessed", password, 422, "pwdAccountLockedTime is 20")
	})
	t.Run("members of a group", func(t *testing.T) {
		cfg := s.config()
		cfg.Groups = ldap.Groups{Required: []string{"CN=Staff,DC=contoso,DC=com"}, Filter: "(member={dn})"}
		w := newWorld(t, cfg)
		w.requireSignedIn("employee", password)
		w.requireRefused("silent", password, 403, "Groups.Required")
	})
}

func TestTheAdapterKeepsTheRulesWithARealOpenLDAP(t *testing.T) {
	t.Parallel()
	s := startSlapd(t)
	id := newWorld(t, s.config()).requireSignedIn("employee", password).Person.ID
	adaptertest.Run(t, func(t *testing.T, env adaptertest.Environment) adaptertest.Host {
		cfg := s.config()
		line := newLine(t, s.address)
		cfg.URLs = []string{"ldap://" + line.address}
		host := hostOf(t, env, cfg)
		host.Person.Is.ID, host.Person.Is.ImmutableID = id, strings.ReplaceAll(id, "-", "")
		host.Fail = func(*testing.T) func() {
			line.cut.Store(true)
			return func() { line.cut.Store(false) }
		}
		host.Lacks["people without a stable ID"] = "slapd gives each entry an entryUUID"
		return host
	})
}
