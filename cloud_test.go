package entrafed_test

import (
	"go/build"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
)

func TestEveryCloudIsCompleteButForWhatNobodyPublishes(t *testing.T) {
	t.Parallel()
	for _, cloud := range entrafed.Clouds() {
		if strings.HasPrefix(cloud.Name, "US Government") {
			require.ErrorContains(t, cloud.Validate(), "cloud_audience_urn", "the operator is told where to find it")
			cloud.Audience = "urn:federation:example"
		}
		require.NoError(t, cloud.Validate(), cloud.Name)
		require.NotEmpty(t, cloud.Hosts, cloud.Name)
		require.False(t, cloud.InsecureLoopback, cloud.Name)
		require.True(t, strings.HasPrefix(cloud.AssertionConsumerService, cloud.Login+"/"), cloud.Name)
	}
}

func TestTheZeroCloudIsGlobal(t *testing.T) {
	t.Parallel()
	require.Equal(t, entrafed.Global(), entrafed.Cloud{}.OrGlobal())
	require.Equal(t, entrafed.China(), entrafed.China().OrGlobal())
	partial := entrafed.Cloud{Name: "mine"}
	require.Equal(t, partial, partial.OrGlobal(), "half a cloud is not completed silently")
	require.Error(t, partial.Validate())
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	loopback := entrafed.Global()
	loopback.InsecureLoopback = true
	for raw, want := range map[string]struct{ real, simulated bool }{
		"https://id.contoso.com/sso":      {true, true},
		"https://id.contoso.com:8443/sso": {true, true},
		"http://127.0.0.1:8080/sso":       {false, true},
		"http://[::1]:8080/sso":           {false, true},
		"http://localhost/sso":            {false, true},
		"http://id.contoso.com/sso":       {false, false},
		"http://127.0.0.1.example.net/":   {false, false},
		"http://localhost.example.net/":   {false, false},
		"https://user:secret@contoso.com": {false, false},
		"https:///sso":                    {false, false},
		"https://:8443/":                  {false, false},
		"/sso":                            {false, false},
		"javascript:alert(1)":             {false, false},
		"ftp://contoso.com":               {false, false},
		"https://contoso.com/%zz":         {false, false},
		"":                                {false, false},
	} {
		require.Equal(t, want.real, entrafed.Global().CheckURL(raw) == nil, raw)
		require.Equal(t, want.simulated, loopback.CheckURL(raw) == nil, raw)
	}
}

// The light packages and their tests must stay light: the Graph SDK takes minutes to compile, and once more for fuzzing.
func TestLightPackagesDoNotImportTheGraphSDK(t *testing.T) {
	t.Parallel()
	for _, light := range []string{"saml", "smartlink", "provision", "provision/sqlstore", "federation", "federation/entratest",
		"adapters", "adapters/session"} {
		output, err := exec.Command("go", "list", "-test", "-deps", "github.com/entrafed/entrafed/"+light).Output()
		require.NoError(t, err, light)
		require.Contains(t, string(output), "github.com/entrafed/entrafed/"+light)
		require.NotContains(t, string(output), "msgraph-sdk-go", light)
		require.NotContains(t, string(output), "kiota", light)
	}
}

// An arrow never runs up: the four packages stand side by side, and nothing below imports an adapter.
func TestPackagesStandSideBySide(t *testing.T) {
	t.Parallel()
	const module = "github.com/entrafed/entrafed/"
	for from, forbidden := range map[string][]string{
		"saml":                 {"provision", "federation", "smartlink", "adapters", "msgraph"},
		"provision":            {"saml", "federation", "smartlink", "adapters", "msgraph"},
		"smartlink":            {"saml", "provision", "federation", "adapters", "msgraph"},
		"federation":           {"saml", "provision", "smartlink", "adapters", "msgraph", "federation/entratest"},
		"msgraph":              {"saml", "smartlink", "adapters", "federation/entratest"},
		"adapters":             {"federation/entratest", "msgraph"},
		"adapters/session":     {"adapters/crewjam", "adapters/oidc", "adapters/ldap", "federation/entratest", "msgraph"},
		"adapters/crewjam":     {"adapters/session", "adapters/oidc", "adapters/ldap", "federation/entratest", "msgraph"},
		"adapters/oidc":        {"adapters/session", "adapters/crewjam", "adapters/ldap", "federation/entratest", "msgraph"},
		"adapters/ldap":        {"adapters/session", "adapters/crewjam", "adapters/oidc", "federation/entratest", "msgraph"},
		"federation/entratest": {"saml", "provision", "smartlink", "adapters", "msgraph"},
	} {
		pkg, err := build.ImportDir(from, 0)
		require.NoError(t, err)
		for _, imported := range pkg.Imports {
			for _, no := range forbidden {
				require.NotEqual(t, module+no, imported, from)
			}
		}
	}
}
