package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/provision"
)

func TestTheRulesOfTheEnvironment(t *testing.T) {
	t.Parallel()
	e := newEnvironment([]string{
		varDomain + "=contoso.com", varUsageLocation + "= DE ", varLicenses + "=STANDARDPACK, O365_BUSINESS_PREMIUM",
		varGroups + "=staff", varAttributes + "=department=dept,jobTitle = title", varSkipConnections + "=ldap", "PATH",
	})
	rules := readRules(e)
	require.NoError(t, e.err())
	require.Equal(t, provision.Rules{
		Domain: "contoso.com", UsageLocation: "DE",
		Licenses: []provision.License{{SKU: "STANDARDPACK"}, {SKU: "O365_BUSINESS_PREMIUM"}}, Groups: []string{"staff"},
		Attributes: map[string]string{"department": "dept", "jobTitle": "title"}, SkipConnections: []string{"ldap"},
	}, rules)
}

func TestAVariableThatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	file := keep(t, "people.csv", crowd(1))
	for _, c := range []struct{ name, variable, want string }{
		{"an empty entry", varLicenses + "=a,,b", varLicenses + " has an empty entry"},
		{"an attribute without a claim", varAttributes + "=department", `"department", which is not PROPERTY=CLAIM`},
		{"an unknown cloud", varCloud + "=mars", `"mars" is not one of china, global, usgov-dod, usgov-high`},
		{"a domain that is none", varDomain + "=contoso", "contoso"},
		{"a country that is none", varUsageLocation + "=Germany", "usage location"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram()
			p.environ = []string{c.variable}
			got := p.command(t, t.Context(), "-simulate", file)
			require.Equal(t, exitUsage, got.code)
			require.Contains(t, got.stderr, c.want)
		})
	}
}

func TestTheCloudIsTheOneThatIsNamed(t *testing.T) {
	t.Parallel()
	require.Equal(t, entrafed.Global(), readCloud(newEnvironment(nil)))
	require.Equal(t, entrafed.China(), readCloud(newEnvironment([]string{varCloud + "=china"})))
}

func TestExactlyOneCredential(t *testing.T) {
	t.Parallel()
	certificate := keep(t, "client.pem", pair(t))
	token := keep(t, "token", "a.b.c")
	readable := keep(t, "readable.pem", pair(t))
	require.NoError(t, os.Chmod(readable, 0o644))
	for _, c := range []struct {
		name      string
		variables []string
		want      string // empty: it can be used
	}{
		{"a secret", []string{varClientSecret + "=s"}, ""},
		{"a certificate", []string{varClientCertificate + "=" + certificate}, ""},
		{"a token", []string{varTokenFile + "=" + token}, ""},
		{"none", nil, "and 0 are"},
		{"two", []string{varClientSecret + "=s", varTokenFile + "=" + token}, "and 2 are"},
		{"a certificate that others may read", []string{varClientCertificate + "=" + readable}, "chmod 600"},
		{"a certificate that is none", []string{varClientCertificate + "=" + token}, varClientCertificate + " cannot be used"},
		{"a certificate that is not there", []string{varClientCertificate + "=nowhere.pem"}, "nowhere.pem"},
		{"a folder", []string{varClientCertificate + "=" + t.TempDir()}, "is not a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newEnvironment(append(c.variables, varTenantID+"=contoso.com", varClientID+"=00000000-0000-0000-0000-00000000000b"))
			credential := newCredential(e, entrafed.Global(), nil)
			if c.want == "" {
				require.NoError(t, e.err())
				require.NotNil(t, credential)
				return
			}
			require.ErrorContains(t, e.err(), c.want)
		})
	}
}

// pair is a certificate and its key.
func pair(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
}

func TestASimulatedTenantHasTheGroupsOfTheRules(t *testing.T) {
	t.Parallel()
	const id = "11111111-2222-3333-4444-555555555555"
	tenant, err := newSimulation(provision.Rules{Domain: "contoso.com", Groups: []string{"staff", id}}, nil)
	require.NoError(t, err)
	groups := tenant.Groups()
	require.Len(t, groups, 2)
	require.ElementsMatch(t, []string{"staff", ""}, []string{groups[0].UniqueName, groups[1].UniqueName})
	require.Contains(t, []string{groups[0].ObjectID, groups[1].ObjectID}, id)
}

func TestTheFormatFollowsTheName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.csv": formatCSV, "A.CSV": formatCSV, "a.jsonl": formatJSONLines, "a.ndjson": formatJSONLines, "a.xlsx": "", "-": "",
	} {
		require.Equal(t, want, formatOf(name), name)
	}
}

func TestAReportKeepsLongTextsShort(t *testing.T) {
	t.Parallel()
	got := command(t, "-simulate", "-report", keep(t, "x", "")+".jsonl",
		keep(t, "people.csv", "connection,id\ngoogle,"+strings.Repeat("é", 400_000)+"\n"))
	require.Equal(t, exitFailed, got.code)
	require.Less(t, len(got.stderr), 3*maxText)
}
