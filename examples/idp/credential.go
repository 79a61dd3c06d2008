package main

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
)

// credential says how the application proves itself to Entra. One of the three groups is set.
type credential struct {
	tenantID, clientID string

	secret string

	certificates []*x509.Certificate
	key          crypto.PrivateKey

	tokenFile string
}

// String names the credential, without its secret.
func (c credential) String() string {
	switch {
	case c.secret != "":
		return "client secret (" + varClientSecret + ")"
	case len(c.certificates) > 0:
		return fmt.Sprintf("client certificate (%s), valid until %s", varClientCertificate,
			c.certificates[0].NotAfter.UTC().Format(time.DateOnly))
	}
	return "workload identity (" + varTokenFile + ")"
}

var (
	guid       = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	tenantName = regexp.MustCompile(`^[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+$`)
)

func readCredential(e *environment, now time.Time) credential {
	c := credential{tenantID: e.required(varTenantID), clientID: e.required(varClientID)}
	if c.tenantID != "" && !guid.MatchString(c.tenantID) && !tenantName.MatchString(c.tenantID) {
		e.refuse(varTenantID, "%q is neither a GUID nor a domain of the tenant", c.tenantID)
	}
	if c.clientID != "" && !guid.MatchString(c.clientID) {
		e.refuse(varClientID, "%q is not a GUID: it is the application (client) ID, not the name", c.clientID)
	}
	switch chooseCredential(e) {
	case varClientSecret:
		c.secret = e.values[varClientSecret]
	case varClientCertificate:
		c.certificates, c.key = readClientCertificate(e, now)
	case varTokenFile:
		c.tokenFile = readTokenFile(e)
	}
	return c
}

// chooseCredential returns the one variable that is set, or nothing.
func chooseCredential(e *environment) string {
	ways := []string{varClientSecret, varClientCertificate, varTokenFile}
	var found []string
	for _, name := range ways {
		if e.value(name) != "" {
			found = append(found, name)
		}
	}
	if e.value(varCertificatePassword) != "" && e.value(varClientCertificate) == "" {
		e.refuse(varCertificatePassword, "is set, but %s is not", varClientCertificate)
	}
	switch len(found) {
	case 1:
		return found[0]
	case 0:
		e.refuse(strings.Join(ways, ", "), "are all missing: set exactly one of them; found none")
	default:
		e.refuse(strings.Join(ways, ", "), "exclude each other: set exactly one of them; found %s",
			strings.Join(found, " and "))
	}
	return ""
}

func readClientCertificate(e *environment, now time.Time) ([]*x509.Certificate, crypto.PrivateKey) {
	path := e.value(varClientCertificate)
	content, err := readPrivateFile(path)
	if err != nil {
		e.check(varClientCertificate, err)
		return nil, nil
	}
	certificates, key, err := azidentity.ParseCertificates(content, []byte(e.values[varCertificatePassword]))
	if err != nil {
		e.refuse(varClientCertificate, "%s cannot be read: %w. A PEM file with the certificate and its unencrypted key "+
			"always can", path, err)
		return nil, nil
	}
	certificates, err = ownCertificateFirst(certificates, key)
	if err == nil {
		err = validAt(certificates[0], now)
	}
	if err != nil {
		e.refuse(varClientCertificate, "%s cannot be used: %w", path, err)
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

func readTokenFile(e *environment) string {
	path := e.value(varTokenFile)
	token, err := readFile(path)
	if err == nil && strings.TrimSpace(string(token)) == "" {
		err = fmt.Errorf("%s is empty", path)
	}
	e.check(varTokenFile, err)
	return path
}

// open returns the credential for the cloud's own sign-in service.
func (c credential) open(at entrafed.Cloud, transport http.RoundTripper) (azcore.TokenCredential, error) {
	options := azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: at.Login + "/"}}
	if transport != nil {
		options.Transport = &http.Client{Transport: transport}
	}
	switch {
	case c.secret != "":
		return azidentity.NewClientSecretCredential(c.tenantID, c.clientID, c.secret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	case len(c.certificates) > 0:
		return azidentity.NewClientCertificateCredential(c.tenantID, c.clientID, c.certificates, c.key,
			&azidentity.ClientCertificateCredentialOptions{ClientOptions: options})
	}
	return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: options, TenantID: c.tenantID, ClientID: c.clientID, TokenFilePath: c.tokenFile,
	})
}
