package main

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

// newCredential makes what the application proves itself with to the cloud's own sign-in service.
func newCredential(e *environment, at entrafed.Cloud, transport http.RoundTripper) azcore.TokenCredential {
	options := azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: at.Login + "/"}}
	if transport != nil {
		options.Transport = &http.Client{Transport: transport}
	}
	tenant, client := e.required(varTenantID), e.required(varClientID)
	var credential azcore.TokenCredential
	var err error
	way := chooseCredential(e)
	switch way {
	case varClientSecret:
		credential, err = azidentity.NewClientSecretCredential(tenant, client, e.values[varClientSecret],
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	case varClientCertificate:
		credential, err = certificateCredential(e, tenant, client, options)
	case varTokenFile:
		credential, err = azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, TenantID: tenant, ClientID: client, TokenFilePath: e.value(varTokenFile),
		})
	}
	if err != nil {
		e.refuse(way, "cannot be used: %w", err)
	}
	return credential
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
	if len(found) == 1 {
		return found[0]
	}
	e.refuse(strings.Join(ways, ", ")+":", "exactly one of them must be set, and %d are", len(found))
	return ""
}

func certificateCredential(
	e *environment, tenant, client string, options azcore.ClientOptions,
) (azcore.TokenCredential, error) {
	content, err := readPrivateFile(e.value(varClientCertificate))
	if err != nil {
		return nil, err
	}
	certificates, key, err := azidentity.ParseCertificates(content, []byte(e.values[varCertificatePassword]))
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
