package environment

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/entrafed/entrafed"
)

// Credential makes what the application proves itself with to the cloud's own sign-in service.
func (e *Variables) Credential(at entrafed.Cloud, transport http.RoundTripper) azcore.TokenCredential {
	options := azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: at.Login + "/"}}
	if transport != nil {
		options.Transport = &http.Client{Transport: transport}
	}
	tenant, client := e.Required(TenantID), e.Required(ClientID)
	var credential azcore.TokenCredential
	var err error
	way := chooseCredential(e)
	switch way {
	case ClientSecret:
		credential, err = azidentity.NewClientSecretCredential(tenant, client, e.values[ClientSecret],
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	case ClientCertificate:
		credential, err = certificateCredential(e, tenant, client, options)
	case TokenFile:
		credential, err = azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, TenantID: tenant, ClientID: client, TokenFilePath: e.Value(TokenFile),
		})
	}
	if err != nil {
		e.Refuse(way, "cannot be used: %w", err)
	}
	return credential
}

// chooseCredential returns the one variable that is set, or nothing.
func chooseCredential(e *Variables) string {
	ways := []string{ClientSecret, ClientCertificate, TokenFile}
	var found []string
	for _, name := range ways {
		if e.Value(name) != "" {
			found = append(found, name)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	e.Refuse(strings.Join(ways, ", ")+":", "exactly one of them must be set, and %d are", len(found))
	return ""
}

func certificateCredential(
	e *Variables, tenant, client string, options azcore.ClientOptions,
) (azcore.TokenCredential, error) {
	content, err := readPrivateFile(e.Value(ClientCertificate))
	if err != nil {
		return nil, err
	}
	certificates, key, err := azidentity.ParseCertificates(content, []byte(e.values[CertificatePassword]))
	if err != nil {
		return nil, err
	}
	return azidentity.NewClientCertificateCredential(tenant, client, certificates, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: options})
}

const maxPrivateFile = 1 << 20 // bytes

// readPrivateFile reads a file with a private key, and refuses one that others may read.
func readPrivateFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file", path)
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows": // where these bits say nothing
		return nil, fmt.Errorf("%s is for its owner alone: chmod 600 %s", path, path)
	case info.Size() > maxPrivateFile:
		return nil, errors.New("it is too large")
	}
	return io.ReadAll(io.LimitReader(f, maxPrivateFile))
}
