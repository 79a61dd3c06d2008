package environment

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/examples/internal/keyfile"
)

// Credential says how the application proves itself to Entra: by a secret, a certificate, or a token of another issuer.
type Credential struct {
	TenantID, ClientID string

	secret       string
	certificates []*x509.Certificate
	key          crypto.PrivateKey
	tokenFile    string
	chain        bool
}

// String names the credential, without its secret.
func (c Credential) String() string {
	switch {
	case c.secret != "":
		return "client secret (" + ClientSecret + ")"
	case len(c.certificates) > 0:
		return fmt.Sprintf("client certificate (%s), valid until %s", ClientCertificate,
			c.certificates[0].NotAfter.UTC().Format(time.DateOnly))
	case c.chain:
		return "azidentity's chain (managed identity, az login, azd auth login or Azure PowerShell)"
	}
	return "workload identity (" + TokenFile + ")"
}

var tenantName = regexp.MustCompile(`^[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+$`)

// Credential reads the credential, and refuses a certificate that is not valid now.
func (e *Variables) Credential(now time.Time) Credential {
	c := Credential{TenantID: e.Required(TenantID), ClientID: e.Required(ClientID)}
	e.checkTenant(c.TenantID)
	if c.ClientID != "" && !guid.MatchString(c.ClientID) {
		e.Refuse(ClientID, "%q is not a GUID: it is the application (client) ID, not the name", c.ClientID)
	}
	switch e.chooseCredential() {
	case ClientSecret:
		c.secret = e.values[ClientSecret]
	case ClientCertificate:
		c.certificates, c.key = e.readClientCertificate(now)
	case TokenFile:
		c.tokenFile = e.readTokenFile()
	}
	return c
}

// CredentialOfChain is [Variables.Credential] where a variable says how the application proves itself. Where none does, it
// is whatever azidentity's DefaultAzureCredential finds, such as the account of az login; [TenantID] may be missing then.
func (e *Variables) CredentialOfChain(now time.Time) Credential {
	for _, name := range []string{ClientSecret, ClientCertificate, TokenFile, CertificatePassword} {
		if e.Value(name) != "" {
			return e.Credential(now)
		}
	}
	c := Credential{TenantID: e.Value(TenantID), chain: true}
	e.checkTenant(c.TenantID)
	return c
}

func (e *Variables) checkTenant(id string) {
	if id != "" && !guid.MatchString(id) && !tenantName.MatchString(id) {
		e.Refuse(TenantID, "%q is neither a GUID nor a domain of the tenant", id)
	}
}

// chooseCredential returns the one variable that is set, or nothing.
func (e *Variables) chooseCredential() string {
	ways := []string{ClientSecret, ClientCertificate, TokenFile}
	var found []string
	for _, name := range ways {
		if e.Value(name) != "" {
			found = append(found, name)
		}
	}
	if e.Value(CertificatePassword) != "" && e.Value(ClientCertificate) == "" {
		e.Refuse(CertificatePassword, "is set, but %s is not", ClientCertificate)
	}
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		e.Refuse(strings.Join(ways, ", "), "are all missing: set exactly one of them; found none")
	default:
		e.Refuse(strings.Join(ways, ", "), "exclude each other: set exactly one of them; found %s",
			strings.Join(found, " and "))
	}
	return ""
}

func (e *Variables) readClientCertificate(now time.Time) ([]*x509.Certificate, crypto.PrivateKey) {
	path := e.Value(ClientCertificate)
	content, err := keyfile.ReadPrivate(path)
	if err != nil {
		e.Check(ClientCertificate, err)
		return nil, nil
	}
	certificates, key, err := azidentity.ParseCertificates(content, []byte(e.values[CertificatePassword]))
	if err != nil {
		e.Refuse(ClientCertificate, "%s cannot be read: %w. A PEM file with the certificate and its unencrypted key "+
			"always can", path, err)
		return nil, nil
	}
	certificates, err = ownCertificateFirst(certificates, key)
	if err == nil {
		err = keyfile.ValidAt(certificates[0], now)
	}
	if err != nil {
		e.Refuse(ClientCertificate, "%s cannot be used: %w", path, err)
		return nil, nil
	}
	return certificates, key
}

// ownCertificateFirst puts the key's certificate before those that vouch for it.
func ownCertificateFirst(chain []*x509.Certificate, key crypto.PrivateKey) ([]*x509.Certificate, error) {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of type %T cannot sign", key)
	}
	public, ok := signer.Public().(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the key is of type %T: Entra accepts RSA only", key)
	}
	own := slices.IndexFunc(chain, func(c *x509.Certificate) bool { return public.Equal(c.PublicKey) })
	if own < 0 {
		return nil, errors.New("its key belongs to none of its certificates")
	}
	return append([]*x509.Certificate{chain[own]}, slices.Delete(slices.Clone(chain), own, own+1)...), nil
}

func (e *Variables) readTokenFile() string {
	path := e.Value(TokenFile)
	token, err := keyfile.Read(path)
	if err == nil && strings.TrimSpace(string(token)) == "" {
		err = fmt.Errorf("%s is empty", path)
	}
	e.Check(TokenFile, err)
	return path
}

// Open returns the credential for the cloud's own sign-in service. A nil transport is the network.
func (c Credential) Open(at entrafed.Cloud, transport http.RoundTripper) (azcore.TokenCredential, error) {
	options := azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: at.Login + "/"}}
	if transport != nil {
		options.Transport = &http.Client{Transport: transport}
	}
	switch {
	case c.secret != "":
		return azidentity.NewClientSecretCredential(c.TenantID, c.ClientID, c.secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	case len(c.certificates) > 0:
		return azidentity.NewClientCertificateCredential(c.TenantID, c.ClientID, c.certificates, c.key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: options})
	case c.chain:
		return azidentity.NewDefaultAzureCredential(
			&azidentity.DefaultAzureCredentialOptions{ClientOptions: options, TenantID: c.TenantID})
	}
	return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: options, TenantID: c.TenantID, ClientID: c.ClientID, TokenFilePath: c.tokenFile,
	})
}
