package ldap_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters/adaptertest"
	"github.com/entrafed/entrafed/adapters/ldap"
	"github.com/entrafed/entrafed/provision"
)

const (
	sambaAddress  = "127.0.7.1" // Samba's LDAP server has no other port than 389
	sambaPassword = "Search.Account.1"
	sambaTyped    = "Correct.Horse.1"
	sambaDomain   = "DC=ad,DC=contoso,DC=com"
)

// startSamba provisions a domain in a folder of its own and starts its domain controller, or skips the test.
func startSamba(t *testing.T) ldap.Config {
	t.Helper()
	tool, err := exec.LookPath("samba-tool")
	server, missing := exec.LookPath("samba")
	if err != nil || missing != nil {
		t.Skip("there is no samba: install Debian's packages samba, samba-dsdb-modules and samba-ad-provision")
	}
	free, err := net.Listen("tcp", sambaAddress+":389")
	if err != nil {
		t.Skipf("Samba's LDAP server would have no port: %v", err)
	}
	require.NoError(t, free.Close())
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		output, err := exec.Command(tool, args...).CombinedOutput()
		require.NoError(t, err, "%s: %s", args[0], output)
	}
	run("domain", "provision", "--targetdir="+dir, "--realm=AD.CONTOSO.COM", "--domain=CONTOSO", "--server-role=dc",
		"--adminpass="+sambaPassword, "--dns-backend=NONE", "--host-name=dc1", "--host-ip="+sambaAddress)
	database := filepath.Join(dir, "private", "sam.ldb")
	for _, name := range []string{"employee", "disabled", "renewing", "silent"} {
		args := []string{"user", "create", name, sambaTyped, "-H", database, "--given-name=An", "--surname=Employee", "--use-username-as-cn"}
		if name != "silent" {
			args = append(args, "--mail-address="+name+"@example.net")
		}
		run(args...)
	}
	run("user", "disable", "disabled", "-H", database)
	run("user", "setpassword", "renewing", "-H", database, "--newpassword="+sambaTyped, "--must-change-at-next-login")
	for _, group := range []string{"inner", "outer"} {
		run("group", "add", group, "-H", database)
	}
	run("group", "addmembers", "inner", "employee", "-H", database)
	run("group", "addmembers", "outer", "inner", "-H", database)
	return serveSamba(t, server, dir)
}

func serveSamba(t *testing.T, server, dir string) ldap.Config {
	t.Helper()
	certificate, roots := newCertificate(t, sambaAddress, "127.0.0.1") // the line to it is there
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	certFile, keyFile := filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "key.pem")
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	require.NoError(t, os.WriteFile(certFile, leaf, 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	var said bytes.Buffer
	process := exec.Command(server, "-F", "-M", "single", "--no-process-group", "-s", filepath.Join(dir, "etc", "smb.conf"),
		"--option=server services=ldap", "--option=interfaces="+sambaAddress+"/8", "--option=bind interfaces only=yes",
		"--option=tls certfile="+certFile, "--option=tls keyfile="+keyFile, "--option=tls cafile=", "--option=log file="+filepath.Join(dir, "log"))
	process.Stdout, process.Stderr = &said, &said
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", sambaAddress+":389")
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	return ldap.Config{
		Kind: ldap.ActiveDirectory, URLs: []string{"ldap://" + sambaAddress}, TLS: &tls.Config{RootCAs: roots}, BaseDN: sambaDomain,
		BindDN: "CN=Administrator,CN=Users," + sambaDomain, BindPassword: sambaPassword, Connection: "directory",
		FailureTime: time.Millisecond,
	}
}

// One domain serves for all of these.
func TestARealDomainController(t *testing.T) {
	t.Parallel()
	cfg := startSamba(t)
	var employee provision.Person
	t.Run("people sign in, by each of their names", func(t *testing.T) {
		w := newWorld(t, cfg)
		for _, name := range []string{"employee", "employee@ad.contoso.com", "employee@example.net"} {
			employee = w.requireSignedIn(name, sambaTyped).Person
			same, err := provision.ImmutableIDFromObjectGUID(employee.ID)
			require.NoError(t, err)
			require.Equal(t, same, employee.ImmutableID)
			require.Equal(t, "An Employee", employee.DisplayName)
		}
		require.NotContains(t, w.log.String(), sambaPassword)
	})
	t.Run("others do not", func(t *testing.T) {
		w := newWorld(t, cfg)
		w.requireRefused("employee", "wrong horse", 422, "the name or the password is wrong")
		w.requireRefused("nobody", sambaTyped, 422, "nobody has this name")
		w.requireRefused("*", sambaTyped, 422, "nobody has this name")
		w.requireRefused("employee", "", 422, "")
		w.requireRefused("disabled", sambaTyped, 403, "the account is disabled")
		w.requireRefused("disabled", "wrong horse", 422, "the name or the password is wrong")
		w.requireRefused("renewing", sambaTyped, 403, "must change the password first")
	})
	t.Run("a direct bind, by UPN", func(t *testing.T) {
		direct := cfg
		direct.BindDN, direct.BindPassword, direct.BindTemplate = "", "", "{name}@ad.contoso.com"
		w := newWorld(t, direct)
		require.Equal(t, employee.ID, w.requireSignedIn("employee", sambaTyped).Person.ID)
		w.requireRefused("employee", "wrong horse", 422, "the name or the password is wrong")
	})
	t.Run("groups of groups", func(t *testing.T) {
		nested := cfg
		nested.Groups = ldap.Groups{Required: []string{"cn=outer,cn=users," + sambaDomain}, Nested: true, Claim: true}
		nested.Synced = &ldap.Synced{Connection: "entra-connect", Groups: []string{"CN=inner,CN=Users," + sambaDomain}}
		w := newWorld(t, nested)
		got := w.requireSignedIn("employee", sambaTyped).Person
		require.Contains(t, got.Claims["groups"], "CN=outer")
		require.Equal(t, "entra-connect", got.Connection)
		require.Equal(t, "employee@ad.contoso.com", got.UPN)
		w.requireRefused("silent", sambaTyped, 403, "Groups.Required")
		nested.Groups.Nested = false
		newWorld(t, nested).requireRefused("employee", sambaTyped, 403, "Groups.Required")
	})
	t.Run("the rules", func(t *testing.T) {
		adaptertest.Run(t, func(t *testing.T, env adaptertest.Environment) adaptertest.Host {
			way := newLine(t, sambaAddress+":389")
			through := cfg
			through.URLs = []string{"ldap://" + way.address}
			host := hostOf(t, env, through)
			host.Person.Password, host.WithoutEmail.Password = sambaTyped, sambaTyped
			host.Person.Is.ID, host.Person.Is.ImmutableID = employee.ID, employee.ImmutableID
			host.Secrets = []string{sambaPassword}
			host.Fail = func(*testing.T) func() {
				way.cut.Store(true)
				return func() { way.cut.Store(false) }
			}
			host.Lacks["people without a stable ID"] = "Active Directory gives each entry an objectGUID"
			return host
		})
	})
}
