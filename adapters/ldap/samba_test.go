package ldap_test

import (
	"bytes"
	"crypto/tls"
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
	"github.com/entrafed/entrafed/provision"
)

const (
	sambaPassword = "Search.Account.1"
	sambaTyped    = "Correct.Horse.1"
	sambaDomain   = "DC=ad,DC=contoso,DC=com"
)

// sambaConf keeps everything in one folder, and serves LDAP alone, at one address: a Samba that this machine has
// besides is left in peace.
const sambaConf = `[global]
server role = active directory domain controller
workgroup = CONTOSO
realm = AD.CONTOSO.COM
netbios name = DC1
server services = ldap
interfaces = %[2]s/8
bind interfaces only = yes
tls certfile = %[3]s
tls keyfile = %[4]s
tls cafile =
log file = %[1]s/log
private dir = %[1]s/private
state directory = %[1]s/state
cache directory = %[1]s/cache
lock directory = %[1]s/run
pid directory = %[1]s/run
binddns dir = %[1]s/run
ncalrpc dir = %[1]s/run/ncalrpc
winbindd socket directory = %[1]s/run/winbindd
ntp signd socket directory = %[1]s/run/ntp
[sysvol]
path = %[1]s/sysvol
[netlogon]
path = %[1]s/sysvol/scripts
`

// sambaAddress is an address of this machine at which nobody serves a directory. Samba has no other ports than these.
func sambaAddress(t *testing.T) string {
	t.Helper()
	var taken []string
	for last := 1; last <= 9; last++ {
		address := fmt.Sprintf("127.0.7.%d", last)
		err := free(address, "389", "636", "3268", "3269")
		if err == nil {
			return address
		}
		taken = append(taken, err.Error())
	}
	t.Skipf("Samba's LDAP server needs the port 389 of an address of this machine, and there is none: %s",
		strings.Join(taken, "; "))
	return ""
}

func free(address string, ports ...string) error {
	for _, port := range ports {
		listener, err := net.Listen("tcp", net.JoinHostPort(address, port))
		if err != nil {
			return err
		}
		if err := listener.Close(); err != nil {
			return err
		}
	}
	return nil
}

// startSamba provisions a domain in a folder of its own and starts its domain controller, or skips the test.
func startSamba(t *testing.T) (cfg ldap.Config, address string) {
	t.Helper()
	tool, err := exec.LookPath("samba-tool")
	server, missing := exec.LookPath("samba")
	switch {
	case err != nil || missing != nil:
		t.Skip("there is no domain controller of Samba's: install Debian's packages samba, samba-dsdb-modules and " +
			"samba-ad-provision")
	case os.Geteuid() != 0:
		t.Skip("only root may provision a domain of Samba's and serve at port 389: run this test as root")
	}
	address, dir := sambaAddress(t), t.TempDir()
	for _, folder := range []string{"private", "state", "cache", "run", "sysvol"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, folder), 0o700))
	}
	certFile, keyFile, roots := writeCertificate(t, dir, address, "127.0.0.1") // the line to it is there
	conf := filepath.Join(dir, "smb.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, sambaConf, dir, address, certFile, keyFile), 0o600))
	provisionSamba(t, func(args ...string) {
		t.Helper()
		output, err := exec.Command(tool, append(args, "--configfile="+conf)...).CombinedOutput()
		if err != nil && bytes.Contains(output, []byte("does not support posix ACLs")) {
			t.Skipf("the file system of %s has no access control lists, which a domain of Samba's needs", dir)
		}
		require.NoError(t, err, "%s: %s", args[0], output)
	}, address)
	startServer(t, address+":389", server, "--foreground", "--model=single", "--no-process-group", "--configfile="+conf)
	return ldap.Config{
		Kind: ldap.ActiveDirectory, URLs: []string{"ldap://" + address}, TLS: &tls.Config{RootCAs: roots},
		BaseDN: sambaDomain,
		BindDN: "CN=searcher,CN=Users," + sambaDomain, BindPassword: sambaPassword, Connection: "directory",
		FailureTime: time.Millisecond,
	}, address
}

func provisionSamba(t *testing.T, run func(...string), address string) {
	t.Helper()
	began := time.Now()
	run("domain", "provision", "--realm=AD.CONTOSO.COM", "--domain=CONTOSO", "--server-role=dc",
		"--adminpass="+sambaPassword,
		"--dns-backend=NONE", "--host-name=dc1", "--host-ip="+address)
	t.Logf("Samba's domain was provisioned in %v", time.Since(began).Round(time.Millisecond))
	// an ordinary account, with no rights of its own
	run("user", "create", "searcher", sambaPassword, "--use-username-as-cn")
	for _, name := range []string{"employee", "disabled", "renewing", "silent"} {
		args := []string{"user", "create", name, sambaTyped, "--given-name=An", "--surname=Employee", "--use-username-as-cn"}
		if name != "silent" {
			args = append(args, "--mail-address="+name+"@example.net")
		}
		run(args...)
	}
	run("user", "disable", "disabled")
	run("user", "setpassword", "renewing", "--newpassword="+sambaTyped, "--must-change-at-next-login")
	for _, group := range []string{"inner", "outer", "everybody"} {
		run("group", "add", group)
	}
	run("group", "addmembers", "inner", "employee")
	run("group", "addmembers", "outer", "inner")
	run("group", "addmembers", "everybody", "Domain Users")
}

// One domain serves for all of these.
func TestARealDomainController(t *testing.T) {
	t.Parallel()
	cfg, address := startSamba(t)
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
	t.Run("over ldaps", func(t *testing.T) {
		immediate := cfg
		immediate.URLs = []string{"ldaps://" + address}
		require.Equal(t, employee.ID, newWorld(t, immediate).requireSignedIn("employee", sambaTyped).Person.ID)
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
	t.Run("the primary group, and one that it is in", func(t *testing.T) {
		for _, groups := range []ldap.Groups{
			{Required: []string{"cn=domain users,cn=users," + sambaDomain}},
			{Required: []string{"cn=domain users,cn=users," + sambaDomain}, Nested: true},
			{Required: []string{"cn=everybody,cn=users," + sambaDomain}, Nested: true},
		} {
			among := cfg
			among.Groups = groups
			newWorld(t, among).requireSignedIn("silent", sambaTyped)
		}
	})
	t.Run("the rules", func(t *testing.T) {
		adaptertest.Run(t, func(t *testing.T, env adaptertest.Environment) adaptertest.Host {
			way := newLine(t, address+":389")
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
