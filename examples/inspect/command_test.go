package main

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/internal/certtest"
)

// brokenPipe is a reader that has gone away.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// failing is standard input that cannot be read.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("interrupted") }

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"-h", "-help", "--help"} {
		got := inspect(t, "", flag)
		require.Equal(t, command.ExitOK, got.Code)
		require.Empty(t, got.Stderr)
		for _, line := range strings.Split(got.Stdout, "\n") {
			require.LessOrEqual(t, len(line), 120, line)
		}
	}
	golden(t, inspect(t, "", "-h").Stdout)
}

func TestEveryFlagOfTheHelpExists(t *testing.T) {
	t.Parallel()
	for _, f := range new(flags).list() {
		_, err := parseFlags([]string{"-" + f.Name, "2026-03-02T09:00:00Z"})
		require.False(t, err != nil && strings.Contains(err.Error(), "not defined"), f.Name)
	}
}

func TestWrongUsageEndsWith2(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	response := keep(t, vectorNamed(t, goodResponse).body)
	for name, tt := range map[string]struct {
		args []string
		says []string
	}{
		"nothing at all":         {nil, []string{"there is no response", "-issuer is missing", "-cert is missing"}},
		"no issuer":              {[]string{"-cert", certificate("contoso"), response}, []string{"-issuer is missing"}},
		"a flag that is unknown": {[]string{"-verbose"}, []string{"-verbose"}},
		"two responses":          {usual(response, response), []string{"is too much"}},
		"a flag after the file":  {usual(response, "-json"), []string{`"-json" is too much`}},
		"a user without an id":   {usual("-user", "a@contoso.com", response), []string{"go together"}},
		"a user that is no UPN":  {usual("-user", "a", "-immutable-id", "b", response), []string{"no user principal name"}},
		"a time that is none":    {usual("-at", "yesterday", response), []string{"-at"}},
		"MFA that is none":       {usual("-mfa", "yes", response), []string{"accept, enforce or reject"}},
		"a negative frequency":   {usual("-sign-in-frequency", "-1h", response), []string{"negative"}},
		"standard input twice":   {usual("-request", "-", "-"), []string{"standard input"}},
		"a missing file":         {usual(filepath.Join(folder, "no-such-file")), []string{"no-such-file"}},
		"a folder":               {usual(folder), []string{"reading"}},
		"an empty file":          {usual(keep(t, " \n")), []string{"is empty"}},
		"a huge file":            {usual(keep(t, strings.Repeat("a", maxInput+1))), []string{"no message of a sign-in"}},
		"HTTP that is broken":    {usual(keep(t, "POST /login.srf HTTP/1.1\nHost\n")), []string{"cannot be read"}},
		"an acs that is no URL":  {usual("-acs", "https://%zz", keep(t, "SAMLResponse=a")), []string{"-acs"}},
		"a missing certificate": {[]string{"-issuer", "x", "-cert", filepath.Join(folder, "x.pem"), response},
			[]string{"-cert", "x.pem"}},
		"a certificate that is none": {[]string{"-issuer", "x", "-cert", response, response},
			[]string{"neither PEM, nor base64, nor DER"}},
		"a key for a certificate": {
			[]string{"-issuer", "x", "-cert", strings.TrimSuffix(certificate("contoso"), "crt") + "key", response},
			[]string{"nothing here needs a private key"}},
		"a request that is none":       {usual("-request", keep(t, "<a/>"), response), []string{"-request", "not a SAML message"}},
		"a request that is a response": {usual("-request", response, response), []string{"it is no request"}},
		"a missing request":            {usual("-request", filepath.Join(folder, "x"), response), []string{"-request"}},
		"decode with a file":           {[]string{"-decode", "-", response}, []string{"-decode has its own file"}},
		"decode with an issuer": {[]string{"-decode", "-", "-issuer", "x", "-mfa", "accept"},
			[]string{"-issuer does not go", "-mfa does not go"}},
		"decode of nothing":         {[]string{"-decode", ""}, []string{"-decode is empty"}},
		"decode of a missing file":  {[]string{"-decode", filepath.Join(folder, "x")}, []string{"no such file"}},
		"decode, a bad certificate": {[]string{"-decode", "https://example.org", "-cert", response}, []string{"-cert"}},
	} {
		got := inspect(t, "x", tt.args...)
		require.Equal(t, command.ExitUsage, got.Code, name)
		require.Empty(t, got.Stdout, name)
		for _, says := range append(tt.says, "Try inspect -h.") {
			require.Contains(t, got.Stderr, says, name)
		}
	}
	p := reading("")
	p.Stdin = failing{}
	got := p.command(usual("-")...)
	require.Equal(t, command.ExitUsage, got.Code)
	require.Contains(t, got.Stderr, "interrupted")
}

func TestTheFormsOfACertificate(t *testing.T) {
	t.Parallel()
	stored, err := os.ReadFile(certificate("contoso"))
	require.NoError(t, err)
	block, _ := pem.Decode(stored)
	other, err := os.ReadFile(certificate("rogue"))
	require.NoError(t, err)
	private := pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(certtest.RSA(2048)),
	})
	for name, content := range map[string]string{
		"PEM":                 string(stored),
		"DER":                 string(block.Bytes),
		"base64":              base64.StdEncoding.EncodeToString(block.Bytes),
		"two, the second one": string(other) + string(stored),
		"after a private key": string(private) + string(stored),
	} {
		got := inspect(t, vectorNamed(t, goodResponse).body, "-issuer", "https://id.contoso.com/entra",
			"-cert", keep(t, content), "-")
		require.Equal(t, command.ExitOK, got.Code, name+got.Stderr+got.Stdout)
	}
	again := inspect(t, vectorNamed(t, goodResponse).body, "-issuer", "https://id.contoso.com/entra",
		"-cert", certificate("rogue"), "-cert", certificate("contoso"), "-")
	require.Equal(t, command.ExitOK, again.Code, "-cert is given twice")
}
