package environment_test

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/internal/certtest"
)

func TestExactlyOneCredential(t *testing.T) {
	t.Parallel()
	certificate := commandtest.Keep(t, "client.pem", pair(t))
	token := commandtest.Keep(t, "token", "a.b.c")
	readable := commandtest.Keep(t, "readable.pem", pair(t))
	require.NoError(t, os.Chmod(readable, 0o644))
	for _, c := range []struct {
		name      string
		variables []string
		want      string // empty: it can be used
	}{
		{"a secret", []string{environment.ClientSecret + "=s"}, ""},
		{"a certificate", []string{environment.ClientCertificate + "=" + certificate}, ""},
		{"a token", []string{environment.TokenFile + "=" + token}, ""},
		{"none", nil, "found none"},
		{"two", []string{environment.ClientSecret + "=s", environment.TokenFile + "=" + token}, "found AZURE_CLIENT_SECRET and AZURE_FEDERATED_TOKEN_FILE"},
		{"a certificate that others may read", []string{environment.ClientCertificate + "=" + readable}, "chmod 600"},
		{"a certificate that is none", []string{environment.ClientCertificate + "=" + token}, "cannot be read"},
		{"a certificate that is not there", []string{environment.ClientCertificate + "=nowhere.pem"}, "nowhere.pem"},
		{"a folder", []string{environment.ClientCertificate + "=" + t.TempDir()}, "is not a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := environment.New(append(c.variables, environment.TenantID+"=contoso.com",
				environment.ClientID+"=00000000-0000-0000-0000-00000000000b"), environment.OfTheTenant())
			credential := e.Credential(time.Now())
			if c.want == "" {
				require.NoError(t, e.Err())
				opened, err := credential.Open(entrafed.Global(), nil)
				require.NoError(t, err)
				require.NotNil(t, opened)
				return
			}
			require.ErrorContains(t, e.Err(), c.want)
		})
	}
}

// Where no variable says how the application proves itself, it is whatever azidentity finds.
func TestTheChainIsForWhoSaysNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		variables []string
		says      string // what the credential is; empty: there is none
		want      string // what is wrong
	}{
		{"nothing at all", nil, "azidentity's chain", ""},
		{"a tenant", []string{environment.TenantID + "=contoso.com"}, "azidentity's chain", ""},
		{"a managed identity's ID", []string{environment.ClientID + "=00000000-0000-0000-0000-00000000000b"}, "azidentity's chain", ""},
		{"a tenant that is none", []string{environment.TenantID + "=contoso"}, "", "neither a GUID nor a domain"},
		{"a secret alone", []string{environment.ClientSecret + "=s"}, "", environment.TenantID + " is missing"},
		{"a password alone", []string{environment.CertificatePassword + "=s"}, "", environment.ClientCertificate},
		{"a whole credential", []string{environment.ClientSecret + "=s", environment.TenantID + "=contoso.com",
			environment.ClientID + "=00000000-0000-0000-0000-00000000000b"}, "client secret", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := environment.New(c.variables, environment.OfTheTenant())
			credential := e.CredentialOfChain(time.Now())
			if c.want != "" {
				require.ErrorContains(t, e.Err(), c.want)
				return
			}
			require.NoError(t, e.Err())
			require.Contains(t, credential.String(), c.says)
			opened, err := credential.Open(entrafed.Global(), nil)
			require.NoError(t, err)
			require.NotNil(t, opened)
		})
	}
}

// pair is a certificate and its key.
func pair(t *testing.T) string {
	t.Helper()
	key := certtest.RSA(2048)
	certificate := certtest.SelfSigned(key, "client", time.Time{}, time.Now().Add(time.Hour))
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}))
}
